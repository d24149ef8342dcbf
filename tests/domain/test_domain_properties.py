"""Whatever a cluster returns that decodes at all, the model makes something of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.domain.facts import NextAction
from rolloutctl.domain.plugins import running, will_abort, will_terminate
from rolloutctl.domain.status import Awaiting, is_complete, is_fully_promoted
from rolloutctl.domain.steps import (
    StepState,
    current_index,
    is_at_step,
    progress,
    step_text,
)
from rolloutctl.domain.tree import picture, row
from rolloutctl.domain.wire import AnalysisRun, Pod, ReplicaSet, Rollout

NAMES = st.sampled_from(["a/b", "a/c", "", "no slash", "\x1b[31m", "x" * 300])
NUMBERS = st.one_of(st.integers(-3, 9), st.sampled_from([10**15, -(10**15), 2**63 - 1]))
MOMENTS = st.sampled_from(
    [
        "2026-11-22T14:00:00Z",
        "2026-11-22T14:00:30.5+02:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ]
)
TEXTS = st.one_of(st.sampled_from(["", "30s", "1h", "10", "soon", "-5m", "9" * 40]), st.text())
PHASES = st.one_of(
    st.sampled_from(["", "Running", "Successful", "Failed", "Error", "Paused", "Degraded"]),
    st.sampled_from(["Healthy", "Progressing", "Whatever"]),
)
HASHES = st.sampled_from(["", "aaa", "bbb"])
REASONS = st.sampled_from(
    [
        "CanaryPauseStep",
        "BlueGreenPause",
        "InconclusiveAnalysisRun",
        "",
        "Other",
        "RolloutAborted",
        "ProgressDeadlineExceeded",
        "RolloutPaused",
        "RolloutResumed",
    ]
)
MESSAGES = st.one_of(
    st.sampled_from(
        [
            "Rollout aborted update to revision 2: Step Plugin 1 (a/b) failed: no",
            "Rollout aborted update to revision 2: Step Plugin 99999 (a/b) failed: no",
            "Rollout aborted update to revision 2: Step-based analysis phase error/failed: x",
            "Rollout aborted update to revision 2",
        ]
    ),
    st.text(),
)


def sparse(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


STEP = sparse(
    setWeight=NUMBERS,
    pause=sparse(duration=st.one_of(NUMBERS, TEXTS)),
    plugin=sparse(name=NAMES, config=st.just({"a": 1})),
    analysis=sparse(templates=st.lists(sparse(templateName=NAMES), max_size=2)),
    setCanaryScale=sparse(replicas=NUMBERS, weight=NUMBERS, matchTrafficWeight=st.booleans()),
    experiment=st.just({}),
)
RECORD = sparse(
    index=NUMBERS,
    name=NAMES,
    operation=st.sampled_from(["Run", "Abort", "Terminate", "", "Dream"]),
    phase=PHASES,
    message=st.text(),
    updatedAt=MOMENTS,
    startedAt=MOMENTS,
    backoff=TEXTS,
    disabled=st.booleans(),
    status=st.one_of(st.none(), st.integers(), st.just({"job": 1})),
)
CONDITION = sparse(
    type=st.sampled_from(["Progressing", "Healthy", "Completed", "InvalidSpec", "Paused", ""]),
    status=st.sampled_from(["True", "False", "Unknown", ""]),
    reason=REASONS,
    message=MESSAGES,
    lastTransitionTime=MOMENTS,
    lastUpdateTime=MOMENTS,
)
ROUTING: st.SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.just({"plugins": {"a/b": {}}, "maxTrafficWeight": 1000}),
    st.just({"istio": {"virtualService": {"name": "v"}, "virtualServices": [{"name": 5}, 7]}}),
    st.just({"istio": None, "nginx": "text", "managedRoutes": [], "maxTrafficWeight": "no"}),
)
STATUS = sparse(
    observedGeneration=st.sampled_from(["", "1", "2", "3", "x", "9" * 30]),
    workloadObservedGeneration=TEXTS,
    phase=PHASES,
    message=MESSAGES,
    currentPodHash=HASHES,
    stableRS=HASHES,
    currentStepIndex=NUMBERS,
    replicas=NUMBERS,
    updatedReplicas=NUMBERS,
    availableReplicas=NUMBERS,
    pauseConditions=st.lists(sparse(reason=REASONS, startTime=MOMENTS), max_size=3),
    controllerPause=st.booleans(),
    abort=st.booleans(),
    abortedAt=MOMENTS,
    promoteFull=st.booleans(),
    conditions=st.lists(CONDITION, max_size=4),
    canary=sparse(
        stepPluginStatuses=st.lists(RECORD, max_size=6),
        weights=sparse(canary=sparse(weight=NUMBERS), stable=sparse(weight=NUMBERS)),
    ),
    blueGreen=sparse(activeSelector=HASHES, previewSelector=HASHES),
)
METADATA = sparse(
    name=NAMES,
    namespace=NAMES,
    uid=st.sampled_from(["", "u1"]),
    generation=st.integers(0, 4),
    creationTimestamp=MOMENTS,
    labels=st.dictionaries(
        st.sampled_from(["rollouts-pod-template-hash", "rollout-type", "step-index"]),
        st.sampled_from(["aaa", "bbb", "Step", "1", "²", ""]),
    ),
    annotations=st.dictionaries(
        st.sampled_from(
            [
                "rollout.argoproj.io/revision",
                "scale-down-deadline",
                "rollout.argoproj.io/workload-generation",
            ]
        ),
        st.one_of(st.sampled_from(["3", "²", "-1", "9" * 50]), MOMENTS, st.text()),
    ),
    ownerReferences=st.lists(
        sparse(kind=st.sampled_from(["Rollout", "ReplicaSet"]), uid=st.just("u1"), name=NAMES),
        max_size=2,
    ),
)
ROLLOUT = sparse(
    metadata=METADATA,
    spec=sparse(
        replicas=NUMBERS,
        paused=st.booleans(),
        workloadRef=st.just({}),
        strategy=sparse(
            canary=sparse(steps=st.lists(STEP, max_size=5), trafficRouting=ROUTING),
            blueGreen=sparse(autoPromotionEnabled=st.booleans(), autoPromotionSeconds=NUMBERS),
        ),
    ),
    status=STATUS,
)
CONTAINER = sparse(
    ready=st.booleans(),
    restartCount=NUMBERS,
    state=sparse(
        waiting=sparse(reason=TEXTS, message=TEXTS),
        terminated=sparse(reason=TEXTS, exitCode=NUMBERS),
    ),
)
OWNED = sparse(
    metadata=METADATA,
    spec=sparse(replicas=NUMBERS),
    status=sparse(
        phase=PHASES,
        replicas=NUMBERS,
        availableReplicas=NUMBERS,
        conditions=st.lists(CONDITION, max_size=2),
        containerStatuses=st.lists(CONTAINER, max_size=2),
        initContainerStatuses=st.lists(CONTAINER, max_size=2),
    ),
)


def decoded(value: dict[str, Any], as_type: type[Any]) -> Any:
    return msgspec.json.decode(json.dumps(value), type=as_type)


@settings(max_examples=150, deadline=None)
@given(
    ROLLOUT,
    st.lists(OWNED, max_size=3),
    st.lists(OWNED, max_size=2),
    st.lists(sparse(metadata=METADATA, status=sparse(phase=PHASES, message=st.text())), max_size=2),
)
def test_any_rollout_has_a_picture(
    raw: dict[str, Any],
    sets: list[dict[str, Any]],
    pods: list[dict[str, Any]],
    runs: list[dict[str, Any]],
) -> None:
    r = decoded(raw, Rollout)
    facts = picture(
        r,
        [decoded(item, ReplicaSet) for item in sets],
        [decoded(item, Pod) for item in pods],
        [decoded(item, AnalysisRun) for item in runs],
    )
    count = len(facts.steps)
    assert facts.status.phase
    assert (facts.status.awaiting is None) == (not facts.status.awaits)
    assert facts.failed_step is None or 0 <= facts.failed_step < count
    assert facts.revision >= 0
    for action in facts.next_actions:
        _check_action(action, count)
    if facts.status.fully_promoted:
        assert {action.action for action in facts.next_actions} <= {"resume"}
    if is_complete(r):
        assert facts.status.phase == "Healthy"
        assert facts.images_from == ()


def _check_action(action: NextAction, count: int) -> None:
    assert action.to_index is None or 0 <= action.to_index <= count
    assert all(0 <= index < count for index in (*action.skips, *action.passes_over))
    assert (action.to_step is None) or action.to_index is not None


@settings(max_examples=150, deadline=None)
@given(ROLLOUT)
def test_any_rollout_has_a_row_and_steps_in_order(raw: dict[str, Any]) -> None:
    r = decoded(raw, Rollout)
    line, steps = row(r), progress(r)
    assert [entry.index for entry in steps] == list(range(len(steps)))
    assert 0 <= current_index(r) <= len(steps) == line.step_count
    assert sum(entry.state is StepState.CURRENT for entry in steps) <= 1
    assert all(step_text(entry.step) for entry in steps)
    assert line.step_index is None or 0 <= line.step_index <= line.step_count
    assert line.awaiting is None or (line.phase == "Paused" and line.awaiting in Awaiting)
    aheads = [entry.index for entry in steps if entry.state is StepState.AHEAD]
    if not r.status.abort and aheads:
        # Not aborted: one block of passed steps, the current one, one block of steps to come;
        # all are to come where the controller has put the rollout at no step.
        at_step = is_at_step(r) or is_fully_promoted(r)
        assert aheads == list(range(current_index(r) + 1 if at_step else 0, len(steps)))


@settings(max_examples=100, deadline=None)
@given(ROLLOUT)
def test_calls_foretold_are_of_plugin_steps_with_such_a_record(raw: dict[str, Any]) -> None:
    r = decoded(raw, Rollout)
    plugins = {entry.index: entry.plugin for entry in progress(r) if entry.plugin is not None}
    terminated = will_terminate(r)
    for run in (*running(r), *will_abort(r), *([terminated] if terminated else [])):
        assert plugins[run.index] == run
        assert run.phase in {"Running", "Successful"}
    assert len({run.index for run in will_abort(r)}) == len(will_abort(r))
