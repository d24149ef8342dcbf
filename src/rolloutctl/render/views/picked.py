"""What a query or columns pick out of documents, as text: bare values, and a plain table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rolloutctl.render.columns import GAP
from rolloutctl.render.serialize import to_json, to_jsonl
from rolloutctl.render.text import Line, Span, pad, safe, width

NOTHING = "-"
_SCALAR = (str, int, float, bool, type(None))


def bare(value: Any) -> str:
    """What a shell works with: a string as it is, a list of plain values one a line, else JSON.

    What is not there is an empty line. A string is one harmless line; JSON has it to the letter.
    """
    if isinstance(value, _SCALAR):
        return f"{word(value)}\n"
    if isinstance(value, list) and all(isinstance(item, _SCALAR) for item in value):
        return "".join(f"{word(item)}\n" for item in value)
    return to_json(value)


def word(value: Any) -> str:
    """A value within a line: text without quotes, everything else as JSON; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value, 0)
    if isinstance(value, (list, dict)):
        return safe(to_jsonl(value).rstrip("\n"), 0)
    return json.dumps(value)


def cell(value: Any) -> str:
    """A value in a table: a list of plain values with commas; "-" where there is nothing."""
    if isinstance(value, list) and all(isinstance(item, _SCALAR) for item in value):
        return ",".join(map(word, value)) or NOTHING
    return word(value) or NOTHING


class Grid:
    """A table that grows. The first rows set the widths; a wider cell pushes what follows it."""

    def __init__(self, header: Sequence[str], *, headless: bool = False) -> None:
        self._header = [safe(name) for name in header]
        self._headless = headless
        self._sizes: list[int] = []

    def lines(self, rows: Iterable[Sequence[Any]]) -> list[Line]:
        """The rows' lines, with the header above the first ones; no rows: nothing at all."""
        cells = [[cell(value) for value in row] for row in rows]
        if not cells:
            return []
        lines: list[Line] = []
        if not self._sizes:
            above = [] if self._headless else [self._header]
            self._sizes = [max(map(width, column)) for column in zip(*above, *cells, strict=True)]
            lines = [(Span(self._line(names), "dim"),) for names in above]
        return [*lines, *((Span(self._line(row)),) for row in cells)]

    def _line(self, cells: Sequence[str]) -> str:
        padded = [pad(text, size) for text, size in zip(cells, self._sizes, strict=True)]
        return (" " * GAP).join(padded).rstrip()
