"""The gate for text from a cluster, and lines on a terminal."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.render.text import (
    ELLIPSIS,
    Span,
    cut,
    join,
    line,
    pad,
    safe,
    width,
    wrap,
)
from rolloutctl.render.theme import one_line, to_ascii, to_text

_ANY = st.text(st.characters(), max_size=300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (None, ""),
        (42, "42"),
        ("a\nb\r\n   c\td", "a b c d"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("bell\x07null\x00del\x7f", "bellnulldel"),
        ("abc\u202edef\u2066ghi\u200b\ufeff", "abcdefghi"),
        ("half\ud800", "half\ufffd"),
        ("line\u2028para\u2029\x85x", "line para x"),
        ("[bold red]x[/] {braces} %s", "[bold red]x[/] {braces} %s"),
        ("日本語 ✓", "日本語 ✓"),
        ("no\u00a0break", "no break"),
        ("\u3164\u2800", ""),
        ("z" + "\u0301" * 50, "z\u0301\u0301"),
    ],
)
def test_safe(text: object, shown: str) -> None:
    assert safe(text) == shown


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert safe("x" * 300, 10) == "x" * 9 + ELLIPSIS
    assert safe("x" * 300, 0) == "x" * 300
    assert safe("\x1b[31m" * 1000 + "hidden", 20).endswith(ELLIPSIS)


def test_a_huge_text_costs_nothing() -> None:
    started = time.perf_counter()
    for evil in ("\x1b[" * 500_000, " \n" * 500_000, "\x1b]" * 500_000, "a" * 1_000_000):
        assert len(safe(evil, 200)) <= 200
    assert time.perf_counter() - started < 0.5


@given(_ANY)
def test_nothing_a_terminal_would_obey_passes(text: str) -> None:
    shown = safe(text)
    assert len(shown) <= 200
    for char in shown:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    shown.encode()
    assert safe(shown) == shown


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("日本", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("🚀", 2),
        ("❤\ufe0f", 2),
        ("─│", 2),
        ("", 0),
    ],
)
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


def test_pad_and_cut_count_cells() -> None:
    assert pad("日", 4) == "日  "
    assert pad("7", 3, right=True) == "  7"
    assert pad("long", 2) == "long"
    assert cut("日本語", 5) == "日本…"
    assert cut("abc", 3) == "abc"


def test_join_leaves_out_what_is_empty() -> None:
    assert join(["a", "", Span("b", "bad"), ()], ", ") == (
        Span("a"),
        Span(", "),
        Span("b", "bad"),
    )


@given(st.lists(st.text("ab 日", max_size=12), max_size=12), st.integers(4, 40))
def test_wrapping_loses_nothing_and_fits(parts: list[str], cells: int) -> None:
    content = line(*(Span(part, "bad") for part in parts))
    lines = wrap(content, cells, indent=2)
    text = "".join(span.text for span in content)
    assert "".join("".join(s.text for s in item) for item in lines).replace(
        " ", ""
    ) == text.replace(" ", "")
    assert all(width(item) <= cells for item in lines) or width(content) <= cells


def test_wrapping_keeps_words_whole_and_indents_the_rest() -> None:
    lines = wrap(line("one two ", Span("three four", "bad"), " five"), 10, indent=2)
    assert [one_line(item, colour=False) for item in lines] == [
        "one two",
        "  three",
        "  four",
        "  five",
    ]


def test_colour_and_ascii_are_decided_in_one_place() -> None:
    content = [line("a ", Span("✓ good", "good"), Span(" ", "bad"))]
    assert to_text(content, colour=False) == "a ✓ good\n"
    assert to_text(content, colour=True) == "a \x1b[32m✓ good\x1b[0m\n"
    assert to_text(content, colour=False, unicode=False) == "a + good\n"
    assert to_ascii("40 → 80 日") == "40 -> 80 ?"
