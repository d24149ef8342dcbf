"""Phase, message, and whom a rollout waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rolloutctl.domain.status import (
    Awaiting,
    computed_phase,
    is_complete,
    is_observed,
    status_of,
)
from support.objects import AT, GATE, PAUSE, START, aborted, canary, rollout, weight

PAUSED_AT = [{"reason": "CanaryPauseStep", "startTime": AT}]
BLUE_GREEN = {"activeService": "active"}


@pytest.mark.parametrize("generation", ["", "4", "9", "x", "3"])
def test_an_absent_odd_or_higher_observed_generation_counts_as_observed(generation: str) -> None:
    assert is_observed(canary(observedGeneration=generation))


def test_a_lower_observed_generation_hides_the_stored_phase() -> None:
    status = status_of(canary(phase="Healthy", message="", observedGeneration="2"))
    assert (status.phase, status.message, status.observed) == (
        "Progressing",
        "waiting for rollout spec update to be observed",
        False,
    )
    assert status.since is None


def test_an_unobserved_spec_comes_before_a_resume_not_yet_reacted_to() -> None:
    status = status_of(canary(PAUSE, controllerPause=True, observedGeneration="2"))
    assert status.message == "waiting for rollout spec update to be observed"


def test_controller_pause_without_conditions_is_a_resume_not_yet_reacted_to() -> None:
    status = status_of(canary(PAUSE, phase="Paused", controllerPause=True))
    assert (status.phase, status.message) == ("Progressing", "waiting for rollout to unpause")
    assert status.awaiting is None


@pytest.mark.parametrize(("observed", "expected"), [("", False), ("6", False), ("7", True)])
def test_the_generation_of_a_referenced_workload_counts(observed: str, expected: bool) -> None:
    r = rollout(
        {"workloadRef": {"kind": "Deployment", "name": "d"}, "strategy": {"canary": {}}},
        {"phase": "Healthy", "workloadObservedGeneration": observed},
        {"rollout.argoproj.io/workload-generation": "7"},
    )
    status = status_of(r)
    assert status.observed is expected
    assert is_observed(r) is expected
    assert status.phase == ("Healthy" if expected else "Progressing")


def _computed(status: dict[str, Any], **spec: Any) -> tuple[str, str]:
    full = {
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "stableRS": "a",
        "currentPodHash": "a",
    }
    return computed_phase(
        rollout({"replicas": 2, "strategy": {"canary": {}}, **spec}, {**full, **status})
    )


CONDITION_CASES = [
    ({"type": "InvalidSpec", "message": "bad"}, "InvalidSpec: bad"),
    ({"type": "Progressing", "reason": "RolloutAborted", "message": "m"}, "RolloutAborted: m"),
    (
        {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "m"},
        "ProgressDeadlineExceeded: m",
    ),
]


@pytest.mark.parametrize(("condition", "message"), CONDITION_CASES)
def test_conditions_that_make_it_degraded(condition: dict[str, str], message: str) -> None:
    paused = {"pauseConditions": PAUSED_AT}
    assert _computed({"conditions": [condition], **paused}) == ("Degraded", message)


@pytest.mark.parametrize(
    ("status", "spec", "phase", "message"),
    [
        ({}, {}, "Healthy", ""),
        ({"pauseConditions": PAUSED_AT}, {"paused": True}, "Paused", "manually paused"),
        ({"pauseConditions": PAUSED_AT}, {}, "Paused", "CanaryPauseStep"),
        ({}, {"restartAt": AT}, "Progressing", "rollout is restarting"),
        ({"restartedAt": AT}, {"restartAt": AT}, "Healthy", ""),
        ({"updatedReplicas": 1}, {}, "Progressing", "more replicas need to be updated"),
        (
            {"availableReplicas": 1},
            {},
            "Progressing",
            "updated replicas are still becoming available",
        ),
        ({"replicas": 3}, {}, "Progressing", "old replicas are pending termination"),
        ({"replicas": 3}, {"strategy": {"canary": {"trafficRouting": {}}}}, "Healthy", ""),
        ({"stableRS": "b"}, {}, "Progressing", "waiting for all steps to complete"),
        ({"stableRS": ""}, {}, "Progressing", "waiting for all steps to complete"),
    ],
)
def test_the_computed_phase(
    status: dict[str, Any], spec: dict[str, Any], phase: str, message: str
) -> None:
    assert _computed(status, **spec) == (phase, message)


@pytest.mark.parametrize(
    ("status", "strategy", "message"),
    [
        ({}, {}, "active service cutover pending"),
        ({"blueGreen": {"activeSelector": "b"}}, {}, "active service cutover pending"),
        ({"blueGreen": {"activeSelector": "a"}}, {}, ""),
        (
            {"blueGreen": {"activeSelector": "a"}, "stableRS": "b"},
            {},
            "waiting for post-promotion verification to complete",
        ),
        (
            {"blueGreen": {"activeSelector": "a"}, "stableRS": "b"},
            {"postPromotionAnalysis": {}},
            "waiting for analysis to complete",
        ),
        (
            {
                "blueGreen": {
                    "activeSelector": "a",
                    "postPromotionAnalysisRunStatus": {"name": "x", "status": "Successful"},
                },
                "stableRS": "b",
            },
            {"postPromotionAnalysis": {}},
            "waiting for post-promotion verification to complete",
        ),
    ],
)
def test_the_computed_phase_of_blue_green(
    status: dict[str, Any], strategy: dict[str, Any], message: str
) -> None:
    found = _computed(status, strategy={"blueGreen": {**BLUE_GREEN, **strategy}})
    assert found == ("Progressing" if message else "Healthy", message)


def test_a_rollout_no_controller_has_touched_is_computed() -> None:
    status = status_of(rollout({"strategy": {"canary": {}}}, {"observedGeneration": ""}))
    assert (status.phase, status.message) == ("Progressing", "more replicas need to be updated")


def _paused(*steps: dict[str, Any], reason: str = "CanaryPauseStep", **more: Any) -> Any:
    conditions = [{"reason": reason, "startTime": AT}]
    return status_of(
        canary(
            *steps,
            **{"phase": "Paused", "message": reason, "pauseConditions": conditions, **more},
        )
    )


def test_a_pause_without_duration_waits_for_a_promotion() -> None:
    status = _paused(PAUSE)
    assert (status.awaiting, status.ends, status.since) == (Awaiting.PROMOTION, None, START)


def test_a_timed_pause_waits_for_nobody() -> None:
    status = _paused({"pause": {"duration": "10m"}})
    assert (status.awaiting, status.ends) == (None, START + timedelta(minutes=10))


def test_a_person_s_pause_comes_before_the_promotion_it_hides() -> None:
    status = _paused(PAUSE, spec={"paused": True}, message="manually paused")
    assert status.awaits == (Awaiting.RESUME, Awaiting.PROMOTION)
    assert status.awaiting is Awaiting.RESUME


@pytest.mark.parametrize("reason", ["InconclusiveAnalysisRun", "InconclusiveExperiment"])
def test_an_inconclusive_result_waits_for_a_decision(reason: str) -> None:
    assert _paused({"analysis": {}}, reason=reason).awaiting is Awaiting.INCONCLUSIVE


def test_an_aborted_rollout_waits_for_no_promotion() -> None:
    status = status_of(aborted(PAUSE))
    assert (status.awaiting, status.aborted, status.since) == (None, True, START)


@pytest.mark.parametrize(
    ("strategy", "awaiting", "ends"),
    [
        ({"autoPromotionEnabled": False}, Awaiting.PROMOTION, None),
        ({"autoPromotionEnabled": False, "autoPromotionSeconds": 30}, Awaiting.PROMOTION, None),
        ({"autoPromotionSeconds": 30}, None, START + timedelta(seconds=30)),
        ({}, None, None),
    ],
)
def test_what_a_blue_green_pause_waits_for(
    strategy: dict[str, Any], awaiting: Awaiting | None, ends: datetime | None
) -> None:
    status = status_of(
        rollout(
            {"strategy": {"blueGreen": {**BLUE_GREEN, **strategy}}},
            {
                "phase": "Paused",
                "message": "BlueGreenPause",
                "controllerPause": True,
                "pauseConditions": [{"reason": "BlueGreenPause", "startTime": AT}],
            },
        )
    )
    assert (status.awaiting, status.ends) == (awaiting, ends)


def test_healthy_with_another_version_to_come_is_not_complete() -> None:
    healthy: dict[str, Any] = {"phase": "Healthy", "message": ""}
    assert is_complete(canary(weight(50), GATE, index=2, stableRS="bbb", **healthy))
    assert not is_complete(canary(weight(50), index=1, **healthy))
    assert not is_complete(canary(stableRS="bbb", observedGeneration="2", **healthy))


def test_a_resume_moves_the_update_time_of_the_condition_alone() -> None:
    condition = {
        "type": "Progressing",
        "status": "Unknown",
        "reason": "RolloutResumed",
        "lastTransitionTime": AT,
        "lastUpdateTime": "2026-11-22T15:00:00Z",
    }
    assert status_of(canary(PAUSE, conditions=[condition])).since == datetime(
        2026, 11, 22, 15, tzinfo=UTC
    )
