"""Lengths of time: as Go writes them, as a pause step writes them, and as a person reads an age."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

from rolloutctl.domain.wire import IntOrString

INVALID_PAUSE = timedelta(seconds=-1)
"""What the controller makes of a pause duration it cannot parse."""

_UNITS = {
    "ns": 1e-3,
    "us": 1.0,
    "µs": 1.0,  # U+00B5
    "μs": 1.0,  # U+03BC; Go takes both
    "ms": 1e3,
    "s": 1e6,
    "m": 60e6,
    "h": 3600e6,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST = float(2**63) / 1e3
"""Microseconds in the longest duration Go can hold (an int64 of nanoseconds)."""


def parse_go(text: str) -> timedelta | None:
    """The duration a Go program reads from `text` ("1h30m", "500ms", "-1.5s", "0").

    None for what Go refuses: no unit, unknown unit, empty, too long. Microsecond resolution.
    """
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in {"+", "-"} else text
    if rest == "0":
        return timedelta()
    if not rest or len(rest) > 200:
        return None
    total = 0.0
    at = 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None:
            return None
        total += float(part.group(1)) * _UNITS[part.group(2)]
        at = part.end()
    if total >= _LONGEST:
        return None
    return sign * timedelta(microseconds=total)


def parse_pause(duration: IntOrString | None) -> timedelta | None:
    """How long a pause step lasts; None when it lasts until somebody promotes.

    An integer or a string of digits counts seconds, any other string is a Go duration, and what
    is neither counts as -1 s, which the controller reports as an invalid spec.
    Source: argo-rollouts, section "Pauses" (`DurationSeconds`).
    """
    if duration is None:
        return None
    if isinstance(duration, str):
        if re.fullmatch(r"[+-]?\d{1,18}", duration, re.ASCII):
            return _seconds(int(duration))
        parsed = parse_go(duration)
        return INVALID_PAUSE if parsed is None else parsed
    return _seconds(duration)


def format_age(age: timedelta) -> str:
    """An age in at most two units, the way a person says it: "41s", "12m", "3h4m", "6d", "2y30d".

    Seconds matter below ten minutes ("4m10s"), minutes below ten hours, hours below four days;
    a negative age (a clock that is ahead) reads "0s".
    """
    return _format_seconds(max(0, age.days * 86400 + age.seconds))


@lru_cache(maxsize=4096)
def _format_seconds(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds}s"
    if minutes < 10:
        return _pair(minutes, "m", seconds % 60, "s")
    if hours < 1:
        return f"{minutes}m"
    if hours < 10:
        return _pair(hours, "h", minutes % 60, "m")
    if days < 1:
        return f"{hours}h"
    if days < 4:
        return _pair(days, "d", hours % 24, "h")
    if days < 365:
        return f"{days}d"
    return _pair(days // 365, "y", days % 365, "d")


def later(moment: datetime | None, by: timedelta | None) -> datetime | None:
    """`moment` + `by`; None when either is unknown or the sum is beyond the calendar."""
    if moment is None or by is None:
        return None
    try:
        return moment + by
    except OverflowError:
        return None


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    tail = f"{small}{small_unit}" if small else ""
    return f"{large}{large_unit}{tail}"


def _seconds(count: int) -> timedelta:
    try:
        return timedelta(seconds=count)
    except OverflowError:
        return timedelta.max if count > 0 else INVALID_PAUSE
