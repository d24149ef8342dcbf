"""Two templates as a diff of their YAML."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from rolloutctl.domain.comparing import Comparison, Side
from rolloutctl.render import serialize
from rolloutctl.render.text import Line, Span, line, safe

_FIRST = ("name", "image", "apiVersion", "kind", "metadata", "spec")
_STYLES = {"+": "good", "-": "bad", "@": "accent"}
_CONTEXT = 3
_LONGEST = 2000


def called(side: Side) -> str:
    """ "revision 4 (stable)", "the present template", "rollout.yaml"."""
    if side.called == "file":
        return safe(side.source, 200)
    if side.called == "present":
        known = f" (revision {side.revision})" if side.revision is not None else ""
        return f"the present template{known}"
    return f"revision {side.revision}" + (" (stable)" if side.called == "stable" else "")


def lines(found: Comparison, *, context: int = _CONTEXT) -> Iterator[Line]:
    """A unified diff; nothing where both are the same."""
    old, new = (_text(side) for side in found.texts)
    before, after = called(found.before), called(found.after)
    for number, row in enumerate(
        difflib.unified_diff(old, new, before, after, n=context, lineterm="")
    ):
        text = safe(row.expandtabs(2), _LONGEST) if row.strip() else ""
        style = "strong" if number < 2 else _STYLES.get(row[:1], "")
        yield line(Span(text, style))


def _text(value: Any) -> list[str]:
    return serialize.to_yaml(_ordered(value)).splitlines()


def _ordered(value: Any) -> Any:
    """Keys in one order on both sides, what names a thing first."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (key not in _FIRST, _place(key), str(key)))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    return value


def _place(key: str) -> int:
    return _FIRST.index(key) if key in _FIRST else 0
