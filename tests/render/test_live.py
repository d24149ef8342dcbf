"""A picture in place, on a terminal small enough to model here."""

from __future__ import annotations

import re

from rolloutctl.render.live import Live
from rolloutctl.render.text import Line, line


class Terminal:
    """Understands what `Live` writes: text, newlines, cursor up, erasing; wraps, scrolls."""

    def __init__(self, columns: int, rows: int, before: list[str]) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [*before, ""]
        self.row, self.column = len(before), 0
        self.hidden = False

    def write(self, text: str) -> None:
        for token in re.findall(r"\x1b\[\??\d*[A-Za-z]|\r|\n|[^\x1b\r\n]", text):
            if token == "\r":
                self.column = 0
            elif token == "\n":
                self._down()
                self.column = 0
            elif token.startswith("\x1b["):
                self._control(token)
            else:
                if self.column == self.columns:
                    self._down()
                    self.column = 0
                kept = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = kept[: self.column] + token + kept[self.column + 1 :]
                self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def _control(self, token: str) -> None:
        if token.endswith("A"):
            top = max(0, len(self.lines) - self.rows)
            self.row = max(top, self.row - int(token[2:-1]))
        elif token.endswith("K"):
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif token.endswith("J"):
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        elif token.startswith("\x1b[?25"):
            self.hidden = token.endswith("l")
        else:
            raise AssertionError(f"the terminal does not know {token!r}")

    @property
    def text(self) -> list[str]:
        return [item.rstrip() for item in self.lines][: self.row]


def picture(*texts: str) -> list[Line]:
    return [line(text) for text in texts]


def test_what_was_there_before_stays_and_the_picture_is_replaced() -> None:
    terminal, live = Terminal(20, 10, ["$ ls", "file"]), Live(colour=False)
    terminal.write(live.draw(picture("one", "two", "three"), columns=20, rows=10))
    assert terminal.text == ["$ ls", "file", "one", "two", "three"]
    terminal.write(live.draw(picture("ONE", "x"), columns=20, rows=10))
    assert terminal.text == ["$ ls", "file", "ONE", "x"]
    assert terminal.hidden
    terminal.write(live.finish(picture("the", "end", "is", "here"), columns=20))
    assert terminal.text == ["$ ls", "file", "the", "end", "is", "here"]
    assert not terminal.hidden


def test_a_picture_taller_than_the_terminal_says_so_and_ends_whole() -> None:
    terminal, live = Terminal(40, 5, ["$"]), Live(colour=False)
    tall = [f"line {index}" for index in range(20)]
    for _ in range(3):
        terminal.write(live.draw(picture(*tall), columns=40, rows=5))
        assert terminal.text[:4] == ["$", *tall[:3]]
        assert terminal.text[4:] == ["17 more lines: a taller window shows th…"]
    terminal.write(live.finish(picture(*tall), columns=40))
    assert terminal.text == ["$", *tall]


def test_a_terminal_made_narrower_is_still_cleaned_up() -> None:
    live = Live(colour=False)
    first = live.draw(picture("a" * 30, "b"), columns=40, rows=10)
    # The terminal shows the same lines in 10 columns now: the long one takes three rows.
    terminal = Terminal(10, 10, ["$"])
    terminal.write(first)
    assert terminal.text == ["$", "a" * 10, "a" * 10, "a" * 10, "b"]
    terminal.write(live.draw(picture("short"), columns=10, rows=10))
    assert terminal.text == ["$", "short"]


def test_without_a_last_picture_what_is_there_stays() -> None:
    terminal, live = Terminal(20, 10, []), Live(colour=False)
    terminal.write(live.draw(picture("one"), columns=20, rows=10))
    terminal.write(live.finish(None, columns=20))
    assert terminal.text == ["one"]
    assert not terminal.hidden
