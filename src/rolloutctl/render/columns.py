"""Plain columns. Rows go out as they come in; only the first ones are measured.

(A table library lays out all rows before it prints the first: half a minute for a fleet.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, pad, piece_text, width, wrap
from rolloutctl.render.theme import to_ascii

GAP = 2
_NARROWEST_FLEX = 12


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[Piece]],
    surface: Surface,
    *,
    right: Collection[str] = (),
    drop: Sequence[str] = (),
    flex: str = "",
    sample: int = 200,
) -> Iterator[Line]:
    """The header and a line per row, in aligned columns. No rows: nothing at all.

    `right` names the columns of numbers. Where a terminal is too narrow the columns in `drop`
    are left out, first named first, and then the column `flex` (the last one by default) is
    wrapped over several lines; nothing is ever cut. Widths come from the first `sample` rows; a
    wider cell later on pushes what follows it.
    """
    source = iter(rows)
    first = [list(row) for row in islice(source, sample)]
    if not first:
        return
    if not surface.unicode:
        first = [[_ascii(cell) for cell in row] for row in first]
    sizes = [
        max(width(name), *(width(piece_text(row[index])) for row in first))
        for index, name in enumerate(header)
    ]
    shown = list(range(len(header)))
    room = surface.room
    for name in drop:
        if not room or _total(sizes, shown) <= room:
            break
        if name in header:
            shown.remove(header.index(name))
    bending = header.index(flex) if flex in header else shown[-1]
    if bending not in shown:
        bending = shown[-1]
    excess = _total(sizes, shown) - room
    wraps = bool(room) and excess > 0
    if wraps:
        sizes[bending] = max(_NARROWEST_FLEX, sizes[bending] - excess)
    layout = [_Column(index, sizes[index], header[index] in right) for index in shown]
    form = _form(layout)

    yield _row([Span(name, "dim") for name in header], layout)
    rest = source if surface.unicode else ([_ascii(cell) for cell in row] for row in source)
    for row in chain(first, rest):
        if wraps and width(piece_text(row[bending])) > sizes[bending]:
            yield from _wrapped(row, layout, bending)
            continue
        if not surface.colour:
            # One formatting call instead of a padded span a cell: most of a fleet's table.
            texts = [cell if isinstance(cell, str) else cell[0] for cell in row]
            text = form % tuple([texts[index] for index in shown])
            if text.isascii():
                yield (Span(text),)
                continue
        yield _row(row, layout)


def _total(sizes: Sequence[int], shown: Sequence[int]) -> int:
    return sum(sizes[index] for index in shown) + GAP * (len(shown) - 1)


def _ascii(cell: Piece) -> Piece:
    return to_ascii(cell) if isinstance(cell, str) else Span(to_ascii(cell.text), cell.style)


class _Column(NamedTuple):
    """A column that is shown: its place in a row, its cells' width, whether it holds numbers."""

    place: int
    size: int
    right: bool


def _form(layout: Sequence[_Column]) -> str:
    """A line as a %-format of its cells; it aligns text in which a character is a cell."""
    *columns, last = layout
    cells = [f"%{'' if column.right else '-'}{column.size}s" for column in columns]
    return (" " * GAP).join([*cells, f"%{last.size}s" if last.right else "%s"])


def _row(row: Sequence[Piece], layout: Sequence[_Column]) -> Line:
    spans: list[Span] = []
    last = layout[-1].place
    for place, size, right in layout:
        cell = row[place]
        text, style = (cell, "") if isinstance(cell, str) else cell
        if right:
            text = pad(text, size, right=True)
        elif place != last:
            text = pad(text, size)
        if place != last:
            # The gap carries the style too: one span a cell keeps long tables quick.
            text += " " * GAP
        spans.append(Span(text, style))
    return tuple(spans)


def _wrapped(row: Sequence[Piece], layout: Sequence[_Column], bending: int) -> Iterator[Line]:
    cell = row[bending]
    span = Span(cell) if isinstance(cell, str) else cell
    room = next(column.size for column in layout if column.place == bending)
    for number, part in enumerate(wrap((span,), room)):
        cells: list[Piece] = list(row) if number == 0 else [""] * len(row)
        cells[bending] = Span("".join(piece.text for piece in part), span.style)
        yield _row(cells, layout)
