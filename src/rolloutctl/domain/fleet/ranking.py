"""Many rows that change one by one: their counts, and the few that matter most."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rolloutctl.domain.facts import Place
from rolloutctl.domain.tree import RolloutRow

_URGENCY = {"Degraded": 0, "Paused": 2, "Progressing": 3, "Healthy": 5}
_AWAITING = 1
_UNKNOWN = 4

_Key = tuple[Any, ...]


class Ranking:
    """Rows by their place, in an order of which the first are wanted.

    `longest_wait`: by the moment their state began, unknown ones last; otherwise what is degraded,
    what waits for a person, what moves, and last what is Healthy. A change costs no sorting.
    """

    def __init__(self, *, longest_wait: bool = False) -> None:
        self._key = wait_key if longest_wait else _urgency_key
        self._rows: dict[Place, RolloutRow] = {}
        self._order: list[_Key] | None = None
        """Sorted keys, from when they are first asked for."""
        self._phases: Counter[str] = Counter()
        self.awaiting = 0
        """How many wait for a person."""

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def phases(self) -> Mapping[str, int]:
        """How many there are in each phase, none with 0."""
        return self._phases

    def put(self, row: RolloutRow) -> None:
        """Takes a row in, in place of the one before it."""
        place = row.place
        self.drop(place)
        self._rows[place] = row
        self._phases[row.phase] += 1
        self.awaiting += row.awaiting is not None
        if self._order is not None:
            insort(self._order, self._key(row))

    def drop(self, place: Place) -> None:
        """Forgets a row, if it is there."""
        row = self._rows.pop(place, None)
        if row is None:
            return
        self._phases[row.phase] -= 1
        if not self._phases[row.phase]:
            del self._phases[row.phase]
        self.awaiting -= row.awaiting is not None
        if self._order is not None:
            del self._order[bisect_left(self._order, self._key(row))]

    def first(self, count: int) -> list[RolloutRow]:
        """The `count` rows that come first."""
        if self._order is None:
            self._order = sorted(map(self._key, self._rows.values()))
        return [self._rows[key[-1]] for key in self._order[: max(0, count)]]


def wait_key(row: RolloutRow) -> _Key:
    """Sorts by the moment waiting began; unknown moments last."""
    return (row.since is None, row.since.timestamp() if row.since else 0.0, row.place)


def _urgency_key(row: RolloutRow) -> _Key:
    return (urgency(row), row.place)


def urgency(row: RolloutRow) -> int:
    """Degraded 0, awaiting a person, paused, progressing, an unknown phase, Healthy 5."""
    return _AWAITING if row.awaiting is not None else _URGENCY.get(row.phase, _UNKNOWN)
