"""Views on terminals that cannot print Unicode, and words for times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rolloutctl.actions import inspect
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import picture
from rolloutctl.render import words
from rolloutctl.render.problems import error_lines
from rolloutctl.render.surface import Surface
from rolloutctl.render.theme import to_text
from rolloutctl.render.views import rollout as view
from support.fake_cluster import FakeCluster
from support.objects import GATE, PAUSE, START, aborted, record, weight
from support.screens import SCREENS, screen


@pytest.mark.parametrize("name", list(SCREENS))
def test_ascii_terminals_get_ascii_in_the_width_they_have(name: str) -> None:
    found = screen(name)
    look = inspect.examine(FakeCluster(found.objects), Ref("shop", "demo"))
    surface = Surface(width=72, unicode=False, now=found.now)
    text = to_text(view.lines(look.picture, surface), colour=False, unicode=False)
    assert text.isascii()
    assert "?" not in text
    assert max(map(len, text.splitlines())) <= 72


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        ([], ["shop/checkout:v2"], "checkout:v2"),
        (["r.example:5000/a/checkout:v1"], ["r.example:5000/a/checkout:v2"], "checkout:v1 → v2"),
        (["a:1"], ["b:1"], "a:1 → b:1"),
        (["a:1", "side:9"], ["a:2", "side:9"], "a:1 → 2"),
        (["a:1"], ["a:2", "b:1"], "a:1 → a:2, b:1"),
        ([], ["a@sha256:0123456789abcdef"], "a@0123456"),
        (["a:1"], ["a:1"], "a:1"),
    ],
)
def test_images(before: list[str], now: list[str], shown: str) -> None:
    assert words.images(before, now, Surface()) == shown


def test_moments() -> None:
    now = datetime(2026, 11, 22, 14, 15, tzinfo=UTC)
    assert words.age(now - timedelta(minutes=12), now) == "12m"
    assert words.age(None, now) == ""
    assert words.age(now + timedelta(hours=1), now) == "0s"
    assert words.clock(now, now) == "14:15:00"
    assert words.clock(now - timedelta(days=1), now) == "2026-11-21 14:15"


def test_an_error_says_what_which_and_what_next() -> None:
    said = ('no rollout "x"', "did you mean y?\n  - a: [b]")
    lines = to_text(error_lines(*said, Surface(width=200), subject="shop/x"), colour=False)
    assert lines == '✗ shop/x: no rollout "x"\n  did you mean y?\n    - a: [b]\n'
    narrow = to_text(error_lines(*said, Surface(width=12, unicode=False)), colour=False)
    assert narrow == 'error: no\n  rollout\n  "x"\n  did you\n    mean y?\n    - a: [b]\n'


def test_an_error_of_several_lines_is_told_whole() -> None:
    lines = error_lines("cannot read it:\n  line 3\x1b[31m", "", Surface(terminal=False))
    assert to_text(lines, colour=False) == "✗ cannot read it:\n    line 3\n"


def test_what_an_abort_call_said_stands_once() -> None:
    records = [
        record(1, "Successful", message="ok"),
        record(1, "Successful", operation="Abort", message="rolled back"),
    ]
    facts = picture(aborted(weight(20), GATE, PAUSE, records=records))
    text = to_text(view.lines(facts, Surface(terminal=False, now=START)), colour=False)
    assert text.count("rolled back") == 1
    assert 'plugin demo/gate   Successful, "ok", Abort: Successful\n' in text


def test_a_rollout_that_is_being_deleted_says_so_in_its_first_line() -> None:
    r = aborted(weight(20))
    r.metadata.deletion_timestamp = START
    first = view.lines(picture(r), Surface(terminal=False, now=START))[0]
    assert "being deleted" in to_text([first], colour=False)
