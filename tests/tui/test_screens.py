"""Each screen as a picture, small and dark, large and light, from fixed data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input

from rolloutctl.domain.cluster import Kind
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.screens.plugins import Plugins
from support import dashboards
from support.dashboards import Played, play, rests, says, text, until
from support.live_cluster import LiveCluster
from support.screens import SCREENS, screen

Compare = Callable[..., bool]
LOOKS = {
    "small-dark": ((80, 24), "rolloutctl-dark"),
    "large-light": ((150, 42), "rolloutctl-light"),
}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> tuple[tuple[int, int], str]:
    return LOOKS[request.param]


class Still(LiveCluster):
    """A cluster that allows everything when it is asked what is allowed."""

    def create(self, kind: Kind, namespace: str, obj: object, *, dry_run: bool = False) -> bytes:
        return b'{"status": {"allowed": true}}'


def one(name: str, theme: str) -> Dashboard:
    """A dashboard over the one rollout of a recorded moment."""
    found = screen(name)
    now = found.now
    return dashboards.of(Still(copy.deepcopy(dict(found.objects))), theme=theme, now=lambda: now)


def several(theme: str) -> Dashboard:
    """A dashboard over a rollout of every recorded moment, all seen at one time."""
    rollouts: list[Any] = []
    now = max(screen(name).now for name in SCREENS)
    for number, name in enumerate(SCREENS):
        item = copy.deepcopy(screen(name).objects["rollouts"][0])
        team = ("shop", "billing", "search")[number % 3]
        called = name.replace(" ", "-")
        item["metadata"] |= {"name": called, "namespace": team, "uid": f"uid-{number}"}
        rollouts.append(item)
    objects = {"rollouts": rollouts, "configmaps": screen("healthy").objects["configmaps"]}
    seen = now + timedelta(minutes=3)
    return dashboards.of(Still(objects), theme=theme, now=lambda: seen)


def pictured(
    snap_compare: Compare,
    app: Dashboard,
    size: tuple[int, int],
    *steps: tuple[str, str],
) -> None:
    """Compares the screen after some keys; what is awaited after each of them stands beside it."""

    async def before(pilot: Played) -> None:
        await says(pilot, "live")
        for key, wanted in steps:
            await pilot.press(*key.split())
            await says(pilot, wanted)
        for typed_into in pilot.app.screen.query(Input):
            typed_into.cursor_blink = False
        await rests(pilot)

    assert snap_compare(app, terminal_size=size, run_before=before)


def test_the_fleet(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, several(theme), size, ("j space", "1 marked"))


def test_a_filter_that_means_nothing(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, several(theme), size, ("slash p h a s e colon x", 'no phase "x"'))


def test_a_rollout_at_a_plugin(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, one("plugin running", theme), size, ("enter", "Next"))


def test_its_revisions(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, one("paused canary", theme), size, ("enter", "Next"), ("2", "stable"))


def test_its_analyses(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(
        snap_compare,
        one("analysis failed", theme),
        size,
        ("enter", "aborted"),
        ("3", "wants result"),
    )


def test_its_difference_to_stable(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, one("paused canary", theme), size, ("enter", "Next"), ("7", "+++"))


def test_the_question_before_a_change(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, one("plugin running", theme), size, ("P", "full promotion skips"))


def test_causes(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, several(theme), size, ("2", "aborted"))


def test_plugins(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, several(theme), size, ("3", "e2e-test"), ("enter", "Location"))


def test_help(snap_compare: Compare, look: Any) -> None:
    size, theme = look
    pictured(snap_compare, several(theme), size, ("question_mark", "Set image"))


def test_the_scrollbar_takes_nothing_from_a_line() -> None:
    app = several("rolloutctl-dark")

    async def story(pilot: Played) -> None:
        await says(pilot, "live")
        await pilot.press("3")
        await says(pilot, "e2e-test")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one(Plugins).show_vertical_scrollbar)
        await rests(pilot)
        words = " ".join(text(app).split())
        assert "read it: no Deployment argo-rollouts in namespace argo-rollouts" in words

    play(app, story, size=(80, 24))
