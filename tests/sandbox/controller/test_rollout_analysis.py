"""The AnalysisRuns a rollout makes, and what their results do to it."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.controller.run_arguments import at_path
from support.analysed import named, runs, said, template
from support.controlled import PLACE, Controlled
from support.metrics import scripted

Obj = dict[str, Any]

GOOD = scripted(1, 1, count=2, interval="1s")
BAD = scripted(1, 0, count=2, interval="1s")
HALF = scripted(0.5, successCondition="result > 0.9", failureCondition="result < 0.1")
"""Neither good nor bad."""
ENDLESS = scripted(1, interval="1s")
WHY = 'Metric "scripted" assessed Failed due to failed (1) > failureLimit (0)'


def at_step(metric: Obj, *more: Obj, **fields: Any) -> Controlled:
    """demo:v2, as far as it comes at once: its second step is an analysis."""
    steps: tuple[Obj, ...] = ({"setWeight": 25}, {"analysis": named("check", **fields)}, *more)
    story = Controlled(*steps, objects=[template("check", metric)])
    story.image("demo:v2")
    return story


def beside(metric: Obj, *steps: Obj, **fields: Any) -> Controlled:
    """demo:v2 at its first pause, with a background analysis."""
    steps = steps or ({"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}})
    story = Controlled(
        *steps,
        canary={"analysis": named("check", **fields)},
        objects=[template("check", metric)],
    )
    story.image("demo:v2")
    return story


def recorded(story: Controlled, field: str) -> str:
    found: Obj = story.status["canary"].get(field) or {}
    status: str = found.get("status", "-")
    return status


STEP, BACKGROUND = "currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus"


def test_a_step_makes_a_run_and_is_done_when_it_is_successful() -> None:
    more = {"labels": {"l": "1"}, "annotations": {"a": "2"}}
    story = at_step(GOOD, analysisRunMetadata=more)
    (run,) = runs(story)
    hashed = story.status["currentPodHash"]
    assert run["metadata"]["name"] == f"demo-{hashed}-2-1"
    assert run["metadata"]["labels"] == {
        "app": "demo",
        "l": "1",
        "rollout-type": "Step",
        "rollouts-pod-template-hash": hashed,
        "step-index": "1",
    }
    assert run["metadata"]["annotations"] == {"a": "2", "rollout.argoproj.io/revision": "2"}
    (owner,) = run["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("Rollout", "demo", True)
    assert recorded(story, STEP) == "Running"
    story.wait(3)
    assert story.phase == ("Healthy", "")
    assert story.status["canary"] == {}
    (message,) = story.events("AnalysisRunSuccessful")[-1:]
    assert f"Step Analysis Run '{run['metadata']['name']}' Status New: 'Successful'" in message


def test_a_failed_step_aborts_and_a_retry_makes_another_run() -> None:
    story = at_step(BAD)
    story.wait(3)
    cause = f"Step-based analysis phase error/failed: {WHY}"
    message = f"RolloutAborted: Rollout aborted update to revision 2: {cause}"
    assert story.phase == ("Degraded", message)
    assert (story.step, story.status["canary"]) == (0, {})
    story.retry()
    story.wait(0)
    assert said(story) == {"demo-2-1": "Failed", "demo-2-1.1": "Running"}
    story.wait(3)
    assert story.phase[0] == "Degraded"


def test_who_promotes_past_a_step_ends_its_run() -> None:
    story = at_step(GOOD, {"pause": {}})
    story.skip()
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert said(story) == {"demo-2-1": "Successful"}
    (run,) = runs(story)
    assert run["spec"]["terminate"] is True and run["status"]["message"] == "Run Terminated"
    assert story.status["canary"] == {}


def test_a_run_somebody_ended_lets_the_step_succeed() -> None:
    story = at_step(GOOD, {"pause": {}})
    (run,) = runs(story)
    body = {"spec": {"terminate": True}}
    story.client.patch("analysisruns", run["metadata"]["name"], body, PLACE)
    story.cluster.settle()
    assert (story.step, story.phase[0]) == (2, "Paused")
    assert "Rollout step 2/3 completed (analysis)" in story.events("RolloutStepCompleted")


def test_an_inconclusive_step_pauses_and_a_resume_asks_again() -> None:
    story = at_step(HALF, {"pause": {}})
    assert story.phase == ("Paused", "InconclusiveAnalysisRun")
    assert recorded(story, STEP) == "Inconclusive"
    story.wait(60)
    assert said(story) == {"demo-2-1": "Inconclusive"}
    story.promote()
    assert said(story) == {"demo-2-1": "Inconclusive", "demo-2-1.1": "Inconclusive"}
    assert (story.step, *story.phase) == (1, "Paused", "InconclusiveAnalysisRun")
    on = {"pauseConditions": None, "controllerPause": False, "currentStepIndex": 2}
    story.patch({"status": on}, status=True)
    assert (story.step, *story.phase) == (2, "Paused", "CanaryPauseStep")
    assert len(runs(story)) == 2


def test_a_background_run_goes_along_until_the_end() -> None:
    story = beside(ENDLESS)
    (run,) = runs(story)
    assert run["metadata"]["name"] == f"demo-{story.status['currentPodHash']}-2"
    assert run["metadata"]["labels"]["rollout-type"] == "Background"
    assert "step-index" not in run["metadata"]["labels"]
    story.wait(5)
    assert recorded(story, BACKGROUND) == "Running"
    story.promote()
    story.promote()
    assert story.phase == ("Healthy", "")
    (run,) = runs(story)
    assert run["status"]["message"] == "Run Terminated"
    assert story.status["canary"] == {}


def test_a_background_run_that_fails_aborts_in_a_pause() -> None:
    story = beside(BAD)
    assert story.phase == ("Paused", "CanaryPauseStep")
    story.wait(3)
    assert story.phase[1].endswith(f"revision 2: Background analysis phase error/failed: {WHY}")
    assert "pauseConditions" not in story.status


def test_an_inconclusive_background_run_pauses_beside_a_pause_of_the_steps() -> None:
    story = beside(scripted(1, 0.5, count=2, interval="2s", failureCondition="result < 0.1"))
    assert story.phase == ("Paused", "CanaryPauseStep")
    story.wait(3)
    reasons = [each["reason"] for each in story.status["pauseConditions"]]
    assert reasons == ["CanaryPauseStep", "InconclusiveAnalysisRun"]
    assert len(runs(story)) == 1


def test_a_background_run_starts_with_its_step() -> None:
    story = beside(ENDLESS, startingStep=2)
    assert (story.step, runs(story)) == (1, [])
    story.promote()
    assert story.step == 3
    assert len(runs(story)) == 1


@pytest.mark.parametrize("what", ["abort", "promote_full", "undo", "another"])
def test_runs_end_with_the_attempt(what: str) -> None:
    story = beside(ENDLESS)
    if what in ("undo", "another"):
        story.image("demo:v1" if what == "undo" else "demo:v3")
    else:
        getattr(story, what)()
    (first,) = [run for run in runs(story) if run["metadata"]["name"].endswith("-2")]
    assert (first["spec"]["terminate"], first["status"]["phase"]) == (True, "Successful")
    assert len(runs(story)) == (2 if what == "another" else 1)
    expected = "Running" if what == "another" else "-"
    assert recorded(story, BACKGROUND) == expected


def test_nothing_is_analysed_on_the_first_deploy() -> None:
    story = Controlled(
        {"analysis": named("check")},
        canary={"analysis": named("check")},
        objects=[template("check", GOOD)],
    )
    assert story.phase == ("Healthy", "")
    assert runs(story) == []


def test_a_name_that_is_taken_gets_a_number() -> None:
    story = Controlled(
        {"pause": {}}, {"analysis": named("check")}, objects=[template("check", GOOD)]
    )
    story.image("demo:v2")
    foreign: Obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": f"demo-{story.status['currentPodHash']}-2-1"},
        "spec": {"metrics": [ENDLESS]},
    }
    story.add(foreign)
    story.promote()
    names = [run["metadata"]["name"] for run in runs(story)]
    assert names == [foreign["metadata"]["name"], f"{foreign['metadata']['name']}.1"]
    assert "terminate" not in runs(story)[0]["spec"]


def test_only_so_many_finished_runs_are_kept() -> None:
    story = Controlled(
        {"analysis": named("check")},
        objects=[template("check", scripted(1))],
        spec={"analysis": {"successfulRunHistoryLimit": 2}},
    )
    for version in range(2, 7):
        story.image(f"demo:v{version}")
        story.wait(2)
        assert story.phase == ("Healthy", "")
    # Another look at the rollout finds the last one finished.
    story.image("demo:v7")
    story.wait(2)
    kept = [run["metadata"]["annotations"]["rollout.argoproj.io/revision"] for run in runs(story)]
    assert kept == ["6", "7"]


def test_runs_go_with_the_replica_set_of_their_version() -> None:
    story = Controlled(
        {"analysis": named("check")},
        objects=[template("check", scripted(1))],
        spec={"revisionHistoryLimit": 1},
    )
    for version in range(2, 6):
        story.image(f"demo:v{version}")
        story.wait(2)
    hashes = {
        each["metadata"]["labels"]["rollouts-pod-template-hash"]
        for each in story.client.list("replicasets", PLACE)[0]
    }
    of = {run["metadata"]["labels"]["rollouts-pod-template-hash"] for run in runs(story)}
    assert of == hashes and len(hashes) == 2


def test_templates_are_put_together() -> None:
    nested = [{"templateName": "c"}, {"templateName": "d", "clusterScope": True}]
    shared = {"name": "host", "value": "there"}
    objects = [
        template("a", scripted(1, name="one"), args=[shared, {"name": "who"}]),
        template("b", scripted(1, name="two"), templates=nested, dryRun=[{"metricName": "two"}]),
        template("c", scripted(1, name="three"), args=[shared, {"name": "to", "value": "us"}]),
        template("d", scripted(1, name="four"), cluster=True),
    ]
    analysis = named(
        "a",
        "b",
        args=[{"name": "who", "value": "me"}, {"name": "nobody-asks", "value": "x"}],
        measurementRetention=[{"metricName": "one", "limit": 20}],
    )
    story = Controlled({"analysis": analysis}, objects=objects)
    story.image("demo:v2")
    spec = runs(story)[0]["spec"]
    assert [each["name"] for each in spec["metrics"]] == ["one", "two", "three", "four"]
    assert spec["args"] == [
        {"name": "host", "value": "there"},
        {"name": "who", "value": "me"},
        {"name": "to", "value": "us"},
    ]
    assert spec["dryRun"] == [{"metricName": "two"}]
    assert spec["measurementRetention"] == [{"metricName": "one", "limit": 20}]


def test_arguments_come_from_where_they_are_said_to() -> None:
    secret = {"secretKeyRef": {"name": "token", "key": "value"}}
    asked = ["plain", "latest", "stable", "label", "image"]
    arguments = [{"name": each} for each in asked] + [{"name": "secret", "valueFrom": secret}]
    path = "spec.template.spec.containers[0].image"
    given = [
        {"name": "plain", "value": "1"},
        {"name": "latest", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
        {"name": "label", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "image", "valueFrom": {"fieldRef": {"fieldPath": path}}},
    ]
    story = Controlled(
        {"analysis": named("check", args=given)},
        objects=[template("check", GOOD, args=arguments)],
    )
    stable = story.status["stableRS"]
    story.image("demo:v2")
    values = {each["name"]: each.get("value") for each in runs(story)[0]["spec"]["args"]}
    assert values == {
        "plain": "1",
        "latest": story.status["currentPodHash"],
        "stable": stable,
        "label": PLACE,
        "image": "demo:v2",
        "secret": None,
    }
    assert runs(story)[0]["spec"]["args"][-1]["valueFrom"] == secret


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "demo"),
        ("metadata.labels['app.io/part']", "shop"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'app.io/part="shop"'),
        ("spec.replicas", "3"),
        ("spec.paused", "true"),
        ("spec.list[1].name", "b"),
        ("spec.list[2].name", None),
        ("spec.list", None),
        ("nowhere.at.all", None),
        ("spec[", None),
    ],
)
def test_a_field_path_ends_in_a_primitive(path: str, value: str | None) -> None:
    rollout = {
        "metadata": {"name": "demo", "labels": {"app.io/part": "shop"}},
        "spec": {"replicas": 3, "paused": True, "list": [{"name": "a"}, {"name": "b"}]},
    }
    assert at_path(rollout, path) == value


PATH = "spec.strategy.canary.steps[0].analysis.templates: Invalid value: "


@pytest.mark.parametrize(
    ("analysis", "objects", "error"),
    [
        (named("no"), [], f"{PATH}\"no\": AnalysisTemplate 'no' not found"),
        (
            {"templates": [{"templateName": "no", "clusterScope": True}]},
            [],
            f"{PATH}\"no\": ClusterAnalysisTemplate 'no' not found",
        ),
        (
            named("a"),
            [template("a", templates=[{"templateName": "no"}])],
            f"{PATH}\"no\": AnalysisTemplate 'no' not found",
        ),
        (
            named("a", args=[{"name": "y", "value": "1"}]),
            [template("a", args=[{"name": "x"}, {"name": "y"}])],
            f'{PATH}"templateNames: [a]": args.x was not resolved',
        ),
        (
            named("a", args=[{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "spec.no"}}}]),
            [template("a", args=[{"name": "x"}])],
            f'{PATH}"templateNames: [a]": args.x was not resolved',
        ),
        (
            named("a", "b"),
            [template("a"), template("b")],
            f"{PATH}\"templateNames: [a b]\": two metrics have the same name 'scripted'",
        ),
        (
            named("a", "b"),
            [
                template("a", args=[{"name": "x", "value": "1"}]),
                template("b", scripted(1, name="b"), args=[{"name": "x", "value": "2"}]),
            ],
            f'{PATH}"templateNames: [a b]": Argument `x` specified multiple times '
            "with different values: '1', '2'",
        ),
        (
            named("a"),
            [template("a", ENDLESS)],
            f'{PATH}"a": AnalysisTemplate a has metric scripted which runs indefinitely. '
            "Invalid value for count: <nil>",
        ),
    ],
)
def test_analyses_that_cannot_be_make_the_rollout_invalid(
    analysis: Obj, objects: list[Obj], error: str
) -> None:
    story = Controlled({"analysis": analysis}, objects=objects)
    assert story.phase == ("Degraded", f'InvalidSpec: The Rollout "demo" is invalid: {error}')


def test_a_template_that_comes_later_makes_it_valid() -> None:
    story = Controlled({"analysis": named("late")})
    assert story.phase[0] == "Degraded"
    story.add(template("late"))
    story.wait(30)
    assert story.phase == ("Healthy", "")


@pytest.mark.parametrize("key", ["prePromotionAnalysis", "postPromotionAnalysis"])
def test_blue_green_names_its_own_paths(key: str) -> None:
    strategy = {"blueGreen": {"activeService": "active", key: named("no")}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "active"},
        "spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]},
    }
    story = Controlled(spec={"strategy": strategy}, objects=[service])
    assert story.phase[1].endswith(
        f'spec.strategy.blueGreen.{key}.templates: Invalid value: "no": '
        "AnalysisTemplate 'no' not found"
    )


def test_a_background_analysis_may_have_no_end() -> None:
    story = beside(ENDLESS)
    assert story.phase == ("Paused", "CanaryPauseStep")
