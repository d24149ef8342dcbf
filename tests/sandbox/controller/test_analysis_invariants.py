"""Whatever people do and metrics say: which runs there may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.analysed import named, runs, template
from support.controlled import PLACE, Controlled
from support.metrics import scripted

Obj = dict[str, Any]
FINAL = {"Successful", "Failed", "Error", "Inconclusive"}
MOVES: dict[str, Callable[[Controlled], None]] = {
    "v2": lambda story: story.image("demo:v2"),
    "v3": lambda story: story.image("demo:v3"),
    "abort": Controlled.abort,
    "retry": Controlled.retry,
    "resume": Controlled.promote,
    "skip": Controlled.skip,
    "full": Controlled.promote_full,
    "second": lambda story: story.wait(1.5),
    "minute": lambda story: story.wait(60),
}
VALUES = st.lists(st.sampled_from([1, 0.5, 0, "error: no data"]), min_size=1, max_size=4)


def metric(values: list[Any], **fields: Any) -> Obj:
    return scripted(*values, interval="1s", failureCondition="result < 0.1", **fields)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(MOVES)), max_size=12),
    VALUES,
    VALUES,
)
def test_only_current_runs_go_on(moves: list[str], beside: list[Any], inside: list[Any]) -> None:
    step = {"analysis": named("inside")}
    trial = {
        "experiment": {
            "duration": "3s",
            "templates": [{"name": "one", "specRef": "canary"}],
            "analyses": [{"name": "watch", "templateName": "inside"}],
        }
    }
    story = Controlled(
        {"setWeight": 25},
        step,
        {"pause": {"duration": "5s"}},
        trial,
        step,
        replicas=2,
        canary={"analysis": named("beside")},
        objects=[
            template("beside", metric(beside)),
            template("inside", metric(inside, count=2)),
        ],
    )
    for move in ["v2", *moves]:
        MOVES[move](story)
        holds(story)


def holds(story: Controlled) -> None:
    status = story.status
    of_rollout = [run for run in runs(story) if owner(run) == "Rollout"]
    going = [run for run in of_rollout if run["status"]["phase"] not in FINAL]
    fields = ("currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus")
    current = {status["canary"][each]["name"] for each in fields if each in status["canary"]}
    assert {run["metadata"]["name"] for run in going} <= current
    kinds = [run["metadata"]["labels"]["rollout-type"] for run in going]
    assert len(kinds) == len(set(kinds))
    trials = story.client.list("experiments", PLACE)[0]
    running = [each for each in trials if each["status"]["phase"] not in FINAL]
    wanted = status["canary"].get("currentExperiment")
    assert [each["metadata"]["name"] for each in running] == ([wanted] if wanted else [])
    if status.get("abort") or status["phase"] == "Healthy":
        assert going == [] and running == []
        assert not {*fields, "currentExperiment"} & set(status["canary"])
    finished = [run for run in of_rollout if run["status"]["phase"] in FINAL]
    assert len(finished) <= 10 + len(fields)


def owner(run: Obj) -> str:
    kind: str = run["metadata"]["ownerReferences"][0]["kind"]
    return kind
