"""`scale`, and who would take a change back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolloutctl.domain.gitops import Tool, keepers_of
from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.changing_cluster import ChangingCluster
from support.embedded import InProcess
from support.program import Program, Result

Object = dict[str, Any]
ARGO_CD = {"argocd.argoproj.io/tracking-id": "shop-app:argoproj.io/Rollout:shop/web"}


def web(*, replicas: int | None = 3, paused: bool = False, **metadata: Any) -> Object:
    spec: Object = {"strategy": {"canary": {"steps": []}}}
    if replicas is not None:
        spec["replicas"] = replicas
    if paused:
        spec["paused"] = True
    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": 3,
            "resourceVersion": "9",
            **metadata,
        },
        "spec": spec,
        "status": {
            "observedGeneration": "3",
            "phase": "Healthy",
            "currentPodHash": "one",
            "stableRS": "one",
            "replicas": 3,
            "availableReplicas": 3,
            "readyReplicas": 3,
        },
    }


def autoscaler(name: str) -> Object:
    target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": name}
    metadata = {"name": f"{name}-hpa", "namespace": "shop"}
    return {"metadata": metadata, "spec": {"scaleTargetRef": target}}


def applied(**spec: Any) -> Object:
    """The metadata of what Argo CD applied last."""
    last = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec})}
    return {"annotations": {**ARGO_CD, **last}}


def cluster(item: Object, *autoscalers: Object, **settings: Any) -> ChangingCluster:
    objects = {"rollouts": [item], "horizontalpodautoscalers": list(autoscalers)}
    return ChangingCluster(objects, namespace="shop", **settings)


def run(program: Program, found: ChangingCluster, *argv: str) -> Result:
    program.cluster = found
    return program(*argv)


@pytest.mark.parametrize("form", ["text", "json", "yaml", "jsonl", "name"])
def test_formats(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    found = cluster(web(**applied(replicas=3)))
    done = run(rolloutctl, found, "scale", "web", "--replicas", "5", *output)
    assert done.exit_code is ExitCode.OK
    assert done.stdout == snapshot


@pytest.mark.parametrize(
    ("item", "argv", "code", "said"),
    [
        (web(), ["--replicas", "3"], ExitCode.OK, "it is set to 3 pods already"),
        (web(replicas=None), ["--replicas", "1"], ExitCode.OK, "it is set to 1 pods already"),
        (
            web(),
            ["--replicas", "5", "--current-replicas", "2"],
            ExitCode.CONFLICT,
            "it is set to 3 pods, not to 2",
        ),
        (web(), ["--replicas", "-1"], ExitCode.USAGE, "is no number"),
        (web(), [], ExitCode.USAGE, "--replicas"),
        (web(), ["--replicas", "0"], ExitCode.USAGE, "this needs a confirmation"),
        (web(), ["--replicas", "5", "--read-only"], ExitCode.USAGE, "read-only"),
        (web(), ["--replicas", "5", "--dry-run"], ExitCode.OK, "+ spec.replicas: 5"),
    ],
)
def test_what_cannot_or_need_not_be_done(
    rolloutctl: Program, item: Object, argv: list[str], code: ExitCode, said: str
) -> None:
    found = cluster(item)
    done = run(rolloutctl, found, "scale", "web", *argv)
    assert done.exit_code is code
    assert said in done.stdout + done.stderr
    assert found.sent == []


def test_somebody_elses_scaling_is_not_overwritten(rolloutctl: Program) -> None:
    def scaled(item: Object) -> None:
        item["spec"]["replicas"] = 7

    found = cluster(web(), intrusions=[scaled])
    done = run(rolloutctl, found, "scale", "web", "--replicas", "5")
    assert done.exit_code is ExitCode.CONFLICT
    assert found.rollout["spec"]["replicas"] == 7


def test_a_hold_and_an_autoscaler_are_said(rolloutctl: Program) -> None:
    found = cluster(web(paused=True), autoscaler("web"), autoscaler("other"))
    done = run(rolloutctl, found, "scale", "web", "--replicas", "5")
    told = " ".join(done.stderr.split())
    assert "HorizontalPodAutoscaler web-hpa scales it, and takes this back" in told
    assert "other-hpa" not in told
    assert "until it is resumed no pods are resized" in told
    forbidden = cluster(web(), autoscaler("web"), forbidden=("horizontalpodautoscalers",))
    done = run(rolloutctl, forbidden, "scale", "web", "--replicas", "5")
    assert (done.exit_code, done.stderr) == (ExitCode.OK, "")


def test_it_is_followed_until_the_pods_are_there(
    embedded: EmbeddedCluster, rolloutctl: Program
) -> None:
    labels = {"app": "web"}
    containers = [{"name": "app", "image": "web:v1"}]
    embedded.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "strategy": {"canary": {}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
            },
        }
    )
    embedded.advance(30)
    rolloutctl.cluster = InProcess(embedded, "default")
    rolloutctl.now = embedded.clock.now
    for count in ("5", "0", "1"):
        done = rolloutctl("scale", "web", "--replicas", count, "--yes", "--wait", "--timeout", "5m")
        assert done.exit_code is ExitCode.OK, done.stderr
        assert "scaled after" in done.stdout
        status = embedded.client.get("rollouts", "web", "default")["status"]
        assert status.get("availableReplicas", 0) == int(count)


# --- who takes it back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "path", "kept"),
    [
        (applied(replicas=3), ("spec", "replicas"), True),
        (applied(replicas=3), ("spec", "paused"), False),
        ({"annotations": ARGO_CD}, ("spec", "replicas"), False),
        (
            {
                "annotations": ARGO_CD,
                "managedFields": [
                    {
                        "manager": "argocd-controller",
                        "fieldsV1": {"f:spec": {"f:replicas": {}}},
                    }
                ],
            },
            ("spec", "replicas"),
            True,
        ),
        (
            {
                "annotations": ARGO_CD,
                "managedFields": [
                    {"manager": "kubectl-scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
                ],
            },
            ("spec", "replicas"),
            False,
        ),
        ({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{"}}, ("a",), False),
        (
            {
                "annotations": {
                    **ARGO_CD,
                    "kubectl.kubernetes.io/last-applied-configuration": "[",
                },
                "managedFields": "odd",
            },
            ("spec", "replicas"),
            False,
        ),
    ],
)
def test_only_a_field_its_source_has_is_brought_back(
    metadata: Object, path: tuple[str, ...], kept: bool
) -> None:
    found = keepers_of({"metadata": metadata}, *path)
    assert [one.tool for one in found] == ([Tool.ARGO_CD] if kept else [])


@pytest.mark.parametrize(
    ("item", "argv"),
    [
        (web(**applied(replicas=3)), ["scale", "web", "--replicas", "5"]),
        (web(**applied(paused=False)), ["pause", "web"]),
        (web(paused=True, **applied(paused=True)), ["resume", "web"]),
        (web(**applied(restartAt="2026-01-01T00:00:00Z")), ["restart", "web"]),
    ],
)
def test_what_will_be_taken_back_is_said_with_the_application(
    rolloutctl: Program, item: Object, argv: list[str]
) -> None:
    done = run(rolloutctl, cluster(item), *argv, "-o", "json")
    assert done.exit_code is ExitCode.OK, done.stderr
    told = " ".join(done.stderr.split())
    assert "Argo CD manages it (application shop-app): where it syncs by itself" in told
    (result,) = json.loads(done.stdout)["results"]
    assert result["managedBy"] == [{"tool": "argo-cd", "application": "shop-app"}]


@pytest.mark.parametrize("command", ["pause", "abort", "restart"])
def test_what_stays_is_not_warned_of(rolloutctl: Program, command: str) -> None:
    item = web(**applied(replicas=3))
    if command == "abort":
        item["status"]["currentPodHash"] = "two"
    done = run(rolloutctl, cluster(item), command, "web")
    assert "Argo CD" not in done.stderr
