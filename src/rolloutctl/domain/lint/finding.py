"""What a check is given and what it says: manifests with the places of their fields, findings."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from rolloutctl.domain.wire import Json

Path = tuple[str | int, ...]
"""The way to a field: ("spec", "strategy", "canary", "steps", 0, "setWeight")."""


class Severity(enum.StrEnum):
    """How bad it is. Only an ERROR makes the command fail."""

    ERROR = "error"
    """The API server or the controller refuses it, or it cannot work."""
    WARNING = "warning"
    NOTE = "note"


class Place(msgspec.Struct, frozen=True):
    """Where something stands: `line` and `column` from 1, 0 where that is not known."""

    file: str
    line: int = 0
    column: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """One object as it was read. `where` gives the place of a field, or of the nearest field above
    it that is there."""

    data: Json
    where: Callable[[Path], Place]

    @property
    def kind(self) -> str:
        return _text(self.data.get("kind"))

    @property
    def api_version(self) -> str:
        return _text(self.data.get("apiVersion"))

    @property
    def namespace(self) -> str:
        """ "" where it names none."""
        return _text(_part(self.data, "metadata", "namespace"))

    @property
    def name(self) -> str:
        return _text(_part(self.data, "metadata", "name"))

    def at(self, *path: str | int) -> Any:
        """The value at a path, None where there is none."""
        return _part(self.data, *path)


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong. `rule` is its short, stable name ("unknown-plugin"); `message` is
    the controller's own where the controller has one; `hint` says what to do, or is ""."""

    rule: str
    severity: Severity
    message: str
    manifest: Manifest
    path: Path = ()
    hint: str = ""

    @property
    def place(self) -> Place:
        return self.manifest.where(self.path)


Check = Callable[[Manifest, Sequence[Manifest]], Iterable[Finding]]
"""Looks at one manifest, knowing all of those that were given."""


def _part(value: Any, *path: str | int) -> Any:
    for part in path:
        if isinstance(part, str):
            value = value.get(part) if isinstance(value, dict) else None
        else:
            inside = isinstance(value, list) and -len(value) <= part < len(value)
            value = value[part] if inside else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
