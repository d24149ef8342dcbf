"""`canaryMetadata`, `previewMetadata` and so on: what a version has while it is that.

Source: argo-rollouts, rollout/ephemeralmetadata.go and utils/replicaset.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .objects import EPHEMERAL_METADATA, Obj, annotation, mapping, name, namespace, text

if TYPE_CHECKING:
    from .context import Context


def metadata_for_new(context: Context) -> tuple[Obj, str]:
    """What the new ReplicaSet gets, and how its annotation tells that ("" if there is nothing)."""
    first = not text(context.status, "stableRS")
    return _wanted(context, live=first)


def reconcile(context: Context) -> None:
    """Give each ReplicaSet, and its pods, the metadata of what it now is."""
    if context.fully_promoted or not text(context.status, "stableRS"):
        _apply(context, context.new, *_wanted(context, live=True))
    else:
        _apply(context, context.new, *_wanted(context, live=False))
        _apply(context, context.stable, *_wanted(context, live=True))
    for each in context.others:
        _apply(context, each, {}, "")


def inject(metadata: Obj, old: Obj, new: Obj) -> Obj:
    """Pod metadata with the `old` labels and annotations taken out and the `new` put in."""
    result = dict(metadata)
    for kind in ("labels", "annotations"):
        values = dict(mapping(metadata, kind))
        for key, value in mapping(old, kind).items():
            if values.get(key) == value:
                del values[key]
        values.update(mapping(new, kind))
        if values or kind in metadata:
            result[kind] = values
    return result


def _wanted(context: Context, *, live: bool) -> tuple[Obj, str]:
    """What the stable, or active, version gets (`live`), or the one that is to follow it."""
    if context.is_blue_green:
        strategy, key = "blueGreen", "activeMetadata" if live else "previewMetadata"
    else:
        strategy, key = "canary", "stableMetadata" if live else "canaryMetadata"
    found = mapping(context.rollout, "spec", "strategy", strategy, key)
    # Labels before annotations, as the Go struct has them.
    wanted = {kind: found[kind] for kind in ("labels", "annotations") if found.get(kind)}
    return wanted, json.dumps(wanted, separators=(",", ":")) if wanted else ""


def _apply(context: Context, replica_set: Obj | None, wanted: Obj, written: str) -> None:
    if replica_set is None or annotation(replica_set, EPHEMERAL_METADATA) == written:
        return
    try:
        old = json.loads(annotation(replica_set, EPHEMERAL_METADATA) or "{}")
    except ValueError:
        old = {}
    cluster = context.cluster
    for pod in cluster.pods.owned(replica_set):
        changed = inject(pod["metadata"], old, wanted)
        body = _patch(pod["metadata"], changed)
        if body:
            cluster.client.patch("pods", name(pod), {"metadata": body}, namespace(pod))
    before = mapping(replica_set, "spec", "template", "metadata")
    context.patch_set(
        replica_set,
        {
            "metadata": {"annotations": {EPHEMERAL_METADATA: written or None}},
            "spec": {"template": {"metadata": _patch(before, inject(before, old, wanted))}},
        },
    )


def _patch(before: Obj, after: Obj) -> Obj:
    body: Obj = {}
    for kind in ("labels", "annotations"):
        old, new = mapping(before, kind), mapping(after, kind)
        if old != new:
            body[kind] = {**dict.fromkeys(old.keys() - new.keys()), **new}
    return body
