"""Deleting one object, or all that a list would show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rolloutctl.sandbox.store import Record, Store

from . import bodies, errors, reading
from .collecting import Collector
from .messages import Request
from .routing import Query, Target

_POLICIES = ("Foreground", "Background", "Orphan")
_RETURNED_WHEN_DELETED = ("pods", "services", "serviceaccounts", "namespaces")


class Deleter:
    """Every deletion from `store`; each is one transaction."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._collector = Collector(store)

    def delete(self, target: Target, request: Request) -> tuple[Record, bool]:
        """The object deleted, and whether it is there still (its finalizers hold it)."""
        query = Query(request)
        options = _options(request)
        with self._store.transaction():
            record = reading.existing(self._store, target)
            _preconditions(target, record, options)
            if dry(query) or options.get("dryRun"):
                return record, False
            held = self._collector.delete(
                target.resource.plural, record, _policy(query, options), self._now()
            )
            return (
                (held, True) if held else (record, target.resource.plural in _RETURNED_WHEN_DELETED)
            )

    def delete_collection(self, target: Target, request: Request) -> reading.Page:
        """Delete all that a list with the same selectors would show; returns them as they were."""
        query = Query(request)
        options = _options(request)
        with self._store.transaction():
            found = reading.page(self._store, target, query)
            if not dry(query):
                for record in found.records:
                    current = self._store.get(target.resource.plural, *record.key)
                    if current is not None and current.uid == record.uid:
                        policy = _policy(query, options)
                        self._collector.delete(target.resource.plural, current, policy, self._now())
            return found


def _preconditions(target: Target, record: Record, options: dict[str, Any]) -> None:
    wanted = options.get("preconditions") or {}
    if not isinstance(wanted, dict):
        raise errors.bad_request("the preconditions are no object")
    resource = target.resource
    uid, version = wanted.get("uid"), wanted.get("resourceVersion")
    if uid and uid != record.uid:
        why = (
            f"the UID in the precondition ({uid}) does not match"
            f" the UID in record ({record.uid})."
            " The object might have been deleted and then recreated"
        )
        raise errors.conflict(resource.kind, resource.group, target.name, why)
    if version and version != str(record.version):
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the"
            f" ResourceVersion in record ({record.version})."
            " The object might have been modified"
        )
        raise errors.conflict(resource.kind, resource.group, target.name, why)


def dry(query: Query) -> bool:
    """Whether nothing is to be kept. Raises Refused (422)."""
    value = query.text("dryRun")
    if value not in ("", "All"):
        said = f'Unsupported value: "{value}": supported values: "All"'
        cause = errors.Cause("dryRun", "FieldValueNotSupported", said)
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", [cause])
    return bool(value)


def _options(request: Request) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    found = bodies.read_json(request, "")
    if not isinstance(found, dict):
        raise errors.bad_request("delete options are no object")
    return found


def _policy(query: Query, options: dict[str, Any]) -> str:
    policy = query.text("propagationPolicy") or options.get("propagationPolicy") or ""
    orphan = options.get("orphanDependents")
    if not policy and isinstance(orphan, bool):
        policy = "Orphan" if orphan else "Background"
    policy = policy or "Background"
    if policy not in _POLICIES:
        said = (
            f'Unsupported value: "{policy}": supported values: "Background", "Foreground", "Orphan"'
        )
        cause = errors.Cause("propagationPolicy", "FieldValueNotSupported", said)
        raise errors.invalid("DeleteOptions", "", "", [cause])
    return str(policy)
