"""The line of counts above a followed table that does not fit."""

from __future__ import annotations

import pytest

from rolloutctl.render.theme import one_line
from rolloutctl.render.views import table


@pytest.mark.parametrize(
    ("phases", "awaiting", "said"),
    [
        ({"Healthy": 1}, 0, "1 rollout: 1 Healthy"),
        (
            {"Healthy": 23_660, "Paused": 300, "Degraded": 40},
            12,
            "24,000 rollouts: 40 Degraded, 300 Paused, 23,660 Healthy; 12 wait for a person",
        ),
        ({"Paused": 1}, 1, "1 rollout: 1 Paused; 1 waits for a person"),
        (
            {"Odd\x1b[2J": 2, "": 1, "Progressing": 3},
            0,
            "6 rollouts: 3 Progressing, 1 Unknown, 2 Odd",
        ),
    ],
)
def test_counts_come_worst_first(phases: dict[str, int], awaiting: int, said: str) -> None:
    assert one_line(table.counts(phases, awaiting), colour=False) == said
