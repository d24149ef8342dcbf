"""Experiments: by themselves, and as the step of a rollout."""

from __future__ import annotations

from typing import Any

import pytest

from support.analysed import template
from support.controlled import PLACE, Controlled
from support.experimenting import Tried, asked, part
from support.metrics import scripted

Obj = dict[str, Any]

GOOD = scripted(1, 1, 1, count=3, interval="1s")
BAD = scripted(1, 0, count=2, interval="1s")
HALF = scripted(0.5, failureCondition="result < 0.1")
ENDLESS = scripted(1, interval="1s")
WHY = 'Metric "scripted" assessed Failed due to failed (1) > failureLimit (0)'


def test_it_runs_for_its_duration_and_its_pods_a_little_longer() -> None:
    trial = Tried(part("one"), part("two", replicas=2), duration="20s")
    assert (trial.phase, trial.parts) == (("Running", ""), {"one": "Running", "two": "Running"})
    assert trial.status["availableAt"]
    two = trial.status["templateStatuses"][1]
    assert (two["replicas"], two["availableReplicas"]) == (2, 2)
    assert trial.progressing == (
        "True",
        "NewReplicaSetAvailable",
        'Experiment "trial" is running.',
    )
    trial.wait(19)
    assert trial.phase == ("Running", "")
    trial.wait(2)
    assert trial.phase == ("Successful", "")
    assert trial.progressing[:2] == ("False", "ExperimentCompleted")
    found = trial.replica_set()
    assert (
        found["spec"]["replicas"] == 1 and found["metadata"]["annotations"]["scale-down-deadline"]
    )
    trial.wait(28)
    assert trial.replica_set()["spec"]["replicas"] == 1
    trial.wait(3)
    assert trial.replica_set("two")["spec"]["replicas"] == 0
    assert trial.status["templateStatuses"][1]["replicas"] == 0
    assert trial.events() == [
        "Normal TemplateProgressing Template 'one' transitioned from  -> Progressing",
        "Normal TemplateProgressing Template 'two' transitioned from  -> Progressing",
        "Normal ExperimentPending Experiment transitioned from  -> Pending",
        "Normal TemplateRunning Template 'one' transitioned from Progressing -> Running",
        "Normal TemplateRunning Template 'two' transitioned from Progressing -> Running",
        "Normal ExperimentRunning Experiment transitioned from Pending -> Running",
        "Normal TemplateSuccessful Template 'one' transitioned from Running -> Successful",
        "Normal TemplateSuccessful Template 'two' transitioned from Running -> Successful",
        "Normal ExperimentSuccessful Experiment transitioned from Running -> Successful",
    ]


def test_its_replica_sets_have_names_hashes_and_annotations_of_their_own() -> None:
    trial = Tried(part("one"), part("two"))
    one, two = trial.replica_set("one"), trial.replica_set("two")
    assert one["metadata"]["annotations"] == {
        "experiment.argoproj.io/name": "trial",
        "experiment.argoproj.io/template-name": "one",
    }
    hashes = [each["metadata"]["labels"]["rollouts-pod-template-hash"] for each in (one, two)]
    assert hashes[0] != hashes[1]
    labels = {"part": "one", "rollouts-pod-template-hash": hashes[0]}
    assert one["spec"]["selector"]["matchLabels"] == labels
    assert one["metadata"]["ownerReferences"][0]["kind"] == "Experiment"


def test_without_a_duration_it_runs_until_somebody_ends_it() -> None:
    trial = Tried()
    trial.wait(3600)
    assert trial.phase == ("Running", "")
    trial.patch({"spec": {"terminate": True}})
    assert (trial.phase, trial.parts) == (("Successful", ""), {"one": "Successful"})
    trial.wait(31)
    assert trial.replica_set()["spec"]["replicas"] == 0


def test_a_retry_starts_it_from_the_beginning() -> None:
    trial = Tried(
        duration="5s", analyses=[asked("watch")], objects=(template("check", scripted(1)),)
    )
    trial.wait(60)
    assert trial.phase == ("Successful", "")
    assert trial.replica_set()["spec"]["replicas"] == 0
    trial.patch({"status": None})
    assert (trial.phase, trial.parts) == (("Running", ""), {"one": "Running"})
    assert trial.replica_set()["spec"]["replicas"] == 1
    assert "scale-down-deadline" not in trial.replica_set()["metadata"]["annotations"]
    trial.wait(6)
    assert trial.phase == ("Successful", "")
    assert trial.runs() == {"trial-watch": "Successful", "trial-watch.1": "Successful"}


