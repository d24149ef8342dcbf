"""The version of the installed package, without importing package metadata machinery twice."""

from __future__ import annotations


def version() -> str:
    """For example "0.1.0"; "unknown" when run from a tree that is not installed."""
    from importlib import metadata

    try:
        return metadata.version("rolloutctl")
    except metadata.PackageNotFoundError:
        return "unknown"
