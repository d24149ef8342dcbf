"""Time as the sandbox's controllers see it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Real time, and the number by which whoever waits divides a duration of a specification.

    Only durations (pauses, backoffs, delays, deadlines) are shortened by `speed`; timestamps
    written into objects are always `now()`.
    """

    @property
    def speed(self) -> float:
        """How many times as fast as a real one the cluster's durations pass; more than 0."""
        ...

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment, never going back, at the speed of the machine."""
        ...


class SystemClock:
    """The clock of the machine; who waits divides durations by `speed`."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError("the speed of a clock is more than 0")
        self.speed = speed

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(
        self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, speed: float = 1.0
    ) -> None:
        self.speed = speed
        self._start = start
        self._passed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._passed += seconds
