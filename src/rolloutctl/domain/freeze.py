"""Times in which nothing is shipped: windows of every week, or between two moments."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo

import msgspec

WEEK = timedelta(days=7)


class Weekday(enum.IntEnum):
    """As in `datetime.weekday()`."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


class WeekTime(msgspec.Struct, frozen=True):
    """A moment of every week, by the clock on the wall: "Fri 16:00"."""

    day: Weekday
    time: time

    def within(self, moment: datetime) -> datetime:
        """This moment in the week (from Monday) that `moment` is in, in its time zone."""
        monday = moment.date() - timedelta(days=moment.weekday())
        return datetime.combine(monday + timedelta(days=int(self.day)), self.time, moment.tzinfo)


class Window(msgspec.Struct, frozen=True):
    """One freeze. `begins` and `ends` are both moments with a zone, or both of every week.

    `contexts` and `namespaces` are patterns as in a shell; empty: all. `zone` is the one that times
    of the week are in.
    """

    name: str
    begins: datetime | WeekTime
    ends: datetime | WeekTime
    zone: tzinfo
    contexts: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def until(self, now: datetime) -> datetime | None:
        """When the freeze that holds at `now` (with a zone) is over; None where none holds."""
        begins, ends = self.begins, self.ends
        if isinstance(begins, datetime) and isinstance(ends, datetime):
            return ends if begins <= now < ends else None
        assert isinstance(begins, WeekTime) and isinstance(ends, WeekTime)
        local = now.astimezone(self.zone)
        start = begins.within(local)
        if start > local:
            start = begins.within(local - WEEK)
        end = ends.within(start)
        if end <= start:
            end = ends.within(start + WEEK)
        return end if local < end else None

    def concerns(self, context: str, namespace: str) -> bool:
        """Whether it is about rollouts of that context and namespace."""
        return _fits(context, self.contexts) and _fits(namespace, self.namespaces)


class Frozen(msgspec.Struct, frozen=True):
    """A freeze that holds, and when it is over."""

    window: Window
    until: datetime


def frozen(windows: Iterable[Window], now: datetime, context: str, namespace: str) -> Frozen | None:
    """The freeze that holds longest, None where nothing is frozen."""
    found = [
        Frozen(window, until)
        for window in windows
        if window.concerns(context, namespace) and (until := window.until(now)) is not None
    ]
    return max(found, key=lambda one: one.until, default=None)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
