"""Joins a rollout with the objects that belong to it into one picture, or into one row alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rolloutctl.domain.facts import (
    ActionName,
    AnalysisFacts,
    ExperimentFacts,
    MetricFacts,
    NextAction,
    PodFacts,
    ReplicaSetFacts,
    RolloutPicture,
    RolloutRow,
    WeightFacts,
)
from rolloutctl.domain.failure import cause, failed_step
from rolloutctl.domain.next_actions import next_actions
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import (
    HASH_LABEL,
    images,
    is_owned,
    label,
    replica_set_facts,
    revision_of,
    roles,
)
from rolloutctl.domain.runs import analysis_facts, experiment_facts
from rolloutctl.domain.services import (
    blue_green_facts,
    ping_pong_facts,
    routes_in_force,
    stage,
    workload,
)
from rolloutctl.domain.status import desired_replicas, status_of
from rolloutctl.domain.steps import (
    Plugin,
    Step,
    current_index,
    current_step,
    is_at_step,
    progress,
)
from rolloutctl.domain.weights import known_weight, weights
from rolloutctl.domain.wire import AnalysisRun, Experiment, Pod, ReplicaSet, Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

__all__ = [
    "ActionName",
    "AnalysisFacts",
    "ExperimentFacts",
    "MetricFacts",
    "NextAction",
    "PodFacts",
    "ReplicaSetFacts",
    "RolloutPicture",
    "RolloutRow",
    "WeightFacts",
    "picture",
    "row",
]


def picture(
    rollout: Rollout,
    replica_sets: Iterable[ReplicaSet] = (),
    pods: Iterable[Pod] = (),
    analysis_runs: Iterable[AnalysisRun] = (),
    experiments: Iterable[Experiment] = (),
    config: PluginConfiguration | None = None,
    *,
    pending_restart: bool = False,
) -> RolloutPicture:
    """One picture of a rollout out of flat lists, which may hold other owners' objects as well.

    `config`: what `argo-rollouts-config` says, None when it was not read; `pending_restart`: the
    controller runs an older one.
    """
    r = rollout
    sets, all_pods = list(replica_sets), list(pods)
    facts = _replica_sets(r, sets, all_pods)
    runs = analysis_facts(r, analysis_runs)
    trials = experiment_facts(r, experiments, sets, all_pods)
    status = status_of(r)
    failed = failed_step(r, runs, trials)
    steps = progress(r, config, failed_step=failed)
    stable = _with_hash(facts, r.status.stable_rs)
    current = _with_hash(facts, r.status.current_pod_hash)
    revision = revision_of(r.metadata) or (current.revision if current is not None else 0)
    stable_revision = stable.revision if stable is not None else None
    # Before the controller has seen a new template, its images are the ones to come.
    images_to = images(r.spec.template) or (current.images if current is not None else ())
    held_by = workload(r)
    if held_by and not status.observed:
        images_to = ()  # what is to come stands in an object that is not read here
    available = current.available if current is not None else 0
    updating = stable is not None and not (status.fully_promoted and status.observed)
    images_from = stable.images if stable is not None and updating else ()
    return RolloutPicture(
        ref=Ref(r.metadata.namespace, r.metadata.name),
        rollout=r,
        status=status,
        strategy=strategy(r),
        revision=revision,
        stable_revision=stable_revision,
        images_from=images_from,
        images_to=images_to,
        weights=weights(r, available),
        steps=steps,
        replica_sets=facts,
        analysis_runs=runs,
        experiments=trials,
        failed_step=failed,
        cause=cause(r),
        plugin_config=config,
        pending_restart=pending_restart,
        next_actions=next_actions(
            r,
            status,
            steps,
            config=config,
            revision=revision,
            stable_revision=stable_revision,
        ),
        blue_green=blue_green_facts(r, {item.hash: item.revision for item in facts}),
        ping_pong=ping_pong_facts(r),
        routes=routes_in_force(r, available),
        workload=held_by,
    )


def row(rollout: Rollout) -> RolloutRow:
    """One line of a list, from the rollout alone; cheap enough for tens of thousands."""
    r = rollout
    status = status_of(r)
    canary = r.spec.strategy.canary
    count = len(canary.steps or ()) if canary is not None else 0
    at_step = bool(count) and (is_at_step(r) or status.fully_promoted)
    return RolloutRow(
        ref=Ref(r.metadata.namespace, r.metadata.name),
        phase=status.phase,
        message=status.message,
        since=status.since,
        step_index=current_index(r) if at_step else None,
        step_count=count,
        step=_plain(current_step(r)) if at_step else None,
        plugin_phase=_current_plugin_phase(r),
        weight=known_weight(r),
        ready=r.status.ready_replicas,
        desired=desired_replicas(r),
        images_from=(),
        images_to=images(r.spec.template),
        strategy=strategy(r),
        awaiting=status.awaiting,
        revision=revision_of(r.metadata),
        aborted=status.aborted,
        failed_step=failed_step(r) if status.aborted else None,
        created=r.metadata.creation_timestamp,
        ends=status.ends,
        stage=stage(r) if status.observed else None,
        workload=workload(r),
        labels=r.metadata.labels or {},
    )


def _plain(step: Step | None) -> Step | None:
    """A plugin's configuration may be large, and no row shows it."""
    return Plugin(step.name) if isinstance(step, Plugin) and step.config is not None else step


def strategy(r: Rollout) -> str:
    """ "canary", "blueGreen", or "" when the spec names none."""
    if r.spec.strategy.blue_green is not None:
        return "blueGreen"
    return "canary" if r.spec.strategy.canary is not None else ""


# ------------------------------------------------------------------------------------------------


def _replica_sets(
    r: Rollout, sets: Sequence[ReplicaSet], pods: Sequence[Pod]
) -> tuple[ReplicaSetFacts, ...]:
    found = (
        replica_set_facts(rs, roles(r, label(rs.metadata, HASH_LABEL)), pods)
        for rs in sets
        if is_owned(rs.metadata, r.metadata, "Rollout")
    )
    return tuple(sorted(found, key=lambda facts: (-facts.revision, facts.name)))


def _with_hash(sets: Iterable[ReplicaSetFacts], hash: str) -> ReplicaSetFacts | None:
    return next((facts for facts in sets if hash and facts.hash == hash), None)


def _current_plugin_phase(r: Rollout) -> str:
    records = r.status.canary.step_plugin_statuses
    canary = r.spec.strategy.canary
    if not records or canary is None:
        return ""
    steps = canary.steps or []
    index = current_index(r)
    plugin = steps[index].plugin if index < len(steps) else None
    if plugin is None:
        return ""
    for record in reversed(records):
        if (record.index, record.operation, record.name) == (index, "Run", plugin.name):
            return record.phase
    return ""
