"""What the recordings do not show: rarer causes, and what keeps them apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rolloutctl.domain import wire
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.evidence import spec_evidence
from rolloutctl.domain.explain.facts import CauseKind as K
from rolloutctl.domain.explain.facts import EndedBy, Limit, SpecEvidence
from rolloutctl.domain.explain.runs import filled_in, number, run_evidence
from support.explained_parts import (
    condition,
    event,
    explained,
    first,
    pod,
    replica_set,
    run_of,
    seen,
    trial,
)
from support.objects import AT, GATE, PAUSE, START, aborted, canary, record, rollout, weight

# --- the controller does not look at it ---------------------------------------------------------


def test_being_deleted_comes_before_everything_else() -> None:
    r = aborted(weight(20))
    r.metadata.deletion_timestamp = START
    found = explained(r)
    assert [cause.kind for cause in found.causes] == [K.BEING_DELETED]
    assert found.outcomes == ()


def test_a_rollout_no_controller_has_seen() -> None:
    found = explained(rollout({"strategy": {"canary": {}}}, {"observedGeneration": ""}))
    assert found.cause.kind is K.NO_CONTROLLER
    assert found.outcomes == ()


def test_a_controller_that_has_said_something_and_written_nothing() -> None:
    r = rollout({"strategy": {"canary": {}}}, {"observedGeneration": ""})
    assert first(r, events=[event("RolloutUpdated", "to revision 1")]) is K.NOT_OBSERVED


def test_a_new_template_of_the_workload_that_is_not_observed() -> None:
    generation = {"rollout.argoproj.io/workload-generation": "7"}
    r = rollout(
        {"strategy": {"canary": {}}, "workloadRef": {"kind": "Deployment", "name": "demo"}},
        {"phase": "Healthy", "workloadObservedGeneration": "6"},
        generation,
    )
    assert first(r) is K.NOT_OBSERVED


@pytest.mark.parametrize(
    ("message", "path", "value", "detail"),
    [
        (
            'The Rollout "a" is invalid: spec.strategy.steps[0].setWeight: Invalid value: 101:'
            " SetWeight needs to be between 0 and 100",
            "spec.strategy.steps[0].setWeight",
            "101",
            "SetWeight needs to be between 0 and 100",
        ),
        (
            'The Rollout "a" is invalid: spec.selector: Required value: Rollout has missing field'
            " '.spec.selector'",
            "spec.selector",
            "",
            "Rollout has missing field '.spec.selector'",
        ),
        (
            'The Rollout "a" is invalid: spec.x: Invalid value: "a \\"b\\": c": it is: wrong',
            "spec.x",
            'a \\"b\\": c',
            "it is: wrong",
        ),
        ("something else: entirely", "", "", "something else: entirely"),
        ("", "", "", ""),
    ],
)
def test_the_path_the_value_and_the_detail_of_an_invalid_spec(
    message: str, path: str, value: str, detail: str
) -> None:
    assert spec_evidence(message) == SpecEvidence(path, value, detail)


# --- plugins ------------------------------------------------------------------------------------


def test_an_error_without_a_backoff_is_stuck_for_ever() -> None:
    r = canary(GATE, records=[record(0, "Error", message="odd", updatedAt=AT)])
    assert explained(r).cause.kind is K.PLUGIN_STUCK
    assert explained(r).cause.ended_by is EndedBy.PERSON


def test_a_plugin_that_is_called_again_waits_for_the_plugin() -> None:
    r = canary(GATE, records=[record(0, "Error", message="odd", updatedAt=AT, backoff="30s")])
    found = explained(r)
    assert (found.cause.kind, found.cause.ended_by) == (K.PLUGIN_ERROR, EndedBy.PLUGIN)


def test_pods_come_before_a_plugin_that_was_not_called_yet() -> None:
    sets = [replica_set("bbb", 2, wanted=2, ready=1), replica_set("aaa", 1, ready=1)]
    found = explained(canary(GATE), replica_sets=sets)
    assert (found.cause.kind, found.cause.ended_by) == (K.PODS_COMING, EndedBy.PODS)


def test_what_an_earlier_update_did_not_know_does_not_matter_now() -> None:
    text = (
        "could not create step plugin at index 0 : x: plugin demo/gate not configured in configmap"
    )
    old = event("ReconciliationError", text, last="2026-11-22T13:00:00Z")
    r = canary(GATE)
    now = seen(r, status__duration={"rolloutStartedAt": AT})
    assert explain(Material(now, events=[old])).cause.kind is K.STEP_UNDER_WAY
    assert first(r, events=[old]) is K.PLUGIN_NOT_CONFIGURED


# --- analysis and experiments -------------------------------------------------------------------


def test_an_inconclusive_analysis_waits_for_a_person() -> None:
    conditions = [
        {"reason": "CanaryPauseStep", "startTime": AT},
        {"reason": "InconclusiveAnalysisRun", "startTime": AT},
    ]
    r = canary({"analysis": {}}, phase="Paused", pauseConditions=conditions, controllerPause=True)
    result = {"name": "rate", "phase": "Inconclusive", "inconclusive": 1, "count": 1}
    found = explained(r, runs=[run_of("Inconclusive", metricResults=[result])])
    assert found.cause.kind is K.ANALYSIS_INCONCLUSIVE
    assert found.cause.ended_by is EndedBy.PERSON
    assert found.cause.analysis is not None
    assert found.cause.analysis.metrics[0].passed is Limit.INCONCLUSIVE


def test_an_inconclusive_experiment_waits_for_a_person() -> None:
    conditions = [{"reason": "InconclusiveExperiment", "startTime": AT}]
    r = canary({"experiment": {}}, phase="Paused", pauseConditions=conditions)
    found = explained(r, experiments=[trial("Inconclusive")])
    assert found.cause.kind is K.EXPERIMENT_INCONCLUSIVE
    assert found.cause.experiment is not None


def test_a_failed_experiment_shows_the_metric_that_failed_it() -> None:
    message = 'Metric "rate" assessed Failed due to failed (1) > failureLimit (0)'
    r = aborted({"experiment": {}}, cause=f"Experiment analysis phase is error/failed: {message}")
    status = [{"name": "check", "analysisRun": "demo-bbb-2-0-check", "phase": "Failed"}]
    run = run_of("Failed", metricResults=[{"name": "rate", "phase": "Failed", "failed": 1}])
    run.metadata.name = "demo-bbb-2-0-check"
    run.metadata.owner_references = []
    found = explained(r, experiments=[trial("Failed", analysisRuns=status)], runs=[run])
    assert (found.cause.kind, found.cause.step) == (K.EXPERIMENT_FAILED, 0)
    assert found.cause.experiment is not None
    (shown,) = found.cause.experiment.runs
    assert shown.metrics[0].passed is Limit.FAILURE


def test_a_failed_run_whose_object_is_gone_leaves_the_controllers_words() -> None:
    r = aborted({"analysis": {}}, cause='Step-based analysis phase error/failed: Metric "x" bad')
    found = explained(r)
    assert found.cause.kind is K.ANALYSIS_FAILED
    assert 'Metric "x" bad' in found.cause.message


def test_an_abort_for_a_reason_that_is_none_of_the_known_ones() -> None:
    found = explained(aborted(weight(20), cause="somebody else's controller says so"))
    assert found.cause.kind is K.ABORTED
    assert found.cause.message == "somebody else's controller says so"


def test_an_abort_by_the_deadline() -> None:
    cause = 'ReplicaSet "demo-bbb" has timed out progressing.'
    found = explained(aborted(weight(20), cause=cause))
    assert found.cause.kind is K.DEADLINE
    assert found.cause.message == cause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.4", 0.4),
        ("[0.4]", 0.4),
        (" 12 ", 12.0),
        ("-1e3", -1000.0),
        ("[1, 2]", None),
        ("[]", None),
        ("true", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999", None),
        ("9" * 190, 1e190),
        ("9" * 400, None),
        ('{"a": 1}', None),
        ("", None),
        ("[" * 150, None),
    ],
)
def test_a_measurement_that_is_one_number(text: str, expected: float | None) -> None:
    assert number(text) == expected


def test_arguments_are_filled_in_where_they_are_known() -> None:
    assert filled_in("a/{{args.path}}/{{ args.x }}", {"path": "ok"}) == "a/ok/{{ args.x }}"
    assert filled_in("{{args.a}}", {"a": "{{args.a}}"}) == "{{args.a}}"


def metric(provider: dict[str, Any], **spec: Any) -> Any:
    args = [{"name": "ns", "value": "shop"}, {"name": "limit", "value": "3"}, {"name": "token"}]
    shape = {"metrics": [{"name": "m", "provider": provider, **spec}], "args": args}
    (found,) = run_evidence(run_of("Running", spec=shape)).metrics
    return found


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (
            {"prometheus": {"address": "http://p", "query": "up{ns='{{args.ns}}'}"}},
            ("prometheus", "up{ns='shop'}", "http://p"),
        ),
        (
            {"web": {"url": "http://w/{{args.token}}", "method": "POST", "jsonPath": "{$.a}"}},
            ("web", "POST http://w/{{args.token}} {$.a}", ""),
        ),
        (
            {"web": {"url": "http://w", "headers": [{"key": "Authorization", "value": "secret"}]}},
            ("web", "http://w", ""),
        ),
        ({"datadog": {"query": "avg:a"}}, ("datadog", "avg:a", "")),
        (
            {"datadog": {"queries": {"a": "x", "b": "y"}, "formula": "a/b"}},
            ("datadog", "a/b (a: x, b: y)", ""),
        ),
        (
            {"cloudWatch": {"metricDataQueries": [{"expression": "e1"}, {"metricStat": {}}]}},
            ("cloudWatch", "e1", ""),
        ),
        ({"kayenta": {"address": "k", "canaryConfigName": "c"}}, ("kayenta", "c", "k")),
        ({"plugin": {"argoproj-labs/x": {"secret": 1}}}, ("plugin argoproj-labs/x", "", "")),
        ({"job": {"spec": "odd"}}, ("job", "", "")),
        ({"prometheus": None}, ("", "", "")),
        ({}, ("", "", "")),
    ],
)
def test_what_a_provider_is_asked(provider: dict[str, Any], expected: tuple[str, ...]) -> None:
    found = metric(provider)
    assert (found.provider, found.query, found.address) == expected


def test_limits_and_counts_as_the_controller_reads_them() -> None:
    assert metric({}).count_limit == 1
    assert metric({}, interval="5s").count_limit is None
    assert metric({}, interval="5s", count="{{args.limit}}").count_limit == 3
    assert metric({}, failureLimit="{{args.limit}}").failure_limit == 3
    assert metric({}, failureLimit="{{args.token}}").failure_limit is None
    assert metric({}).consecutive_error_limit == 4
    assert metric({}, successCondition="result[0] >= {{args.limit}}").threshold == 3.0
    assert metric({}, failureCondition="result < 0.5").threshold == 0.5
    assert metric({}, successCondition="len(result) > 1").threshold is None


# --- pods ---------------------------------------------------------------------------------------

MISSING = [replica_set("bbb", 2, wanted=2, ready=1), replica_set("aaa", 1, ready=1)]


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "app", "ready": False, "state": state, **more}]}


@pytest.mark.parametrize(
    ("status", "kind", "state"),
    [
        (waiting("ContainerCreating"), K.PODS_COMING, "ContainerCreating"),
        (waiting("ImagePullBackOff", "no such image"), K.PODS_NOT_STARTING, "ImagePullBackOff"),
        (waiting("CrashLoopBackOff", restartCount=4), K.PODS_NOT_STARTING, "CrashLoopBackOff"),
        (waiting("CreateContainerConfigError"), K.PODS_NOT_STARTING, "CreateContainerConfigError"),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "0/3 nodes are available",
                    }
                ]
            },
            K.PODS_NOT_STARTING,
            "Pending",
        ),
        ({"phase": "Running"}, K.PODS_COMING, "Running"),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "disk"},
            K.PODS_NOT_STARTING,
            "Evicted",
        ),
    ],
)
def test_a_pod_that_takes_its_time_and_one_that_is_broken(
    status: dict[str, Any], kind: K, state: str
) -> None:
    found = explained(canary(weight(20)), replica_sets=MISSING, pods=[pod("bbb", **status)])
    assert found.cause.kind is kind
    assert found.cause.pods is not None
    assert found.cause.pods.pods[0].state == state


def test_how_a_container_ended_before_is_told() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    crashing = pod("bbb", **waiting("CrashLoopBackOff", restartCount=7, lastState=ended))
    found = explained(canary(weight(20)), replica_sets=MISSING, pods=[crashing])
    assert found.cause.pods is not None
    shown = found.cause.pods.pods[0]
    assert (shown.last_end, shown.exit_code, shown.restarts) == ("OOMKilled", 137, 7)


def test_events_of_a_pod_tell_why_it_is_not_ready() -> None:
    told = event("Unhealthy", "Readiness probe failed: 503", kind="Pod", name="one")
    found = explained(
        canary(weight(20)), replica_sets=MISSING, pods=[pod("bbb", phase="Running")], events=[told]
    )
    assert found.cause.kind is K.PODS_NOT_STARTING
    assert found.cause.pods is not None
    assert found.cause.pods.pods[0].said == ("Readiness probe failed: 503",)


def test_a_quota_that_refuses_pods() -> None:
    sets = [replica_set("bbb", 2, wanted=2, failure="exceeded quota"), MISSING[1]]
    found = explained(canary(weight(20)), replica_sets=sets)
    assert (found.cause.kind, found.cause.message) == (K.PODS_NOT_CREATED, "exceeded quota")


def test_a_replica_set_the_api_refused() -> None:
    text = 'Failed to create new replica set "demo-bbb": no'
    refused = condition("Progressing", "False", "ReplicaSetCreateError", text)
    assert first(canary(weight(20), conditions=[refused])) is K.PODS_NOT_CREATED


def test_a_healthy_rollout_that_lost_pods_waits_for_them() -> None:
    r = canary(weight(20), index=1, stableRS="bbb", message="updated replicas are still becoming")
    assert first(r, replica_sets=[MISSING[0]]) is K.PODS_COMING


def test_a_deadline_with_pods_that_merely_take_their_time_is_the_cause_itself() -> None:
    timed_out = condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")
    r = canary(weight(20), phase="Degraded", conditions=[timed_out])
    found = explained(r, replica_sets=MISSING)
    assert [cause.kind for cause in found.causes] == [K.DEADLINE, K.PODS_COMING]
    assert found.deadline is not None and found.deadline.struck == START
    assert found.deadline.length == timedelta(seconds=600)


# --- the rest -----------------------------------------------------------------------------------


def test_an_error_that_was_said_last_is_the_cause_and_one_before_other_news_is_not() -> None:
    error = event("ReconciliationError", "Reconciliation failed with error: no")
    later = event("ScalingReplicaSet", "Scaled up", last="2026-11-22T14:05:00Z")
    assert first(canary(weight(20)), events=[error]) is K.RECONCILIATION_ERROR
    conflict = "the object has been modified; please apply your changes to the latest version"
    overtaken = event("ReconciliationError", f"Reconciliation failed with error: {conflict}")
    assert first(canary(weight(20)), events=[overtaken]) is K.STEP_UNDER_WAY
    assert first(canary(weight(20)), events=[error, later]) is K.STEP_UNDER_WAY


def test_a_router_that_refuses_a_weight() -> None:
    refused = event("TrafficRoutingError", "VirtualService not found")
    accepted = event("TrafficWeightUpdated", "to 20", last="2026-11-22T14:05:00Z")
    r = canary(weight(20), routing={"istio": {}})
    assert first(r, events=[refused]) is K.TRAFFIC
    assert first(r, events=[refused, accepted]) is K.STEP_UNDER_WAY


def test_a_weight_that_is_not_verified() -> None:
    weights = {"canary": {"weight": 20}, "stable": {"weight": 80}, "verified": False}
    r = canary(weight(20), routing={"alb": {}}, canary_status={"weights": weights})
    assert first(r) is K.TRAFFIC


def test_a_restart() -> None:
    r = canary(
        weight(20), index=1, stableRS="bbb", message="rollout is restarting", spec={"restartAt": AT}
    )
    assert explained(r).cause.kind is K.RESTARTING


def test_scaled_to_zero() -> None:
    r = canary(
        weight(20), index=1, stableRS="bbb", phase="Healthy", message="", spec={"replicas": 0}
    )
    assert first(r) is K.SCALED_TO_ZERO


def test_old_pods_that_have_to_end() -> None:
    r = canary(weight(20), index=1, message="old replicas are pending termination")
    assert first(r) is K.OLD_PODS_ENDING


def test_an_active_service_that_has_to_switch() -> None:
    r = rollout(
        {"strategy": {"blueGreen": {"activeService": "a"}}},
        {
            "phase": "Progressing",
            "message": "active service cutover pending",
            "currentPodHash": "bbb",
            "stableRS": "aaa",
        },
    )
    assert first(r) is K.SWITCHING


def test_who_holds_it_is_told_by_the_fields_somebody_manages() -> None:
    r = canary(PAUSE, phase="Paused", message="manually paused", spec={"paused": True})
    managers = [
        {"manager": "helm", "time": AT, "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "kubectl-edit", "time": AT, "fieldsV1": {"f:spec": {"f:paused": {}}}},
        {"manager": "odd", "time": AT, "fieldsV1": {"f:spec": "text"}},
    ]
    found = explain(Material(seen(r, metadata__managedFields=managers)))
    assert found.cause.kind is K.PAUSED_BY_PERSON
    assert found.cause.writer is not None
    assert (found.cause.writer.client, found.cause.writer.at) == ("kubectl-edit", START)


def test_a_hold_of_an_aborted_rollout_is_told_too() -> None:
    """Its pods are not resized: aborting alone does not bring the stable version back."""
    found = explained(aborted(weight(20), spec={"paused": True}))
    assert [cause.kind for cause in found.causes] == [K.ABORTED_BY_PERSON, K.PAUSED_BY_PERSON]


def test_details_of_another_form_do_no_harm() -> None:
    r = canary(PAUSE, phase="Paused", spec={"paused": True})
    assert explain(Material(seen(r, metadata__managedFields="odd"))).cause.writer is None


def test_how_far_an_aborted_update_came_is_told_by_its_own_events_only() -> None:
    r = aborted(weight(20), PAUSE, weight(40))

    def step(text: str, at: str) -> wire.Event:
        return event("RolloutStepCompleted", f"Rollout step {text} completed (x)", last=at)

    old, new = "2026-11-22T13:00:00Z", AT
    now = seen(r, status__duration={"rolloutStartedAt": AT})
    told = [step("3/3", old), step("1/3", new), step("2/7", new)]
    found = explain(Material(now, events=told))
    assert found.reached is not None
    assert (found.reached.index, found.reached.count, found.cause.step) == (1, 3, 1)
    assert explain(Material(now)).cause.step is None
