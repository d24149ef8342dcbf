"""Versions and their differences as data: `RolloutHistory`, `RolloutRevision`, `TemplateDiff`."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.audit import Audit
from rolloutctl.domain.comparing import Comparison, Side
from rolloutctl.domain.history import Outcome, Version
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.templates import plain
from rolloutctl.render.documents.changes import difference
from rolloutctl.render.documents.shapes import VERSION, Document


def history(ref: Ref, versions: Sequence[Version], missing: Sequence[tuple[str, str]]) -> Document:
    """All versions; `missing` are (what, why) of what could not be read."""
    return {
        "apiVersion": VERSION,
        "kind": "RolloutHistory",
        "namespace": ref.namespace,
        "name": ref.name,
        "revisions": [_version(one) for one in versions],
        "unavailable": [{"what": what, "why": why} for what, why in missing],
    }


def revision(ref: Ref, one: Version) -> Document:
    """One version with its template, as a person wrote it."""
    return {
        "apiVersion": VERSION,
        "kind": "RolloutRevision",
        "namespace": ref.namespace,
        "name": ref.name,
        **_version(one),
        "template": plain(one.revision.template),
    }


def _version(one: Version) -> Document:
    found = one.revision
    return {
        "revision": found.number,
        "replicaSet": found.name,
        "hash": found.hash,
        "roles": sorted(found.roles),
        "replicas": found.replicas,
        "createdAt": found.created,
        "images": dict(found.images),
        "imageChanges": [
            {"container": change.container, "from": change.before or None, "to": change.after}
            for change in one.changes
        ],
        "outcome": None if one.outcome is Outcome.UNKNOWN else str(one.outcome),
        "detail": one.detail or None,
        "changedBy": _audit(one.made),
        "changeCause": one.cause or None,
        "writtenBy": one.writer or None,
        "stoppedBy": _audit(one.stopped),
        "startedAt": one.started,
        "endedAt": one.ended,
        "tookSeconds": one.took.total_seconds() if one.took is not None else None,
        "stepsDone": one.done,
        "steps": one.steps,
        "analysisRuns": [
            {"name": run.name, "phase": run.phase, "message": run.message} for run in one.runs
        ],
    }


def _audit(found: Audit | None) -> Document | None:
    if found is None:
        return None
    return {
        "action": found.action,
        "by": found.by or None,
        "reason": found.reason or None,
        "from": found.before or None,
        "to": found.after or None,
        "at": found.at,
    }


def comparison(ref: Ref, found: Comparison) -> Document:
    """How two versions differ."""
    return {
        "apiVersion": VERSION,
        "kind": "TemplateDiff",
        "namespace": ref.namespace,
        "name": ref.name,
        "from": _side(found.before),
        "to": _side(found.after),
        "same": not found.edits,
        "differences": [difference(edit) for edit in found.edits],
    }


def _side(side: Side) -> Document:
    return {"what": side.called, "revision": side.revision, "file": side.source or None}
