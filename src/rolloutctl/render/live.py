"""A picture that is redrawn in place, without touching what scrolled by before.

Nothing is printed here: each call returns the text to write to the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.render.text import Line, Span, cut, width
from rolloutctl.render.theme import one_line

_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"


class Live:
    """The state of one picture on one terminal.

    What does not fit on the screen is left out with a word about it (a terminal cannot rewrite
    what has scrolled off); `finish` prints the last picture whole.
    """

    def __init__(self, *, colour: bool, unicode: bool = True) -> None:
        self._colour = colour
        self._unicode = unicode
        self._drawn: list[int] = []
        """The cells of each line now on the screen."""
        self._started = False

    def draw(self, lines: Sequence[Line], *, columns: int, rows: int) -> str:
        """The text that replaces the picture by `lines` on a terminal of that size."""
        room = max(1, rows - 1)  # the cursor rests on the line below the picture
        shown = list(lines)
        if _rows(_cells(shown), columns) > room:
            kept: list[Line] = []
            used = 0
            for line in shown:
                used += _line_rows(width(line), columns)
                if used > room - 1:
                    break
                kept.append(line)
            left = len(shown) - len(kept)
            more = cut(f"{left} more lines: a taller window shows them", columns)
            shown = [*kept, (Span(more, "dim"),)]
        text = self._up(columns)
        if not self._started:
            text = _HIDE_CURSOR + text
            self._started = True
        for line in shown:
            drawn = one_line(line, colour=self._colour, unicode=self._unicode)
            text += f"{drawn}\x1b[K\n"
        self._drawn = _cells(shown)
        return text + "\x1b[J"

    def finish(self, lines: Sequence[Line] | None, *, columns: int) -> str:
        """The text that puts the whole of `lines` in the picture's place (None: leaves it)."""
        text = ""
        if lines is not None:
            text = self._up(columns)
            for line in lines:
                drawn = one_line(line, colour=self._colour, unicode=self._unicode)
                text += f"{drawn}\x1b[K\n"
            text += "\x1b[J"
        self._drawn = []
        if self._started:
            text += _SHOW_CURSOR
            self._started = False
        return text

    def _up(self, columns: int) -> str:
        # A terminal that became narrower has wrapped our lines: count what they take up now.
        up = _rows(self._drawn, columns)
        return f"\r\x1b[{up}A" if up else "\r"


def _cells(lines: Sequence[Line]) -> list[int]:
    return [width(line) for line in lines]


def _line_rows(cells: int, columns: int) -> int:
    return max(1, -(-cells // columns)) if columns > 0 else 1


def _rows(cells: Sequence[int], columns: int) -> int:
    return sum(_line_rows(count, columns) for count in cells)