def test_pods_that_do_not_come_fail_it() -> None:
    trial = Tried(part("one"), part("two", "demo:bad"), progressDeadlineSeconds=30)
    assert (trial.phase, trial.parts) == (("Pending", ""), {"one": "Running", "two": "Progressing"})
    assert trial.progressing[1:] == ("ReplicaSetUpdated", 'Experiment "trial" is progressing.')
    trial.wait(31)
    said = "Template 'two' exceeded its progressDeadlineSeconds (30)"
    assert trial.phase == ("Failed", said)
    assert trial.parts == {"one": "Successful", "two": "Failed"}
    event = f"Warning TemplateFailed Template 'two' transitioned from Progressing -> Failed: {said}"
    assert event in trial.events()
    assert (
        "Warning ExperimentFailed Experiment transitioned from Pending -> Failed" in trial.events()
    )
    assert "availableAt" not in trial.status


@pytest.mark.parametrize(
    ("metric", "phase", "message"),
    [
        (BAD, "Failed", WHY),
        (
            HALF,
            "Inconclusive",
            'Metric "scripted" assessed Inconclusive due to '
            "inconclusive (1) > inconclusiveLimit (0)",
        ),
    ],
)
def test_an_analysis_that_ends_badly_ends_it(metric: Obj, phase: str, message: str) -> None:
    trial = Tried(
        duration="1h",
        analyses=[asked("watch"), asked("other", "endless")],
        objects=(template("check", metric), template("endless", ENDLESS)),
    )
    trial.wait(3)
    assert trial.phase == (phase, message)
    assert trial.runs() == {"trial-watch": phase, "trial-other": "Successful"}
    entries = {each["name"]: each for each in trial.status["analysisRuns"]}
    assert entries["watch"] == {
        "name": "watch",
        "analysisRun": "trial-watch",
        "phase": phase,
        "message": message,
    }
    assert f"Warning Experiment{phase} Experiment transitioned from Running -> {phase}" in (
        trial.events()
    )
    assert "Normal AnalysisRunTerminating Terminating other (trial-other)" in trial.events()


def test_analyses_start_when_all_pods_are_there() -> None:
    trial = Tried(
        part("one", "demo:bad"), analyses=[asked("watch")], objects=(template("check", ENDLESS),)
    )
    assert trial.runs() == {}


def test_required_analyses_end_it_where_there_is_no_duration() -> None:
    trial = Tried(
        analyses=[
            asked("needed", requiredForCompletion=True),
            asked("beside", "endless"),
        ],
        objects=(template("check", GOOD), template("endless", ENDLESS)),
    )
    assert trial.phase == ("Running", "")
    trial.wait(4)
    assert trial.phase == ("Successful", "Required AnalysisRuns completed")
    assert trial.runs() == {"trial-needed": "Successful", "trial-beside": "Successful"}


@pytest.mark.parametrize(("metric", "phase"), [(GOOD, "Successful"), (BAD, "Failed")])
def test_a_required_analysis_goes_on_past_the_duration(metric: Obj, phase: str) -> None:
    trial = Tried(
        duration="1s",
        analyses=[asked("needed", requiredForCompletion=True)],
        objects=(template("check", {**metric, "initialDelay": "3s"}),),
    )
    trial.wait(2)
    assert (trial.phase, trial.parts) == (("Running", ""), {"one": "Successful"})
    trial.wait(5)
    assert trial.phase[0] == phase


def test_other_analyses_end_with_the_duration() -> None:
    trial = Tried(duration="5s", analyses=[asked("watch")], objects=(template("check", ENDLESS),))
    trial.wait(6)
    assert trial.phase == ("Successful", "")
    assert trial.runs() == {"trial-watch": "Successful"}


