"""What can be waited for, when it is so, and when it can no longer come."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rolloutctl.domain.goals import parse_goal, spoken
from rolloutctl.domain.reaching import Course, impossible
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import UsageError
from support.objects import AT, GATE, PAUSE, SMOKE, aborted, canary, record, rollout, weight

STEPS = (weight(20), GATE, PAUSE, weight(60))
HELD: dict[str, Any] = {
    "phase": "Paused",
    "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": AT}],
}
DONE: dict[str, Any] = {"phase": "Healthy", "stableRS": "bbb", "index": 4}
OTHER: dict[str, Any] = {"currentPodHash": "ccc"}


def with_workload(seen: str, **status: Any) -> Rollout:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    found = canary(
        *STEPS, spec={"workloadRef": reference}, workloadObservedGeneration=seen, **status
    )
    return changed(found, annotations={"rollout.argoproj.io/workload-generation": seen})


def changed(r: Rollout, **metadata: Any) -> Rollout:
    raw = json.loads(msgspec.json.encode(r))
    raw["metadata"].update(metadata)
    return msgspec.json.decode(json.dumps(raw), type=Rollout)


@pytest.mark.parametrize(
    "text",
    [
        *("healthy", "done", "paused", "awaiting", "aborted", "degraded", "deleted", "generation"),
        *("generation=12", "step=3", "weight=0", "revision=5", "phase=Healthy,Paused"),
        *("plugin=team/gate", "plugin=team/gate:Disabled", "image=shop/web:v2@sha256:ab"),
        *("condition=Available=True", "condition=Progressing=False"),
    ],
)
def test_a_goal_is_said_as_it_is_written(text: str) -> None:
    assert str(parse_goal(text)) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (" Healthy ", "healthy"),
        ("progressing", "phase=Progressing"),
        ("phase=paused,paused", "phase=Paused"),
        ("plugin=a/b:successful", "plugin=a/b:Successful"),
        ("condition=Available", "condition=Available=True"),
    ],
)
def test_a_goal_may_be_written_freely(text: str, same: str) -> None:
    assert str(parse_goal(text)) == same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(("step=0", "steps count from 1"), ("step=x", "steps count from 1")),
        *(("weight=-1", "share of the traffic"), ("revision=", "revisions count from 1")),
        *(("generation=0", "metadata.generation"), ("phase=", "known: Healthy")),
        *(("plugin=", "known: healthy"), ("image=", "known: healthy")),
        *(("healthy=yes", "known: healthy"), ("stepp=1", "did you mean step?")),
        ("plugin=a/b:Good", "known phases: Running"),
    ],
)
def test_what_is_no_goal_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_goal(text, "--for")
    assert said in f"{raised.value.message} {raised.value.hint}"


HOLDS = [
    ("healthy", canary(*STEPS, **DONE)),
    ("done", canary(*STEPS, **DONE)),
    ("paused", canary(*STEPS, index=2, **HELD)),
    ("awaiting", canary(*STEPS, index=2, **HELD)),
    ("phase=Degraded,Paused", canary(*STEPS, index=2, **HELD)),
    ("aborted", aborted(*STEPS)),
    ("degraded", aborted(*STEPS)),
    ("condition=Progressing=False", aborted(*STEPS)),
    ("step=3", canary(*STEPS, index=2)),
    ("step=3", canary(*STEPS, index=4)),
    ("weight=20", canary(*STEPS, index=1)),
    ("weight=50", canary(*STEPS, index=3)),
    ("generation", canary(*STEPS)),
    ("generation=2", canary(*STEPS)),
    ("generation", with_workload("7")),
    ("revision=2", canary(*STEPS)),
    (
        "image=web:v2",
        canary(*STEPS, spec={"template": {"spec": {"containers": [{"image": "web:v2"}]}}}),
    ),
    ("plugin=demo/gate:Running", canary(*STEPS, index=1, records=[record(1, "Running")])),
    ("plugin=demo/gate", canary(*STEPS, index=1, records=[record(1, "Failed")])),
    (
        "plugin=demo/gate:Disabled",
        canary(*STEPS, index=2, records=[record(1, "Successful", disabled=True)]),
    ),
]


@pytest.mark.parametrize(("goal", "now"), HOLDS)
def test_a_goal_that_is_so(goal: str, now: Rollout) -> None:
    wanted = parse_goal(goal)
    verdict = Course([wanted]).judge(now, 7)
    assert verdict is not None and verdict.reached and verdict.goal == wanted


NOT_YET = [
    ("healthy", canary(*STEPS)),
    ("healthy", canary(*STEPS, index=2, **HELD)),
    ("healthy", canary(*STEPS, observedGeneration="2", **DONE)),
    ("healthy", with_workload("6", **DONE)),
    ("generation", canary(*STEPS, observedGeneration="2")),
    ("generation=4", canary(*STEPS)),
    ("generation", with_workload("6")),
    ("revision=3", canary(*STEPS)),
    ("step=2", canary(*STEPS)),
    ("step=2", canary(*STEPS, **DONE)),  # no update is under way: of the next one
    ("weight=20", canary(*STEPS, **DONE)),
    ("paused", canary(*STEPS, **DONE)),
    ("plugin=demo/gate:Successful", canary(*STEPS, index=1, records=[record(1, "Running")])),
    ("plugin=demo/gate:Failed", canary(*STEPS, index=1, records=[record(1, "Error")])),
    ("deleted", canary(*STEPS, **DONE)),
    ("condition=Healthy", canary(*STEPS)),
    # A retry, an abort and a full promotion that the controller has not acted on.
    ("healthy", aborted(*STEPS, abort=False)),
    ("healthy", aborted(*STEPS, abortedAt=None)),
    ("healthy", aborted(*STEPS, promoteFull=True)),
]


@pytest.mark.parametrize(("goal", "now"), NOT_YET)
def test_a_goal_that_may_still_come(goal: str, now: Rollout) -> None:
    assert Course([parse_goal(goal)]).judge(now, 7) is None


NEVER = [
    ("healthy", [aborted(*STEPS, cause="a reason")], "a reason"),
    ("paused", [aborted(*STEPS, cause="a reason")], "a reason"),
    ("step=2", [canary(*STEPS), aborted(*STEPS, cause="a reason")], "a reason"),
    ("done", [canary(*STEPS, phase="Degraded", message="stuck")], "stuck"),
    ("paused", [canary(*STEPS), canary(*STEPS, **DONE)], "the update is complete"),
    ("aborted", [canary(*STEPS), canary(*STEPS, **DONE)], "the update is complete"),
    ("step=9", [canary(*STEPS)], "it has 4 steps"),
    ("step=1", [rollout({"strategy": {"blueGreen": {}}}, {"currentPodHash": "b"})], "no steps"),
    ("weight=1", [rollout({"strategy": {"blueGreen": {}}}, {"currentPodHash": "b"})], "no canary"),
    ("weight=101", [canary(*STEPS)], "go up to 100"),
    ("plugin=a/b", [canary(*STEPS)], "of that plugin, its plugins: demo/gate"),
    ("revision=1", [canary(*STEPS)], "at revision 2 already"),
    ("image=web:v2", [with_workload("7")], "stand in Deployment/web"),
    (
        "plugin=demo/gate:Successful",
        [canary(*STEPS, index=1, records=[record(1, "Failed", message="no build")])],
        "step 2 is Failed: no build",
    ),
    (
        "plugin=demo/gate:Failed",
        [canary(*STEPS, index=2, records=[record(1, "Successful", disabled=True)])],
        "step 2 was passed over: the plugin is disabled",
    ),
    (
        "plugin=demo/gate:Successful",
        [
            canary(
                *STEPS,
                index=2,
                records=[record(1, "Running"), record(1, "Successful", operation="Terminate")],
            )
        ],
        "step 2 is Running, stopped",
    ),
    ("plugin=demo/gate:Running", [canary(*STEPS, index=3)], "step 2 was passed without it"),
]


@pytest.mark.parametrize(("goal", "seen", "why"), NEVER)
def test_a_goal_that_can_no_longer_come(goal: str, seen: list[Rollout], why: str) -> None:
    course = Course([parse_goal(goal)])
    *before, last = seen
    assert [course.judge(each) for each in before] == [None for _ in before]
    verdict = course.judge(last, 7)
    assert verdict is not None and not verdict.reached and not verdict.superseded
    assert why in verdict.reason


def test_of_several_goals_one_is_enough_and_all_must_be_lost() -> None:
    goals = [parse_goal("plugin=a/b"), parse_goal("step=3")]
    assert Course(goals).judge(canary(*STEPS)) is None
    verdict = Course(goals).judge(canary(*STEPS, index=2))
    assert verdict is not None and verdict.goal == goals[1]
    lost = Course(goals).judge(aborted(*STEPS, cause="a reason"))
    assert lost is not None and lost.reason.endswith("its plugins: demo/gate; a reason")
    assert spoken(goals) == "plugin=a/b or step=3"


def test_two_steps_of_one_plugin_are_lost_together() -> None:
    course = Course([parse_goal("plugin=demo/gate:Successful")])
    two = (GATE, SMOKE, GATE)
    assert course.judge(canary(*two, index=1, records=[record(0, "Failed")])) is None


@pytest.mark.parametrize("goal", ["healthy", "step=4", "paused", "degraded", "plugin=demo/gate"])
def test_another_version_takes_the_place_of_the_one_waited_for(goal: str) -> None:
    course = Course([parse_goal(goal)])
    assert course.judge(canary(*STEPS)) is None
    verdict = course.judge(canary(*STEPS, **OTHER))
    assert verdict is not None and verdict.superseded and "another version" in verdict.reason


@pytest.mark.parametrize(
    "first",
    [
        canary(*STEPS, **DONE),
        canary(*STEPS, observedGeneration="2"),
        canary(*STEPS, currentPodHash="", phase=""),
    ],
)
def test_the_version_that_was_to_come_is_no_other_one(first: Rollout) -> None:
    course = Course([parse_goal("step=2")])
    assert course.judge(first) is None
    assert course.judge(canary(*STEPS, **OTHER)) is None
    verdict = course.judge(canary(*STEPS, index=1, **OTHER))
    assert verdict is not None and verdict.reached


def test_a_revision_may_come_with_another_version() -> None:
    course = Course([parse_goal("revision=3")])
    assert course.judge(canary(*STEPS)) is None
    later = changed(
        canary(*STEPS, **OTHER), annotations={"rollout.argoproj.io/revision": "3"}, generation=3
    )
    verdict = course.judge(later)
    assert verdict is not None and verdict.reached


def test_what_a_rollout_has_instead_is_said() -> None:
    assert impossible(parse_goal("plugin=a/b"), canary(*STEPS)) == (
        "it has no step of that plugin",
        "its plugins: demo/gate",
    )
    assert impossible(parse_goal("plugin=demo/gate"), canary(*STEPS)) == ("", "")
