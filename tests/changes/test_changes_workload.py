"""Changes of rollouts whose template a workload holds, and of those with runs under way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rolloutctl.errors import ExitCode
from support.changing_cluster import ChangingCluster, cluster_at
from support.program import Program, Result
from support.recorded import Moment, moment

ANNOTATION = "/metadata/annotations/rollout.argoproj.io~1workload-generation"


def paused(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def experimenting(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("canary", {}).get("currentExperiment"))


def not_observed(item: Mapping[str, Any]) -> bool:
    seen = item.get("status", {}).get("workloadObservedGeneration")
    said = item["metadata"].get("annotations", {}).get("rollout.argoproj.io/workload-generation")
    return seen is not None and seen != said


def aborted(found: Moment) -> Moment:
    """The moment, had it been aborted."""
    (item,) = found.objects["rollouts"]
    item["status"] |= {
        "abort": True,
        "abortedAt": "2026-11-22T22:53:00Z",
        "phase": "Degraded",
        "message": "RolloutAborted: Rollout aborted update to revision 2",
        "pauseConditions": None,
        "currentStepIndex": 0,
    }
    return found


def run(found: Moment, *argv: str) -> tuple[Result, ChangingCluster]:
    cluster = cluster_at(found)
    return Program(cluster=cluster, now=lambda: found.now)(argv[0], "demo", *argv[1:]), cluster


def sent(cluster: ChangingCluster) -> list[tuple[str, Any]]:
    """What the one patch sets or removes, by path; see `preconditions` for its tests."""
    (change,) = cluster.sent
    return [(op["path"], op.get("value")) for op in change.operations if op["op"] != "test"]


def preconditions(cluster: ChangingCluster) -> set[str]:
    (change,) = cluster.sent
    return {op["path"] for op in change.operations if op["op"] == "test"}


@pytest.mark.parametrize(
    ("command", "says", "path"),
    [
        ("promote", "step 2/2 (pause) → all 2 steps done", "/status/pauseConditions"),
        ("abort", "step 2/2 (pause) → aborted, back to the stable version", "/status/abort"),
        ("pause", "step 2/2 (pause) → held there until it is resumed", "/spec/paused"),
    ],
)
def test_a_rollout_of_a_workload_is_changed_like_any_other(
    command: str, says: str, path: str
) -> None:
    done, cluster = run(moment("workloadref", paused), command)
    assert (done.exit_code, done.stdout) == (ExitCode.OK, f"demo: {says}\n")
    assert [where for where, _ in sent(cluster)] == [path]


def test_a_retry_starts_the_workloads_version_over() -> None:
    done, cluster = run(aborted(moment("workloadref", paused)), "retry")
    assert done.stdout == "demo: aborted → step 1/2 (set weight 50), with the same version\n"
    assert ("/status/abort", False) in sent(cluster)


def test_a_change_holds_the_workloads_generation_that_was_seen() -> None:
    _, cluster = run(moment("workloadref", paused), "promote")
    assert ANNOTATION in preconditions(cluster)


@pytest.mark.parametrize("argv", [("promote",), ("abort",), ("promote", "--full", "--yes")])
def test_nothing_is_sent_before_the_workload_is_observed(argv: tuple[str, ...]) -> None:
    done, cluster = run(moment("workloadref", not_observed), *argv)
    assert done.exit_code is ExitCode.TIMEOUT
    assert "Deployment/demo-d" in done.stderr
    assert cluster.sent == []


def test_what_a_change_ends_is_told_and_documented() -> None:
    done, _ = run(moment("experiment-step", experimenting), "abort")
    assert "ends experiment demo-b6bcc645c-2-0" in done.stderr
    done, _ = run(moment("experiment-step", experimenting), "abort", "-o", "json")
    (result,) = json.loads(done.stdout)["results"]
    assert result["ends"] == [{"kind": "Experiment", "name": "demo-b6bcc645c-2-0", "type": "Step"}]
