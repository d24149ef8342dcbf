"""Objects put into the store as from a backup: whole, with their status, and quickly.

A made-up fleet goes in this way; through the API each rollout would be checked field by field,
which takes a minute for 24,000. What is put in is what the API would have stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .api import managers
from .api.metadata import timestamp
from .api.resources import BY_PLURAL
from .store import Managed, Store

Obj = dict[str, Any]
_WRITERS = (("kubectl-client-side-apply", ""), ("rollouts-controller", "status"))


class Restorer:
    """`now` gives the time of creation."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._fields: dict[str, tuple[Managed, ...]] = {}

    def put(self, plural: str, obj: Obj, *, shape: str) -> Obj:
        """Stores an object, in place of one of its name; returns it with its metadata filled in.

        `shape`: objects of the same shape have the same fields (managedFields are worked out once).
        """
        metadata = obj["metadata"]
        before = self._store.get(plural, metadata.get("namespace", ""), metadata["name"])
        about = {
            "creationTimestamp": timestamp(self._now()),
            "generation": 1,
            "uid": str(uuid.uuid4()) if before is None else before.uid,
        }
        whole = {**obj, "metadata": {**metadata, **about}}
        key = f"{plural} {shape}"
        if key not in self._fields:
            self._fields[key] = self._managed(plural, whole)
        self._store.put(plural, whole, self._fields[key])
        return whole

    def change(self, plural: str, namespace: str, name: str, edit: Callable[[Obj], None]) -> bool:
        """Edits a stored object as a controller writes a status; False when it is gone."""
        with self._store.transaction():
            record = self._store.get(plural, namespace, name)
            if record is None:
                return False
            obj = record.decode()
            edit(obj)
            self._store.put(plural, obj)
        return True

    def _managed(self, plural: str, obj: Obj) -> tuple[Managed, ...]:
        resource = BY_PLURAL[plural]
        version = resource.api_version()
        found: list[Managed] = []
        for name, part in _WRITERS:
            if part:
                fields = {"status": obj["status"]} if "status" in obj else {}
            else:
                fields = {key: value for key, value in obj.items() if key != "status"}
            if fields:
                manager = managers.Manager(name, part=part)
                tree = managers.all_of(resource, fields)
                found += managers.created(version, manager, tree, self._now())
        return tuple(found)
