"""The pure rules: hashes, steps, validation, the queue."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rolloutctl.sandbox.controller import invalid
from rolloutctl.sandbox.controller.hashing import steps_hash, template_hash
from rolloutctl.sandbox.controller.queue import WorkQueue
from rolloutctl.sandbox.controller.steps import pause_seconds, step_text

TEMPLATE = {
    "metadata": {"labels": {"app": "demo"}},
    "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
}


def test_hashes_are_those_a_real_controller_would_write() -> None:
    assert template_hash(TEMPLATE) == "677dfcf764"
    assert steps_hash([{"setWeight": 50}, {"pause": {"duration": "3s"}}]) == "77fbc56786"


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    turned = {
        "spec": {"containers": [{"image": "demo:v1", "name": "app", "resources": {}}]},
        "metadata": {"labels": {"app": "demo"}},
    }
    assert template_hash(turned) == template_hash(TEMPLATE)
    assert template_hash(TEMPLATE, 1) != template_hash(TEMPLATE)


@pytest.mark.parametrize(
    ("pause", "seconds"),
    [
        ({}, None),
        ({"duration": 30}, 30),
        ({"duration": "30"}, 30),
        ({"duration": "1h30m"}, 5400),
        ({"duration": "1d"}, -1),
        ({"duration": "soon"}, -1),
    ],
)
def test_how_long_a_pause_is(pause: dict[str, Any], seconds: float | None) -> None:
    assert pause_seconds(pause) == seconds


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"setWeight": 20}, "setWeight: 20"),
        ({"pause": {}}, "pause"),
        ({"pause": {"duration": "5s"}}, "pause: 5s"),
        ({"pause": {"duration": 30}}, "pause: 30"),
        ({"plugin": {"name": "demo/gate"}}, "plugin: demo/gate"),
        ({"setCanaryScale": {"replicas": 3}}, "setCanaryScale{replicas: 3}"),
        ({"analysis": {}}, "analysis"),
        ({}, "invalid"),
    ],
)
def test_what_events_call_a_step(step: dict[str, Any], text: str) -> None:
    assert step_text(step) == text


def _rollout(**spec: Any) -> dict[str, Any]:
    good = {
        "selector": {"matchLabels": {"app": "demo"}},
        "template": copy.deepcopy(TEMPLATE),
        "strategy": {"canary": {}},
    }
    return {"metadata": {"name": "demo"}, "spec": {**good, **spec}}


def _steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return _rollout(strategy={"canary": {"steps": list(steps)}})


ONE_OF = (
    "Step must have one of the following set: "
    "experiment, setWeight, setCanaryScale, plugin or pause"
)


@pytest.mark.parametrize(
    ("rollout", "error"),
    [
        (_rollout(), None),
        (
            _rollout(selector=None),
            "spec.selector: Required value: Rollout has missing field '.spec.selector'",
        ),
        (
            _rollout(selector={"matchLabels": {"app": "other"}}),
            'spec.template.metadata.labels: Invalid value: {"app":"demo"}: '
            "`selector` does not match template `labels`",
        ),
        (
            _rollout(progressDeadlineSeconds=5, minReadySeconds=5),
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
        ),
        (
            _rollout(strategy={}),
            "spec.strategy.strategy: Required value: Rollout has missing field "
            "'.spec.strategy.canary or .spec.strategy.blueGreen'",
        ),
        (
            _rollout(strategy={"canary": {}, "blueGreen": {}}),
            'spec.strategy.strategy: Invalid value: "blueGreen: true canary: true": '
            "Multiple Strategies can not be listed",
        ),
        (
            _steps({"setWeight": 50, "pause": {}}),
            'spec.strategy.steps[0]: Invalid value: "step.Experiment: false step.Pause: true '
            f'step.SetWeight: true step.Analysis: false": {ONE_OF}',
        ),
        (
            _steps({"setWeight": 10}, {"setWeight": 101}),
            "spec.strategy.steps[1].setWeight: Invalid value: 101: "
            "SetWeight needs to be between 0 and 100",
        ),
        (
            _steps({"pause": {"duration": "-1s"}}),
            "spec.strategy.steps[0].pause.duration: Invalid value: -1: "
            "Duration needs to be greater than 0",
        ),
        (_steps({"pause": {"duration": 0}}), None),
        (
            _steps({"setCanaryScale": {"replicas": 1}}),
            "spec.strategy.trafficRouting: Required value: "
            "SetCanaryScale requires TrafficRouting to be set",
        ),
        (_steps({"plugin": {"name": "nobody/knows"}}), None),
        (
            _rollout(template={**TEMPLATE, "spec": {}}),
            "spec.template.spec.containers: Required value",
        ),
        (
            _rollout(template={**TEMPLATE, "spec": {"containers": [{"name": "app"}]}}),
            "spec.template.spec.containers[0].image: Required value",
        ),
        (
            _rollout(strategy={"canary": {"scaleDownDelayRevisionLimit": 11}}),
            "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision"
            " history limit can not be smaller than the rollout's scale down limit",
        ),
        (_rollout(strategy={"canary": {"scaleDownDelayRevisionLimit": 10}}), None),
        (
            _rollout(strategy={"canary": {"stableService": "a", "canaryService": "a"}}),
            'spec.strategy.stableService: Invalid value: "a": This rollout uses the same service'
            " for the stable and canary services, but two different services are required.",
        ),
        (
            _rollout(strategy={"canary": {"maxSurge": 0, "maxUnavailable": "0%"}}),
            "spec.strategy.maxSurge: Invalid value: 0: "
            "MaxSurge and MaxUnavailable both can not be zero",
        ),
        (
            _rollout(strategy={"canary": {"scaleDownDelaySeconds": 5}}),
            "spec.strategy.scaleDownDelaySeconds: Invalid value: 5: "
            "Canary scaleDownDelaySeconds can only be used with traffic routing",
        ),
        (
            _rollout(strategy={"canary": {"dynamicStableScale": True}}),
            "spec.strategy.dynamicStableScale: Invalid value: true: "
            "Canary dynamicStableScale can only be used with traffic routing",
        ),
        (
            _rollout(selector={}),
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
    ],
)
def test_what_is_wrong_with_a_spec(rollout: dict[str, Any], error: str | None) -> None:
    assert invalid.spec_error(rollout) == error


def test_an_empty_step_is_told_with_all_kinds_missing() -> None:
    error = invalid.spec_error(_steps({}))
    assert error is not None
    assert error.count("true") == 8
    assert error.endswith(ONE_OF)


def test_services_are_looked_at_after_the_spec() -> None:
    rollout = _rollout(strategy={"canary": {"stableService": "web"}})
    assert invalid.reference_error(rollout, lambda plural, name: None) == (
        'spec.strategy.canary.stableService: Invalid value: "web": service "web" not found'
    )
    other = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "other"}}}
    assert invalid.reference_error(rollout, lambda plural, name: other) == (
        'spec.strategy.canary.stableService: Invalid value: "web": '
        'Service "web" has unmatch label "app" in rollout'
    )


def test_analysis_templates_are_looked_for_where_they_are() -> None:
    analysis = {"templates": [{"templateName": "here"}, {"templateName": "nowhere"}]}
    step = _steps({"setWeight": 5}, {"analysis": analysis})
    found = {("analysistemplates", "here"): {"metadata": {"name": "here"}}}
    assert invalid.reference_error(step, lambda plural, name: found.get((plural, name))) == (
        'spec.strategy.canary.steps[1].analysis.templates: Invalid value: "nowhere": '
        "AnalysisTemplate 'nowhere' not found"
    )
    everywhere = {"templates": [{"templateName": "here", "clusterScope": True}]}
    background = _rollout(strategy={"canary": {"analysis": everywhere}})
    assert invalid.reference_error(background, lambda plural, name: found.get((plural, name))) == (
        'spec.strategy.canary.analysis.templates: Invalid value: "here": '
        "ClusterAnalysisTemplate 'here' not found"
    )


def test_work_is_done_in_the_order_it_is_due_and_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("late", 9.0)
    queue.add("soon", 1.0)
    queue.add("late", 2.0)
    queue.add("soon", 5.0)
    assert queue.pop(0.5) is None
    assert [queue.pop(3.0), queue.pop(3.0), queue.pop(99.0)] == ["soon", "late", None]
    assert queue.next_due() is None
