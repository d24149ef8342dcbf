"""What a person is shown, and asked, before a version goes out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rolloutctl.domain.shipping import is_doubtful
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ExitCode, Forbidden
from support.changing_cluster import ChangingCluster
from support.fleet_cluster import fleet, numbered
from support.program import Program, Result

Object = dict[str, Any]
LABELS = {"app": "web"}


def replica_set(hash_: str, revision: int, image: str, *, ready: int, desired: int = 2) -> Object:
    return {
        "metadata": {
            "name": f"web-{hash_}",
            "namespace": "shop",
            "uid": f"uid-{hash_}",
            "labels": {**LABELS, "rollouts-pod-template-hash": hash_},
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "uid-web"}],
        },
        "spec": {
            "replicas": desired,
            "template": {"spec": {"containers": [{"name": "app", "image": image}]}},
        },
        "status": {"replicas": desired, "readyReplicas": ready, "availableReplicas": ready},
    }


def pod(hash_: str, number: int, *, crashes: int = 0) -> Object:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    return {
        "metadata": {
            "name": f"web-{hash_}-{number}",
            "namespace": "shop",
            "labels": {**LABELS, "rollouts-pod-template-hash": hash_},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": f"web-{hash_}", "uid": f"uid-{hash_}"}
            ],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "False" if crashes else "True"}],
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": not crashes,
                    "restartCount": crashes,
                    "state": waiting if crashes else {"running": {}},
                }
            ],
        },
    }


def analysis_run(*, failed: int, phase: str = "Running", dry_run: bool = False) -> Object:
    return {
        "metadata": {
            "name": "web-new-7",
            "namespace": "shop",
            "labels": {"rollouts-pod-template-hash": "new"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "uid-web"}],
        },
        "status": {
            "phase": phase,
            "metricResults": [
                {
                    "name": "errors",
                    "phase": phase,
                    "failed": failed,
                    "successful": 3,
                    "dryRun": dry_run,
                }
            ],
        },
    }


def web(
    *, ready: int = 2, crashes: int = 0, runs: tuple[Object, ...] = (), **settings: Any
) -> ChangingCluster:
    """A canary at a pause with two pods of its own."""
    rollout = {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": 3,
            "resourceVersion": "9",
            "annotations": {"rollout.argoproj.io/revision": "2"},
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": LABELS},
            "template": {"spec": {"containers": [{"name": "app", "image": "web:v2"}]}},
            "strategy": {
                "canary": {
                    "analysis": {"templates": [{"templateName": "errors"}]},
                    "steps": [{"setWeight": 50}, {"pause": {}}, {"setWeight": 80}],
                }
            },
        },
        "status": {
            "observedGeneration": "3",
            "phase": "Paused",
            "message": "CanaryPauseStep",
            "currentPodHash": "new",
            "stableRS": "old",
            "currentStepIndex": 1,
            "controllerPause": True,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-03-01T12:00:00Z"}],
            "replicas": 4,
            "readyReplicas": 2 + ready,
            "availableReplicas": 2 + ready,
        },
    }
    objects = {
        "rollouts": [rollout],
        "replicasets": [
            replica_set("new", 2, "web:v2", ready=ready),
            replica_set("old", 1, "web:v1", ready=2),
        ],
        "pods": [pod("new", 1), pod("new", 2, crashes=crashes), pod("old", 1, crashes=9)],
        "analysisruns": list(runs),
        "experiments": [],
    }
    return ChangingCluster(objects, namespace="shop", **settings)


@pytest.fixture
def at_a_terminal(rolloutctl: Program) -> Program:
    rolloutctl.terminal = True
    return rolloutctl


def run(program: Program, cluster: ChangingCluster, answer: str, *argv: str) -> Result:
    program.cluster = cluster
    program.stdin = answer
    return program(*argv, "--no-color")


def test_a_promotion_shows_what_it_ships_and_asks(at_a_terminal: Program) -> None:
    cluster = web()
    done = run(at_a_terminal, cluster, "n\n", "promote", "web")
    assert done.exit_code is ExitCode.FAILED
    assert cluster.sent == []
    assert "ships web:v1 → v2" in done.stderr
    assert "revision 2 has 2 of 2 pods ready" in done.stderr
    assert "Promote? [y/N]" in done.stderr
    assert run(at_a_terminal, cluster, "y\n", "promote", "web").exit_code is ExitCode.OK
    assert len(cluster.sent) == 1


def test_machines_are_neither_asked_nor_kept_waiting(rolloutctl: Program) -> None:
    cluster = web()
    assert run(rolloutctl, cluster, "", "promote", "web").exit_code is ExitCode.OK
    assert {request.plural for request in cluster.requests} == {"rollouts"}


def test_yes_is_an_answer_given_before(at_a_terminal: Program) -> None:
    done = run(at_a_terminal, web(), "", "promote", "web", "--yes")
    assert (done.exit_code, "[y/N]" in done.stderr) == (ExitCode.OK, False)


def test_pods_that_are_not_ready_make_a_full_promotion_ask_harder(at_a_terminal: Program) -> None:
    cluster = web(ready=1, crashes=5)
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.FAILED
    assert cluster.sent == []
    assert "revision 2 has 1 of 2 pods ready, 5 restarts" in done.stderr
    told = " ".join(done.stderr.split())
    assert "pod web-new-2 is not ready: CrashLoopBackOff, 5 restarts: back-off 40s" in told
    assert 'Promote in full? Type "web":' in done.stderr
    done = run(at_a_terminal, cluster, "web\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.OK


def test_a_failing_analysis_does_too(at_a_terminal: Program) -> None:
    cluster = web(runs=(analysis_run(failed=2),))
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert cluster.sent == []
    assert "analysis web-new-7 is Running" in done.stderr
    told = " ".join(done.stderr.split())
    assert "metric errors of web-new-7 is Running (2 failed measurements)" in told
    assert 'Type "web"' in done.stderr


def test_a_failing_dry_run_metric_does_not(at_a_terminal: Program) -> None:
    cluster = web(runs=(analysis_run(failed=2, dry_run=True),))
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.OK


@pytest.mark.parametrize("kind", ["pods", "replicasets", "analysisruns"])
def test_what_may_not_be_read_is_said_and_makes_the_question_no_easier(
    at_a_terminal: Program, kind: str
) -> None:
    cluster = web(forbidden=(kind,))
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.FAILED and 'Type "web"' in done.stderr
    assert f"not known: {kind} may not be read" in done.stderr
    assert run(at_a_terminal, cluster, "web\n", "promote", "web", "--full").exit_code is ExitCode.OK


@pytest.mark.parametrize("kind", ["pods", "replicasets", "analysisruns"])
def test_neither_does_one_object_that_is_not_understood(at_a_terminal: Program, kind: str) -> None:
    cluster = web(runs=(analysis_run(failed=0),))
    broken: Any = cluster.objects[kind][-1]
    broken["status"] = "odd"
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.FAILED and 'Type "web"' in done.stderr


def test_neither_does_a_version_without_a_replica_set(at_a_terminal: Program) -> None:
    cluster = web()
    cluster.objects["replicasets"].clear()
    done = run(at_a_terminal, cluster, "y\n", "promote", "web", "--full")
    assert done.exit_code is ExitCode.FAILED and 'Type "web"' in done.stderr


def test_a_selection_that_comes_to_one_is_agreed_to_like_one_that_is_named(
    at_a_terminal: Program,
) -> None:
    named = run(at_a_terminal, web(), "n\n", "promote", "web")
    selected = run(at_a_terminal, web(), "n\n", "promote", "--phase", "Paused")
    assert "Promote? [y/N]" in named.stderr and "Promote? [y/N]" in selected.stderr
    assert "web:v1 → v2" in selected.stderr


def test_nothing_readable_at_all_is_said_too(
    at_a_terminal: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rolloutctl.actions import preflight

    def refuse(*_: Any) -> None:
        raise Forbidden("not allowed to list anything")

    monkeypatch.setattr(preflight, "complete", refuse)
    done = run(at_a_terminal, web(), "y\n", "promote", "web")
    assert done.exit_code is ExitCode.OK
    assert "what is shipped could not be looked at: not allowed to list anything" in done.stderr


def test_a_dry_run_of_a_full_promotion_tells_a_machine(rolloutctl: Program) -> None:
    done = run(rolloutctl, web(ready=1, crashes=5), "", "promote", "web", "--full", "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert "revision 2 has 1 of 2 pods ready" in done.stderr


def test_several_doubtful_ones_are_confirmed_by_their_number(at_a_terminal: Program) -> None:
    cluster = fleet(*numbered(3))
    cluster.rollout_of("web-001")["status"]["readyReplicas"] = 0
    done = run(at_a_terminal, cluster, "y\n", "promote", "--full", "-l", "team=a")
    assert cluster.sent == []
    assert "pods are not ready in 1 rollout (web-001)" in done.stderr
    assert 'Type "3"' in done.stderr


def test_a_bad_analysis_makes_a_full_promotion_of_many_doubtful() -> None:
    def rollout(status: str) -> Rollout:
        run = {"name": "r", "status": status}
        return msgspec.convert(
            {
                "metadata": {"name": "web"},
                "spec": {"replicas": 1},
                "status": {
                    "readyReplicas": 1,
                    "replicas": 1,
                    "canary": {"currentBackgroundAnalysisRunStatus": run},
                },
            },
            Rollout,
        )

    assert [is_doubtful(rollout(status)) for status in ("Running", "Failed", "Inconclusive")] == [
        False,
        True,
        True,
    ]
