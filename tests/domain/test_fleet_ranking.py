"""Rows that change one by one are counted and ordered as if they were looked at all together."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rolloutctl.domain.fleet.ranking import Ranking
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting
from rolloutctl.domain.tree import RolloutRow, row
from support.recorded_states import STORIES, states

MODEL = row(next(iter(states(STORIES[0]))).rollout)
START = datetime(2026, 3, 14, 9, tzinfo=UTC)
ROWS = st.builds(
    lambda name, phase, since, awaiting: replace(
        MODEL,
        ref=Ref("shop", name),
        phase=phase,
        since=None if since is None else START + timedelta(minutes=since),
        awaiting=awaiting,
    ),
    st.sampled_from("abcdef"),
    st.sampled_from(["Healthy", "Degraded", "Paused", "Progressing", "Odd"]),
    st.none() | st.integers(0, 5),
    st.none() | st.sampled_from(Awaiting),
)
MOVES = st.lists(ROWS | st.sampled_from("abcdef") | st.just(None), max_size=30)


@given(MOVES, st.booleans())
def test_counts_and_order_hold_after_every_change(
    moves: list[RolloutRow | str | None], longest_wait: bool
) -> None:
    ranking = Ranking(longest_wait=longest_wait)
    rows: dict[str, RolloutRow] = {}
    for move in moves:
        if isinstance(move, RolloutRow):
            rows[move.ref.name] = move
            ranking.put(move)
        elif move is not None:
            rows.pop(move, None)
            ranking.drop(("", Ref("shop", move)))
        else:
            assert ranking.first(2) == expected(rows, longest_wait)[:2]
        assert len(ranking) == len(rows)
        assert ranking.phases == Counter(item.phase for item in rows.values())
        assert ranking.awaiting == sum(item.awaiting is not None for item in rows.values())
    assert ranking.first(99) == expected(rows, longest_wait)


def expected(rows: dict[str, RolloutRow], longest_wait: bool) -> list[RolloutRow]:
    found = sorted(rows.values(), key=lambda item: item.ref.name)
    if longest_wait:
        never = START + timedelta(days=1)
        return sorted(found, key=lambda item: item.since or never)
    classes = ["Degraded", "", "Paused", "Progressing", "Odd", "Healthy"]
    return sorted(found, key=lambda item: classes.index("" if item.awaiting else item.phase))
