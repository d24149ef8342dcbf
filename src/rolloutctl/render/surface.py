"""What a view draws on: the few facts about the terminal and the moment that change a picture."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Symbols(NamedTuple):
    """Signs that accompany words (they never stand for them), one cell each but `arrow`."""

    done: str = "✓"
    failed: str = "✗"
    current: str = "▸"
    skipped: str = "–"
    event: str = "►"
    arrow: str = "→"
    dot: str = "·"
    full: str = "█"
    empty: str = "░"
    ellipsis: str = "…"
    spark: str = "▁▂▃▄▅▆▇█"
    """From low to high."""


UNICODE = Symbols()
ASCII = Symbols("+", "x", ">", "-", ">", "->", "-", "#", ".", "...", "_.:-=+*#")


class Surface(NamedTuple):
    """`width` in cells (0: as wide as it needs); `now` is aware, of the clock the tool uses.

    `terminal` is false where a program or a file reads: then nothing is fitted to a width.
    """

    width: int = 80
    unicode: bool = True
    now: datetime = datetime.min
    colour: bool = False
    terminal: bool = True

    @property
    def symbols(self) -> Symbols:
        return UNICODE if self.unicode else ASCII

    @property
    def room(self) -> int:
        """The cells lines are fitted to, 0 when they are not fitted at all."""
        return self.width if self.terminal else 0
