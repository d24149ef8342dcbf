"""The dashboard in a test: played on a screen of some size, as a person would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from rolloutctl.actions.fleet import Member
from rolloutctl.domain.cluster import Cluster
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.setup import Setup

Played = Pilot[None]


def of(cluster: Cluster, namespace: str | None = None, **settings: Any) -> Dashboard:
    """The dashboard of one cluster."""
    return Dashboard(Setup(members=[Member("", cluster, namespace)], **settings))


def play(
    app: Dashboard,
    story: Callable[[Played], Awaitable[None]],
    *,
    size: tuple[int, int] = (120, 40),
) -> None:
    """Runs the dashboard without a terminal, and what `story` does to it."""

    async def told() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await story(pilot)

    asyncio.run(told())


async def until(pilot: Played, holds: Callable[[], object], within: float = 20.0) -> None:
    """Waits until something is so, while the dashboard goes on."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, f"it never came true; the screen says:\n{text(pilot.app)}"
        await pilot.pause(0.02)


def text(app: Any) -> str:
    """What the screen says, line by line."""
    height = app.size.height
    compositor = app.screen._compositor
    lines = []
    for strip in compositor.render_strips(app.size):
        lines.append("".join(segment.text for segment in strip).rstrip())
    return "\n".join(lines[:height])


async def says(pilot: Played, wanted: str, within: float = 20.0) -> None:
    """Waits until the screen says `wanted`."""
    await until(pilot, lambda: wanted in text(pilot.app), within)


async def rests(pilot: Played) -> None:
    """Waits until the screen has stopped changing."""
    before, same = "", 0
    while same < 5:
        await pilot.pause(0.03)
        now = text(pilot.app)
        same = same + 1 if now == before else 0
        before = now
