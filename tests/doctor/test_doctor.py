"""`doctor`: what is well, what is not, what to do, and what the exit code says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.cli.app import COMMANDS
from rolloutctl.domain.doctor import version_of
from rolloutctl.domain.rights import NEEDS, Need, Place, rights, rules
from rolloutctl.errors import ClusterError, ExitCode, Forbidden, Unreachable
from support.examined import GROUPS, NOW, Examined, installation, stamp
from support.program import Program

LOCAL = frozenset(
    {
        *("completion", "config", "convert", "demo", "doctor", "lint", "sandbox", "schema"),
        *("set", "terminate", "version", "analysis", "experiment", "plugins"),
    }
)
"""Commands that need no cluster, or whose parts stand in the table one by one."""


def doctor(cluster: Examined, *argv: str) -> Any:
    return Program(cluster=cluster, now=lambda: NOW)("doctor", *argv)


def web(**status: Any) -> dict[str, Any]:
    """An update that waits for pods, at a step of a plugin nobody configured, through SMI."""
    return {
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-web", "generation": 1},
        "spec": {
            "replicas": 4,
            "strategy": {
                "canary": {
                    "steps": [{"plugin": {"name": "team/lost"}}],
                    "trafficRouting": {"smi": {}, "istio": {"virtualService": {"name": "web"}}},
                }
            },
        },
        "status": {
            "observedGeneration": "1",
            "phase": "Progressing",
            "stableRS": "aaa",
            "currentPodHash": "bbb",
            "availableReplicas": 2,
            **status,
        },
    }


def stable(available: int) -> dict[str, Any]:
    owner = {"kind": "Rollout", "name": "web", "uid": "uid-web", "controller": True}
    return {
        "metadata": {
            "name": "web-aaa",
            "namespace": "shop",
            "labels": {"rollouts-pod-template-hash": "aaa"},
            "ownerReferences": [owner],
        },
        "spec": {"replicas": 4},
        "status": {"availableReplicas": available},
    }


def well() -> Examined:
    return Examined(installation())


def ill() -> Examined:
    broken = installation(
        image="registry.example/argo-rollouts:v1.7.2",
        ready=0,
        changed=timedelta(hours=1),
        config="- name: gate\n",
    )
    found = Examined(
        {**broken, "rollouts": [web()], "replicasets": [stable(2)]},
        groups={key: value for key, value in GROUPS.items() if "istio" not in key},
        answers={"/apis/argoproj.io/v1alpha1": json.dumps({"resources": [{"name": "rollouts"}]})},
        allowed=lambda asked: asked["verb"] in ("get", "list"),
    )
    found.skew = -95.0
    return found


@pytest.mark.parametrize("output", ["text", "wide", "json", "jsonl", "yaml"])
@pytest.mark.parametrize("state", ["well", "ill"])
def test_formats(state: str, output: str, snapshot: SnapshotAssertion) -> None:
    cluster = well() if state == "well" else ill()
    result = doctor(cluster, *(() if output == "text" else ("-o", output)))
    assert result.exit_code == (ExitCode.OK if state == "well" else ExitCode.FAILED)
    assert result.stdout == snapshot
    assert result.stderr == ""


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "yaml"])
def test_rights_in_every_format(output: str, snapshot: SnapshotAssertion) -> None:
    cluster = Examined(
        installation(),
        allowed=lambda asked: asked["verb"] != "patch" and asked["resource"] != "events",
    )
    result = doctor(cluster, "--rights", *(() if output == "text" else ("-o", output)))
    assert result.exit_code == ExitCode.OK
    assert (result.stdout, result.stderr) == snapshot


def severities(cluster: Examined, *argv: str) -> dict[str, str]:
    result = doctor(cluster, "-o", "json", *argv)
    return {each["check"]: each["severity"] for each in json.loads(result.stdout)["findings"]}


def without(plural: str) -> dict[str, list[dict[str, Any]]]:
    return {key: value for key, value in installation().items() if key != plural}


def hidden(asked: Mapping[str, str]) -> bool:
    return asked["resource"] != "deployments"


POD = "/api/v1/namespaces/argo-rollouts/pods/argo-rollouts-1:8090/proxy/metrics"
STATES: dict[str, tuple[Examined, dict[str, str], ExitCode]] = {
    "no CRDs": (
        Examined(installation(), groups={"apps": ["v1"]}),
        {"installed": "error"},
        ExitCode.FAILED,
    ),
    "what is served may not be read": (
        Examined(installation(), answers={"/apis": Forbidden("not allowed")}),
        {"installed": "note"},
        ExitCode.OK,
    ),
    "the version may not be read": (
        Examined(installation(), answers={"/version": Forbidden("not allowed")}),
        {"server": "note", "installed": "ok"},
        ExitCode.OK,
    ),
    "the version is nonsense": (
        Examined(installation(), answers={"/version": "[]"}),
        {"server": "note"},
        ExitCode.OK,
    ),
    "no controller": (Examined({}), {"controller": "warning"}, ExitCode.OK),
    "the controller may not be read": (
        Examined({}, forbidden=["deployments"], allowed=hidden),
        {"controller": "note"},
        ExitCode.OK,
    ),
    "the controller is not ready": (
        Examined(installation(ready=0)),
        {"controller": "error"},
        ExitCode.FAILED,
    ),
    "an image without a version": (
        Examined(installation(image="argo-rollouts@sha256:abc"), answers={POD: "# nothing"}),
        {"controller-version": "note", "metrics": "ok"},
        ExitCode.OK,
    ),
    "the ConfigMap was changed": (
        Examined(installation(changed=timedelta(hours=1))),
        {"plugin-config": "ok", "plugin-config-read": "warning"},
        ExitCode.OK,
    ),
    "the ConfigMap is broken": (
        Examined(installation(config="- [")),
        {"plugin-config": "error"},
        ExitCode.FAILED,
    ),
    "no ConfigMap": (Examined(without("configmaps")), {"plugin-config": "ok"}, ExitCode.OK),
    "the ConfigMap may not be read": (
        Examined(installation(), forbidden=["configmaps"]),
        {"plugin-config": "note"},
        ExitCode.OK,
    ),
    "metrics are not served": (
        Examined(installation(), answers={POD: ClusterError("cluster test: 503")}),
        {"metrics": "note"},
        ExitCode.OK,
    ),
    "rollouts may not be listed": (
        Examined(installation(), forbidden=["rollouts"]),
        {"rollouts": "warning"},
        ExitCode.OK,
    ),
    "no rights at all": (
        Examined(installation(), allowed=lambda asked: False),
        {"rights": "error"},
        ExitCode.FAILED,
    ),
    "its own pods hold the update up": (
        Examined({**installation(), "rollouts": [web()], "replicasets": [stable(2)]}),
        {"unhealthy-stable": "warning", "plugins-used": "warning", "routers": "warning"},
        ExitCode.OK,
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_severity(state: str) -> None:
    cluster, expected, code = STATES[state]
    found = severities(cluster)
    assert {check: found.get(check) for check in expected} == expected
    assert doctor(cluster).exit_code == code


@pytest.mark.parametrize("skew, severity", [(0.5, "ok"), (-5.0, "note"), (90.0, "warning")])
def test_clocks(skew: float, severity: str) -> None:
    cluster = well()
    cluster.skew = skew
    assert severities(cluster)["clock"] == severity


def test_a_stable_version_that_is_well_holds_nothing_up() -> None:
    objects = {**installation(), "rollouts": [web()], "replicasets": [stable(4)]}
    assert "unhealthy-stable" not in severities(Examined(objects))


def test_several_controllers_are_told_apart_by_a_person() -> None:
    objects = installation()
    one = objects["deployments"][0]["metadata"]
    for place in ("a", "b"):
        named = {**one, "name": "rollouts", "namespace": place}
        labels = {"app.kubernetes.io/name": "argo-rollouts"}
        objects["deployments"].append({"metadata": {**named, "labels": labels}})
    del objects["deployments"][0]
    result = doctor(Examined(objects))
    assert "there are 2 controllers, in a, b" in result.stdout
    assert "--controller-namespace" in result.stdout


def test_a_cluster_that_does_not_answer_is_a_finding() -> None:
    gone = Unreachable("cluster test does not answer", hint="is it running?")
    result = doctor(Examined({}, answers={"/version": gone}))
    assert result.exit_code == ExitCode.CLUSTER
    assert "rolloutctl 0" in result.stdout
    assert "cluster test does not answer: is it running?" in result.stdout
    nowhere = Program(env={"KUBECONFIG": "/nowhere/config"})("doctor", "-o", "json")
    assert nowhere.exit_code == ExitCode.CLUSTER
    assert [each["check"] for each in json.loads(nowhere.stdout)["findings"]] == [
        "client",
        "server",
    ]


def test_what_the_cluster_says_cannot_mislead() -> None:
    objects = installation(image="x:\x1b[31mv1.8\nok  all is well")
    result = doctor(Examined(objects, answers={"/version": '{"gitVersion": "v1\\u001b[2J\\nok"}'}))
    assert "\x1b" not in result.stdout
    assert not any(line.startswith("ok  all") for line in result.stdout.splitlines())


def test_rights_are_asked_for_once_each_where_they_are_needed() -> None:
    cluster = well()
    doctor(cluster, "--rights")
    assert len(cluster.reviews) == len(rights())
    assert {each["namespace"] for each in cluster.reviews} == {"shop", "argo-rollouts"}
    assert {"rollouts", "status"} <= {
        value for each in cluster.reviews for key, value in each.items() if key != "verb"
    }
    everywhere = well()
    doctor(everywhere, "--rights", "-A")
    assert {each.get("namespace") for each in everywhere.reviews} == {None, "argo-rollouts"}


def test_reviews_that_fail_are_told() -> None:
    class Failing(Examined):
        def create(self, *_: Any, **__: Any) -> bytes:
            raise ClusterError("cluster test failed: HTTP 500")

    result = doctor(Failing(installation()))
    assert result.exit_code == ExitCode.OK
    assert "not known: cluster test failed: HTTP 500" in result.stdout
    assert doctor(Failing(installation()), "--rights").exit_code == ExitCode.CLUSTER


@pytest.mark.parametrize("argv", [[], ["-A"], ["-n", "x", "--controller-namespace", "y"]])
def test_a_role_has_every_right_and_no_other(argv: list[str]) -> None:
    result = doctor(well(), "--print-role", *argv)
    assert result.exit_code == ExitCode.OK
    here, there = yaml.safe_load_all(result.stdout)
    assert here["kind"] == ("ClusterRole" if argv == ["-A"] else "Role")
    given = {
        (resource, verb, place)
        for place, role in ((Place.HERE, here), (Place.CONTROLLER, there))
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert given == {need.right for need in rights()}


def test_rules_are_as_few_as_can_be() -> None:
    found = rules([Need("rollouts", "get"), Need("rollouts", "list"), Need("pods", "list")])
    assert found == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": ["get", "list"]},
    ]


def test_every_command_says_which_rights_it_needs() -> None:
    known = {command.partition(" ")[0] for command in NEEDS}
    assert set(COMMANDS) - known - LOCAL == set()


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("quay.io/argoproj/argo-rollouts:v1.8.3", (1, 8)),
        ("host:5000/argo-rollouts:1.9", (1, 9)),
        ("host:5000/argo-rollouts", None),
        ("argo-rollouts:latest", None),
        ("argo-rollouts:v1.10.0-rc1+abc@sha256:00", (1, 10)),
    ],
)
def test_versions(image: str, version: tuple[int, int] | None) -> None:
    assert version_of(image) == version


def test_the_age_is_told_by_the_start_of_its_process() -> None:
    assert stamp(timedelta(days=1)) == "2026-11-21T14:00:00Z"
    assert "running for 24h" in doctor(well()).stdout or "running for 1d" in doctor(well()).stdout


def test_names_alone_are_refused() -> None:
    assert doctor(well(), "-o", "name").exit_code == ExitCode.USAGE
