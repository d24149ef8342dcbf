"""The Experiments of one rollout's steps: made, ended, and what their results mean for it.

Source: argo-rollouts, rollout/experiment.go.
"""

from __future__ import annotations

import copy

from . import rollbacks, run_arguments, run_history
from .context import Context
from .creating import create
from .objects import (
    HASH_LABEL,
    REVISION,
    Obj,
    dig,
    items,
    mapping,
    name,
    namespace,
    number,
    owner_reference,
    pod_hash,
    revision,
    text,
    uid,
)
from .pausing import pause_condition
from .steps import current_step, index_of, is_kind

FIELD = "currentExperiment"
PAUSE = "InconclusiveExperiment"
PACE = 1.0
CAUSE = "Experiment analysis phase is error/failed"


def reconcile(context: Context) -> None:
    """Make the Experiment of the current step, end those of others, take in the result.

    A result may abort or pause the rollout (`context.pausing`).
    """
    owned = context.cluster.experiments.owned(context.rollout)
    step = current_step(context.rollout)
    if not owned and not is_kind(step, "experiment"):
        return
    current = None if _is_skipped(context) else _current(context, step, owned)
    context.experiment = current
    rest = [each for each in owned if current is None or uid(each) != uid(current)]
    run_history.end(context.cluster, "experiments", rest)
    hashes = {pod_hash(each) for each in context.replica_sets}
    surplus = run_history.superfluous(context.rollout, rest, hashes)
    run_history.delete(context.cluster, "experiments", surplus)


def write(context: Context, canary: Obj) -> None:
    """Put `currentExperiment` into the canary part of the status."""
    canary.pop(FIELD, None)
    if context.experiment is not None and not run_history.is_over(context.experiment):
        canary[FIELD] = name(context.experiment)


def step_is_done(context: Context) -> bool:
    """Whether the Experiment of the current step was Successful."""
    return text(context.experiment, "status", "phase") == "Successful"


def _is_skipped(context: Context) -> bool:
    if context.pausing.aborted or context.promote_full or rollbacks.in_window(context):
        return True
    return context.new is None or context.stable is None or context.fully_promoted


def _current(context: Context, step: Obj | None, owned: list[Obj]) -> Obj | None:
    if step is None or not is_kind(step, "experiment"):
        return None
    named = text(context.status, "canary", FIELD)
    current = next((each for each in owned if name(each) == named), None)
    if current is None:
        wait = _pods_take(context, owned)
        if wait > 0:
            context.again(wait)
            return None
        made = create(context.cluster, "experiments", _experiment(context, step), suffix="-")
        context.event("Normal", "ExperimentCreated", f"Created Experiment '{name(made)}'")
        return made
    phase, message = text(current, "status", "phase"), text(current, "status", "message")
    if phase == "Inconclusive":
        context.pausing.add(PAUSE)
    elif phase in ("Failed", "Error"):
        context.pausing.abort(f"{CAUSE}: {message}" if message else CAUSE)
    return current


def _pods_take(context: Context, owned: list[Obj]) -> float:
    """Seconds until an Experiment may follow an inconclusive one.

    The controller makes the next one while the rollout is still paused for the last. What keeps
    that from being an endless stream are pods that need time to start, which those here need not.
    """
    if pause_condition(context.rollout, PAUSE) is None:
        return 0.0
    made = [(text(each, "metadata", "creationTimestamp"), uid(each)) for each in owned]
    at, of = max(made, default=("", ""))
    return PACE - context.cluster.timing.elapsed(of, "created", at) if at else 0.0


def _experiment(context: Context, step: Obj) -> Obj:
    rollout, asked = context.rollout, mapping(step, "experiment")
    number_ = str(revision(context.new))
    spec: Obj = {
        "templates": [_template(context, each) for each in _dicts(asked, "templates")],
        "analysisRunMetadata": mapping(asked, "analysisRunMetadata"),
    }
    if text(asked, "duration"):
        spec["duration"] = text(asked, "duration")
    deadline = dig(rollout, "spec", "progressDeadlineSeconds")
    if deadline is not None:
        spec["progressDeadlineSeconds"] = deadline
    if items(asked, "dryRun"):
        spec["dryRun"] = items(asked, "dryRun")
    analyses = [_analysis(context, each) for each in _dicts(asked, "analyses")]
    if analyses:
        spec["analyses"] = analyses
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Experiment",
        "metadata": {
            "name": f"{name(rollout)}-{context.hash}-{number_}-{index_of(rollout)}",
            "namespace": namespace(rollout),
            "labels": {**mapping(rollout, "metadata", "labels"), HASH_LABEL: context.hash},
            "annotations": {REVISION: number_},
            "ownerReferences": [owner_reference(rollout)],
        },
        "spec": spec,
        "status": {},
    }


def _dicts(found: Obj, key: str) -> list[Obj]:
    return [each for each in items(found, key) if isinstance(each, dict)]


def _template(context: Context, asked: Obj) -> Obj:
    """A template of the Experiment, after the ReplicaSet of the version it refers to."""
    source = context.stable if text(asked, "specRef") == "stable" else context.new
    pods = copy.deepcopy(mapping(source, "spec", "template"))
    metadata = dict(mapping(pods, "metadata"))
    for key in ("labels", "annotations"):
        more = mapping(asked, "metadata", key)
        if more:
            metadata[key] = {**mapping(metadata, key), **more}
    pods["metadata"] = metadata
    made: Obj = {
        "name": text(asked, "name"),
        "selector": asked.get("selector") or copy.deepcopy(mapping(source, "spec", "selector")),
        "template": pods,
    }
    if asked.get("replicas") is not None:
        made["replicas"] = asked["replicas"]
    ready = number(source, "spec", "minReadySeconds")
    if ready:
        made["minReadySeconds"] = ready
    if isinstance(asked.get("service"), dict):
        made["service"] = asked["service"]
    elif asked.get("weight") is not None:
        # Traffic can only be sent to a Service.
        made["service"] = {}
    return made


def _analysis(context: Context, asked: Obj) -> Obj:
    made = {key: value for key, value in asked.items() if key != "args"}
    arguments = run_arguments.values(
        items(asked, "args"),
        context.rollout,
        latest=context.hash,
        stable=pod_hash(context.stable),
    )
    if arguments:
        made["args"] = arguments
    return made
