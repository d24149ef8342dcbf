"""wait and doctor: on a cluster that moves."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from rolloutctl import kube
from rolloutctl.domain.cluster import DEPLOYMENTS, Change
from support.shell import ROLLOUTCTL, Shell, manifest

pytestmark = pytest.mark.e2e

PAUSED: tuple[dict[str, Any], ...] = ({"setWeight": 50}, {"pause": {}})


def test_several_are_waited_for_until_one_is_aborted(shell: Shell) -> None:
    shell.rollout("api", *PAUSED)
    shell.rollout("web", *PAUSED)
    shell.ship("api", "v2")
    shell.ship("web", "v2")
    done = shell.rolloutctl("wait", "api", "web", "--for", "step=2", "--timeout", "30s")
    assert done.code == 0, done.stdout + done.stderr
    process = shell.start(
        *(ROLLOUTCTL, "-n", shell.namespace, "wait", "api", "web", "--for", "done"),
        *("--timeout", "30s", "-o", "jsonl"),
    )
    assert process.stderr is not None
    process.stderr.readline()  # it has seen one
    assert shell.rolloutctl("abort", "web").code == 0
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 1, out + errors
    assert '"result":"unreachable"' in out and '"result":"left"' in out


def test_ctrl_c_ends_a_wait_with_130(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    process = shell.start(ROLLOUTCTL, "-n", shell.namespace, "wait", "web", "--for", "step=2")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped waiting, 1 not there yet" in errors


def test_a_change_of_the_deployment_is_waited_for_however_early_one_asks(shell: Shell) -> None:
    own = manifest(shell.namespace, "web")
    template = own["spec"].pop("template")
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": shell.namespace},
        "spec": {"replicas": 0, "selector": own["spec"]["selector"], "template": template},
    }
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    del own["spec"]["selector"]
    own["spec"]["workloadRef"] = reference
    shell.load(deployment, own)
    assert shell.rolloutctl("wait", "web", "--for", "done", "--timeout", "30s").code == 0
    cluster = kube.connect(env=shell.env)
    path = "/spec/template/spec/containers/0/image"
    operation = {"op": "replace", "path": path, "value": "demo:v2"}
    cluster.apply(Change(DEPLOYMENTS, shell.namespace, "web", "", (operation,)))
    done = shell.rolloutctl("wait", "web", "--for", "done", "--timeout", "30s", "-o", "json")
    assert done.code == 0, done.stdout + done.stderr
    assert done.json["items"][0]["rollout"]["revision"] == 2


def test_the_doctor_finds_nothing_wrong_with_the_sandbox(shell: Shell) -> None:
    done = shell.rolloutctl("doctor", "-o", "json")
    assert done.code == 0, done.stdout + done.stderr
    found = {each["check"]: each["severity"] for each in done.json["findings"]}
    assert {"server", "installed", "controller", "plugin-config", "rights"} <= set(found)
    assert "error" not in found.values()
