"""Reading everything that belongs to a rollout. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from rolloutctl.actions.inspect import Missing, Named, children_selector, not_found, readable
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    DEPLOYMENTS,
    EXPERIMENTS,
    INGRESSES,
    JOBS,
    POD_TEMPLATES,
    PODS,
    REPLICA_SETS,
    ROLLOUTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Cluster,
    Kind,
)
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.owned import Belongings, Job, Needed, needed
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import HASH_LABEL, label
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails
from rolloutctl.errors import NotFound, RolloutctlError


class _Object(Protocol):
    metadata: wire.Metadata


T = TypeVar("T", bound=_Object)
_RUN = "analysisrun.argoproj.io/uid"
_KNOWN: Mapping[str, Kind] = {
    "Service": SERVICES,
    "Deployment": DEPLOYMENTS,
    "ReplicaSet": REPLICA_SETS,
    "PodTemplate": POD_TEMPLATES,
    "AnalysisTemplate": ANALYSIS_TEMPLATES,
    "ClusterAnalysisTemplate": CLUSTER_ANALYSIS_TEMPLATES,
    "Ingress": INGRESSES,
    "VirtualService": VIRTUAL_SERVICES,
    "DestinationRule": Kind("networking.istio.io", "v1", "destinationrules", "DestinationRule"),
}


class Owned(NamedTuple):
    """What belongs to a rollout, and what could not be read of it."""

    belongings: Belongings
    missing: tuple[Missing, ...]
    raw: dict[str, Any]
    """The rollout as the server has it."""


def read(cluster: Cluster, ref: Ref) -> Owned:
    """Everything below a rollout. Raises NotFound for it, and what reading it raises."""
    try:
        text = cluster.get_raw(ROLLOUTS, ref.namespace, ref.name)
    except NotFound as error:
        raise not_found(cluster, ref) from error
    return around(cluster, decoder(wire.Rollout).decode(text), msgspec.json.decode(text))


def around(cluster: Cluster, rollout: wire.Rollout, raw: dict[str, Any] | None = None) -> Owned:
    """What belongs to a rollout already read; raises nothing."""
    namespace = rollout.metadata.namespace
    missing: list[Missing] = []

    def listed(kind: Kind, as_type: type[Any], labels: str = "") -> list[Any]:
        found, not_read = readable(cluster, kind, namespace, as_type, labels)
        missing.extend(each for each in not_read if each not in missing)
        return found

    selector = children_selector(rollout)
    uids = {rollout.metadata.uid}
    sets: list[wire.ReplicaSet] = []
    if selector:
        sets = _of(uids, listed(REPLICA_SETS, wire.ReplicaSet, selector))
    experiments: list[ExperimentDetails] = _of(uids, listed(EXPERIMENTS, ExperimentDetails))
    trials = {each.metadata.uid for each in experiments}
    runs: list[AnalysisRunDetails] = _of(uids | trials, listed(ANALYSIS_RUNS, AnalysisRunDetails))
    own = len(sets)
    if trials:
        # The versions of an experiment have labels of their own.
        sets += _of(trials, listed(REPLICA_SETS, wire.ReplicaSet, HASH_LABEL))
    pods: list[wire.Pod] = listed(PODS, wire.Pod, selector) if selector else []
    hashes = sorted({label(each.metadata, HASH_LABEL) for each in sets[own:]} - {""})
    if hashes:
        pods += listed(PODS, wire.Pod, f"{HASH_LABEL} in ({','.join(hashes)})")
    jobs = _jobs(runs, listed)
    names = sorted(each.metadata.name for each in jobs)
    if names:
        pods += listed(PODS, wire.Pod, f"job-name in ({','.join(names)})")
    owners = {each.metadata.uid for each in sets} | {each.metadata.uid for each in jobs}
    distinct = {each.metadata.uid: each for each in _of(owners, pods)}
    belongings = Belongings(
        rollout, tuple(sets), tuple(distinct.values()), tuple(runs), tuple(experiments), tuple(jobs)
    )
    return Owned(belongings, tuple(missing), raw or {})


def _jobs(
    runs: list[AnalysisRunDetails], listed: Callable[[Kind, type[Any], str], list[Any]]
) -> list[Job]:
    uids = {
        run.metadata.uid
        for run in runs
        if any("job" in (metric.provider or {}) for metric in run.spec.metrics or ())
    }
    if not uids:
        return []
    return _of(uids, listed(JOBS, Job, f"{_RUN} in ({','.join(sorted(uids))})"))


def _of(owners: set[str], items: list[T]) -> list[T]:
    """Those that one of the owners owns."""
    return [
        item
        for item in items
        if any(reference.uid in owners for reference in item.metadata.owner_references or ())
    ]


def named(cluster: Cluster, raw: Mapping[str, Any]) -> list[Needed]:
    """The objects the rollout's spec names, and whether they are there; raises nothing."""
    return [_looked_up(cluster, each) for each in needed(raw)]


def _looked_up(cluster: Cluster, each: Needed) -> Needed:
    kind = _KNOWN.get(each.kind)
    if kind is None:
        return each
    try:
        cluster.get(kind, each.namespace, each.name, Named)
    except NotFound:
        return msgspec.structs.replace(each, found=False, why="is not there")
    except RolloutctlError as error:
        return msgspec.structs.replace(each, why=error.message)
    return msgspec.structs.replace(each, found=True)
