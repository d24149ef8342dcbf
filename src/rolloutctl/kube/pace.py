"""How hard one process presses on a server: how many requests at once, and when none at all.

An API server that says 429 has done nothing and wants to be asked less. All threads heed it
together: when one is refused, none asks before the moment it was told, they do not all come back in
the same instant, and fewer of them ask at once until answers come again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

IN_FLIGHT = 32
"""Requests at once that are no watches."""
PATIENCE = 30.0
"""Seconds that a request waits in all for a server that has too much to do."""
LONGEST_PAUSE = 10.0
_FIRST_PAUSE = 0.25
_SPREAD = 0.25
"""By which part of a pause threads come back later than others."""


@dataclass
class Turn:
    """Leave to send one request."""

    waited: float
    """Seconds waited for it."""
    began: float


class Pace:
    """Shared by all threads that ask one server. `clock`, `chance` and `most` are for tests."""

    def __init__(self, most: int = IN_FLIGHT) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self.chance: Callable[[], float] = random.random
        self.most = most
        self._changed = threading.Condition()
        self._under_way = 0
        self._limit = most
        self._answered = 0
        """Answers since the limit was changed."""
        self._not_before = 0.0
        self._spread = 0.0
        self._narrowed = 0.0

    @property
    def room(self) -> int:
        """How many may ask at once now."""
        return self._limit

    @contextmanager
    def turn(
        self, sleep: Callable[[float], None], *, patience: float = PATIENCE, counted: bool = True
    ) -> Iterator[Turn]:
        """Waits until a request may be sent, which is what the block does.

        After about `patience` seconds of pauses it may be sent all the same: whether the server
        still refuses is for the server to say. What is not `counted` takes no place.
        """
        given = self._wait(sleep, patience, counted)
        try:
            yield given
        finally:
            if counted:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def _wait(self, sleep: Callable[[float], None], patience: float, counted: bool) -> Turn:
        waited, heeded = 0.0, None
        while True:
            with self._changed:
                if counted:
                    # Asked anew in every round: the limit changes.
                    self._changed.wait_for(lambda: self._under_way < self._limit)
                now = self.clock()
                left = self._not_before - now
                if left <= 0 or self._not_before == heeded or waited >= patience:
                    self._under_way += counted
                    return Turn(waited, now)
                heeded = self._not_before
                nap = left + self._spread * self.chance()
            sleep(nap)
            waited += nap

    def refused(self, turn: Turn, asked: float | None, before: int) -> float:
        """A request was answered with 429. Returns the seconds nobody asks for now.

        `asked` is what the server wants to be waited for, `before` how often it refused the same
        request already: who is refused again waits longer, also where the server says the same.
        """
        pause = max(asked or 0.0, _FIRST_PAUSE * 2.0 ** min(before, 10))
        pause = min(pause, LONGEST_PAUSE)
        with self._changed:
            now = self.clock()
            if now + pause > self._not_before:
                self._not_before = now + pause
                self._spread = pause * _SPREAD
            if turn.began >= self._narrowed:
                # Requests that were under way together are refused together: that is one sign.
                self._limit = max(1, self._limit // 2)
                self._answered, self._narrowed = 0, now
        return pause

    def answered(self) -> None:
        """A request was done."""
        with self._changed:
            self._answered += 1
            if self._answered >= self._limit < self.most:
                self._limit += 1
                self._answered = 0
                self._changed.notify_all()
