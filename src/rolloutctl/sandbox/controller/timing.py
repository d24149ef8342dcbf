"""Durations of the cluster, which pass `speed` times as fast as the clock on the wall."""

from __future__ import annotations

from datetime import datetime, timedelta

from rolloutctl.sandbox.clock import Clock

from .objects import moment_of, stamp

_REMEMBERED = 20_000


class Timing:
    """Times are written in whole seconds. At speed 1 so they count, as in a real cluster.

    A faster cluster would lose too much by that (a pause of 5 s takes half a second at speed
    10), so there the moment behind a stamp is remembered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: dict[tuple[str, str, str], datetime] = {}

    def now(self) -> datetime:
        return self._clock.now()

    def due_in(self, seconds: float) -> float:
        """The monotonic time when `seconds` of the cluster will have passed."""
        return self._clock.monotonic() + max(0.0, seconds) / self._clock.speed

    def stamped(self, subject: str, what: str, written: str) -> None:
        """`written` was just written into `subject` (a uid) as the time of `what`.

        Of two moments in one second the later counts.
        """
        self._remember((subject, what, written), self._clock.now())

    def elapsed(self, subject: str, what: str, written: str) -> float:
        """Seconds of the cluster since then; 0 for what is no time."""
        exact = self._moments.get((subject, what, written)) if self._clock.speed != 1 else None
        since = exact or moment_of(written)
        if since is None:
            return 0.0
        return (self._clock.now() - since).total_seconds() * self._clock.speed

    def deadline(self, subject: str, what: str, seconds: float) -> str:
        """The time `seconds` of the cluster from now, to be written into `subject` (a uid)."""
        moment = self._clock.now() + timedelta(seconds=seconds / self._clock.speed)
        written = stamp(moment)
        self._remember((subject, what, written), moment)
        return written

    def left(self, subject: str, what: str, written: str) -> float:
        """Seconds of the cluster until then; 0 for what has passed or is no time."""
        exact = self._moments.get((subject, what, written)) if self._clock.speed != 1 else None
        until = exact or moment_of(written)
        if until is None:
            return 0.0
        return max(0.0, (until - self._clock.now()).total_seconds() * self._clock.speed)

    def stamp(self) -> str:
        return stamp(self._clock.now())

    def stamp_in(self, seconds: float) -> str:
        """The time when `seconds` of the cluster will have passed."""
        return stamp(self._clock.now() + timedelta(seconds=seconds / self._clock.speed))

    def _remember(self, stamped: tuple[str, str, str], moment: datetime) -> None:
        self._moments[stamped] = moment
        if len(self._moments) > _REMEMBERED:
            del self._moments[next(iter(self._moments))]
