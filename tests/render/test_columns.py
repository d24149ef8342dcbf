"""Tables that stream."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Piece, Span, width
from rolloutctl.render.theme import one_line, to_text

WIDE = Surface(terminal=False)


def shown(*args: object, **kwargs: object) -> list[str]:
    return [one_line(item, colour=False) for item in table(*args, **kwargs)]  # type: ignore[arg-type]


def test_columns_line_up_and_numbers_stand_right() -> None:
    rows = [["checkout", Span("40"), "x"], ["日本", "5", ""]]
    assert shown(["NAME", "N", "IMAGE"], rows, WIDE, right={"N"}) == [
        "NAME       N  IMAGE",
        "checkout  40  x",
        "日本       5",
    ]


def test_no_rows_no_header() -> None:
    assert shown(["A"], [], WIDE) == []


def test_rows_go_out_before_the_last_has_come() -> None:
    seen = 0

    def rows() -> Iterator[list[str]]:
        nonlocal seen
        for index in itertools.count():
            seen = index
            yield [str(index), "x"]

    lines = list(itertools.islice(table(["A", "B"], rows(), WIDE, sample=10), 50))
    assert len(lines) == 50
    assert seen < 60


def test_a_wider_cell_later_is_not_cut() -> None:
    rows = [["a", "b"]] * 3 + [["very-long-name", "b"]]
    assert shown(["A", "B"], rows, WIDE, sample=2)[-1] == "very-long-name  b"


def test_a_narrow_terminal_drops_what_matters_least_then_wraps() -> None:
    rows = [["checkout", "Paused", "12m", "checkout:v1.9.2 to checkout:v1.10.0"]]
    header = ["NAME", "STATUS", "SINCE", "IMAGE"]
    lines = shown(header, rows, Surface(width=36), drop=["SINCE"])
    assert max(map(width, lines)) <= 36
    assert "SINCE" not in lines[0]
    assert "".join(lines[1:]).replace(" ", "") == "checkoutPausedcheckout:v1.9.2tocheckout:v1.10.0"
    assert "SINCE" in shown(header, rows, WIDE, drop=["SINCE"])[0]


def test_ascii_cells_are_measured_as_they_are_written() -> None:
    rows = [["v1→v2", "x"], ["v1", "y"]]
    lines = shown(["IMAGE", "B"], rows, Surface(unicode=False, terminal=False))
    assert lines == ["IMAGE   B", "v1->v2  x", "v1      y"]


CELLS = st.text(st.sampled_from("ab 9/→é日%{}"), max_size=6)
PIECES = st.one_of(CELLS, st.builds(Span, CELLS, st.sampled_from(["", "bad", "dim"])))


@given(st.lists(st.tuples(PIECES, PIECES, PIECES), max_size=5), st.booleans())
def test_the_quick_way_without_colour_says_what_the_other_says(
    rows: list[tuple[Piece, ...]], unicode: bool
) -> None:
    def drawn(colour: bool) -> str:
        surface = Surface(width=0, unicode=unicode, colour=colour, terminal=False)
        lines = table(["NAME", "N", "IMAGE"], rows, surface, right={"N"}, sample=2)
        return to_text(lines, colour=False, unicode=unicode)

    assert drawn(colour=False) == drawn(colour=True)
