"""The answers as a person reads them, one for each kind of cause; and nothing without words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.decision import Note
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.commands import Command, Trap, Verdict
from rolloutctl.domain.explain.facts import CauseKind, EndedBy
from rolloutctl.domain.wire import Rollout
from rolloutctl.render.surface import Surface
from rolloutctl.render.theme import to_text
from rolloutctl.render.views import answers, explained_outcomes
from rolloutctl.render.views.changes import NOTES
from support.explained_parts import (
    condition,
    event,
    pod,
    replica_set,
    run_of,
    seen,
    trial,
)
from support.objects import AT, GATE, PAUSE, START, aborted, canary, record, rollout, weight

NOW = START + timedelta(minutes=3)
SETS = [replica_set("bbb", 2, wanted=2, ready=1), replica_set("aaa", 1, ready=1)]
TIMED_OUT = condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")
MOVING = condition("Progressing", "True", "ReplicaSetUpdated", "moving")
PAUSED: dict[str, Any] = {"phase": "Paused", "controllerPause": True}
RATE = {
    "metrics": [
        {
            "name": "rate",
            "failureCondition": "result < 0.5",
            "successCondition": "result > 0.9",
            "provider": {"prometheus": {"address": "http://p", "query": "up"}},
        }
    ]
}
UNSURE = [
    {
        "name": "rate",
        "phase": "Inconclusive",
        "inconclusive": 1,
        "measurements": [{"phase": "Inconclusive", "value": "[0.7]"}],
    }
]


def paused(*reasons: str) -> list[dict[str, Any]]:
    return [{"reason": reason, "startTime": AT} for reason in reasons]


def promoted(**status: Any) -> Rollout:
    return canary(weight(20), index=1, stableRS="bbb", **status)


def blue_green(status: dict[str, Any], **strategy: Any) -> Rollout:
    return rollout(
        {"replicas": 1, "strategy": {"blueGreen": {"activeService": "a", **strategy}}},
        {"stableRS": "aaa", "currentPodHash": "bbb", "phase": "Progressing", **status},
    )


def deleted() -> Rollout:
    r = canary(weight(20))
    r.metadata.deletion_timestamp = START
    return r


def labelled() -> Rollout:
    r = rollout({"strategy": {"canary": {}}}, {"observedGeneration": ""})
    r.metadata.labels = {"argo-rollouts.argoproj.io/controller-instance-id": "team-a"}
    return r


def crashing() -> Any:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    container = {"name": "app", "state": state, "lastState": ended, "restartCount": 6}
    return pod("bbb", containerStatuses=[container])


def by_person(*managers: dict[str, Any]) -> Material:
    r = canary(PAUSE, phase="Paused", message="manually paused", spec={"paused": True})
    return Material(seen(r, metadata__managedFields=list(managers)))


def of(r: Rollout, **parts: Any) -> Material:
    return Material(seen(r), **parts)


STATES: dict[str, Material] = {
    "nothing": of(promoted(phase="Healthy", message="", readyReplicas=4)),
    "scaled to zero": of(promoted(phase="Healthy", message="", spec={"replicas": 0})),
    "being deleted": of(deleted()),
    "no controller": of(rollout({"strategy": {"canary": {}}}, {"observedGeneration": ""})),
    "no controller with that instance id": of(labelled()),
    "not observed": of(canary(weight(20), observedGeneration="2")),
    "invalid": of(
        canary(
            weight(20),
            phase="Degraded",
            conditions=[condition("InvalidSpec", "True", "InvalidSpec", "spec.selector: odd")],
        )
    ),
    "aborting": of(canary(weight(20), abort=True)),
    "aborted by a person": of(aborted(weight(20))),
    "aborted for an unknown reason": of(aborted(weight(20), cause="because of the moon")),
    "aborted by the deadline": of(aborted(weight(20), cause='"x" has timed out progressing.')),
    "plugin failed": of(
        aborted(
            GATE,
            cause="Step Plugin 1 (demo/gate) failed: 3 tests red",
            records=[record(0, "Failed", message="3 tests red")],
        )
    ),
    "plugin error": of(
        canary(
            GATE,
            records=[record(0, "Error", message="no", backoff="30s", updatedAt=AT, executions=2)],
            conditions=[MOVING],
        )
    ),
    "plugin error, aborts at its deadline": of(
        canary(
            GATE,
            records=[record(0, "Error", message="no", backoff="9m", updatedAt=AT, executions=2)],
            conditions=[MOVING],
            spec={"progressDeadlineAbort": True},
        )
    ),
    "plugin stuck": of(canary(GATE, records=[record(0, "Error", message="no")])),
    "analysis failed, and its run is gone": of(
        aborted({"analysis": {}}, cause="Step-based analysis phase error/failed: ")
    ),
    "plugin past the deadline": of(
        canary(GATE, phase="Degraded", conditions=[TIMED_OUT], records=[record(0, "Running")])
    ),
    "plugin not configured": of(
        canary(GATE),
        events=[
            event(
                "ReconciliationError",
                "could not create step plugin at index 0 : x:"
                " plugin demo/gate not configured in configmap",
            )
        ],
    ),
    "analysis inconclusive": of(
        canary({"analysis": {}}, pauseConditions=paused("InconclusiveAnalysisRun"), **PAUSED),
        runs=[run_of("Inconclusive", spec=RATE, metricResults=UNSURE)],
    ),
    "experiment inconclusive": of(
        canary({"experiment": {}}, pauseConditions=paused("InconclusiveExperiment"), **PAUSED),
        experiments=[trial("Inconclusive")],
    ),
    "experiment failed": of(
        aborted({"experiment": {}}, cause="Experiment analysis phase is error/failed: no pods"),
        experiments=[trial("Failed", message="no pods")],
    ),
    "analysis at work, nothing measured": of(
        canary({"analysis": {}}), runs=[run_of("Running", spec=RATE, startedAt=AT)]
    ),
    "analysis gone": of(
        aborted({"analysis": {}}, cause='Step-based analysis phase error/failed: Metric "x" bad')
    ),
    "pods crash": of(canary(weight(20)), replica_sets=SETS, pods=[crashing()]),
    "pods whose probe fails": of(
        canary(weight(20)),
        replica_sets=SETS,
        pods=[pod("bbb", phase="Running")],
        events=[event("Unhealthy", "Readiness probe failed: 503", kind="Pod", name="one")],
    ),
    "pods that restart": of(
        canary(weight(20)),
        replica_sets=SETS,
        pods=[
            pod(
                "bbb",
                phase="Running",
                containerStatuses=[{"name": "app", "restartCount": 3, "state": {"running": {}}}],
            )
        ],
    ),
    "pods refused": of(
        canary(weight(20), conditions=[MOVING]),
        replica_sets=[replica_set("bbb", 2, failure="exceeded quota: compute"), SETS[1]],
    ),
    "pods coming": of(canary(weight(20), conditions=[MOVING]), replica_sets=SETS),
    "old pods ending": of(canary(weight(20), message="old replicas are pending termination")),
    "deadline": of(canary(weight(20), phase="Degraded", conditions=[TIMED_OUT])),
    "reconciliation error": of(
        canary(weight(20)), events=[event("ReconciliationError", "it does not work")]
    ),
    "router refuses": of(
        canary(weight(20), routing={"istio": {}}),
        events=[event("TrafficRoutingError", "no such VirtualService")],
    ),
    "weight not verified": of(
        canary(
            weight(20),
            routing={"alb": {}},
            canary_status={
                "weights": {"canary": {"weight": 20}, "stable": {"weight": 80}, "verified": False}
            },
        )
    ),
    "held by a person": by_person(),
    "held with a client": by_person(
        {"manager": "kubectl-edit", "time": AT, "fieldsV1": {"f:spec": {"f:paused": {}}}}
    ),
    "pause for a person": of(canary(PAUSE, pauseConditions=paused("CanaryPauseStep"), **PAUSED)),
    "timed pause": of(
        canary({"pause": {"duration": "10m"}}, pauseConditions=paused("CanaryPauseStep"), **PAUSED)
    ),
    "timed pause that is over": of(
        canary({"pause": {"duration": "1m"}}, pauseConditions=paused("CanaryPauseStep"), **PAUSED)
    ),
    "preview for a person": of(
        blue_green(
            {"phase": "Paused", "pauseConditions": paused("BlueGreenPause")},
            autoPromotionEnabled=False,
        )
    ),
    "preview that counts down": of(
        blue_green(
            {"phase": "Paused", "pauseConditions": paused("BlueGreenPause")},
            autoPromotionSeconds=600,
        )
    ),
    "switching": of(blue_green({"message": "active service cutover pending"})),
    "resuming": of(canary(PAUSE, controllerPause=True)),
    "restarting": of(promoted(message="rollout is restarting", spec={"restartAt": AT})),
    "promoting in full": of(canary(weight(20), PAUSE, promoteFull=True)),
    "step under way": of(canary(weight(20))),
    "update without steps": of(canary(index=None)),
}


@pytest.mark.parametrize("name", STATES)
def test_the_answer(name: str, snapshot: SnapshotAssertion) -> None:
    explanation = explain(STATES[name])
    lines = answers.answer(explanation, Surface(terminal=False, now=NOW))
    assert to_text(lines, colour=False) == snapshot


def test_every_kind_of_cause_has_words() -> None:
    assert set(answers.SENTENCES) == set(CauseKind)


def test_every_kind_of_cause_is_met_by_a_test_or_a_recording() -> None:
    met = {cause.kind for state in STATES.values() for cause in explain(state).causes}
    recorded = {
        CauseKind.ANALYSIS_FAILED,
        CauseKind.EXPERIMENT_RUNNING,
        CauseKind.PLUGIN_RUNNING,
        CauseKind.PLUGIN_PASSED_OVER,
    }
    assert met | recorded == set(CauseKind)


def test_every_trap_and_every_note_has_words() -> None:
    assert set(explained_outcomes.TRAPS) == set(Trap)
    assert set(NOTES) == set(Note)


def test_every_kind_trap_and_verdict_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "output.md").read_text(encoding="utf-8")
    names = [*CauseKind, *EndedBy, *Verdict, *Trap, Command.UNDO, Command.TERMINATE_ANALYSIS]
    assert [name for name in names if f"`{name}`" not in text] == []
