"""The dashboard as an on-call person uses it, against a sandbox process over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl import kube
from rolloutctl.domain.cluster import Cluster
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.screens.rollout import RolloutScreen
from support import dashboards
from support.dashboards import Played, play, says, text, until
from support.sandboxes import SandboxProcess


def connected(sandbox: SandboxProcess, namespace: str) -> Cluster:
    return kube.connect(
        kubeconfig=str(sandbox.kubeconfig),
        context=None,
        namespace=namespace,
        impersonate=None,
        request_timeout=None,
        env=sandbox.env,
    )


def status(sandbox: SandboxProcess, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.client.get("rollouts", "checkout", namespace)["status"]
    return found


@pytest.fixture
def namespace(sandbox_process: SandboxProcess) -> str:
    return sandbox_process.namespace()


def test_find_the_paused_checkout_promote_it_and_see_it_healthy(
    sandbox_process: SandboxProcess, namespace: str
) -> None:
    sandbox_process.load("paused", namespace)
    app = dashboards.of(connected(sandbox_process, namespace), read_only=lambda label: "")

    async def story(pilot: Played) -> None:
        await pilot.press("slash", *f"ns:{namespace}", "space", *"awaiting", "enter")
        await says(pilot, "4/7 pause")
        await pilot.press("enter")
        await says(pilot, "waits for a person to promote")
        await pilot.press("p")
        await says(pilot, "Promote? [y/N]")
        assert "step 4/7 (pause) → 5/7" in text(app)
        await pilot.press("y")
        await until(pilot, lambda: status(sandbox_process, namespace)["currentStepIndex"] > 3)
        # The last pause is one of ten minutes: the person has seen enough.
        await pilot.press("P")
        await says(pilot, "Promote in full")
        await pilot.press("y")
        await until(pilot, lambda: status(sandbox_process, namespace)["phase"] == "Healthy", 60)
        await says(pilot, "Healthy")

    play(app, story, size=(110, 36))


def test_no_means_no(sandbox_process: SandboxProcess, namespace: str) -> None:
    sandbox_process.load("paused", namespace)
    app = dashboards.of(connected(sandbox_process, namespace), namespace)
    before = sandbox_process.client.get("rollouts", "checkout", namespace)

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        for answer in ("n", "escape", "enter"):
            await pilot.press("a")
            await says(pilot, "Abort? [y/N]")
            await pilot.press(answer)
            await until(pilot, lambda: not on_top(app, "ConfirmScreen"))

    play(app, story)
    after = sandbox_process.client.get("rollouts", "checkout", namespace)
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_read_only_changes_nothing_and_says_why(
    sandbox_process: SandboxProcess, namespace: str
) -> None:
    sandbox_process.load("paused", namespace)
    cluster = connected(sandbox_process, namespace)
    app = dashboards.of(cluster, namespace, read_only=lambda label: "--read-only")

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        await pilot.press("p")
        await says(pilot, "it is read-only (--read-only)")

    play(app, story)
    assert status(sandbox_process, namespace)["currentStepIndex"] == 3


def test_a_rollout_that_is_deleted_while_it_is_shown(
    sandbox_process: SandboxProcess, namespace: str
) -> None:
    sandbox_process.load("paused", namespace)
    app = dashboards.of(connected(sandbox_process, namespace), namespace)

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        await pilot.press("enter")
        await says(pilot, "4 of 7")
        sandbox_process.client.delete("rollouts", "checkout", namespace)
        await says(pilot, "deleted at")
        assert "4 of 7" in text(app)
        await pilot.press("a")
        await says(pilot, "no rollout")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RolloutScreen))
        await says(pilot, "0 rollouts")

    play(app, story)


def on_top(app: Dashboard, name: str) -> bool:
    return type(app.screen).__name__ == name
