"""Whatever the steps are, a plan adds up."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rolloutctl.domain.plan import PlannedPause, PlannedStep, StepResult, summary_of_pauses
from rolloutctl.sandbox import rehearsal
from support.plans import manifest

PLUGIN_SECONDS = 20.0
OUTCOMES = rehearsal.parse_outcomes("a/b: {duration: 20s}", "outcomes")
STEPS = st.lists(
    st.one_of(
        st.integers(0, 100).map(lambda weight: {"setWeight": weight}),
        st.sampled_from([{}, {"duration": 30}, {"duration": "2h"}]).map(lambda it: {"pause": it}),
        st.just({"plugin": {"name": "a/b"}}),
    ),
    min_size=1,
    max_size=6,
)


def _seconds(step: dict[str, Any]) -> float:
    if "plugin" in step:
        return PLUGIN_SECONDS + 5  # the slack of the controller's timer
    return {30: 30.0, "2h": 7200.0}.get(step.get("pause", {}).get("duration"), 0.0)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, replicas=st.integers(1, 12))
@example(steps=[{"setWeight": 0}], replicas=12)
@example(steps=[{"setWeight": 76}, {"setWeight": 0}], replicas=12)
def test_a_plan_adds_up(steps: list[dict[str, Any]], replicas: int) -> None:
    rollout = manifest(steps)
    cast = rehearsal.cast(rollout, [rollout], "shop", replicas=replicas)
    facts = rehearsal.rehearse(cast, rehearsal.Options(OUTCOMES), aborts=False)
    assert facts["result"] == "promoted"
    assert facts["seconds"] == sum(map(_seconds, steps))
    assert [step["ends"] - step["at"] for step in facts["steps"]] == list(map(_seconds, steps))
    unbounded = [index for index, step in enumerate(steps) if step.get("pause") == {}]
    assert [person["index"] for person in facts["persons"]] == unbounded
    weight = 0
    for step, fact in zip(steps, facts["steps"], strict=True):
        weight = step.get("setWeight", weight)
        assert fact["weight"] == weight
        total = fact["canary"]["desired"] + fact["stable"]["desired"]
        assert replicas <= total <= facts["peak_pods"]
    assert facts["samples"][-1]["canary"]["available"] == replicas
    assert facts["samples"][-1]["stable"]["desired"] == 0
    times = [sample["at"] for sample in facts["samples"]]
    assert times == sorted(times)


@settings(max_examples=8, deadline=None)
@given(steps=STEPS)
def test_an_abort_calls_the_plugins_that_ran_in_reverse(steps: list[dict[str, Any]]) -> None:
    rollout = manifest(steps)
    cast = rehearsal.cast(rollout, [rollout], "shop")
    facts = rehearsal.rehearse(cast, rehearsal.Options(OUTCOMES))
    plugins = [index for index, step in enumerate(steps) if "plugin" in step]
    for index, fact in enumerate(facts["steps"]):
        ran = [each for each in plugins if each <= index]
        assert [call["index"] for call in fact["abort"]["calls"]] == ran[::-1]
        assert fact["abort"]["stable_seconds"] == 0


def _pause(index: int, seconds: float | None) -> PlannedStep:
    return PlannedStep(index, "pause", "pause", StepResult.DONE, pause=PlannedPause(seconds))


def test_pauses_are_summed_up() -> None:
    found = summary_of_pauses([_pause(0, 30), _pause(2, None), _pause(3, 600), _pause(4, 600)])
    assert (found.timed, found.total_seconds) == (3, 1230)
    assert (found.longest, found.shortest, found.unbounded) == ((3, 600), (0, 30), (2,))
    none = summary_of_pauses([])
    assert (none.longest, none.shortest, none.unbounded) == (None, None, ())
