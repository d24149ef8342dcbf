"""`rolloutctl convert`: what becomes of a manifest, and that the way back leads home."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.converting import (
    Remark,
    Says,
    Strategy,
    referring,
    steps,
    to_deployment,
    to_rollout,
)
from rolloutctl.domain.lint.checks import lint
from rolloutctl.domain.lint.manifests import read
from rolloutctl.domain.lint.references import MISSING
from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.controller import invalid
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.fake_cluster import FakeCluster
from support.linted import made
from support.program import Program, Result

COMMENTED = """\
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web}
  annotations:
    team: pay
spec:
  replicas: 4   # see the autoscaler
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  # never change this
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        # the only one
        - name: app
          image: "shop/web:v1"   # pinned
          args: ["--on", 'yes']
---
apiVersion: v1
kind: Service
metadata:
  name: front
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
# scales it
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
"""
LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {
            "deployment.kubernetes.io/revision": "3",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web",
        },
    },
    "spec": {
        "replicas": 2,
        "minReadySeconds": 5,
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        "paused": True,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}, "creationTimestamp": None},
            "spec": {"containers": [{"name": "app", "image": "shop/web:v1"}]},
        },
    },
    "status": {"replicas": 2},
}
REF: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": 5,
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "strategy": {"canary": {}},
    },
}
CANARY: dict[str, Any] = {
    **REF,
    "metadata": {"name": "web", "annotations": {"rollout.argoproj.io/revision": "4"}},
    "spec": {
        **{key: LIVE["spec"][key] for key in ("replicas", "selector", "template")},
        "restartAt": "2026-01-01T00:00:00Z",
        "strategy": {
            "canary": {
                "maxSurge": "50%",
                "stableService": "front",
                "canaryService": "next",
                "steps": [{"setWeight": 20}],
            }
        },
    },
    "status": {"phase": "Healthy"},
}
TEMPLATE = {key: LIVE["spec"][key] for key in ("selector", "template")}


def convert(*argv: str, stdin: str = "", **objects: list[Any]) -> Result:
    return Program(cluster=FakeCluster(objects), stdin=stdin)("convert", *argv)


# --- by the command -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        "--steps 20,pause:10m,50,pause",
        "--steps 20,pause:10m,50,pause -o json",
        "--strategy blue-green --preview-service next",
        "--workload-ref --scale-down progressively",
        "--workload-ref -o json",
    ],
)
def test_a_file_becomes_a_rollout(argv: str, snapshot: SnapshotAssertion) -> None:
    done = convert("deployment", "-", *argv.split(), stdin=COMMENTED)
    assert done.exit_code == ExitCode.OK
    assert done.stdout == snapshot(name="stdout")
    assert done.stderr == snapshot(name="stderr")
    manifests, findings = read(done.stdout, "printed")
    assert findings == []
    assert [each.message for each in lint(manifests) if each.rule not in MISSING] == []


def test_a_file_that_comes_back_is_as_it_was() -> None:
    there = convert("deployment", "-", stdin=COMMENTED)
    back = convert("rollout", "-", stdin=there.stdout)
    assert back.stdout == COMMENTED


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_a_deployment_of_the_cluster(output: str, snapshot: SnapshotAssertion) -> None:
    argv = ("deployment", "deploy/web", "-o", output)
    done = convert(*argv, deployments=[LIVE])
    assert done.exit_code == ExitCode.OK
    assert done.stdout == snapshot(name="stdout")
    assert done.stderr == snapshot(name="stderr")


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_a_rollout_of_the_cluster(output: str, snapshot: SnapshotAssertion) -> None:
    live = {**CANARY, "metadata": {**CANARY["metadata"], "namespace": "shop"}}
    done = convert("rollout", "ro/web", "-o", output, rollouts=[live])
    assert done.exit_code == ExitCode.OK
    assert done.stdout == snapshot(name="stdout")
    assert done.stderr == snapshot(name="stderr")


def test_the_way_back_of_a_workload_ref_is_its_deployment() -> None:
    done = convert("rollout", "web", rollouts=[REF], deployments=[LIVE])
    found = yaml.safe_load(done.stdout)
    assert (found["kind"], found["spec"]["replicas"]) == ("Deployment", 5)
    assert found["spec"]["strategy"] == {"type": "Recreate"}
    assert "delete the rollout" in done.stderr

    both = yaml.safe_dump_all([REF, LIVE])
    (found,) = yaml.safe_load_all(convert("rollout", "-", stdin=both).stdout)
    assert (found["kind"], found["spec"]["replicas"]) == ("Deployment", 5)


def test_lists_are_taken_apart_where_they_stand() -> None:
    whole = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [LIVE]})
    found = yaml.safe_load(convert("deployment", "-", stdin=whole).stdout)
    assert [each["kind"] for each in found["items"]] == ["Rollout"]


@pytest.mark.parametrize(
    ("argv", "stdin", "said"),
    [
        (["deployment", "-"], "a: [", "stdin is no YAML: line 1"),
        (["deployment", "-"], "", "stdin holds no Deployment"),
        (["deployment", "-"], "- 1", "a document is no object"),
        (["deployment", "-"], yaml.safe_dump(REF), "it holds Rollout"),
        (["rollout", "-"], yaml.safe_dump(LIVE), "stdin holds no Rollout"),
        (["rollout", "-"], "apiVersion: argoproj.io/v1alpha1\nkind: Rollout", "without a name"),
        (
            ["rollout", "-"],
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}",
            "rollout a has no spec",
        ),
        (["rollout", "-"], yaml.safe_dump(REF), "is in deployment web, and the file does not"),
        (["deployment", "none.yaml"], "", "none.yaml cannot be read"),
        (["deployment", "."], "", "is a folder"),
        (["deployment", "web", "--steps", "20,200"], "", '"200" is no step'),
        (["deployment", "web", "--steps", "pause:soon"], "", '"pause:soon" is no step'),
        (["deployment", "web", "--strategy", "linear"], "", "known: canary, blue-green"),
        (["deployment", "web", "--service", "a"], "", "are for --strategy blue-green"),
        (["deployment", "web", "--strategy", "blue-green", "--steps", "1"], "", "of a canary"),
        (["deployment", "web", "--scale-down", "never"], "", "is for --workload-ref"),
        (["deployment", "web", "-o", "name"], "", "known: yaml, json"),
        (["deployment", "web", "-A"], "", "cannot be named across all namespaces"),
    ],
)
def test_what_cannot_be_converted(
    argv: list[str], stdin: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if argv[1] == ".":
        argv = ["deployment", "./folder.yaml"]
        Path("folder.yaml").mkdir()
    done = convert(*argv, stdin=stdin)
    assert done.exit_code in (ExitCode.USAGE, ExitCode.NOT_FOUND)
    assert said in done.stderr
    assert done.stdout == ""


def test_what_is_not_in_the_cluster_is_not_found() -> None:
    assert convert("deployment", "web").exit_code == ExitCode.NOT_FOUND


def faults(rollout: Any) -> list[str]:
    """What lint says of one rollout by itself."""
    (manifest,) = made(rollout)
    return [each.message for each in lint([manifest])]


# --- the conversion itself ----------------------------------------------------------------------


def deployments() -> st.SearchStrategy[dict[str, Any]]:
    """Deployments as people write them, with what a server adds to some."""
    limit = st.one_of(st.integers(1, 5), st.sampled_from(["25%", "100%"]))
    strategy = st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {
                "type": st.just("RollingUpdate"),
                "rollingUpdate": st.dictionaries(
                    st.sampled_from(["maxSurge", "maxUnavailable"]), limit, min_size=1
                ),
            }
        ),
    )
    optional = {
        "replicas": st.integers(0, 9),
        "minReadySeconds": st.integers(0, 60),
        "revisionHistoryLimit": st.integers(0, 10),
        "progressDeadlineSeconds": st.integers(61, 600),
        "paused": st.booleans(),
    }
    return st.builds(
        lambda some, strategy: {
            **{key: copy.deepcopy(LIVE[key]) for key in ("apiVersion", "kind")},
            "metadata": {"name": "web"},
            "spec": {
                "selector": LIVE["spec"]["selector"],
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": LIVE["spec"]["template"]["spec"],
                },
                **some,
                **({"strategy": strategy} if strategy else {}),
            },
        },
        st.fixed_dictionaries({}, optional=optional),
        strategy,
    )


@given(deployments(), st.sampled_from(["", "20", "5,pause,50,pause:1h"]))
@settings(max_examples=60)
def test_there_and_back_is_the_deployment_again(written: dict[str, Any], plan: str) -> None:
    found = copy.deepcopy(written)
    assert to_rollout(found, Strategy(steps=steps(plan) if plan else ())) == []
    assert invalid.spec_error(found) is None
    assert faults(found) == []
    remarks = to_deployment(found)
    assert {each.detail for each in remarks} <= {"spec.strategy.canary.steps"}
    assert found == written


def test_a_recreating_deployment_comes_back_as_the_nearest_there_is() -> None:
    found = copy.deepcopy(LIVE)
    assert to_rollout(found, Strategy()) == [Remark(Says.RECREATE, "web")]
    assert found["spec"]["strategy"] == {"canary": {"maxSurge": 0, "maxUnavailable": "100%"}}
    to_deployment(found)
    limits = {"maxSurge": 0, "maxUnavailable": "100%"}
    assert found["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": limits}
    assert found["metadata"] == {"name": "web", "namespace": "shop"}
    assert "status" not in found


def test_what_has_no_counterpart_is_said() -> None:
    remarks = to_deployment(copy.deepcopy(CANARY))
    assert remarks == [
        Remark(Says.DROPPED, "web", "spec.restartAt"),
        Remark(Says.DROPPED, "web", "spec.strategy.canary.stableService"),
        Remark(Says.DROPPED, "web", "spec.strategy.canary.canaryService"),
        Remark(Says.DROPPED, "web", "spec.strategy.canary.steps"),
        Remark(Says.SERVICES_EDITED, "web", "front, next"),
    ]


def test_a_reference_leaves_the_deployment_alone() -> None:
    before = json.dumps(LIVE)
    rollout, remarks = referring(LIVE, Strategy(), "onsuccess")
    assert json.dumps(LIVE) == before
    assert [each.says for each in remarks] == [Says.RECREATE, Says.MIGRATION]
    assert rollout["spec"]["workloadRef"]["scaleDown"] == "onsuccess"
    assert "template" not in rollout["spec"] and "paused" not in rollout["spec"]


@pytest.mark.parametrize("strategy", [Strategy(), Strategy(steps=steps("50,pause:1s"))])
def test_a_referring_rollout_takes_over_on_a_cluster(strategy: Strategy) -> None:
    sandbox = EmbeddedCluster()
    sandbox.client.create("namespaces", {"metadata": {"name": "shop"}})
    spec = {key: value for key, value in LIVE["spec"].items() if key != "paused"}
    deployment = {**LIVE, "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}
    sandbox.apply(deployment)
    rollout, _ = referring(deployment, strategy, "onsuccess")
    assert invalid.spec_error({**rollout, "spec": {**rollout["spec"], **TEMPLATE}}) is None
    sandbox.apply(rollout)
    sandbox.settle()
    sandbox.advance(30)
    sandbox.settle()
    assert sandbox.client.get("rollouts", "web", "shop")["status"]["phase"] == "Healthy"
    assert sandbox.client.get("deployments", "web", "shop")["spec"]["replicas"] == 0
