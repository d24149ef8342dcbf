"""Deleting: finalizers, what goes along with its owner, and emptying a namespace.

A real server leaves this to a controller that follows; here it is done before the answer, so
nobody ever sees an object whose owner is gone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rolloutctl.sandbox.store import Record, Store

from . import metadata
from .resources import BY_PLURAL

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Collector:
    """Removes objects from `store`. Its methods are called inside a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def delete(self, resource: str, record: Record, policy: str, now: datetime) -> Record | None:
        """Delete an object; returns it as it is now if something still holds it, else None."""
        store, obj = self._store, record.decode()
        meta = obj["metadata"]
        finalizers = [f for f in meta.get("finalizers") or [] if f not in (FOREGROUND, ORPHAN)]
        if policy == "Foreground":
            finalizers.append(FOREGROUND)
        elif policy == "Orphan":
            finalizers.append(ORPHAN)
        if resource == "namespaces":
            return self._delete_namespace(record, obj, now)
        if not finalizers:
            self._remove(resource, obj, now)
            return None
        before = dict(meta)
        meta["finalizers"] = finalizers
        if "deletionTimestamp" not in meta:
            meta["deletionTimestamp"] = metadata.timestamp(now)
            meta["deletionGracePeriodSeconds"] = 0
            if BY_PLURAL[resource].generation:
                meta["generation"] = meta.get("generation", 0) + 1
        held = record if before == meta else store.put(resource, obj)
        self.settle(resource, held.key, now)
        return held

    def settle(self, resource: str, key: tuple[str, str], now: datetime) -> None:
        """Do what the own finalizers of a deleted object wait for; remove it if it is free."""
        record = self._store.get(resource, *key)
        if record is None:
            return
        obj = record.decode()
        meta = obj["metadata"]
        if "deletionTimestamp" not in meta:
            return
        finalizers = list(meta.get("finalizers") or [])
        if ORPHAN in finalizers:
            for kind, dependent in self._store.dependents(record.uid):
                self._disown(kind, dependent, {record.uid})
            finalizers.remove(ORPHAN)
        if FOREGROUND in finalizers:
            for kind, dependent in self._store.dependents(record.uid):
                self._collect(kind, dependent, {record.uid}, "Foreground", now)
            if not any(_blocks(d, record.uid) for _, d in self._store.dependents(record.uid)):
                finalizers.remove(FOREGROUND)
        if finalizers != (meta.get("finalizers") or []) and finalizers:
            meta["finalizers"] = finalizers
            self._store.put(resource, obj)
        if not finalizers and self._store.get(resource, *key) is not None:
            meta.pop("finalizers", None)
            if resource == "namespaces":
                self._close_namespace(key[1])
            else:
                self._remove(resource, obj, now)

    def _remove(self, resource: str, obj: dict[str, Any], now: datetime) -> None:
        removed = self._store.remove(resource, obj)
        for kind, dependent in self._store.dependents(removed.uid):
            self._collect(kind, dependent, {removed.uid}, "Background", now)
        for uid in removed.owners:
            self._settle_owner(uid, obj, now)
        if removed.key[0]:
            self._close_namespace(removed.key[0])

    def _settle_owner(self, uid: str, obj: dict[str, Any], now: datetime) -> None:
        """An owner deleted in the foreground goes when the last dependent that blocks it went."""
        for reference in obj["metadata"].get("ownerReferences") or ():
            if reference["uid"] != uid:
                continue
            for plural, resource in BY_PLURAL.items():
                if resource.kind == reference["kind"]:
                    namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
                    owner = self._store.get(plural, namespace, reference["name"])
                    if owner and owner.uid == uid:
                        self.settle(plural, owner.key, now)

    def _collect(
        self, resource: str, record: Record, gone: set[str], policy: str, now: datetime
    ) -> None:
        current = self._store.get(resource, *record.key)
        if current is None or current.uid != record.uid:
            return
        if any(uid not in gone and self._store.has_uid(uid) for uid in current.owners):
            self._disown(resource, current, gone)
        elif "deletionTimestamp" not in current.decode()["metadata"]:
            waits = policy == "Foreground" and bool(self._store.dependents(current.uid))
            self.delete(resource, current, "Foreground" if waits else "Background", now)

    def _disown(self, resource: str, record: Record, owners: set[str]) -> None:
        obj = record.decode()
        kept = [o for o in obj["metadata"].get("ownerReferences") or () if o["uid"] not in owners]
        if kept:
            obj["metadata"]["ownerReferences"] = kept
        else:
            obj["metadata"].pop("ownerReferences", None)
        self._store.put(resource, obj)

    def _delete_namespace(
        self, record: Record, obj: dict[str, Any], now: datetime
    ) -> Record | None:
        name = record.key[1]
        if "deletionTimestamp" not in obj["metadata"]:
            obj["metadata"]["deletionTimestamp"] = metadata.timestamp(now)
            obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
            record = self._store.put("namespaces", obj)
        for resource, inside in self._store.namespaced(name):
            if self._store.get(resource, *inside.key) is not None:
                self.delete(resource, inside, "Background", now)
        self._close_namespace(name)
        return record

    def _close_namespace(self, name: str) -> None:
        record = self._store.get("namespaces", "", name)
        if record is None:
            return
        # Emptiness is asked last: the answer costs as much as the cluster is large.
        obj = record.decode()
        if "deletionTimestamp" in obj["metadata"] and not self._store.namespaced(name):
            self._store.remove("namespaces", obj)


def _blocks(dependent: Record, owner: str) -> bool:
    references = dependent.decode()["metadata"].get("ownerReferences") or ()
    return any(r["uid"] == owner and r.get("blockOwnerDeletion") for r in references)
