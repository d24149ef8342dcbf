"""What one reconcile of one rollout knows and does to the objects around it."""

from __future__ import annotations

import copy
from typing import Any

from . import workloads
from .claims import same_template
from .cluster import Cluster
from .hashing import template_hash
from .objects import (
    DESIRED_REPLICAS,
    REVISION,
    Obj,
    annotation,
    dig,
    mapping,
    name,
    namespace,
    number,
    pod_hash,
    spec_replicas,
    text,
    uid,
)
from .pausing import INCONCLUSIVE, Pausing, pause_condition
from .routed_sizes import is_routed, routed
from .sizes import Sizes, limits, next_sizes
from .step_plugins import Round
from .steps import set_weight


class Context:
    """The rollout as read, its ReplicaSets as they are now, and what this reconcile decides."""

    def __init__(self, cluster: Cluster, rollout: Obj, workload: Obj | None = None) -> None:
        """`workload`: what `spec.workloadRef` names, which has the template then."""
        self.cluster = cluster
        self.rollout = rollout
        self.workload = workload
        self.replica_sets = self._own()
        self.pausing = Pausing(rollout, cluster.timing)
        self.plugins: Round | None = None
        self.analysis_runs: dict[str, Obj] | None = None
        """The current ones by their field of the status, once they have been looked at."""
        self.experiment: Obj | None = None
        """That of the current step, once it has been looked at."""
        self.weights = mapping(rollout, "status", "canary", "weights")
        """How the routers split the traffic, after this reconcile has told them."""
        self.restarted_at: str | None = dig(rollout, "status", "restartedAt")
        hashed = template_hash(self.template, number(rollout, "status", "collisionCount"))
        self.new = self._with_hash(hashed) or same_template(self.template, self.replica_sets)
        self.hash = pod_hash(self.new) or hashed
        """That of the template, unless its ReplicaSet was found by another."""

    @property
    def template(self) -> Obj:
        if self.workload is not None:
            return workloads.template_of(self.workload)
        return mapping(self.rollout, "spec", "template")

    @property
    def selector(self) -> Obj:
        """`spec.selector`, or that of the workload."""
        return workloads.selector_of(self.rollout, self.workload)

    @property
    def is_blue_green(self) -> bool:
        return dig(self.rollout, "spec", "strategy", "blueGreen") is not None

    @property
    def status(self) -> Obj:
        return mapping(self.rollout, "status")

    @property
    def replicas(self) -> int:
        return spec_replicas(self.rollout)

    @property
    def stable(self) -> Obj | None:
        """The ReplicaSet of the stable version, which may be the new one."""
        stable = text(self.status, "stableRS")
        return self._with_hash(stable) if stable else None

    @property
    def separate_stable(self) -> Obj | None:
        """The stable ReplicaSet where the new one is another."""
        stable = self.stable
        return None if stable is None or self._is(stable, self.new) else stable

    @property
    def old(self) -> list[Obj]:
        return [each for each in self.replica_sets if not self._is(each, self.new)]

    @property
    def others(self) -> list[Obj]:
        """Neither new nor stable."""
        return [each for each in self.old if not self._is(each, self.stable)]

    @property
    def fully_promoted(self) -> bool:
        stable = text(self.status, "stableRS")
        return stable != "" and stable == text(self.status, "currentPodHash")

    @property
    def promote_full(self) -> bool:
        return dig(self.rollout, "status", "promoteFull") is True

    @property
    def halted(self) -> bool:
        """Whether nothing may be resized now."""
        if dig(self.rollout, "spec", "paused") is True:
            return True
        return any(pause_condition(self.rollout, reason) for reason in INCONCLUSIVE)

    def total(self, key: str, sets: list[Obj] | None = None) -> int:
        return sum(
            number(each, "status", key) for each in (self.replica_sets if sets is None else sets)
        )

    def sizes(self, weights: Obj | None = None) -> Sizes:
        """The sizes the new and the stable ReplicaSet should have next.

        `weights`: those of `status.canary.weights` the pods of a routed canary have to bear.
        """
        if is_routed(self.rollout):
            alone = self.separate_stable is None
            aborted = self.pausing.aborted
            return routed(self.rollout, aborted=aborted, weights=weights or {}, alone=alone)
        return next_sizes(
            replicas=self.replicas,
            weight=self.weight(),
            limits=limits(self.rollout),
            canary=self.new,
            stable=self.separate_stable,
            others=self.others,
        )

    def weight(self) -> int:
        stable = text(self.status, "stableRS")
        if self.promote_full or not stable or self.fully_promoted:
            return 100
        # An abort decided in this reconcile does not change sizes before it is written.
        return set_weight(self.rollout)

    def routed_services(self) -> tuple[str, str]:
        """The Services traffic to canary and stable goes through; ping and pong take turns.

        Source: argo-rollouts, rollout/trafficrouting/service_helper.go.
        """
        strategy = mapping(self.rollout, "spec", "strategy", "canary")
        ping_pong = mapping(strategy, "pingPong")
        if not ping_pong:
            return text(strategy, "canaryService"), text(strategy, "stableService")
        ping, pong = text(ping_pong, "pingService"), text(ping_pong, "pongService")
        stable_is_ping = text(self.status, "canary", "stablePingPong") == "ping"
        return (pong, ping) if stable_is_ping else (ping, pong)

    def event(self, kind: str, reason: str, message: str) -> None:
        self.cluster.rollout_events.event(self.rollout, kind, reason, message)

    def again(self, seconds: float) -> None:
        """Have another look at the rollout after `seconds` of the cluster."""
        self.cluster.later(("rollout", namespace(self.rollout), name(self.rollout)), seconds)

    def scale(self, replica_set: Obj, to: int) -> bool:
        """Resize, and keep the note of what the rollout wanted then; whether the size changed."""
        before = spec_replicas(replica_set)
        wanted = str(self.replicas)
        if before == to and annotation(replica_set, DESIRED_REPLICAS) == wanted:
            return False
        body: dict[str, Any] = {"metadata": {"annotations": {DESIRED_REPLICAS: wanted}}}
        if before != to:
            body["spec"] = {"replicas": to}
        self.patch_set(replica_set, body)
        if before == to:
            return False
        way = "up" if to > before else "down"
        what = f"ReplicaSet {name(replica_set)} (revision {annotation(replica_set, REVISION)})"
        self.event("Normal", "ScalingReplicaSet", f"Scaled {way} {what} from {before} to {to}")
        return True

    def patch_set(self, replica_set: Obj, body: Obj) -> Obj:
        written = self.cluster.client.patch(
            "replicasets", name(replica_set), body, namespace(replica_set)
        )
        self.took(written)
        return written

    def took(self, replica_set: Obj) -> None:
        """A ReplicaSet was written: go on with what it is now."""
        self.cluster.replica_sets.put(replica_set)
        self.replica_sets = self._own()
        self.new = self._with_hash(self.hash)

    def status_copy(self) -> Obj:
        found: Obj = copy.deepcopy(self.status)
        return found

    def _own(self) -> list[Obj]:
        """Without the label a ReplicaSet is not seen at all."""
        found = self.cluster.replica_sets.owned(self.rollout)
        return [each for each in found if pod_hash(each)]

    def _with_hash(self, hashed: str) -> Obj | None:
        return next((each for each in self.replica_sets if pod_hash(each) == hashed), None)

    @staticmethod
    def _is(one: Obj | None, other: Obj | None) -> bool:
        return one is not None and other is not None and uid(one) == uid(other)
