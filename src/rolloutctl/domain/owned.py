"""What hangs below a rollout, by owner references, and what it names besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from rolloutctl.domain.replicasets import (
    HASH_LABEL,
    label,
    pod_facts,
    replica_set_facts,
    revision_of,
    roles,
)
from rolloutctl.domain.status import desired_replicas, status_of
from rolloutctl.domain.wire import Condition, Metadata, Pod, ReplicaSet, Rollout, Wire
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails


class JobStatus(Wire):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: datetime | None = None
    conditions: list[Condition] | None = None


class Job(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class Node(Struct, frozen=True):
    """One object of the tree. `state` is its phase or health, "" where it has none.

    `ready` of `desired` pods: None where it is no such thing. `roles`: of a ReplicaSet.
    """

    kind: str
    name: str
    namespace: str
    uid: str = ""
    state: str = ""
    message: str = ""
    ready: int | None = None
    desired: int | None = None
    revision: int = 0
    roles: tuple[str, ...] = ()
    created: datetime | None = None
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Itself and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class Needed(Struct, frozen=True):
    """An object the spec names. `what` says what for ("stable", "canary", "analysis", ...).

    `found`: whether it is there, None where that could not be seen; `why` says why.
    """

    kind: str
    name: str
    namespace: str
    what: str = ""
    found: bool | None = None
    why: str = ""


class Belongings(Struct, frozen=True):
    """The objects that were read for a rollout."""

    rollout: Rollout
    replica_sets: tuple[ReplicaSet, ...] = ()
    pods: tuple[Pod, ...] = ()
    runs: tuple[AnalysisRunDetails, ...] = ()
    experiments: tuple[ExperimentDetails, ...] = ()
    jobs: tuple[Job, ...] = ()


def tree(found: Belongings) -> Node:
    """The rollout with what belongs to it: ReplicaSets, highest revision first, then the rest."""
    below = _Below(found)
    r = found.rollout
    status = status_of(r)
    return Node(
        kind="Rollout",
        name=r.metadata.name,
        namespace=r.metadata.namespace,
        uid=r.metadata.uid,
        state=status.phase,
        message=status.message,
        ready=r.status.ready_replicas,
        desired=desired_replicas(r),
        revision=revision_of(r.metadata),
        created=r.metadata.creation_timestamp,
        children=below.of(r.metadata),
    )


class _Below:
    """The objects by the uid of their owner."""

    def __init__(self, found: Belongings) -> None:
        self._rollout = found.rollout
        self._owned: dict[str, list[Any]] = {}
        # In the order in which they are shown.
        items: Iterable[Any] = (
            *sorted(found.replica_sets, key=_newest),
            *sorted(found.experiments, key=_newest),
            *sorted(found.runs, key=_newest),
            *sorted(found.jobs, key=_oldest),
            *sorted(found.pods, key=_oldest),
        )
        for each in items:
            for uid in {ref.uid for ref in each.metadata.owner_references or ()}:
                self._owned.setdefault(uid, []).append(each)

    def of(self, metadata: Metadata, above: frozenset[str] = frozenset()) -> tuple[Node, ...]:
        # Nothing keeps an object from naming itself, or one below it, as its owner.
        path = above | {metadata.uid}
        return tuple(
            self._node(each, path)
            for each in self._owned.get(metadata.uid, ())
            if each.metadata.uid not in path
        )

    def _node(self, item: Any, above: frozenset[str]) -> Node:
        metadata: Metadata = item.metadata
        node = Node(
            kind=type(item).__name__.removesuffix("Details"),
            name=metadata.name,
            namespace=metadata.namespace,
            uid=metadata.uid,
            revision=revision_of(metadata),
            created=metadata.creation_timestamp,
            children=self.of(metadata, above),
        )
        return msgspec.structs.replace(node, **self._facts(item))

    def _facts(self, item: Any) -> dict[str, Any]:
        if isinstance(item, ReplicaSet):
            role = roles(self._rollout, label(item.metadata, HASH_LABEL))
            facts = replica_set_facts(item, role)
            return {
                "state": facts.state,
                "message": facts.message,
                "ready": facts.ready,
                "desired": facts.desired,
                "roles": tuple(sorted(role)),
            }
        if isinstance(item, Pod):
            pod = pod_facts(item)
            return {
                "state": pod.state,
                "message": pod.message,
                "ready": int(pod.ready),
                "desired": 1,
            }
        if isinstance(item, Job):
            return {"state": _job_state(item)}
        return {"state": item.status.phase or "Pending", "message": item.status.message}


def _job_state(job: Job) -> str:
    for condition in job.status.conditions or ():
        if condition.status == "True" and condition.type in ("Complete", "Failed"):
            return condition.type
    return "Running" if job.status.active else "Pending"


def _newest(item: Any) -> tuple[int, float, str]:
    return (-revision_of(item.metadata), -_born(item.metadata), item.metadata.name)


def _oldest(item: Any) -> tuple[float, str]:
    return (_born(item.metadata), item.metadata.name)


def _born(metadata: Metadata) -> float:
    created = metadata.creation_timestamp
    return created.timestamp() if created is not None else 0.0


# --- what the spec names ------------------------------------------------------------------------


def needed(rollout: Mapping[str, Any]) -> list[Needed]:
    """The objects that a rollout (plain JSON) names, each once, in the order of the spec.

    Source: argo-rollouts, pkg/apis/rollouts/v1alpha1 (RolloutStrategy, RolloutTrafficRouting).
    """
    namespace = str(_at(rollout, "metadata", "namespace") or "")
    found: dict[tuple[str, str], Needed] = {}
    for kind, name, what in _named(_at(rollout, "spec") or {}):
        place = "" if kind == "ClusterAnalysisTemplate" else namespace
        if isinstance(name, str) and name:
            if place and kind in ("VirtualService", "DestinationRule") and "." in name:
                name, _, place = name.partition(".")
            found.setdefault((kind, name), Needed(kind, name, place, what))
    return list(found.values())


_SERVICES = (
    ("canary", "stableService", "stable"),
    ("canary", "canaryService", "canary"),
    ("blueGreen", "activeService", "active"),
    ("blueGreen", "previewService", "preview"),
)
_ROUTERS = (
    (("istio", "virtualService", "name"), "VirtualService", "traffic"),
    (("istio", "destinationRule", "name"), "DestinationRule", "traffic"),
    (("nginx", "stableIngress"), "Ingress", "traffic"),
    (("alb", "ingress"), "Ingress", "traffic"),
    (("alb", "rootService"), "Service", "root"),
    (("smi", "rootService"), "Service", "root"),
    (("traefik", "weightedTraefikServiceName"), "TraefikService", "traffic"),
)


def _named(spec: Any) -> Iterator[tuple[str, Any, str]]:
    workload = _at(spec, "workloadRef")
    if isinstance(workload, dict):
        yield str(workload.get("kind") or ""), workload.get("name"), "pod template"
    strategy = _at(spec, "strategy") or {}
    for side, field, what in _SERVICES:
        yield "Service", _at(strategy, side, field), what
    for key, what in (("pingService", "ping"), ("pongService", "pong")):
        yield "Service", _at(strategy, "canary", "pingPong", key), what
    routing = _at(strategy, "canary", "trafficRouting") or {}
    for path, kind, what in _ROUTERS:
        yield kind, _at(routing, *path), what
    for each in _items(_at(routing, "istio", "virtualServices")):
        yield "VirtualService", _at(each, "name"), "traffic"
    for router, key in (("nginx", "stableIngresses"), ("alb", "ingresses")):
        for each in _items(_at(routing, router, key)):
            yield "Ingress", each, "traffic"
    yield from _templates(strategy)


def _templates(strategy: Any) -> Iterator[tuple[str, Any, str]]:
    yield from _analysis(_at(strategy, "canary", "analysis"), "background analysis")
    for number, step in enumerate(_items(_at(strategy, "canary", "steps")), 1):
        yield from _analysis(_at(step, "analysis"), f"step {number}")
        for each in _items(_at(step, "experiment", "analyses")):
            yield from _analysis({"templates": [each]}, f"step {number}")
    yield from _analysis(_at(strategy, "blueGreen", "prePromotionAnalysis"), "pre-promotion")
    yield from _analysis(_at(strategy, "blueGreen", "postPromotionAnalysis"), "post-promotion")


def _analysis(analysis: Any, what: str) -> Iterator[tuple[str, Any, str]]:
    for each in _items(_at(analysis, "templates")):
        cluster = _at(each, "clusterScope") is True
        kind = "ClusterAnalysisTemplate" if cluster else "AnalysisTemplate"
        yield kind, _at(each, "templateName"), what


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
