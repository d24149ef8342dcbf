"""What an undo has to read besides the rollout: its revisions, and what holds its template."""

from __future__ import annotations

from typing import Any

import msgspec

from rolloutctl.actions.inspect import children_selector
from rolloutctl.domain.cluster import REPLICA_SETS, Cluster, Unreadable
from rolloutctl.domain.decision import Seen
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.replicasets import HASH_LABEL
from rolloutctl.domain.revisions import Revision, TemplateHolder, revisions
from rolloutctl.domain.services import workload
from rolloutctl.domain.undoing import Holder, own_template, referenced
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, NotFound


def history(
    cluster: Cluster, rollout: Rollout
) -> tuple[tuple[Revision, ...], tuple[Unreadable, ...]]:
    """The revisions there are, the newest first, and the ReplicaSets that cannot be read.

    Raises what the cluster raises.
    """
    selector = children_selector(rollout) or HASH_LABEL
    found: list[TemplateHolder] = []
    unreadable: list[Unreadable] = []
    namespace = rollout.metadata.namespace
    for page in cluster.pages(REPLICA_SETS, namespace, TemplateHolder, label_selector=selector):
        found += page.items
        unreadable += page.unreadable
    return revisions(rollout, found), tuple(unreadable)


def holder(cluster: Cluster, seen: Seen) -> Holder:
    """What holds the template now. Raises Refused, NotFound, and what the cluster raises."""
    place = referenced(seen)
    if place is None:
        return own_template(seen)
    kind, pointer = place
    reference = seen.rollout.spec.workload_ref
    assert reference is not None
    namespace = seen.ref.namespace
    subject = f"{namespace}/{reference.name}"
    try:
        data = cluster.get_raw(kind, namespace, reference.name)
    except NotFound as error:
        raise NotFound(
            f"its template is in {workload(seen.rollout)}, which is not there", subject=subject
        ) from error
    try:
        raw: dict[str, Any] = decoder(dict).decode(data)
    except msgspec.DecodeError as error:
        raise ClusterError(f"{kind.kind} {reference.name}: {error}", subject=subject) from error
    return Holder(kind, namespace, reference.name, raw, pointer)
