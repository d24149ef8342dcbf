"""What happens to a dashboard that is kept open: connections, deletions, tiny windows."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.actions import live_fleet, live_rollout
from rolloutctl.domain.cluster import Unreadable, WatchEvent
from rolloutctl.errors import Forbidden, Unauthorized
from rolloutctl.kube import watch as watching
from support import dashboards
from support.dashboards import Played, play, says, text, until
from support.live_cluster import LiveCluster
from support.restarting import Site
from support.screens import screen


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried at once."""
    for module in (live_fleet, live_rollout):
        monkeypatch.setattr(module, "_RETRY", (0.01,))


def objects() -> dict[str, list[Any]]:
    return copy.deepcopy(dict(screen("paused canary").objects))


def renamed(item: Any, name: str) -> Any:
    found = copy.deepcopy(item)
    found["metadata"] |= {"name": name, "uid": f"uid-{name}"}
    return found


def test_a_connection_that_drops_is_said_with_its_time_and_heals() -> None:
    cluster = LiveCluster(objects())
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "live")
        cluster.say("rollouts", WatchEvent("STALE", problem="the server hung up"))
        await says(pilot, "stale since")
        assert "the server hung up" in text(app)
        assert "demo" in text(app), "the rows that are known stay"
        cluster.say("rollouts", WatchEvent("SYNCED", resource_version="7"))
        await until(pilot, lambda: "stale" not in text(app))

    play(app, story)


def test_a_token_that_expires_is_said_and_rows_are_read_anew() -> None:
    there = objects()
    demo = there["rollouts"][0]
    there["rollouts"].append(renamed(demo, "other"))
    cluster = LiveCluster(there)
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "2 rollouts")
        cluster.refuses = Unauthorized("the token has expired", hint="log in again")
        cluster.fail(cluster.refuses)
        await says(pilot, "stale since")
        assert "the token has expired" in text(app)
        # Meanwhile one is deleted and one is made, and nobody heard of it.
        cluster.lose("rollouts", "shop", "other")
        cluster.put("rollouts", renamed(demo, "third"))
        cluster.refuses = None
        await says(pilot, "third")
        await until(pilot, lambda: "other" not in text(app))
        await says(pilot, "live")

    play(app, story)


def test_a_server_that_is_restarted_and_has_forgotten_where_the_watch_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers 410: all rows are read anew, and none stays that is no longer there."""
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.05)
    site = Site(tmp_path, history=20)
    for name in ("kept", "lost"):
        site.rollout(name)
    app = dashboards.of(site.cluster(), "default", sort="name")

    async def story(pilot: Played) -> None:
        await says(pilot, "2 rollouts")
        site.stop()
        await says(pilot, "stale since")
        assert "lost" in text(app), "what is known stays"
        site.client.delete("rollouts", "lost", "default")
        for number in range(60):
            site.client.patch("rollouts", "kept", {"spec": {"replicas": 3 + number}}, "default")
        site.rollout("late")
        site.start()
        await says(pilot, "late")
        await until(pilot, lambda: "lost" not in text(app) and "stale" not in text(app))
        site.rollout("last")
        await says(pilot, "last")
        assert "live" in text(app).splitlines()[0]

    play(app, story)
    site.stop()


def test_a_rollout_may_lose_its_form_and_get_it_back() -> None:
    there = objects()
    demo = there["rollouts"][0]
    cluster = LiveCluster(there)
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "1 rollout")
        problem = WatchEvent("UNREADABLE", Unreadable("shop", "demo", "no number"), "no number")
        cluster.say("rollouts", problem)
        await says(pilot, "1 unreadable")
        cluster.put("rollouts", demo)
        await until(pilot, lambda: "unreadable" not in text(app) and "demo" in text(app))

    play(app, story)


def test_nothing_there_is_said() -> None:
    app = dashboards.of(LiveCluster({"rollouts": []}), "shop")

    async def story(pilot: Played) -> None:
        await says(pilot, "no rollouts in namespace shop")

    play(app, story)


def test_a_filter_that_keeps_nothing_says_how_to_go_back() -> None:
    app = dashboards.of(LiveCluster(objects()), query="nowhere")

    async def story(pilot: Played) -> None:
        await says(pilot, "none of 1 is meant")
        await pilot.press("escape")
        await says(pilot, "demo")

    play(app, story)


def test_who_may_not_list_rollouts_is_told_so() -> None:
    cluster = LiveCluster(objects())
    cluster.refuses = Forbidden("not allowed to list rollouts in namespace shop")
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "not allowed to list rollouts")

    play(app, story)


def test_a_window_of_any_size() -> None:
    cluster = LiveCluster(objects())
    app = dashboards.of(cluster, now=lambda: screen("paused canary").now)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.resize_terminal(20, 5)
        await pilot.press("j", "enter", "2", "tab", "a")
        await pilot.resize_terminal(1, 1)
        await pilot.press("escape", "escape", "question_mark")
        await pilot.resize_terminal(300, 90)
        await pilot.press("escape", "2", "3", "1")
        await pilot.resize_terminal(20, 5)
        await pilot.press("escape")
        await pilot.resize_terminal(100, 30)
        await says(pilot, "the most urgent first")
        assert "demo" in text(app)

    play(app, story, size=(100, 30))


def test_the_cursor_stays_with_its_rollout() -> None:
    there = objects()
    demo = there["rollouts"][0]
    there["rollouts"] = [renamed(demo, name) for name in ("b", "d", "f")]
    cluster = LiveCluster(there)
    app = dashboards.of(cluster, sort="name")

    async def story(pilot: Played) -> None:
        await says(pilot, "3 rollouts")
        await pilot.press("j")
        table = app.screen.query_one("FleetTable")
        assert table.cursor[1].name == "d"  # type: ignore[attr-defined]
        cluster.put("rollouts", renamed(demo, "a"))
        cluster.put("rollouts", renamed(demo, "c"))
        await says(pilot, "5 rollouts")
        assert table.cursor[1].name == "d"  # type: ignore[attr-defined]
        cluster.drop("rollouts", "shop", "d")
        await says(pilot, "4 rollouts")
        assert table.cursor[1].name == "f"  # type: ignore[attr-defined]
        await pilot.press("space")
        assert [place[1].name for place in sorted(table.marked)] == ["f"]  # type: ignore[attr-defined]

    play(app, story)


def test_markup_and_escapes_of_a_cluster_are_plain_text() -> None:
    there = objects()
    demo = there["rollouts"][0]
    demo["status"]["message"] = "[bold red]not markup[/] \x1b[31mnor colour"
    demo["status"]["phase"] = "[blink]Odd"
    cluster = LiveCluster(there)
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "[blink]Odd")
        await pilot.press("enter")
        await says(pilot, "[bold red]not markup[/] nor colour")

    play(app, story)
