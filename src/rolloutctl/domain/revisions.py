"""The revisions of a rollout: its ReplicaSets with the templates they hold, newest first.

Source: argo-rollouts, utils/annotations/annotations.go (the revision), and utils/replicaset (what
the controller injects in a template).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.replicasets import (
    HASH_LABEL,
    REVISION,
    SCALE_DOWN_DEADLINE,
    annotation,
    is_owned,
    label,
    revision_of,
    roles,
)
from rolloutctl.domain.templates import HASH_LABELS
from rolloutctl.domain.wire import Json, Metadata, Rollout, Wire

CHANGE_CAUSE = "kubernetes.io/change-cause"
EPHEMERAL_METADATA = "rollout.argoproj.io/ephemeral-metadata"
"""On a ReplicaSet: JSON of the labels and annotations the controller put in its template."""


class TemplateHolderSpec(Wire):
    """`template` as it is; whatever is no object makes the ReplicaSet unreadable."""

    replicas: int = 0
    template: Json | None = None


class TemplateHolder(Wire):
    """A ReplicaSet of which the whole template matters."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: TemplateHolderSpec = msgspec.field(default_factory=TemplateHolderSpec)


class Revision(msgspec.Struct, frozen=True):
    """One version of a rollout that its history still holds.

    `template` is what the person wrote for it, as the API server completed it: without the hash
    label and what the controller injected. `roles` as in ReplicaSetFacts. `deadline`: when its
    ReplicaSet will be scaled down, None when that is not scheduled.
    """

    number: int
    name: str
    hash: str
    created: datetime | None
    replicas: int
    roles: frozenset[str]
    template: Json
    deadline: datetime | None = None
    change_cause: str = ""
    """What `kubectl annotate` kept of why it was made."""

    @property
    def images(self) -> tuple[tuple[str, str], ...]:
        """(container, image) of its containers, init containers first."""
        return images_of(self.template)


def revisions(rollout: Rollout, replica_sets: Iterable[TemplateHolder]) -> tuple[Revision, ...]:
    """Those of the rollout among `replica_sets`, the highest number first; those without a number,
    or without a template, are left out."""
    found = []
    for item in replica_sets:
        number = revision_of(item.metadata)
        template = item.spec.template
        if not number or not template or not is_owned(item.metadata, rollout.metadata, "Rollout"):
            continue
        hash_ = label(item.metadata, HASH_LABEL)
        found.append(
            Revision(
                number=number,
                name=item.metadata.name,
                hash=hash_,
                created=item.metadata.creation_timestamp,
                replicas=item.spec.replicas,
                roles=roles(rollout, hash_),
                template=written(template, annotation(item.metadata, EPHEMERAL_METADATA)),
                deadline=_moment(annotation(item.metadata, SCALE_DOWN_DEADLINE)),
                change_cause=annotation(item.metadata, CHANGE_CAUSE),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.number, one.name)))


def numbered(history: Iterable[Revision], number: int) -> Revision | None:
    """The revision with this number."""
    return next((one for one in history if one.number == number), None)


def with_hash(history: Iterable[Revision], hash: str) -> Revision | None:
    """The revision with this pod template hash."""
    return next((one for one in history if hash and one.hash == hash), None)


def number_of(rollout: Rollout) -> int:
    """The revision the rollout itself names; 0 when it names none."""
    return revision_of(rollout.metadata)


def images_of(template: Any) -> tuple[tuple[str, str], ...]:
    """(container, image) of a template in plain JSON, init containers first; what is mistyped is
    left out."""
    spec = template.get("spec") if isinstance(template, Mapping) else None
    found: list[tuple[str, str]] = []
    for key in ("initContainers", "containers"):
        entries = spec.get(key) if isinstance(spec, Mapping) else None
        for item in entries if isinstance(entries, list) else ():
            if isinstance(item, Mapping):
                name, image = item.get("name"), item.get("image")
                if isinstance(name, str) and isinstance(image, str):
                    found.append((name, image))
    return tuple(found)


def written(template: Mapping[str, Any], ephemeral: str = "") -> Json:
    """The template of a ReplicaSet as it was before the controller added to it.

    That is the hash label, the metadata that `ephemeral` (the ReplicaSet's annotation) names, and
    anti-affinity to the pods of another hash. All else is kept, known or not.
    """
    result: Json = copy.deepcopy(dict(template))
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        injected = _injected(ephemeral)
        for part in ("labels", "annotations"):
            entries = metadata.get(part)
            if not isinstance(entries, dict):
                continue
            for key in HASH_LABELS if part == "labels" else ():
                entries.pop(key, None)
            for key, value in injected.get(part, {}).items():
                if entries.get(key) == value:
                    del entries[key]
            if not entries:
                del metadata[part]
        if metadata.get("creationTimestamp", "") is None:
            del metadata["creationTimestamp"]
    spec = result.get("spec")
    if isinstance(spec, dict):
        _without_anti_affinity(spec)
    return result


def _injected(ephemeral: str) -> dict[str, dict[str, Any]]:
    try:
        found = decoder(dict[str, dict[str, str] | None]).decode(ephemeral.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return {part: dict(entries) for part, entries in found.items() if entries}


def _without_anti_affinity(spec: Json) -> None:
    """Removes the terms that keep pods away from those of another version.

    Source: argo-rollouts, utils/replicaset/replicaset.go (RemoveInjectedAntiAffinityRule).
    """
    affinity = spec.get("affinity")
    anti = affinity.get("podAntiAffinity") if isinstance(affinity, dict) else None
    if not isinstance(affinity, dict) or not isinstance(anti, dict):
        return
    changed = False
    for key in (
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    ):
        terms = anti.get(key)
        if not isinstance(terms, list):
            continue
        kept = [term for term in terms if not _by_hash(term)]
        if len(kept) == len(terms):
            continue
        changed = True
        if kept:
            anti[key] = kept
        else:
            del anti[key]
    if changed and not anti:
        del affinity["podAntiAffinity"]
        if not affinity:
            del spec["affinity"]


def _by_hash(term: Any) -> bool:
    if not isinstance(term, Mapping):
        return False
    inner = term.get("podAffinityTerm", term)
    selector = inner.get("labelSelector") if isinstance(inner, Mapping) else None
    entries = selector.get("matchExpressions") if isinstance(selector, Mapping) else None
    return isinstance(entries, list) and any(
        isinstance(item, Mapping) and item.get("key") == HASH_LABEL for item in entries
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


__all__ = [
    "EPHEMERAL_METADATA",
    "REVISION",
    "Revision",
    "TemplateHolder",
    "images_of",
    "number_of",
    "numbered",
    "revisions",
    "with_hash",
    "written",
]
