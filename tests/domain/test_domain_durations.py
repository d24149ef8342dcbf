"""Durations as Go and pause steps write them, ages as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rolloutctl.domain.durations import INVALID_PAUSE, format_age, later, parse_go, parse_pause


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("500ms", 0.5),
        ("5m500ms", 300.5),
        ("2us", 0.000002),
        ("3µs", 0.000003),
        ("-1m", -60),
        ("+2s", 2),
    ],
)
def test_a_go_duration_is_read(text: str, seconds: float) -> None:
    assert parse_go(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "-", "5", "1d", "s", "1h30", "1 s", "1h ", "h1", ".s", "1e3s", "٣s", "9999999999h"],
)
def test_what_go_refuses_is_no_duration(text: str) -> None:
    assert parse_go(text) is None


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (None, None),
        (30, timedelta(seconds=30)),
        (0, timedelta()),
        ("30", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1d", INVALID_PAUSE),
        ("soon", INVALID_PAUSE),
        ("", INVALID_PAUSE),
        (10**30, timedelta.max),
    ],
)
def test_a_pause_lasts_what_the_controller_makes_of_it(
    duration: int | str | None, expected: timedelta | None
) -> None:
    assert parse_pause(duration) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (41, "41s"),
        (60, "1m"),
        (250, "4m10s"),
        (720, "12m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 240, "3h4m"),
        (11 * 3600 + 240, "11h"),
        (26 * 3600, "1d2h"),
        (6 * 86400, "6d"),
        (400 * 86400, "1y35d"),
    ],
)
def test_an_age_has_at_most_two_units(seconds: float, text: str) -> None:
    assert format_age(timedelta(seconds=seconds)) == text


def test_a_moment_beyond_the_calendar_is_unknown() -> None:
    assert later(datetime(2026, 1, 1, tzinfo=UTC), timedelta.max) is None
    assert later(None, timedelta()) is None
