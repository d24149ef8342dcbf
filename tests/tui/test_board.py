"""The rows of the dashboard's table: what is kept, in what order, whatever comes and goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.domain.facts import Place, RolloutRow
from rolloutctl.domain.fleet.board import Board, Sort
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.fleet.query import Query, complete, haystack_of, parse
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting
from rolloutctl.errors import UsageError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(
    name: str = "checkout",
    namespace: str = "shop",
    phase: str = "Healthy",
    *,
    minutes: int | None = 1,
    awaiting: Awaiting | None = None,
    plugins: tuple[str, ...] = (),
    labels: dict[str, str] | None = None,
    image: str = "shop:v1",
    **row: Any,
) -> Entry:
    facts: dict[str, Any] = dict.fromkeys(RolloutRow.__struct_fields__)
    facts |= {"message": "", "step_count": 0, "plugin_phase": "", "ready": 1, "desired": 1}
    facts |= {"images_from": (), "strategy": "canary", "revision": 1, "aborted": False}
    facts |= {"workload": "", "cluster": ""}
    facts |= {
        "ref": Ref(namespace, name),
        "phase": phase,
        "since": None if minutes is None else NOW - timedelta(minutes=minutes),
        "awaiting": awaiting,
        "images_to": (image,),
        "labels": labels or {},
        **row,
    }
    return Entry(RolloutRow(**facts), plugins=plugins)


# --- the query ----------------------------------------------------------------------------------

CHECKOUT = entry(
    phase="Degraded",
    plugins=("intuit/gate",),
    labels={"team": "payments", "tier": ""},
    image="registry.example/Shop:V2",
    aborted=True,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("   ", True),
        ("check", True),
        ("CHECK", True),
        ("shop/check", True),
        ("registry.example/shop:v2", True),
        ("check cart", False),
        ("!cart", True),
        ("-checkout", False),
        ("ns:shop", True),
        ("ns:sh", True),
        ("namespace:s*p", True),
        ("ns:hop", False),
        ("phase:degraded", True),
        ("phase:d", True),
        ("status:healthy", False),
        ("!phase:healthy", True),
        ("phase:", True),
        ("!ns:", True),
        ("plugin:intuit/gate", True),
        ("plugin:gate", True),
        ("plugin:ga", True),
        ("plugin:smoke", False),
        ("image:v2", True),
        ("image:v3", False),
        ("team=payments", True),
        ("team==payments", True),
        ("team!=payments", False),
        ("owner!=x", True),
        ("label:team", True),
        ("label:owner", False),
        ("label:team=pay*", True),
        ("context:prod", True),
        ("cluster:test", False),
        ("aborted", True),
        ("awaiting", False),
        ("!awaiting", True),
        ('"check', True),
        ("'ns:shop' check", True),
        ("!", True),
    ],
)
def test_a_query_keeps_what_it_says(text: str, kept: bool) -> None:
    assert parse(text).keeps(CHECKOUT, "prod-eu") is kept
    assert parse(text).keeps(CHECKOUT, "prod-eu", haystack_of(CHECKOUT)) is kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("phse:degraded", 'no "phse:" to filter by, did you mean phase:'),
        ("phase:helthy", 'no phase "helthy", did you mean healthy'),
        ("what:ever", 'no "what:" to filter by'),
    ],
)
def test_a_query_that_means_nothing_says_so(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_filter(text: str) -> None:
    try:
        parse(text).keeps(CHECKOUT)
    except UsageError as error:
        assert error.message and error.hint


def test_the_word_being_typed_is_completed() -> None:
    known = {"namespaces": ["shop", "search"], "plugins": ["intuit/gate"], "phases": ["Degraded"]}
    assert complete("cart ns:s", **known) == ["cart ns:search", "cart ns:shop"]
    assert complete("!phase:de", **known) == ["!phase:degraded"]
    assert complete("plugin:", **known) == ["plugin:intuit/gate"]
    assert complete("awai", **known) == ["awaiting"]
    assert complete("pl", **known) == ["plugin:"]
    assert complete("checkout ", **known) == []
    assert complete("", **known) == []


# --- the board ----------------------------------------------------------------------------------


def names(board: Board) -> list[str]:
    return [f"{row.cluster}{row.ref.name}" for row in board.rows(0, len(board))]


def test_what_needs_somebody_stands_first() -> None:
    board = Board()
    board.put_all(
        [
            entry("a", phase="Healthy"),
            entry("b", phase="Progressing"),
            entry("c", phase="Paused"),
            entry("d", phase="Paused", awaiting=Awaiting.PROMOTION),
            entry("e", phase="Degraded"),
            entry("f", phase="Weird"),
        ]
    )
    assert names(board) == ["e", "d", "c", "b", "f", "a"]
    assert board.awaiting == 1 and board.phases["Paused"] == 2
    board.arrange(Query(), Sort.NAME, reverse=True)
    assert names(board) == ["f", "e", "d", "c", "b", "a"]
    assert board.index(("", Ref("shop", "f"))) == 0


def test_orders_by_time() -> None:
    board = Board()
    board.put_all(
        [
            entry("old", phase="Paused", minutes=90),
            entry("new", phase="Paused", minutes=1),
            entry("fine", minutes=9000),
            entry("unknown", phase="Paused", minutes=None),
        ]
    )
    board.arrange(Query(), Sort.WAITING)
    assert names(board) == ["old", "new", "unknown", "fine"]
    board.arrange(Query(), Sort.CHANGED)
    assert names(board) == ["new", "old", "fine", "unknown"]


def test_a_row_says_whether_it_changed() -> None:
    board = Board()
    assert board.put(entry()) is True
    assert board.put(entry()) is False
    assert board.put(entry(phase="Degraded")) is True
    assert board.entry(("", Ref("shop", "checkout"))) == entry(phase="Degraded")
    assert board.drop(Ref("shop", "checkout")) is True
    assert board.drop(Ref("shop", "checkout")) is False
    assert (len(board), board.total, dict(board.phases)) == (0, 0, {})


def test_the_same_name_in_two_clusters_is_two_rows() -> None:
    board = Board()
    board.put(entry(), "prod")
    board.put(entry(phase="Degraded"), "test")
    assert names(board) == ["testcheckout", "prodcheckout"]
    board.arrange(parse("context:prod"), Sort.NAME)
    assert names(board) == ["prodcheckout"]
    board.leave("prod")
    assert (len(board), board.total) == (0, 1)


entries = st.builds(
    entry,
    st.sampled_from("abcd"),
    st.sampled_from(["shop", "billing"]),
    st.sampled_from(["Healthy", "Degraded", "Paused", "Progressing", "", "Weird"]),
    minutes=st.none() | st.integers(0, 3),
    awaiting=st.sampled_from([None, Awaiting.PROMOTION]),
    plugins=st.sampled_from([(), ("x/gate",)]),
)
clusters = st.sampled_from(["", "prod"])
moves = st.one_of(
    st.tuples(st.just("put"), entries, clusters),
    st.tuples(st.just("put_all"), st.lists(entries, max_size=5), clusters),
    st.tuples(st.just("drop"), entries, clusters),
    st.tuples(st.just("leave"), st.none(), clusters),
    st.tuples(
        st.just("arrange"),
        st.tuples(
            st.sampled_from(["", "a", "phase:healthy", "!awaiting", "plugin:gate ns:shop"]),
            st.sampled_from(Sort),
        ),
        st.booleans(),
    ),
)


@settings(max_examples=80)
@given(st.lists(moves, max_size=25))
def test_the_board_is_what_sorting_everything_anew_would_give(script: list[Any]) -> None:
    board = Board()
    there: dict[Place, Entry] = {}
    text, sort, turned = "", Sort.URGENCY, False
    for what, value, where in script:
        match what:
            case "put":
                board.put(value, where)
                there[where, value.row.ref] = value
            case "put_all":
                board.put_all(value, where)
                there |= {(where, one.row.ref): one for one in value}
            case "drop":
                board.drop(value.row.ref, where)
                there.pop((where, value.row.ref), None)
            case "leave":
                board.leave(where)
                there = {place: one for place, one in there.items() if place[0] != where}
            case _:
                (text, sort), turned = value, where
                board.arrange(parse(text), sort, reverse=turned)
    anew = Board()
    for place, one in sorted(there.items()):
        anew.put_all([one], place[0])
    anew.arrange(parse(text), sort, reverse=turned)
    rows = board.rows(0, len(board))
    assert rows == anew.rows(0, len(anew))
    kept = {place for place, one in there.items() if parse(text).keeps(one, place[0])}
    assert {row.place for row in rows} == kept
    assert [board.index(row.place) for row in rows] == list(range(len(rows)))
    assert (board.total, board.phases, board.plugins) == (len(there), anew.phases, anew.plugins)
    assert board.awaiting == anew.awaiting
