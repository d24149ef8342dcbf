"""Looks at what is about to be shipped, before a person is asked whether to."""

from __future__ import annotations

import msgspec

from rolloutctl.actions.inspect import complete, readable
from rolloutctl.domain.cluster import Cluster, Kind
from rolloutctl.domain.decision import Decision
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.shipping import Shipping, shipping
from rolloutctl.domain.wire import Metadata, Wire

AUTOSCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")


class _Target(Wire):
    kind: str = ""
    name: str = ""


class _Spec(Wire):
    scale_target_ref: _Target = msgspec.field(default_factory=_Target)


class _Autoscaler(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


def autoscalers(cluster: Cluster, ref: Ref) -> tuple[str, ...]:
    """The names of those that scale this rollout; none where they may not be read."""
    found, _ = readable(cluster, AUTOSCALERS, ref.namespace, _Autoscaler)
    return tuple(
        one.metadata.name
        for one in found
        if (one.spec.scale_target_ref.kind, one.spec.scale_target_ref.name) == ("Rollout", ref.name)
    )


def look(cluster: Cluster, decision: Decision) -> Shipping:
    """The version the decision is about, as its pods and analysis runs are now.

    What may not be read is named in it. Raises ClusterError and its kin when nothing can be read.
    """
    found = complete(cluster, decision.seen.rollout)
    return shipping(found.picture, tuple(missing.what for missing in found.missing))