def test_arguments_may_tell_of_the_experiment() -> None:
    names = ("hash", "set", "since", "until")
    arguments = [
        {"name": "hash", "value": "{{templates.one.podTemplateHash}}"},
        {"name": "set", "value": "as {{ templates.one.replicaset.name }}"},
        {"name": "since", "value": "{{experiment.availableAt}}"},
        {"name": "until", "value": "{{experiment.finishedAt}}"},
    ]
    trial = Tried(
        duration="1h",
        analyses=[asked("watch", args=arguments)],
        objects=(template("check", ENDLESS, args=[{"name": each} for each in names]),),
    )
    run = trial.story.client.get("analysisruns", "trial-watch", PLACE)
    values = {each["name"]: each["value"] for each in run["spec"]["args"]}
    labels = trial.replica_set()["metadata"]["labels"]
    assert values["hash"] == labels["rollouts-pod-template-hash"]
    assert values["set"] == "as trial-one"
    assert values["since"] == trial.status["availableAt"] < values["until"]


@pytest.mark.parametrize(
    ("analysis", "message"),
    [
        (asked("watch", "no"), "AnalysisTemplate verification failed for analysis 'watch': "),
        (
            asked("watch", args=[{"name": "x", "value": "{{templates.no.podTemplateHash}}"}]),
            "failed to resolve {{templates.no.podTemplateHash}}",
        ),
        (asked("watch"), "args.x was not resolved"),
    ],
)
def test_an_analysis_that_cannot_be_is_an_error(analysis: Obj, message: str) -> None:
    trial = Tried(analyses=[analysis], objects=(template("check", args=[{"name": "x"}]),))
    assert trial.phase[0] == "Error"
    assert trial.phase[1].startswith(message)


def test_a_service_is_there_as_long_as_the_pods() -> None:
    one = part("one", service={})
    one["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    two = part("two", service={"name": "second"})
    two["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "name": "web"}]
    three = part("three", service={})
    trial = Tried(one, two, three, duration="5s")
    services = {
        each["metadata"]["name"]: each for each in trial.story.client.list("services", PLACE)[0]
    }
    assert set(services) == {"trial-one", "second"}
    hashed = trial.replica_set("two")["metadata"]["labels"]["rollouts-pod-template-hash"]
    selector = {"part": "two", "rollouts-pod-template-hash": hashed}
    assert services["second"]["spec"]["selector"] == selector
    assert services["second"]["spec"]["ports"][0]["port"] == 80
    told = {each["name"]: each for each in trial.status["templateStatuses"]}
    assert (told["two"]["serviceName"], told["two"]["podTemplateHash"]) == ("second", hashed)
    assert "serviceName" not in told["three"]
    trial.wait(60)
    assert trial.story.client.list("services", PLACE)[0] == []


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ([part("a"), part("a")], "duplicate template name 'a'"),
        ([{**part("a"), "selector": {}}], "empty selector"),
        ([{**part("a"), "minReadySeconds": 600}], "minReadySeconds"),
    ],
)
def test_a_spec_that_cannot_be_is_told(templates: list[Obj], said: str) -> None:
    trial = Tried(*templates)
    (condition,) = trial.status["conditions"]
    assert (condition["type"], condition["status"]) == ("InvalidSpec", "True")
    assert said in condition["message"]
    assert trial.phase == ("", "")


# As a step


def step(*analyses: Obj, **fields: Any) -> Obj:
    templates = [
        {"name": "baseline", "specRef": "stable"},
        {"name": "canary", "specRef": "canary", "metadata": {"labels": {"more": "1"}}},
    ]
    found = {"templates": templates, "duration": "8s", **fields}
    return {"experiment": {**found, **({"analyses": list(analyses)} if analyses else {})}}


def experiments(story: Controlled) -> dict[str, str]:
    """Name without the hash of the template, to the phase."""
    found = {}
    for each in story.client.list("experiments", PLACE)[0]:
        hashed = each["metadata"]["labels"]["rollouts-pod-template-hash"]
        called = each["metadata"]["name"].replace(f"-{hashed}-", "-")
        found[called] = each.get("status", {}).get("phase", "")
    return found


def at_experiment(*analyses: Obj, metric: Obj = GOOD, **fields: Any) -> Controlled:
    """demo:v2 in its first step."""
    story = Controlled(
        step(*analyses, **fields), {"pause": {}}, objects=[template("check", metric)]
    )
    story.image("demo:v2")
    return story


