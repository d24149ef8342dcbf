"""The version of the program."""

from __future__ import annotations

from rolloutctl import __version__


def version() -> str:
    """For example "0.1.0". Not asked of the package's metadata, whose reader starts slowly."""
    return __version__
