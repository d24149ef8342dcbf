"""What the control loops still have to do, ordered by when it is due."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class WorkQueue(Generic[Key]):
    """Keys with a due time on some monotonic clock. A key is in it once, at its earliest time."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, key: Key, due: float) -> None:
        """Have `key` done at `due`, unless it is due earlier anyway."""
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        # The count keeps those of the same moment in the order they came.
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))

    def next_due(self) -> float | None:
        """When the first key is due, None when there is nothing to do."""
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def pop(self, now: float) -> Key | None:
        """The first key that is due by `now`, taken out; None if none is."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key
