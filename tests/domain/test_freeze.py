"""When a freeze holds."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.domain.freeze import Weekday, WeekTime, Window, frozen

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = Window(
    "weekend",
    WeekTime(Weekday.FRI, time(16)),
    WeekTime(Weekday.MON, time(8)),
    BERLIN,
)
MIDWEEK = Window("board", WeekTime(Weekday.TUE, time(9)), WeekTime(Weekday.TUE, time(17)), BERLIN)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        (WEEKEND, "2026-11-20T15:59", None),
        (WEEKEND, "2026-11-20T16:00", "2026-11-23T08:00"),
        (WEEKEND, "2026-11-22T23:59", "2026-11-23T08:00"),
        (WEEKEND, "2026-11-23T07:59", "2026-11-23T08:00"),
        (WEEKEND, "2026-11-23T08:00", None),
        (MIDWEEK, "2026-11-24T09:00", "2026-11-24T17:00"),
        (MIDWEEK, "2026-11-24T17:00", None),
        (MIDWEEK, "2026-11-23T12:00", None),
        # The night in which the clocks go back is an hour longer.
        (WEEKEND, "2026-10-25T12:00", "2026-10-26T08:00"),
    ],
)
def test_a_window_of_every_week(window: Window, now: str, until: str | None) -> None:
    found = window.until(berlin(now).astimezone(UTC))
    assert found == (None if until is None else berlin(until))


@given(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)))
def test_a_week_without_the_window_and_with_it_are_a_whole_week(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    other = Window("rest", WEEKEND.ends, WEEKEND.begins, BERLIN)
    assert (WEEKEND.until(now) is None) is not (other.until(now) is None)


def test_the_longest_freeze_is_told_and_only_where_it_holds() -> None:
    now = datetime(2026, 12, 24, 12, tzinfo=UTC)

    def window(name: str, days: int, **more: tuple[str, ...]) -> Window:
        return Window(name, now, now + timedelta(days=days), UTC, **more)

    windows = [window("a", 1), window("b", 3, contexts=("prod-*",)), window("c", 2)]
    assert frozen(windows, now, "prod-eu", "shop").window.name == "b"  # type: ignore[union-attr]
    assert frozen(windows, now, "dev", "shop").window.name == "c"  # type: ignore[union-attr]
    assert frozen([window("d", 1, namespaces=("pay",))], now, "dev", "shop") is None
    assert frozen(windows, now - timedelta(seconds=1), "dev", "shop") is None
