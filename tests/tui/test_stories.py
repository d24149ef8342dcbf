"""The dashboard as an on-call person uses it, against a sandbox process over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl import kube
from rolloutctl.domain.cluster import Cluster
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.screens.rollout import RolloutScreen
from support import dashboards
from support.cut_off import way_to
from support.dashboards import Played, play, says, text, until
from support.sandboxes import SandboxProcess


def connected(sandbox: SandboxProcess, namespace: str, kubeconfig: Path | None = None) -> Cluster:
    return kube.connect(
        kubeconfig=str(kubeconfig or sandbox.kubeconfig),
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
    before = sandbox_process.client.get("rollouts", "checkout", namespace)["spec"]

    async def story(pilot: Played) -> None:
        await says(pilot, "checkout")
        for answer in ("escape", "enter"):
            await pilot.press("a")
            await says(pilot, "Abort? [y/N]")
            await pilot.press(answer)
            await until(pilot, lambda: not on_top(app, "ConfirmScreen"))

    play(app, story)
    # The controller may still have written its own status meanwhile.
    after = sandbox_process.client.get("rollouts", "checkout", namespace)
    assert after["spec"] == before
    assert not after["status"].get("abort")
    events = sandbox_process.client.list("events", namespace)
    assert "rolloutctl" not in {each.get("reportingComponent") for each in events}


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


def test_a_server_that_goes_away_and_comes_back(
    sandbox_process: SandboxProcess, namespace: str, tmp_path: Path
) -> None:
    sandbox_process.load("paused", namespace)
    config = yaml.safe_load(sandbox_process.kubeconfig.read_text())
    with way_to(sandbox_process.record.url) as way:
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{way.port}"
        elsewhere = tmp_path / "kubeconfig"
        elsewhere.write_text(yaml.safe_dump(config))
        app = dashboards.of(connected(sandbox_process, namespace, elsewhere), namespace)

        async def story(pilot: Played) -> None:
            await says(pilot, "4/7 pause")
            await until(pilot, lambda: "live" in text(app).splitlines()[0])
            way.cut()
            await says(pilot, "stale since")
            assert "4/7 pause" in text(app), "what is known stays"
            # Meanwhile somebody else goes on.
            patch = {"spec": {"paused": True}}
            sandbox_process.client.patch("rollouts", "checkout", patch, namespace)
            way.mend()
            await until(pilot, lambda: "live" in text(app).splitlines()[0], 60)
            await pilot.press("enter")
            await says(pilot, "paused by a person")

        play(app, story)
