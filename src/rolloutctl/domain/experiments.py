"""Experiments by themselves: the versions they run, their pods, analyses and remaining time.

Source: argo-rollouts, experiments/experiment.go and utils/experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from rolloutctl.domain.analyses import FINAL, Counts, Owner, RunRow, owner
from rolloutctl.domain.durations import later, parse_go
from rolloutctl.domain.facts import ReplicaSetFacts
from rolloutctl.domain.replicasets import (
    annotation,
    is_owned,
    replica_set_facts,
    revision_of,
)
from rolloutctl.domain.wire import Pod, ReplicaSet
from rolloutctl.domain.wire_details import ExperimentDetails

TEMPLATE = "experiment.argoproj.io/template-name"


class ExperimentRow(Struct, frozen=True):
    """One experiment of a list.

    `duration`: counted from `available_at`, when all its pods were there; None where it has none.
    `ends`: when that is over, None where it has not begun or has ended. `phase` is "Pending" before
    its first reconcile. `ready` of `pods`: over its versions.
    """

    namespace: str
    name: str
    owner: Owner | None
    phase: str
    message: str = ""
    revision: int = 0
    created: datetime | None = None
    duration: timedelta | None = None
    available_at: datetime | None = None
    ends: datetime | None = None
    ready: int = 0
    pods: int = 0
    terminated: bool = False
    cluster: str = ""


class Version(Struct, frozen=True):
    """One template with its ReplicaSet, None where that is not there (yet, or any more).

    `weight`: its share of the rollout's traffic, None where it has none.
    """

    name: str
    status: str
    message: str = ""
    desired: int = 1
    ready: int = 0
    available: int = 0
    service: str = ""
    weight: int | None = None
    replica_set: ReplicaSetFacts | None = None


class TrialAnalysis(Struct, frozen=True):
    """One analysis: `name` in the experiment, `run` the object made for it, "" before it is."""

    name: str
    template: str
    cluster_scope: bool = False
    required: bool = False
    run: str = ""
    phase: str = ""
    message: str = ""
    counts: Counts | None = None


class ExperimentLook(Struct, frozen=True):
    """One experiment in full."""

    row: ExperimentRow
    versions: tuple[Version, ...] = ()
    analyses: tuple[TrialAnalysis, ...] = ()
    progress_deadline: timedelta = timedelta(seconds=600)


def experiment_row(item: ExperimentDetails, cluster: str = "") -> ExperimentRow:
    """An experiment as a line of a list."""
    duration, status = parse_go(item.spec.duration), item.status
    over = status.phase in FINAL
    templates = item.spec.templates or ()
    wanted = sum(1 if each.replicas is None else each.replicas for each in templates)
    return ExperimentRow(
        namespace=item.metadata.namespace,
        name=item.metadata.name,
        owner=owner(item.metadata),
        phase=status.phase or "Pending",
        message=status.message,
        revision=revision_of(item.metadata),
        created=item.metadata.creation_timestamp,
        duration=duration,
        available_at=status.available_at,
        ends=None if over else later(status.available_at, duration),
        ready=sum(each.ready_replicas for each in status.template_statuses or ()),
        pods=wanted,
        terminated=item.spec.terminate,
        cluster=cluster,
    )


def experiment_look(
    item: ExperimentDetails,
    replica_sets: Iterable[ReplicaSet] = (),
    pods: Iterable[Pod] = (),
    runs: Iterable[RunRow] = (),
    weights: Mapping[str, int] | None = None,
    cluster: str = "",
) -> ExperimentLook:
    """An experiment with what belongs to it; `weights` by pod template hash."""
    all_pods = list(pods)
    sets = {
        annotation(rs.metadata, TEMPLATE): replica_set_facts(rs, frozenset(), all_pods)
        for rs in replica_sets
        if is_owned(rs.metadata, item.metadata, "Experiment")
    }
    deadline = item.spec.progress_deadline_seconds
    return ExperimentLook(
        row=experiment_row(item, cluster),
        versions=_versions(item, sets, weights or {}),
        analyses=_analyses(item, {run.name: run for run in runs}),
        progress_deadline=timedelta(seconds=600 if deadline is None else deadline),
    )


def _versions(
    item: ExperimentDetails, sets: Mapping[str, ReplicaSetFacts], weights: Mapping[str, int]
) -> tuple[Version, ...]:
    statuses = {each.name: each for each in item.status.template_statuses or ()}
    specs = {each.name: each for each in item.spec.templates or ()}
    found = []
    for name in dict.fromkeys([*specs, *statuses]):
        spec, status, rs = specs.get(name), statuses.get(name), sets.get(name)
        wanted = spec.replicas if spec is not None else None
        hash = status.pod_template_hash if status is not None else ""
        found.append(
            Version(
                name=name,
                status=status.status if status is not None else "",
                message=status.message if status is not None else "",
                desired=1 if wanted is None else wanted,
                ready=status.ready_replicas if status is not None else 0,
                available=status.available_replicas if status is not None else 0,
                service=status.service_name if status is not None else "",
                weight=weights.get(hash or (rs.hash if rs is not None else "")),
                replica_set=rs,
            )
        )
    return tuple(found)


def _analyses(item: ExperimentDetails, runs: Mapping[str, RunRow]) -> tuple[TrialAnalysis, ...]:
    statuses = {each.name: each for each in item.status.analysis_runs or ()}
    specs = {each.name: each for each in item.spec.analyses or ()}
    found = []
    for name in dict.fromkeys([*specs, *statuses]):
        spec, status = specs.get(name), statuses.get(name)
        run = runs.get(status.analysis_run) if status is not None else None
        found.append(
            TrialAnalysis(
                name=name,
                template=spec.template_name if spec is not None else "",
                cluster_scope=spec.cluster_scope if spec is not None else False,
                required=spec.required_for_completion if spec is not None else False,
                run=status.analysis_run if status is not None else "",
                phase=status.phase if status is not None else "",
                message=status.message if status is not None else "",
                counts=run.counts if run is not None else None,
            )
        )
    return tuple(found)
