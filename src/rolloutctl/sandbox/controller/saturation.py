"""Whether a ReplicaSet can bear all traffic."""

from __future__ import annotations

from .objects import DESIRED_REPLICAS, Obj, annotation, spec_replicas
from .sizes import available


def is_saturated(replica_set: Obj | None, replicas: int) -> bool:
    """Whether it has all `replicas` pods of a live version, and they are available.

    Source: argo-rollouts, utils/annotations/annotations.go (IsSaturated).
    """
    if replica_set is None or annotation(replica_set, DESIRED_REPLICAS) != str(replicas):
        return False
    return spec_replicas(replica_set) == replicas == available(replica_set)
