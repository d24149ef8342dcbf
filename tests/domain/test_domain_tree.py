"""Flat lists joined into one picture: parts, pods, weights, causes, what can be done next."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rolloutctl.domain.facts import ActionName, NextAction, ReplicaSetFacts, RolloutPicture
from rolloutctl.domain.plugin_config import PluginConfiguration, PluginItem
from rolloutctl.domain.steps import SetWeight
from rolloutctl.domain.tree import picture, row
from rolloutctl.domain.wire import AnalysisRun, Experiment, Pod, ReplicaSet, Rollout
from support.objects import AT, GATE, PAUSE, SMOKE, START, aborted, canary, record, rollout, weight

OWNER = {"kind": "Rollout", "name": "demo", "uid": "uid-demo", "controller": True}
HELD = [{"reason": "CanaryPauseStep", "startTime": AT}]


def decoded(value: dict[str, Any], as_type: type[Any]) -> Any:
    return msgspec.json.decode(json.dumps(value), type=as_type)


def replica_set(
    hash: str,
    revision: int,
    *,
    owner: dict[str, Any] = OWNER,
    desired: int = 2,
    available: int = 2,
    deadline: str = "",
) -> ReplicaSet:
    found: ReplicaSet = decoded(
        {
            "metadata": {
                "name": f"demo-{hash}",
                "uid": f"uid-{hash}",
                "labels": {"rollouts-pod-template-hash": hash},
                "annotations": {
                    "rollout.argoproj.io/revision": str(revision),
                    "scale-down-deadline": deadline,
                },
                "ownerReferences": [owner],
            },
            "spec": {
                "replicas": desired,
                "template": {"spec": {"containers": [{"image": f"demo:{hash}"}]}},
            },
            "status": {
                "replicas": desired,
                "readyReplicas": available,
                "availableReplicas": available,
            },
        },
        ReplicaSet,
    )
    return found


def pod(name: str, owner: str, **status: Any) -> Pod:
    reference = {"kind": "ReplicaSet", "name": f"demo-{owner}", "uid": f"uid-{owner}"}
    found: Pod = decoded(
        {"metadata": {"name": name, "ownerReferences": [reference]}, "status": status}, Pod
    )
    return found


SETS = (replica_set("aaa", 1), replica_set("bbb", 2), replica_set("old", 0, desired=0, available=0))


def only(facts: tuple[ReplicaSetFacts, ...], hash: str) -> ReplicaSetFacts:
    (found,) = [entry for entry in facts if entry.hash == hash]
    return found


def test_replica_sets_are_ordered_by_revision_and_know_their_part() -> None:
    facts = picture(canary(weight(20)), SETS)
    assert [(e.revision, set(e.role), e.state) for e in facts.replica_sets] == [
        (2, {"canary"}, "Healthy"),
        (1, {"stable"}, "Healthy"),
        (0, set(), "ScaledDown"),
    ]
    assert (facts.revision, facts.stable_revision) == (2, 1)
    assert (facts.images_from, facts.images_to) == (("demo:aaa",), ("demo:bbb",))


def test_replica_sets_of_others_are_left_out() -> None:
    other = {**OWNER, "uid": "uid-another"}
    experiment = {"kind": "Experiment", "name": "demo", "uid": "uid-demo"}
    sets = [replica_set("aaa", 1, owner=other), replica_set("bbb", 2, owner=experiment)]
    assert picture(canary(weight(20)), sets).replica_sets == ()


def test_blue_green_parts_are_those_of_the_selectors() -> None:
    r = rollout(
        {"strategy": {"blueGreen": {}}},
        {
            "stableRS": "aaa",
            "currentPodHash": "bbb",
            "blueGreen": {"activeSelector": "aaa", "previewSelector": "bbb"},
        },
    )
    facts = picture(r, SETS)
    assert only(facts.replica_sets, "aaa").role == {"stable", "active"}
    assert only(facts.replica_sets, "bbb").role == {"preview"}
    assert (facts.strategy, facts.weights.desired) == ("blueGreen", None)


def test_a_scale_down_deadline_and_what_is_none() -> None:
    for text, expected in [(AT, START), ("soon", None), ("", None), ("2026-11-22T14:00:00", None)]:
        sets = [replica_set("aaa", 1, deadline=text)]
        (facts,) = picture(canary(), sets).replica_sets
        assert facts.scale_down_deadline == expected


def test_pods_belong_to_the_replica_set_that_owns_them() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pods = [
        pod("b", "bbb", phase="Pending", containerStatuses=[{"state": waiting, "restartCount": 2}]),
        pod("a", "aaa", phase="Running", conditions=[{"type": "Ready", "status": "True"}]),
        pod("x", "another", phase="Running"),
    ]
    facts = picture(canary(), SETS, pods)
    (bad,) = only(facts.replica_sets, "bbb").pods
    assert (bad.name, bad.ready, bad.state, bad.restarts) == ("b", False, "ImagePullBackOff", 2)
    assert bad.message == "no such image"
    (good,) = only(facts.replica_sets, "aaa").pods
    assert (good.name, good.ready, good.state) == ("a", True, "Running")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({}, "Unknown"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        (
            {"initContainerStatuses": [{"state": {"terminated": {"exitCode": 1}}}]},
            "Init:ExitCode:1",
        ),
        (
            {
                "phase": "Running",
                "initContainerStatuses": [
                    {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
                ],
            },
            "Running",
        ),
        (
            {"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]},
            "OOMKilled",
        ),
    ],
)
def test_the_state_of_a_pod(status: dict[str, Any], state: str) -> None:
    facts = picture(canary(), SETS, [pod("p", "aaa", **status)])
    assert only(facts.replica_sets, "aaa").pods[0].state == state


def test_the_weight_by_pods_is_the_canary_s_share_of_the_available() -> None:
    facts = picture(canary(weight(20), availableReplicas=3), [replica_set("bbb", 2, available=1)])
    weights = facts.weights
    assert (weights.desired, weights.set, weights.actual, weights.router) == (20, None, 33, "")


def test_the_weight_of_a_router_is_what_it_was_told() -> None:
    told = {"weights": {"canary": {"weight": 10}, "stable": {"weight": 990}, "verified": False}}
    routing = {"plugins": {"a/b": {}}, "managedRoutes": [{"name": "h"}], "maxTrafficWeight": 1000}
    r = canary(weight(200), routing=routing, canary_status=told)
    weights = picture(r, SETS).weights
    assert (weights.desired, weights.set, weights.actual) == (200, 10, 10)
    assert (weights.stable, weights.maximum, weights.verified) == (990, 1000, False)
    assert weights.router == "plugin a/b"
    assert row(r).weight == 10


def test_past_the_last_step_the_pods_still_tell_the_truth() -> None:
    r = canary(weight(20), index=1, availableReplicas=4)
    weights = picture(r, [replica_set("bbb", 2, available=3)]).weights
    assert (weights.desired, weights.actual) == (100, 75)


def _actions(facts: RolloutPicture) -> dict[str, NextAction]:
    return {action.action: action for action in facts.next_actions}


STEPS = (weight(10), GATE, PAUSE, SMOKE, weight(80))


def _configured(*disabled: str) -> PluginConfiguration:
    names = ("demo/gate", "demo/smoke")
    return PluginConfiguration(
        tuple(PluginItem("step", name, disabled=name in disabled) for name in names)
    )


def _held(records: list[dict[str, Any]], **more: Any) -> Rollout:
    return canary(*STEPS, index=2, records=records, phase="Paused", pauseConditions=HELD, **more)


def test_from_a_pause_a_promotion_goes_on_past_disabled_plugins() -> None:
    r = _held([record(1, "Successful")])
    found = _actions(picture(r, SETS, config=_configured("demo/smoke")))
    assert list(found) == ["promote", "promote --full", "abort"]
    promote = found["promote"]
    assert (promote.to_index, promote.to_step) == (4, SetWeight(80))
    assert (promote.passes_over, promote.skips, promote.completes) == ((3,), (), False)
    assert found["promote --full"].skips == (3, 4)
    assert [run.index for run in found["abort"].aborts] == [1]
    assert found["abort"].to_revision == 1


def test_what_is_still_at_work_would_be_skipped() -> None:
    r = canary(*STEPS, index=1, records=[record(1, "Running")])
    found = _actions(picture(r, SETS))
    assert found["promote"].skips == (1,)
    assert found["promote --full"].skips == (1, 2, 3, 4)
    terminates = found["promote --full"].terminates
    assert terminates is not None
    assert terminates.index == 1


def test_a_person_s_pause_is_resumed_not_promoted() -> None:
    r = canary(*STEPS, index=2, phase="Paused", spec={"paused": True}, pauseConditions=HELD)
    found = _actions(picture(r, SETS))
    assert ActionName.PROMOTE not in found
    assert found["resume"].to_index == 2


def test_an_aborted_rollout_can_be_retried_or_forced() -> None:
    found = _actions(picture(aborted(*STEPS), SETS))
    assert list(found) == ["retry", "promote --full"]
    assert found["retry"].to_step == SetWeight(10)
    assert found["promote --full"].needs_force


@pytest.mark.parametrize("more", [{"stableRS": "bbb"}, {"observedGeneration": "2"}])
def test_nothing_can_be_done_when_promoted_or_not_observed(more: dict[str, Any]) -> None:
    assert picture(canary(*STEPS, index=5, **more), SETS).next_actions == ()


@pytest.mark.parametrize("automatic", [False, True])
def test_a_blue_green_pause_can_be_promoted_with_a_countdown_or_without(automatic: bool) -> None:
    strategy = {"autoPromotionEnabled": automatic, "autoPromotionSeconds": 30}
    r = rollout(
        {"strategy": {"blueGreen": {"activeService": "web", **strategy}}},
        {
            "phase": "Paused",
            "stableRS": "aaa",
            "currentPodHash": "bbb",
            "pauseConditions": [{"reason": "BlueGreenPause", "startTime": AT}],
            "blueGreen": {"activeSelector": "aaa", "previewSelector": "bbb"},
        },
    )
    found = _actions(picture(r, SETS))
    for action in (ActionName.PROMOTE, ActionName.PROMOTE_FULL):
        assert (found[action].completes, found[action].switches) == (True, "web")
    assert found[ActionName.ABORT].switches == ""


def _run(index: str, phase: str, hash: str = "bbb", revision: int = 2) -> AnalysisRun:
    labels = {
        "rollouts-pod-template-hash": hash,
        "rollout-type": "Step",
        "step-index": index,
    }
    found: AnalysisRun = decoded(
        {
            "metadata": {
                "name": f"demo-{hash}-{revision}-{index}",
                "labels": labels,
                "annotations": {"rollout.argoproj.io/revision": str(revision)},
                "ownerReferences": [OWNER],
            },
            "status": {
                "phase": phase,
                "metricResults": [
                    {"name": "m", "phase": phase, "measurements": [{"value": "0.4"}, {}]}
                ],
            },
        },
        AnalysisRun,
    )
    return found


ANALYSIS_FAILED = "Step-based analysis phase error/failed: bad"


def test_the_failed_analysis_step_is_told_by_the_run_s_label() -> None:
    r = aborted(weight(10), {"analysis": {}}, {"analysis": {}}, cause=ANALYSIS_FAILED)
    runs = [_run("1", "Successful"), _run("2", "Failed"), _run("1", "Failed", "aaa", 1)]
    facts = picture(r, SETS, analysis_runs=runs)
    assert (facts.failed_step, facts.cause) == (2, ANALYSIS_FAILED)
    assert [entry.state.value for entry in facts.steps] == ["done", "done", "failed"]
    assert [run.revision for run in facts.analysis_runs] == [2, 2, 1]
    assert facts.analysis_runs[0].metrics[0].values == ("0.4",)
    # Alone, the rollout does not tell which of its analyses it was.
    assert row(r).failed_step is None


def test_a_failed_run_proves_nothing_when_a_person_aborted() -> None:
    r = aborted(weight(10), {"analysis": {}})
    facts = picture(r, SETS, analysis_runs=[_run("1", "Failed")])
    assert (facts.failed_step, facts.cause) == (None, "")


def test_a_failed_plugin_step_is_told_by_the_cause_and_by_its_record() -> None:
    cause = "Step Plugin 2 (demo/gate) failed: no (really)"
    assert row(aborted(*STEPS, cause=cause)).failed_step == 1
    assert row(aborted(*STEPS, records=[record(1, "Failed")])).failed_step == 1
    assert row(aborted(PAUSE, SMOKE, cause=cause)).failed_step is None


def test_a_failed_experiment_is_told_by_its_name() -> None:
    experiment: Experiment = decoded(
        {
            "metadata": {
                "name": "demo-bbb-2-1-1",
                "labels": {"rollouts-pod-template-hash": "bbb"},
                "annotations": {"rollout.argoproj.io/revision": "2"},
                "ownerReferences": [OWNER],
                "uid": "uid-experiment",
            },
            "status": {"phase": "Failed"},
        },
        Experiment,
    )
    owner = {"kind": "Experiment", "name": "demo-bbb-2-1-1", "uid": "uid-experiment"}
    r = aborted(
        weight(10), {"experiment": {}}, cause="Experiment analysis phase is error/failed: x"
    )
    facts = picture(r, [*SETS, replica_set("exp", 0, owner=owner)], experiments=[experiment])
    assert facts.failed_step == 1
    assert [rs.hash for rs in facts.experiments[0].replica_sets] == ["exp"]


def test_an_invalid_spec_gives_its_error_as_the_cause() -> None:
    condition = {"type": "InvalidSpec", "message": 'The Rollout "demo" is invalid: spec.x: bad'}
    assert picture(canary(conditions=[condition])).cause == "spec.x: bad"


def test_an_empty_rollout_has_a_picture_and_a_row() -> None:
    facts, line = picture(Rollout()), row(Rollout())
    assert (facts.strategy, facts.steps, facts.revision) == ("", (), 0)
    assert (line.step_index, line.weight, line.images_to) == (None, None, ())
