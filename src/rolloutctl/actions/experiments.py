"""Reading experiments with what belongs to them. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from rolloutctl.actions.analyses import not_found
from rolloutctl.actions.inspect import Missing, readable
from rolloutctl.domain import wire
from rolloutctl.domain.analyses import newest_first, run_row
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    EXPERIMENTS,
    PODS,
    REPLICA_SETS,
    ROLLOUTS,
    Cluster,
    Unreadable,
)
from rolloutctl.domain.experiments import (
    ExperimentLook,
    ExperimentRow,
    experiment_look,
    experiment_row,
)
from rolloutctl.domain.replicasets import HASH_LABEL, is_owned, label
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails
from rolloutctl.errors import NotFound, RolloutctlError


class Trial(msgspec.Struct, frozen=True):
    """One experiment, with what could not be read for it."""

    look: ExperimentLook
    missing: tuple[Missing, ...] = ()


def rows(
    cluster: Cluster,
    namespace: str | None,
    *,
    labels: str = "",
    wanted: Callable[[ExperimentRow], bool] | None = None,
    label: str = "",
) -> Iterator[ExperimentRow | Unreadable]:
    """The experiments of a scope, the youngest of a namespace first, then what is not readable."""
    found: list[ExperimentRow] = []
    unreadable: list[Unreadable] = []
    pages = cluster.pages(EXPERIMENTS, namespace, ExperimentDetails, label_selector=labels)
    for page in pages:
        read = (experiment_row(item, label) for item in page.items)
        found += (row for row in read if wanted is None or wanted(row))
        unreadable += page.unreadable
    yield from newest_first(found)
    yield from unreadable


def read(cluster: Cluster, namespace: str, name: str, label: str = "") -> Trial:
    """One experiment in full. Raises NotFound with near names, and what the cluster raises."""
    try:
        item = cluster.get(EXPERIMENTS, namespace, name, ExperimentDetails)
    except NotFound as error:
        raise not_found(cluster, EXPERIMENTS, namespace, name, "experiment") from error
    return complete(cluster, item, label)


def complete(cluster: Cluster, item: ExperimentDetails, name: str = "") -> Trial:
    """The look around an experiment already read; `name` is what its cluster is called."""
    namespace = item.metadata.namespace
    missing: list[Missing] = []
    # Each version has labels of its own, and the annotation that tells whose it is cannot be
    # selected by: the ReplicaSets of the namespace are read, and then only the pods of these.
    sets, not_read = readable(cluster, REPLICA_SETS, namespace, wire.ReplicaSet, HASH_LABEL)
    missing += not_read
    own = [rs for rs in sets if is_owned(rs.metadata, item.metadata, "Experiment")]
    pods: list[wire.Pod] = []
    hashes = sorted({label(rs.metadata, HASH_LABEL) for rs in own} - {""})
    if hashes:
        of_hash = f"{HASH_LABEL} in ({','.join(hashes)})"
        pods, not_read = readable(cluster, PODS, namespace, wire.Pod, of_hash)
        missing += not_read
    runs = []
    for each in item.status.analysis_runs or ():
        if not each.analysis_run:
            continue
        try:
            run = cluster.get(ANALYSIS_RUNS, namespace, each.analysis_run, AnalysisRunDetails)
        except RolloutctlError as error:
            missing.append(Missing(f"AnalysisRun {each.analysis_run}", error.message))
        else:
            runs.append(run_row(run))
    weights = _weights(cluster, item, missing)
    return Trial(experiment_look(item, own, pods, runs, weights, name), tuple(missing))


def _weights(cluster: Cluster, item: ExperimentDetails, missing: list[Missing]) -> dict[str, int]:
    """The shares of traffic of an experiment's versions, which stand in the rollout's status."""
    references = item.metadata.owner_references or ()
    for reference in references:
        if reference.kind != "Rollout":
            continue
        try:
            rollout = cluster.get(ROLLOUTS, item.metadata.namespace, reference.name, wire.Rollout)
        except NotFound:
            return {}
        except RolloutctlError as error:
            missing.append(Missing(f"Rollout {reference.name}", error.message))
            return {}
        weights = rollout.status.canary.weights
        return {
            each.pod_template_hash: each.weight
            for each in (weights.additional if weights is not None else None) or ()
            if each.pod_template_hash
        }
    return {}
