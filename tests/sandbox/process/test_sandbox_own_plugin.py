"""A user's own plugin, from its first call to its last, in a real sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rolloutctl.sandbox.state import Options
from support.sandboxes import SandboxProcess, running

GATE = '''
from rolloutctl.sandbox.plugins.protocol import Result

class Gate:
    """Passes when it was asked three times; `config.mood` makes it worse."""
    name = "acme/gate"

    def run(self, rollout, context):
        if context.config.get("mood") == "broken":
            raise ValueError("no such ticket")
        asked = (context.status or {}).get("asked", 0) + 1
        passes = asked == 3 and context.config.get("mood") != "slow"
        phase = "Successful" if passes else "Running"
        return Result(phase, f"asked {asked} times", 11, {"asked": asked})

    def abort(self, rollout, context):
        name = rollout["metadata"]["name"]
        return Result("Successful", f"undid {context.status['asked']} for {name}")
'''

ROLLOUT = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:v1"}]}
  strategy:
    canary:
      steps:
      - plugin: {name: acme/gate, config: {mood: MOOD}}
      - pause: {}
"""


@pytest.fixture(scope="module")
def with_gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    folder = tmp_path_factory.mktemp("own-plugin")
    path = folder / "gate.py"
    path.write_text(GATE)
    options = Options(speed=50, plugins=(f"{path}:Gate",), pod_ready_delay=0.1)
    with running(folder, options) as sandbox:
        yield sandbox


def started(sandbox: SandboxProcess, mood: str) -> str:
    """A rollout whose second version is at the gate; its namespace."""
    namespace = sandbox.namespace()
    sandbox.apply(ROLLOUT.replace("MOOD", mood), namespace)
    until(sandbox, namespace, lambda status: status.get("phase") == "Healthy")
    containers = [{"name": "web", "image": "web:v2"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    sandbox.client.patch("rollouts", "web", body, namespace)
    return namespace


def until(
    sandbox: SandboxProcess, namespace: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    end = time.monotonic() + 30
    while True:
        found = sandbox.client.get("rollouts", "web", namespace)
        status: dict[str, Any] = found.get("status", {})
        if status.get("observedGeneration") == str(found["metadata"]["generation"]) and holds(
            status
        ):
            return status
        assert time.monotonic() < end, status
        time.sleep(0.03)


def records(status: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status["canary"].get("stepPluginStatuses", [])
    return found


def test_it_is_asked_again_with_the_status_it_left_until_it_passes(
    with_gate: SandboxProcess,
) -> None:
    namespace = started(with_gate, "fine")
    status = until(with_gate, namespace, lambda status: status["phase"] == "Paused")
    (record,) = records(status)
    assert record["name"] == "acme/gate"
    assert (record["phase"], record["executions"]) == ("Successful", 3)
    assert (record["message"], record["status"]) == ("asked 3 times", {"asked": 3})


def test_its_exception_is_phase_error_and_the_controller_goes_on(
    with_gate: SandboxProcess,
) -> None:
    namespace = started(with_gate, "broken")
    status = until(with_gate, namespace, lambda status: bool(records(status)))
    (record,) = records(status)
    assert record["phase"] == "Error"
    assert "no such ticket" in record["message"]
    again = until(with_gate, namespace, lambda status: records(status)[0]["executions"] > 1)
    assert records(again)[0]["phase"] == "Error"
    assert again["phase"] == "Progressing"


def test_an_abort_calls_it_with_what_it_left(with_gate: SandboxProcess) -> None:
    namespace = started(with_gate, "slow")
    until(with_gate, namespace, lambda status: bool(records(status)))
    body = {"status": {"abort": True}}
    with_gate.client.patch("rollouts", "web", body, namespace, "status")
    status = until(
        with_gate,
        namespace,
        lambda status: status["phase"] == "Degraded" and len(records(status)) == 2,
    )
    run, abort = records(status)
    assert (run["operation"], abort["operation"]) == ("Run", "Abort")
    assert abort["phase"] == "Successful"
    assert abort["message"] == f"undid {run['status']['asked']} for web"


def test_it_is_configured_in_a_fresh_sandbox(with_gate: SandboxProcess) -> None:
    config = with_gate.client.get("configmaps", "argo-rollouts-config", "argo-rollouts")
    assert '- name: "acme/gate"' in config["data"]["stepPlugins"]
