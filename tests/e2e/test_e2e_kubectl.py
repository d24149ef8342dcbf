"""kubectl, the real one, is at home on the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.shell import Ended, Shell, eventually, manifest

pytestmark = pytest.mark.e2e


def deployment(shell: Shell) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": shell.namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
            },
        },
    }


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


def test_kubectl_logs(shell: Shell) -> None:
    logs = ("logs", "-n", "argo-rollouts", "deployment/argo-rollouts")
    ready = ("wait", "deployment/argo-rollouts", "-n", "argo-rollouts", "--for=condition=Available")
    assert shell.kubectl(*ready, "--timeout=20s").code == 0
    once = shell.kubectl(*logs)
    assert once.code == 0, once.stderr
    assert "Step plugin step/e2e-test configured" in once.stdout
    followed = shell.kubectl_until(once.stdout.splitlines()[0], *logs, "-f")
    assert once.stdout.startswith(followed)
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


def test_kubectl_applies_twice_and_conflicts_are_said(shell: Shell) -> None:
    shell.needs_kubectl(28)
    body = manifest(shell.namespace, "web", {"setWeight": 50}, {"pause": {}})

    def apply(replicas: int, *flags: str) -> Ended:
        body["spec"]["replicas"] = replicas
        return shell.kubectl("apply", "--server-side", *flags, "-f", "-", stdin=json.dumps(body))

    for _ in range(2):
        done = apply(2)
        assert "rollout.argoproj.io/web serverside-applied" in done.stdout, done.stderr
    shell.until("web", "healthy")
    refused = apply(3, "--field-manager=gitops")
    assert refused.code == 1
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in refused.stderr
    forced = apply(3, "--field-manager=gitops", "--force-conflicts")
    assert forced.code == 0, forced.stderr
    shown = shell.kubectl("get", "ro", "web", "-o", "yaml", "--show-managed-fields").stdout
    managed = yaml.safe_load(shown)["metadata"]["managedFields"]
    owners = [e["manager"] for e in managed if "f:replicas" in e["fieldsV1"].get("f:spec", {})]
    assert owners == ["gitops"]
    status = [e for e in managed if e.get("subresource") == "status"]
    assert [e["manager"] for e in status] == ["rollouts-controller"]
    assert "managedFields" not in shell.kubectl("get", "ro", "web", "-o", "yaml").stdout


def test_kubectl_goes_over_from_its_own_apply_to_the_servers(shell: Shell) -> None:
    shell.needs_kubectl(28)
    body = deployment(shell)
    first = shell.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    assert first.stdout == "deployment.apps/web created\n", first.stderr
    again = shell.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    assert again.stdout == "deployment.apps/web unchanged\n", again.stderr
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "demo:v2"
    del body["metadata"]["labels"]
    moved = shell.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    assert moved.stdout == "deployment.apps/web serverside-applied\n", moved.stderr
    moved = shell.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    assert moved.code == 0, moved.stderr
    found = shell.kubectl("get", "deploy", "web", "-o", "json").json
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "demo:v2"
    assert "labels" not in found["metadata"]


@pytest.mark.parametrize("kind", ["rollout", "deployment"])
def test_kubectl_says_which_field_is_unknown(shell: Shell, kind: str) -> None:
    shell.needs_kubectl(28)
    body = deployment(shell) if kind == "deployment" else manifest(shell.namespace, "web")
    body["spec"]["replicaz"] = 3
    text = json.dumps(body)
    refused = shell.kubectl("apply", "-f", "-", stdin=text)
    assert refused.code == 1
    assert 'unknown field "spec.replicaz"' in refused.stderr
    refused = shell.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    assert refused.code == 1
    assert ".spec.replicaz: field not declared in schema" in refused.stderr
    assert shell.kubectl("get", kind, "-o", "name").stdout == ""
    warned = shell.kubectl("apply", "--validate=warn", "-f", "-", stdin=text)
    assert warned.code == 0, warned.stderr
    assert 'Warning: unknown field "spec.replicaz"' in warned.stderr


def test_kubectl_shows_what_an_apply_would_change(shell: Shell) -> None:
    body = manifest(shell.namespace, "web", {"setWeight": 50}, {"pause": {}})
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {}
    assert shell.kubectl("apply", "-f", "-", stdin=json.dumps(body)).code == 0
    shell.until("web", "healthy")
    same = shell.kubectl("diff", "-f", "-", stdin=json.dumps(body))
    assert (same.code, same.stdout) == (0, ""), same.stderr
    body["spec"]["replicas"] = 5
    for flags in ((), ("--server-side", "--force-conflicts")):
        done = shell.kubectl("diff", *flags, "-f", "-", stdin=json.dumps(body))
        assert done.code == 1, done.stderr
        assert "-  replicas: 2" in done.stdout and "+  replicas: 5" in done.stdout
    assert shell.kubectl("get", "ro", "web", "-o", "jsonpath={.spec.replicas}").stdout == "2"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("rollout.spec.strategy.canary.steps", ["setWeight\t<integer>", "in percent"]),
        ("analysistemplate.spec.metrics", ["provider\t<Object> -required-", "successCondition"]),
        ("pod.spec.containers.image", ["image <string>"]),
        ("rollout.metadata", ["ownerReferences"]),
    ],
)
def test_kubectl_explains(shell: Shell, path: str, expected: list[str]) -> None:
    shell.needs_kubectl(28)
    done = shell.kubectl("explain", path)
    assert done.code == 0, done.stderr
    for text in expected:
        assert text in done.stdout
    unknown = shell.kubectl("explain", f"{path}.nonsense")
    assert unknown.code == 1
    assert 'field "nonsense" does not exist' in unknown.stderr


def test_kubectl_edits(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    done = shell.kubectl("edit", "ro", "web", KUBE_EDITOR="sed -i s/demo:v1/demo:v2/")
    assert done.stdout == "rollout.argoproj.io/web edited\n", done.stderr
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert shell.kubectl("get", "ro", "web", "-o", image).stdout == "demo:v2"
    same = shell.kubectl("edit", "ro", "web", KUBE_EDITOR="true")
    assert "no changes made" in same.stdout + same.stderr


def test_kubectl_creates_without_a_file(shell: Shell) -> None:
    """It sends these in Protocol Buffers, whatever a server answers."""
    for argv, name in (
        (("configmap", "c", "--from-literal=a=b"), "configmap/c"),
        (("secret", "generic", "s", "--from-literal=a=b"), "secret/s"),
        (("serviceaccount", "sa"), "serviceaccount/sa"),
        (("service", "clusterip", "svc", "--tcp=80:http"), "service/svc"),
        (("deployment", "d", "--image=demo:v1", "--replicas=2", "--port=80"), "deployment.apps/d"),
        (("job", "j", "--image=demo:v1", "--", "true"), "job.batch/j"),
    ):
        done = shell.kubectl("create", *argv)
        assert done.stdout == f"{name} created\n", done.stderr
    assert shell.kubectl("get", "cm", "c", "-o", "jsonpath={.data.a}").stdout == "b"
    done = shell.kubectl("rollout", "status", "deploy/d", "--timeout=20s")
    assert "successfully rolled out" in done.stdout, done.stderr
    ready = "jsonpath={.status.readyReplicas}"
    assert shell.kubectl("get", "deploy", "d", "-o", ready).stdout == "2"


def test_kubectl_lists_what_one_may_do(shell: Shell) -> None:
    done = shell.kubectl("auth", "can-i", "--list")
    assert done.code == 0, done.stderr
    assert any(line.split() == ["*.*", "[]", "[]", "[*]"] for line in done.stdout.splitlines())
    other = shell.kubectl("auth", "can-i", "--list", "--as", "somebody")
    assert "selfsubjectrulesreviews.authorization.k8s.io" in other.stdout, other.stderr
    assert "*.*" not in other.stdout


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
    done = shell.kubectl("create", "-f", "-", stdin=text)
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
