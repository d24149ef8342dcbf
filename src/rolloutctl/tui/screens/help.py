"""What every key does here, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Input

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, pad, wrap
from rolloutctl.tui.screens.report import ReportScreen

_FILTER = (
    ("checkout", "a part of namespace/name, or of an image"),
    ("ns:shop", "a namespace that begins so, or *globs*"),
    ("phase:degraded", "Healthy, Progressing, Paused, Degraded"),
    ("plugin:gate", "uses a step plugin"),
    ("awaiting, aborted", "waits for a person; was aborted"),
    ("team=payments, label:team", "labels"),
    ("image:v2, context:prod", "an image, a cluster"),
    ("!term", "turns any of them round; all terms must hold"),
)
_KEYS = {
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
}


class HelpScreen(ReportScreen):
    title_text = "Keys"

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        # What has the focus now will not have it while this is read.
        self._owners = (of, of.app, of.focused)

    def lines(self, surface: Surface) -> Sequence[Line]:
        seen: set[tuple[str, str]] = set()
        rows: list[tuple[str, str]] = []
        for node in self._owners:
            if node is None or isinstance(node, Input):
                continue
            for keys in node._bindings.key_to_bindings.values():
                for binding in keys:
                    _add(rows, seen, binding)
        result = [_row(keys, said) for keys, said in rows]
        result += [(), line(Span("The filter", "strong"))]
        for term, said in _FILTER:
            result += wrap(_row(term, said, 28), surface.room, indent=28)
        return result


def _add(rows: list[tuple[str, str]], seen: set[tuple[str, str]], binding: Binding) -> None:
    key = _KEYS.get(binding.key, binding.key)
    if not binding.description or binding.system or (key, binding.description) in seen:
        return
    seen.add((key, binding.description))
    for number, (keys, said) in enumerate(rows):
        if said == binding.description:
            rows[number] = (f"{keys}, {key}", said)
            return
    rows.append((key, binding.description))


def _row(keys: str, said: str, size: int = 24) -> Line:
    return line(Span(pad(keys, size), "accent"), said)
