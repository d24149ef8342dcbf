"""What is told about a change: differences, exit codes, questions to a person."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import Action, Note, Seen
from rolloutctl.domain.differences import Changed, difference, sentence
from rolloutctl.domain.endings import End, Ending
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Did, Followed, Result, exit_code
from rolloutctl.errors import ExitCode, Forbidden, NotFound
from support.changing_cluster import ChangingCluster, states
from support.program import Program
from support.recorded import moment

Object = dict[str, Any]


def paused() -> Object:
    return next(
        item
        for item in states("canary-pause-promote")
        if item.get("status", {}).get("pauseConditions")
    )


def read(item: Object) -> Seen:
    return Seen.read(json.dumps(item).encode())


def status(**fields: Any) -> Callable[[Object], None]:
    return lambda item: item["status"].update(fields)


def lifted(item: Object) -> None:
    item["status"].pop("pauseConditions")


def stepped(item: Object) -> None:
    lifted(item)
    item["status"]["currentStepIndex"] = 4


def image(item: Object) -> None:
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "demo:v9"


@pytest.mark.parametrize(
    ("edit", "what", "says"),
    [
        (lambda item: item["metadata"].update(uid="x"), Changed.RECREATED, "made anew"),
        (
            lambda item: item["metadata"].update(deletionTimestamp="2026-11-22T23:00:00Z"),
            Changed.DELETING,
            "deletion",
        ),
        (image, Changed.SPEC, "pod template was changed"),
        (status(currentPodHash="x"), Changed.TEMPLATE, "another version"),
        (status(currentStepHash="x", currentStepIndex=0), Changed.STEPS, "starts over"),
        (status(abort=True), Changed.ABORTED, "aborted"),
        (status(promoteFull=True), Changed.FULL, "full promotion"),
        (stepped, Changed.MOVED, "from step 2 (pause) to the end of its 4 steps"),
        (lifted, Changed.LIFTED, "pause at step 2 (pause) was lifted"),
        (
            status(
                pauseConditions=[{"reason": "CanaryPauseStep", "startTime": "2030-01-01T00:00:00Z"}]
            ),
            Changed.PAUSED,
            "pauses at step 2",
        ),
        (lambda item: item["spec"].update(paused=True), Changed.HELD, "a person paused"),
    ],
)
def test_each_difference_has_its_words(
    edit: Callable[[Object], None], what: Changed, says: str
) -> None:
    before = paused()
    now = copy.deepcopy(before)
    edit(now)
    (found,) = difference(read(before).rollout, read(now).rollout)
    assert found.what is what
    assert says in sentence(found)


def test_what_does_not_matter_is_no_difference() -> None:
    before = paused()
    now = copy.deepcopy(before)
    now["metadata"]["resourceVersion"] = "999"
    now["status"].update(replicas=9, conditions=[], message="x")
    assert difference(read(before).rollout, read(now).rollout) == ()


REF = Ref("shop", "demo")


def outcome(action: Action, end: End) -> Result:
    decision = changes.promote_next(read(paused()))
    followed = Followed(Ending(end, decision.before))
    return Result(REF, action, Did.CHANGED, decision, followed=followed)


@pytest.mark.parametrize(
    ("action", "end", "code"),
    [
        (Action.PROMOTE, End.HEALTHY, ExitCode.OK),
        (Action.PROMOTE, End.WAITING, ExitCode.OK),
        (Action.PROMOTE, End.HELD, ExitCode.FAILED),
        (Action.PROMOTE, End.ABORTED, ExitCode.FAILED),
        (Action.PROMOTE, End.DEGRADED, ExitCode.FAILED),
        (Action.PROMOTE, End.SUPERSEDED, ExitCode.CONFLICT),
        (Action.PROMOTE, End.DELETED, ExitCode.NOT_FOUND),
        (Action.PROMOTE, End.TIMED_OUT, ExitCode.TIMEOUT),
        (Action.ABORT, End.ABORTED, ExitCode.OK),
        (Action.ABORT, End.UNDONE, ExitCode.CONFLICT),
        (Action.PAUSE, End.HELD, ExitCode.OK),
    ],
)
def test_the_exit_code_of_each_end(action: Action, end: End, code: ExitCode) -> None:
    assert outcome(action, end).exit_code is code


def test_failures_that_differ_are_failed() -> None:
    missing = Result(REF, Action.ABORT, Did.FAILED, error=NotFound("no"))
    forbidden = Result(REF, Action.ABORT, Did.FAILED, error=Forbidden("no"))
    fine = Result(REF, Action.ABORT, Did.CHANGED)
    assert exit_code([missing, missing]) is ExitCode.NOT_FOUND
    assert exit_code([missing, forbidden]) is ExitCode.FAILED
    assert exit_code([missing, fine]) is ExitCode.FAILED
    assert exit_code([fine, fine]) is ExitCode.OK
    assert exit_code([]) is ExitCode.OK


@pytest.mark.parametrize(("answer", "sent"), [("2\n", 2), ("y\n", 0)])
def test_a_person_is_asked_once_for_all(rolloutctl: Program, answer: str, sent: int) -> None:
    item = moment(
        "canary-pause-full", lambda item: bool(item.get("status", {}).get("pauseConditions"))
    ).objects["rollouts"][0]
    items = []
    for name in ("one", "two"):
        own = copy.deepcopy(item)
        own["metadata"].update(name=name, uid=name)
        items.append(own)
    cluster = ChangingCluster({"rollouts": items}, namespace="shop")
    rolloutctl.cluster, rolloutctl.terminal, rolloutctl.stdin = cluster, True, answer
    done = rolloutctl("promote", "--full", "one", "two", "--no-color")
    # Nothing is there that says how their pods are: y is not enough.
    assert done.stderr.count('Promote 2 rollouts in full? Type "2": ') == 1
    assert len(cluster.sent) == sent
    assert done.exit_code is (ExitCode.OK if sent else ExitCode.FAILED)
    if not sent:
        assert done.stdout == "one: nothing changed\ntwo: nothing changed\n"


def test_leaving_the_first_of_two_analyses_is_warned_of() -> None:
    item = paused()
    lifted(item)
    item["status"]["controllerPause"] = False
    item["spec"]["strategy"]["canary"]["steps"][1:3] = [{"analysis": {}}, {"analysis": {}}]
    decision = changes.promote_next(read(item), skip_step=True)
    assert Note.ANALYSES_IN_A_ROW in decision.notes
