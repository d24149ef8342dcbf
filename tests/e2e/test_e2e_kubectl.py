"""kubectl, the real one, is at home on the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from support.shell import Shell, eventually, manifest

pytestmark = pytest.mark.e2e


def test_kubectl_gets_rollouts_as_a_table(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    for word in ("ro", "rollout", "rollouts.argoproj.io"):
        header, row = shell.kubectl("get", word).stdout.splitlines()
        assert header.split() == ["NAME", "DESIRED", "CURRENT", "UP-TO-DATE", "AVAILABLE", "AGE"]
        assert row.split()[:5] == ["web", "2", "2", "2", "2"]


def test_kubectl_gets_one_as_yaml_and_json(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    read = yaml.safe_load(shell.kubectl("get", "ro", "web", "-o", "yaml").stdout)
    assert read["kind"] == "Rollout"
    assert read["status"]["phase"] == "Healthy"
    assert json.loads(shell.kubectl("get", "ro", "web", "-o", "json").stdout) == read


def test_kubectl_patches(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    merge = shell.kubectl("patch", "ro", "web", "--type", "merge", "-p", '{"spec":{"replicas":3}}')
    assert merge.code == 0, merge.stderr
    assert "patched" in merge.stdout
    operations = '[{"op":"test","path":"/spec/replicas","value":7}]'
    refused = shell.kubectl("patch", "ro", "web", "--type", "json", "-p", operations)
    assert refused.code == 1
    strategic = shell.kubectl("patch", "ro", "web", "-p", '{"spec":{"replicas":4}}')
    assert strategic.code == 1
    assert "application/merge-patch+json" in strategic.stderr


def test_kubectl_describes_with_events(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    done = shell.kubectl("describe", "ro", "web")
    assert done.code == 0, done.stderr
    assert "RolloutCompleted" in done.stdout
    assert "Kind:         Rollout" in done.stdout


def test_kubectl_watches(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    shell.kubectl("version", "--client")
    process = shell.start("kubectl", "-n", shell.namespace, "get", "ro", "-w")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("NAME")
    assert process.stdout.readline().split()[:2] == ["web", "2"]
    shell.kubectl("patch", "ro", "web", "--type", "merge", "-p", '{"spec":{"replicas":3}}')
    assert process.stdout.readline().split()[:2] == ["web", "3"]


def test_kubectl_deletes_and_what_belongs_to_it_goes_too(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    assert "web-" in shell.kubectl("get", "rs,pods", "-o", "name").stdout
    done = shell.kubectl("delete", "ro", "web", "--timeout=20s")
    assert done.code == 0, done.stderr
    eventually(lambda: shell.kubectl("get", "rs,pods", "-o", "name").stdout == "")


def test_kubectl_reads_a_log_and_scales(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    done = shell.kubectl("scale", "ro", "web", "--replicas=3")
    assert done.code == 0, done.stderr
    assert shell.kubectl("get", "ro", "web", "-o", "jsonpath={.spec.replicas}").stdout == "3"


def test_kubectl_logs_end_by_themselves(shell: Shell) -> None:
    logs = ("logs", "-n", "argo-rollouts", "deployment/argo-rollouts")
    once = shell.kubectl(*logs)
    assert once.code == 0, once.stderr
    assert "Step plugin step/e2e-test configured" in once.stdout
    assert shell.kubectl(*logs, "-f", timeout=20).stdout == once.stdout
    assert shell.kubectl(*logs, "--tail=1").stdout == once.stdout.splitlines(keepends=True)[-1]
    assert shell.kubectl(*logs, "-c", "nobody").code == 1


def test_kubectl_waits_and_asks_what_it_may_do(shell: Shell) -> None:
    shell.needs_kubectl(28)
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    for what in ("jsonpath={.status.phase}=Healthy", "condition=Available"):
        done = shell.kubectl("wait", "ro/web", f"--for={what}", "--timeout=20s")
        assert done.code == 0, done.stderr
    assert shell.kubectl("auth", "can-i", "patch", "rollouts.argoproj.io/status").stdout == "yes\n"
    assert "admin" in shell.kubectl("auth", "whoami").stdout


def test_kubectl_applies_on_either_side(shell: Shell) -> None:
    shell.needs_kubectl(28)
    body = manifest(shell.namespace, "web", {"setWeight": 50}, {"pause": {}})
    for flags in ((), ("--server-side",), ("--dry-run=server",)):
        text = json.dumps(body)
        done = shell.kubectl("apply", *flags, "-f", "-", stdin=text)
        assert done.code == 0, done.stderr
        shell.until("web", "healthy")
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "demo:v2"
    done = shell.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    assert done.code == 0, done.stderr
    paused = "--for=jsonpath={.status.phase}=Paused"
    assert shell.kubectl("wait", "ro/web", paused, "--timeout=20s").code == 0


def test_kubectl_restarts_the_controller(own_shell: Shell) -> None:
    place = ("-n", "argo-rollouts", "deployment/argo-rollouts")
    before = own_shell.kubectl("get", "pods", "-n", "argo-rollouts", "-o", "name").stdout
    done = own_shell.kubectl("rollout", "restart", *place)
    assert done.code == 0, done.stderr
    done = own_shell.kubectl("rollout", "status", *place, "--timeout=20s")
    assert "successfully rolled out" in done.stdout, done.stderr
    after = own_shell.kubectl("get", "pods", "-n", "argo-rollouts", "-o", "name").stdout
    assert after.startswith("pod/argo-rollouts-") and after != before


def test_kubectl_creates_from_a_file(shell: Shell) -> None:
    text = json.dumps(manifest(shell.namespace, "web", {"pause": {}}))
    done = shell.kubectl("create", "--validate=false", "-f", "-", stdin=text)
    assert done.code == 0, done.stderr
    shell.until("web", "healthy")


def test_kubectl_without_the_token_is_refused(shell: Shell) -> None:
    config = yaml.safe_load(Path(shell.env["KUBECONFIG"]).read_text())
    config["users"][0]["user"] = {"token": "wrong"}
    path = shell.folder / "config"
    path.write_text(yaml.safe_dump(config))
    done = shell.kubectl("get", "ro", KUBECONFIG=str(path))
    assert done.code == 1
    assert "Unauthorized" in done.stderr or "logged in" in done.stderr
