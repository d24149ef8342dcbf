"""Changing rollouts and plugins from the dashboard: as the commands do, and no other way."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.domain.cluster import Change, Kind
from rolloutctl.errors import ClusterError, Conflict
from support import dashboards
from support.dashboards import Played, play, says, text, until
from support.live_cluster import LiveCluster
from support.sandboxes import SandboxProcess, running
from support.screens import screen
from tui.test_stories import connected


class Noting(LiveCluster):
    """Takes changes down, or refuses them with `refusal`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sent: list[Change] = []
        self.refusal: Exception | None = None
        self.events: list[str] = []

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append(change)
        return b"{}"

    def create(self, kind: Kind, namespace: str, obj: Any, *, dry_run: bool = False) -> bytes:
        if kind.plural == "events":
            self.events.append(obj["message"])
        return b'{"status": {"allowed": true, "userInfo": {"username": "ann"}}}'


def paused(*names: str) -> Noting:
    objects = copy.deepcopy(dict(screen("paused canary").objects))
    (demo,) = objects["rollouts"]
    rollouts = []
    for name in names:
        one = copy.deepcopy(demo)
        one["metadata"] |= {"name": name, "uid": f"uid-{name}"}
        rollouts.append(one)
    return Noting({**objects, "rollouts": rollouts})


def test_the_marked_ones_are_changed_together_and_no_other() -> None:
    cluster = paused("a", "b", "c", "d")
    app = dashboards.of(cluster, sort="name")

    async def story(pilot: Played) -> None:
        await says(pilot, "4 rollouts")
        await pilot.press("space", "down", "space")
        await says(pilot, "2 marked")
        await pilot.press("a")
        await says(pilot, "Abort 2 rollouts? [y/N]")
        await pilot.press("Y")
        assert app.clipboard == "rolloutctl abort a c -n shop"
        await pilot.press("y")
        await until(pilot, lambda: len(cluster.sent) == 2)
        await says(pilot, "2 aborted")

    play(app, story)
    assert {change.name for change in cluster.sent} == {"a", "c"}
    for change in cluster.sent:
        test = {"op": "test", "path": "/metadata/uid", "value": f"uid-{change.name}"}
        assert change.operations[0] == test


def test_what_the_server_refuses_is_said_in_full() -> None:
    cluster = paused("demo")
    cluster.refusal = ClusterError("admission webhook denied it: " + "word " * 60, hint="ask sre")
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("a")
        await says(pilot, "[y/N]")
        await pilot.press("y")
        await says(pilot, "admission webhook denied it")
        await pilot.press("E")
        await says(pilot, "What was done here")
        shown = text(app)
        assert "abort: admission webhook denied it" in shown and "ask sre" in shown
        assert shown.count("word") >= 60

    play(app, story, size=(100, 30))


def test_a_change_by_somebody_else_meanwhile_is_no_change_of_ours() -> None:
    cluster = paused("demo")
    app = dashboards.of(cluster)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("p")
        await says(pilot, "Promote? [y/N]")
        other = copy.deepcopy(cluster.objects["rollouts"][0])
        other["status"]["abort"] = True
        other["status"]["abortedAt"] = "2026-01-01T00:00:00Z"
        cluster.put("rollouts", other)
        cluster.refusal = Conflict("the server rejected our request")
        await pilot.press("y")
        await says(pilot, "not promoted: meanwhile")

    play(app, story)
    assert cluster.sent == []


def test_a_freeze_holds_here_too() -> None:
    cluster = paused("demo")
    frozen = Conflict("frozen until Monday: code freeze", hint="abort and pause are never frozen")

    def holds(label: str, action: Any, refs: Any) -> Any:
        return dict.fromkeys(refs, frozen) if action == "promote" else {}

    app = dashboards.of(cluster, frozen=holds)

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("p")
        await says(pilot, "frozen until Monday: code freeze")
        await pilot.press("a")
        await says(pilot, "Abort? [y/N]")

    play(app, story)
    assert cluster.sent == []


