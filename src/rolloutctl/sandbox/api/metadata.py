"""What a server writes into the metadata of an object."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from . import bodies
from .resources import Resource

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names: no vowels, so that no word comes out."""

OWNED = ("uid", "creationTimestamp", "generation", "selfLink", "deletionTimestamp")
"""What a client cannot change; with deletionGracePeriodSeconds and namespace."""

_KEPT = ("deletionGracePeriodSeconds", "resourceVersion", "managedFields")


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fill(resource: Resource, obj: dict[str, Any], namespace: str, now: datetime) -> None:
    """Give a new object its name, uid, time and generation."""
    metadata = obj["metadata"]
    for name in (*OWNED, "resourceVersion", "deletionGracePeriodSeconds", "managedFields"):
        metadata.pop(name, None)
    if not metadata.get("name") and metadata.get("generateName"):
        suffix = "".join(secrets.choice(_SUFFIX) for _ in range(5))
        metadata["name"] = metadata["generateName"][:58] + suffix
    if resource.namespaced:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamp(now)
    if resource.generation:
        metadata["generation"] = 1


def tidy(obj: dict[str, Any]) -> None:
    """Read nulls in the metadata as Go does: an empty text in a map, nothing elsewhere."""
    metadata = obj["metadata"]
    for name in [name for name, value in metadata.items() if value is None]:
        del metadata[name]
    for name in ("labels", "annotations"):
        if name in metadata:
            given = metadata[name]
            metadata[name] = {key: "" if text is None else text for key, text in given.items()}
    for name in ("ownerReferences", "finalizers"):
        if name in metadata:
            metadata[name] = [item for item in metadata[name] if item is not None]


def keep(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Undo what a client changed in the metadata that is the server's."""
    before, after = old["metadata"], new["metadata"]
    for name in (*OWNED, "namespace", "name", *_KEPT):
        if name in before:
            after[name] = before[name]
        else:
            after.pop(name, None)


def specification(resource: Resource, obj: dict[str, Any]) -> bytes:
    """What a change of raises the generation."""
    left_out = {"apiVersion", "kind", "metadata"} | ({"status"} if resource.status else set())
    return bodies.encode({key: value for key, value in obj.items() if key not in left_out})


def prefix(api_version: str, kind: str) -> bytes:
    """The beginning of every object of one type."""
    return f'{{"apiVersion":"{api_version}","kind":"{kind}",'.encode()
