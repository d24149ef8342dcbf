"""The sides of a rollout: each shows what it is for, lives on, and keeps its troubles to itself."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

from rolloutctl.errors import Forbidden
from support import dashboards
from support.dashboards import Played, play, says, text, until
from support.live_cluster import LiveCluster
from support.sandboxes import SandboxProcess
from support.screens import screen
from tui.test_stories import connected


def recorded(name: str, **more: Any) -> LiveCluster:
    return LiveCluster(copy.deepcopy(dict(screen(name).objects)), **more)


def test_every_side_of_a_rollout(sandbox_process: SandboxProcess) -> None:
    namespace = sandbox_process.namespace()
    sandbox_process.load("paused", namespace)
    app = dashboards.of(connected(sandbox_process, namespace), namespace)

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        await pilot.press("enter")
        await says(pilot, "4 of 7")
        for key, wanted in (
            ("2", "pod checkout-"),
            ("3", "no analysis runs or experiments"),
            ("4", "RolloutPaused"),
            ("5", "observed"),
            ("6", "kind: Rollout"),
            ("7", "+    image: registry.example/checkout:v1.10.0"),
            ("8", "canary pods"),
            ("1", "4 of 7"),
        ):
            await pilot.press(key)
            await says(pilot, wanted)

    play(app, story, size=(110, 40))


def test_pods_come_and_go_while_one_looks_and_what_is_folded_stays_so() -> None:
    cluster = recorded("paused canary")
    app = dashboards.of(cluster)
    pod = cluster.objects["pods"][0]
    (owner,) = pod["metadata"]["ownerReferences"]

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("enter", "2")
        await says(pilot, f"pod {pod['metadata']['name']}")
        new: Any = copy.deepcopy(pod)
        new["metadata"] |= {"name": "brand-new", "uid": "u-new"}
        cluster.put("pods", new)
        await says(pilot, "pod brand-new")
        at = next(n for n, one in enumerate(text(app).splitlines()) if owner["name"] in one)
        while owner["name"] not in app.screen.query_one("RevisionsPane").cursor:  # type: ignore[attr-defined]
            await pilot.press("j")
        await pilot.press("enter")
        await until(pilot, lambda: "brand-new" not in text(app))
        assert at
        cluster.drop("pods", "shop", "brand-new")
        cluster.put("pods", {**new, "metadata": {**new["metadata"], "name": "another"}})
        await pilot.pause(0.3)
        assert "pod another" not in text(app)
        await pilot.press("enter")
        await says(pilot, "pod another")

    play(app, story)


class Logging(LiveCluster):
    """Pods that print, and a thread that is seen to end."""

    reading = 0

    def log_lines(self, namespace: str, name: str, **asked: Any) -> Iterator[str]:
        stamp = "2026-01-02T03:04:05.000000001Z "
        yield f"{stamp}hello from {name} \x1b[31m[bold]red[/]"
        if asked.get("follow"):
            threading.Event().wait(30)


def test_logs_of_the_canary_or_the_stable_pods() -> None:
    cluster = Logging(copy.deepcopy(dict(screen("paused canary").objects)))
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("enter", "8")
        await says(pilot, "canary pods; c for others")
        await says(pilot, "[bold]red[/]")
        assert "stable " not in text(app).split("c for others")[1].replace("stable pods", "")
        await pilot.press("c")
        await says(pilot, "stable pods; c for others")
        await says(pilot, "hello from")

    play(app, story)


def test_what_may_not_be_read_is_said_in_its_own_place() -> None:
    cluster = recorded("paused canary", forbidden=("events", "pods"))

    def refused(*_: Any) -> bytes:
        raise Forbidden("not allowed to get rollouts in namespace shop", hint="ask for it")

    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("enter")
        await says(pilot, "pods not shown")
        await pilot.press("4")
        await says(pilot, "not allowed")
        cluster.get_raw = refused  # type: ignore[method-assign, assignment]
        await pilot.press("6")
        await says(pilot, "not allowed to get rollouts in namespace shop")
        assert "ask for it" in text(app)
        await pilot.press("1")
        await says(pilot, "2 of 4")

    play(app, story)