def test_a_change_leaves_an_event_that_says_who_made_it() -> None:
    from rolloutctl.actions.auditing import Recorder

    cluster = paused("demo")
    app = dashboards.of(cluster, recorder=lambda of, reason: Recorder(of, reason=reason))

    async def story(pilot: Played) -> None:
        await says(pilot, "demo")
        await pilot.press("p")
        await says(pilot, "[y/N]")
        await pilot.press("y")
        await until(pilot, lambda: cluster.events)

    play(app, story)
    assert cluster.events == ["promote by ann: step 2/4 (pause) to step 3/4 (setWeight 80)"]


def image(sandbox: SandboxProcess, namespace: str) -> str:
    spec = sandbox.client.get("rollouts", "checkout", namespace)["spec"]
    found: str = spec["template"]["spec"]["containers"][0]["image"]
    return found


def is_stable(sandbox: SandboxProcess, namespace: str, wanted: str) -> bool:
    found = sandbox.client.get("rollouts", "checkout", namespace)
    status = found["status"]
    return bool(
        image(sandbox, namespace) == wanted
        and status["observedGeneration"] == str(found["metadata"]["generation"])
        and status["phase"] == "Healthy"
        and status["stableRS"] == status["currentPodHash"]
    )


def test_images_are_set_and_undone(sandbox_process: SandboxProcess) -> None:
    namespace = sandbox_process.namespace()
    sandbox_process.load("healthy", namespace)
    app = dashboards.of(connected(sandbox_process, namespace), namespace)
    before = image(sandbox_process, namespace)

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        await pilot.press("i")
        await says(pilot, "CONTAINER=IMAGE")
        await pilot.press("ctrl+u", *"app")
        await pilot.press("enter")
        await says(pilot, "is not CONTAINER=IMAGE")
        await pilot.press("ctrl+u", *"*=web:v9", "enter")
        await says(pilot, "Set it? [y/N]")
        assert "web:v9" in text(app)
        await pilot.press("y")
        await until(pilot, lambda: image(sandbox_process, namespace) == "web:v9")
        await says(pilot, "v9")
        # While steps go by, what was seen is soon no longer so, and then nothing is sent.
        await until(pilot, lambda: is_stable(sandbox_process, namespace, "web:v9"), 60)
        await pilot.press("u")
        await says(pilot, "back to")
        await pilot.press("enter")
        await says(pilot, "Undo? [y/N]")
        await pilot.press("y")
        await until(pilot, lambda: image(sandbox_process, namespace) == before)

    play(app, story, size=(110, 30))


@pytest.mark.e2e
def test_a_plugin_is_disabled_with_the_safety_of_the_command(tmp_path: Path) -> None:
    def disabled(sandbox: SandboxProcess) -> bool:
        data = sandbox.client.get("configmaps", "argo-rollouts-config", "argo-rollouts")["data"]
        plugins = yaml.safe_load(data["stepPlugins"])
        return any(one["name"] == "demo/jenkins-gate" and one.get("disabled") for one in plugins)

    with running(tmp_path) as sandbox:
        sandbox.load("plugin-gate-running", "shop")
        kept: list[int] = []

        def keep(plan: Any, runs: Any, place: str) -> str:
            kept.append(len(runs))
            return "runs.json"

        app = dashboards.of(connected(sandbox, "shop"), save_in_flight=keep)

        async def story(pilot: Played) -> None:
            await says(pilot, "checkout")
            await pilot.press("3")
            await says(pilot, "demo/jenkins-gate")
            while "demo/jenkins-gate" not in app.screen.query_one("Plugins").cursor:  # type: ignore[attr-defined]
                await pilot.press("down")
            await pilot.press("d")
            await says(pilot, "restart the controller")
            await pilot.press(*"INC-1", "enter")
            await says(pilot, 'Type "demo/jenkins-gate"')
            assert "abandoned" in text(app)
            assert not disabled(sandbox)
            await pilot.press(*"demo/jenkins-gate", "enter")
            await says(pilot, "What came of it", 60)
            assert disabled(sandbox) and set(kept) == {1}
            await pilot.press("escape")
            await says(pilot, "disabled")

        play(app, story, size=(120, 34))
