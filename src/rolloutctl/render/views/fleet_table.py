"""Rows of a table of which only a window is ever seen: each line is made when it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rolloutctl.domain.tree import RolloutRow
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, cut, pad, piece_text, width
from rolloutctl.render.views.table import cluster_names, header, row_cells

_GAP = 2
_GUTTER = 2
_RIGHT = frozenset({"SINCE", "WEIGHT", "READY"})
_WIDEST = {"NAME": 60, "NAMESPACE": 40, "CLUSTER": 40, "STEP": 60, "IMAGE": 60}


class _Way(NamedTuple):
    """One way to get by with less room: a column no narrower than `least`, or (0) left out."""

    name: str
    least: int = 0


_WAYS = (
    _Way("IMAGE", 16),
    _Way("READY"),
    _Way("WEIGHT"),
    _Way("STEP", 24),
    _Way("IMAGE"),
    _Way("SINCE"),
    _Way("NAMESPACE", 14),
    _Way("CLUSTER", 10),
    _Way("NAME", 24),
    _Way("STEP", 12),
    _Way("NAMESPACE", 8),
    _Way("NAME", 10),
    _Way("STEP"),
    _Way("CLUSTER"),
    _Way("NAMESPACE"),
    _Way("STATUS", 6),
    _Way("NAME", 4),
)
"""Tried in this order: what says what to do (NAME, STATUS, STEP) gives way last."""


class Mark(NamedTuple):
    """What stands in front of a row: a sign, since no colour may say it alone."""

    marked: bool = False
    fresh: bool = False
    """It changed just now."""


class FleetTable:
    """The columns of a table, as wide as the rows seen so far need; they never get narrower
    until `reset`, so that nothing jumps while one scrolls."""

    def __init__(self, *, namespaces: bool = True, clusters: Sequence[str] = ()) -> None:
        self._clusters = tuple(clusters)
        self._namespaces = namespaces
        self._names = header(namespaces=namespaces, wide=False, clusters=bool(clusters))
        self._natural: list[int] = []
        self._sizes: list[int] = []
        self._room = 0
        self._called: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets the rows seen: the columns are measured anew."""
        self._natural = [width(name) for name in self._names]
        self._room = 0

    def fit(self, rows: Iterable[RolloutRow], surface: Surface) -> bool:
        """Makes room for these rows on a screen of `surface.width`; whether a column changed."""
        if surface.width != self._room:
            self._called = cluster_names(self._clusters, surface)
        natural = list(self._natural)
        for row in rows:
            for place, cell in enumerate(self._cells(row, surface)):
                natural[place] = max(natural[place], width(piece_text(cell)))
        natural = [
            min(size, _WIDEST.get(name, size))
            for name, size in zip(self._names, natural, strict=True)
        ]
        if natural == self._natural and surface.width == self._room:
            return False
        self._natural, self._room = natural, surface.width
        sizes = _fitted(self._names, natural, surface.width - _GUTTER)
        changed = sizes != self._sizes
        self._sizes = sizes
        return changed

    def head(self) -> Line:
        return self._line([Span(name, "dim") for name in self._names], Span("  "))

    def line(self, row: RolloutRow, surface: Surface, mark: Mark) -> Line:
        """One row; `fit` must have been called before."""
        sign = "*" if mark.marked else surface.symbols.dot if mark.fresh else " "
        return self._line(
            self._cells(row, surface), Span(f"{sign} ", "wait" if sign != " " else "")
        )

    def _cells(self, row: RolloutRow, surface: Surface) -> list[Piece]:
        cells = row_cells(row, surface, namespaces=self._namespaces, wide=False)
        return [self._called.get(row.cluster, row.cluster), *cells] if self._clusters else cells

    def _line(self, cells: Sequence[Piece], gutter: Span) -> Line:
        spans = [gutter]
        last = max((place for place, size in enumerate(self._sizes) if size), default=0)
        for place, size in enumerate(self._sizes):
            if not size:
                continue
            cell = cells[place]
            text, style = (cell, "") if isinstance(cell, str) else cell
            text = pad(cut(text, size), size, right=self._names[place] in _RIGHT)
            spans.append(Span(text if place == last else text + " " * _GAP, style))
        return tuple(spans)


def _fitted(names: Sequence[str], natural: Sequence[int], room: int) -> list[int]:
    """The width of each column on a screen with `room` cells; 0 for one that is left out."""
    sizes = dict(zip(names, natural, strict=True))
    for way in _WAYS:
        shown = [size for size in sizes.values() if size]
        excess = sum(shown) + _GAP * (len(shown) - 1) - room
        if excess <= 0:
            break
        size = sizes.get(way.name, 0)
        if not way.least:
            if way.name in sizes:
                sizes[way.name] = 0
        elif size > way.least:
            sizes[way.name] = max(way.least, size - excess)
    shown_sizes = [sizes[name] for name in names]
    spare = room - sum(shown_sizes) - _GAP * (sum(map(bool, shown_sizes)) - 1)
    # A column that was made narrower takes back what others left by going.
    for name in ("NAME", "STEP", "NAMESPACE", "IMAGE"):
        place = names.index(name) if name in names else -1
        if spare > 0 and place >= 0 and 0 < shown_sizes[place] < natural[place]:
            more = min(spare, natural[place] - shown_sizes[place])
            shown_sizes[place] += more
            spare -= more
    return shown_sizes
