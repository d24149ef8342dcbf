"""The true cause of every recorded story, at its end and where it stops in between."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.domain.explain.facts import CauseKind as K
from rolloutctl.domain.explain.facts import EndedBy, Limit
from support.explained import (
    When,
    aborted,
    analysing,
    at,
    degraded,
    experimenting,
    explained,
    held,
    paused,
    plugin_error,
    plugin_running,
    reading,
    status,
)
from support.recorded_states import STORIES

E2E = "step/e2e-test"


def starting(rollout: Any) -> bool:
    """A new version without an available pod, while the controller waits for it."""
    found = status(rollout)
    return (
        found.get("phase") == "Progressing"
        and found.get("stableRS", "") not in ("", found.get("currentPodHash"))
        and bool(found.get("updatedReplicas"))
    )


def in_the_background(rollout: Any) -> bool:
    run = status(rollout).get("canary", {}).get("currentBackgroundAnalysisRunStatus") or {}
    return paused(rollout) and run.get("status") == "Running"


def promoted_in_full(rollout: Any) -> bool:
    return bool(status(rollout).get("promoteFull"))


def new_spec(rollout: Any) -> bool:
    return bool(status(rollout).get("stableRS")) and status(rollout).get(
        "observedGeneration"
    ) != str(rollout["metadata"]["generation"])


def asked_to_abort(rollout: Any) -> bool:
    return bool(status(rollout).get("abort")) and not aborted(rollout)


def pre_promotion(rollout: Any) -> bool:
    run = status(rollout).get("blueGreen", {}).get("prePromotionAnalysisRunStatus") or {}
    return run.get("status") == "Running"


def post_promotion(rollout: Any) -> bool:
    run = status(rollout).get("blueGreen", {}).get("postPromotionAnalysisRunStatus") or {}
    return run.get("status") == "Running"


def untouched(rollout: Any) -> bool:
    return "status" not in rollout


def lifted(rollout: Any) -> bool:
    return bool(status(rollout).get("controllerPause")) and not paused(rollout)


ENDS: dict[str, tuple[K, int | None, dict[str, Any]]] = {
    "analysis-background-failure": (
        K.ANALYSIS_FAILED,
        1,
        {
            "run": "Background",
            "metric": "success-rate",
            "passed": Limit.FAILURE,
            "values": [0.4] * 2,
        },
    ),
    "analysis-error": (
        K.ANALYSIS_FAILED,
        1,
        {"run": "Step", "metric": "success-rate", "passed": Limit.ERROR, "said": "refused"},
    ),
    "analysis-job-failure": (
        K.ANALYSIS_FAILED,
        1,
        {"run": "Step", "metric": "smoke", "asked": "job smoke:fail", "passed": Limit.FAILURE},
    ),
    "analysis-missing-arg": (
        K.INVALID_SPEC,
        None,
        {
            "path": "spec.strategy.canary.steps[1].analysis.templates",
            "detail": "args.path was not resolved",
            "value": "templateNames: [args]",
        },
    ),
    "analysis-missing-template": (
        K.INVALID_SPEC,
        None,
        {
            "path": "spec.strategy.canary.steps[1].analysis.templates",
            "value": "nowhere",
            "detail": "AnalysisTemplate 'nowhere' not found",
        },
    ),
    "analysis-step-failure": (
        K.ANALYSIS_FAILED,
        2,
        {
            "run": "Step",
            "metric": "success-rate",
            "passed": Limit.FAILURE,
            "values": [0.4, 0.4],
            "asked": "web http://127.0.0.1:9099/bad {$.value}",
            "condition": "result >= 0.95",
        },
    ),
    "bluegreen-postpromotion-failure": (
        K.ANALYSIS_FAILED,
        None,
        {"run": "PostPromotion", "metric": "success-rate", "values": [0.4, 0.4]},
    ),
    "bluegreen-prepromotion-failure": (
        K.ANALYSIS_FAILED,
        None,
        {"run": "PrePromotion", "metric": "success-rate", "values": [0.4, 0.4]},
    ),
    "canary-bad-image-deadline": (
        K.PODS_NOT_STARTING,
        0,
        {"pod": "ImagePullBackOff", "image": "demo:bad", "struck": True},
    ),
    "invalid-spec": (
        K.INVALID_SPEC,
        None,
        {
            "path": "spec.strategy.steps[0]",
            "detail": "Step must have one of the following set: experiment, setWeight,"
            " setCanaryScale, plugin or pause",
        },
    ),
    "istio-abort": (K.ABORTED_BY_PERSON, 1, {}),
    "outage-disabled-then-aborted": (K.ABORTED_BY_PERSON, 1, {"plugin": E2E}),
    "outage-plugin-disabled-mid-run": (K.PLUGIN_RUNNING, 1, {"plugin": E2E}),
    "plugin-abort-retry": (K.PLUGIN_RUNNING, 1, {"plugin": E2E}),
    "plugin-error-deadline": (
        K.PLUGIN_ERROR,
        1,
        {"plugin": E2E, "message": "phase 'nonsense' is not valid", "struck": True},
    ),
    "plugin-failed-aborts": (K.PLUGIN_FAILED, 1, {"plugin": E2E}),
    "plugin-new-template-while-running": (K.PLUGIN_RUNNING, 1, {"plugin": E2E}),
    "plugin-paused-by-user": (K.PLUGIN_RUNNING, 0, {"plugin": E2E}),
    "plugin-running-abort": (K.ABORTED_BY_PERSON, 2, {"plugin": E2E}),
    "plugin-steps-edited": (K.PAUSE_FOR_PERSON, 2, {}),
    "plugin-unknown": (
        K.PLUGIN_NOT_CONFIGURED,
        0,
        {"plugin": "step/nobody-knows", "message": "not configured in configmap", "struck": True},
    ),
}
"""The stories that do not end Healthy: the cause, its step (0-based), and what shows it."""

MOMENTS: dict[str, tuple[str, When, K, int | None, EndedBy, dict[str, Any]]] = {
    "an indefinite pause": (
        "canary-pause-promote",
        paused,
        K.PAUSE_FOR_PERSON,
        1,
        EndedBy.PERSON,
        {},
    ),
    "a pause that was lifted": (
        "canary-pause-promote",
        lifted,
        K.RESUMING,
        None,
        EndedBy.CONTROLLER,
        {},
    ),
    "a pause with routing": ("istio-canary", paused, K.PAUSE_FOR_PERSON, 2, EndedBy.PERSON, {}),
    "a timed pause": ("plugin-success", paused, K.PAUSE_TIMED, 2, EndedBy.TIME, {"until": True}),
    "scaled while paused": (
        "canary-scaled-while-paused",
        paused,
        K.PAUSE_FOR_PERSON,
        1,
        EndedBy.PERSON,
        {},
    ),
    "a full promotion": (
        "canary-pause-full",
        promoted_in_full,
        K.PROMOTING_FULL,
        None,
        EndedBy.PODS,
        {},
    ),
    "aborted at a pause": (
        "canary-pause-abort-fix",
        aborted,
        K.ABORTED_BY_PERSON,
        1,
        EndedBy.PERSON,
        {},
    ),
    "an abort just asked for": (
        "canary-pause-abort-fix",
        asked_to_abort,
        K.ABORTING,
        None,
        EndedBy.CONTROLLER,
        {},
    ),
    "a spec just changed": (
        "canary-pause-promote",
        new_spec,
        K.NOT_OBSERVED,
        None,
        EndedBy.CONTROLLER,
        {},
    ),
    "just created": (
        "canary-pause-promote",
        untouched,
        K.NO_CONTROLLER,
        None,
        EndedBy.CONTROLLER,
        {},
    ),
    "a bad image before the deadline": (
        "canary-bad-then-good",
        starting,
        K.PODS_NOT_STARTING,
        0,
        EndedBy.PERSON,
        {"pod": "ImagePullBackOff", "strikes": True},
    ),
    "a plugin at work": (
        "plugin-running-abort",
        plugin_running,
        K.PLUGIN_RUNNING,
        2,
        EndedBy.PLUGIN,
        {"plugin": E2E, "strikes": True},
    ),
    "a plugin that errors": (
        "plugin-error-deadline",
        plugin_error,
        K.PLUGIN_ERROR,
        1,
        EndedBy.PLUGIN,
        {"plugin": E2E, "strikes": True},
    ),
    "a plugin that errors, disabled later": (
        "outage-plugin-erroring-disabled",
        plugin_error,
        K.PLUGIN_ERROR,
        0,
        EndedBy.PLUGIN,
        {"plugin": E2E},
    ),
    "held by a person while a plugin runs": (
        "plugin-paused-by-user",
        held,
        K.PAUSED_BY_PERSON,
        0,
        EndedBy.PERSON,
        {"plugin": E2E},
    ),
    "blue-green, for a person": (
        "bluegreen-promote",
        paused,
        K.PREVIEW_FOR_PERSON,
        None,
        EndedBy.PERSON,
        {},
    ),
    "blue-green, counting down": (
        "bluegreen-auto",
        paused,
        K.PREVIEW_COUNTDOWN,
        None,
        EndedBy.TIME,
        {"until": True},
    ),
    "blue-green, analysis before": (
        "bluegreen-prepromotion-failure",
        pre_promotion,
        K.ANALYSIS_RUNNING,
        None,
        EndedBy.ANALYSIS,
        {"run": "PrePromotion"},
    ),
    "blue-green, analysis after": (
        "bluegreen-postpromotion-failure",
        post_promotion,
        K.ANALYSIS_RUNNING,
        None,
        EndedBy.ANALYSIS,
        {"run": "PostPromotion"},
    ),
    "an analysis at work": (
        "analysis-step-success",
        analysing,
        K.ANALYSIS_RUNNING,
        1,
        EndedBy.ANALYSIS,
        {"run": "Step"},
    ),
    "an experiment at work": (
        "experiment-step",
        experimenting,
        K.EXPERIMENT_RUNNING,
        0,
        EndedBy.EXPERIMENT,
        {},
    ),
    "an invalid spec": ("invalid-spec", degraded, K.INVALID_SPEC, None, EndedBy.PERSON, {}),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_end_of_every_story(name: str) -> None:
    found = explained(name)
    kind, step, shown = ENDS.get(name, (K.NOTHING, None, {}))
    assert (found.cause.kind, found.cause.step) == (kind, step)
    _shows(found, shown)
    if kind is K.NOTHING:
        assert found.picture.status.phase == "Healthy"
        assert found.cause.ended_by is EndedBy.NOBODY


@pytest.mark.parametrize("name", MOMENTS)
def test_where_a_story_stops_in_between(name: str) -> None:
    story, when, kind, step, ended_by, shown = MOMENTS[name]
    found = explained(story, when)
    assert (found.cause.kind, found.cause.step, found.cause.ended_by) == (kind, step, ended_by)
    _shows(found, shown)


def _shows(found: Any, shown: dict[str, Any]) -> None:
    cause = found.cause
    for what, value in shown.items():
        match what:
            case "run":
                assert cause.analysis.type == value
            case "metric" | "passed":
                (metric,) = cause.analysis.metrics
                assert getattr(metric, "name" if what == "metric" else what) == value
            case "values":
                (metric,) = cause.analysis.metrics
                assert [item.number for item in metric.measurements] == value
            case "asked":
                (metric,) = cause.analysis.metrics
                assert f"{metric.provider} {metric.query}" == value
            case "condition":
                assert cause.analysis.metrics[0].success_condition == value
            case "said":
                assert value in cause.analysis.metrics[0].measurements[-1].message
            case "path" | "detail" | "value":
                assert getattr(cause.spec, what) == value
            case "pod":
                assert cause.pods.pods[0].state == value and cause.pods.pods[0].broken
            case "image":
                assert cause.pods.pods[0].image == value
            case "plugin":
                assert cause.plugin.name == value
            case "message":
                assert value in cause.message
            case "until":
                assert cause.until is not None and cause.until > cause.since
            case "struck" | "strikes":
                assert getattr(found.deadline, what) is not None
            case _:
                raise AssertionError(what)


def test_a_background_analysis_at_work_is_told_beside_the_pause() -> None:
    found = explained("analysis-background-failure", in_the_background)
    assert [cause.kind for cause in found.causes] == [K.PAUSE_FOR_PERSON, K.ANALYSIS_RUNNING]
    run = found.causes[1].analysis
    assert run is not None and run.type == "Background"


def test_a_plugin_that_was_passed_over_is_told_of_a_healthy_rollout() -> None:
    found = explained("plugin-disabled")
    assert [cause.kind for cause in found.causes] == [K.NOTHING, K.PLUGIN_PASSED_OVER]
    assert found.causes[1].step == 0


def test_the_deadline_of_a_plugin_says_that_it_is_not_called_any_more() -> None:
    found = explained("plugin-error-deadline")
    assert found.deadline is not None and found.deadline.stops_plugin
    assert [cause.kind for cause in found.causes] == [K.PLUGIN_ERROR, K.DEADLINE]


def test_without_events_the_plugin_configuration_tells_of_an_unknown_plugin() -> None:
    found = at("plugin-unknown")
    found.objects["events"] = []
    assert reading(found).explanation.cause.kind is K.PLUGIN_NOT_CONFIGURED


def test_without_anything_else_the_deadline_itself_is_the_cause() -> None:
    found = at("plugin-unknown")
    found.objects["events"] = []
    found.objects["configmaps"] = []
    assert reading(found).explanation.cause.kind is K.DEADLINE