def test_a_step_makes_one_after_the_two_versions() -> None:
    given = [{"name": "x", "valueFrom": {"podTemplateHashValue": "Stable"}}]
    story = at_experiment(asked("watch", args=given), metric=ENDLESS)
    current, stable = story.status["currentPodHash"], story.status["stableRS"]
    named = f"demo-{current}-2-0"
    assert story.status["canary"]["currentExperiment"] == named
    made = story.client.get("experiments", named, PLACE)
    assert made["metadata"]["labels"] == {"rollouts-pod-template-hash": current}
    assert made["metadata"]["annotations"] == {"rollout.argoproj.io/revision": "2"}
    baseline, canary = made["spec"]["templates"]
    images = [each["template"]["spec"]["containers"][0]["image"] for each in (baseline, canary)]
    assert images == ["demo:v1", "demo:v2"]
    assert canary["template"]["metadata"]["labels"]["more"] == "1"
    assert made["spec"]["analyses"][0]["args"] == [{"name": "x", "value": stable}]
    # Its pods are not those of the rollout.
    assert (story.status["replicas"], len(story.pods)) == (4, 6)
    assert story.events("ExperimentCreated") == [f"Created Experiment '{named}'"]


def test_the_step_is_done_when_it_is_successful() -> None:
    story = at_experiment()
    story.wait(9)
    assert (story.step, *story.phase) == (1, "Paused", "CanaryPauseStep")
    assert "currentExperiment" not in story.status["canary"]
    assert experiments(story) == {"demo-2-0": "Successful"}


def test_one_that_fails_aborts_and_a_retry_makes_another() -> None:
    story = at_experiment(asked("watch"), metric=BAD)
    story.wait(3)
    cause = f"Experiment analysis phase is error/failed: {WHY}"
    said = f"RolloutAborted: Rollout aborted update to revision 2: {cause}"
    assert story.phase == ("Degraded", said)
    assert "currentExperiment" not in story.status["canary"]
    messages = story.events("AnalysisRunFailed")
    assert f"AnalysisRun 'watch' transitioned from Running -> Failed: {WHY}" in messages
    story.retry()
    assert experiments(story) == {"demo-2-0": "Failed", "demo-2-0-1": "Running"}


def test_an_inconclusive_one_pauses_and_another_starts() -> None:
    story = at_experiment(asked("watch"), metric=scripted(0.5, failureCondition="result < 0.1"))
    assert story.phase == ("Paused", "InconclusiveExperiment")
    assert experiments(story) == {"demo-2-0": "Inconclusive"}
    story.wait(1.5)
    assert experiments(story) == {"demo-2-0": "Inconclusive", "demo-2-0-1": "Inconclusive"}
    assert story.phase == ("Paused", "InconclusiveExperiment")
    story.wait(60)
    assert len(experiments(story)) <= 6


@pytest.mark.parametrize("what", ["abort", "promote_full", "skip", "undo", "another"])
def test_it_ends_when_it_is_not_wanted_any_more(what: str) -> None:
    story = at_experiment(duration="1h")
    assert experiments(story) == {"demo-2-0": "Running"}
    if what in ("undo", "another"):
        story.image("demo:v1" if what == "undo" else "demo:v3")
    else:
        getattr(story, what)()
    assert experiments(story)["demo-2-0"] == "Successful"
    current = story.status["canary"].get("currentExperiment", "")
    assert (current != "") == (what == "another")


def test_who_ends_it_lets_the_step_succeed() -> None:
    story = at_experiment(duration="1h")
    named = story.status["canary"]["currentExperiment"]
    story.client.patch("experiments", named, {"spec": {"terminate": True}}, PLACE)
    story.cluster.settle()
    assert (story.step, story.phase[0]) == (1, "Paused")


def test_only_so_many_are_kept() -> None:
    story = Controlled(
        step(duration="1s"), spec={"analysis": {"successfulRunHistoryLimit": 2}}, replicas=1
    )
    for version in range(2, 7):
        story.image(f"demo:v{version}")
        story.wait(5)
        assert story.phase == ("Healthy", "")
    assert experiments(story) == {"demo-5-0": "Successful", "demo-6-0": "Successful"}


def test_a_weight_asks_for_a_service() -> None:
    story = at_experiment(
        templates=[{"name": "canary", "specRef": "canary", "weight": 5}], duration="1h"
    )
    made = story.client.list("experiments", PLACE)[0][0]
    assert made["spec"]["templates"][0]["service"] == {}
    assert "weight" not in made["spec"]["templates"][0]
