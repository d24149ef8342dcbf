"""The controllers' copy of the objects they look after, fed by watches.

Reading all of it again for each step would cost as much as the cluster is large.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rolloutctl.sandbox.client import ApiError, Client, Watch

from .objects import Obj, name, namespace, owner, uid

EXPIRED = 410


class Cache:
    """All objects of one resource; the index is by the uid of the controlling owner.

    The objects are shared: who wants to change one copies it first.
    """

    def __init__(self, client: Client, resource: str) -> None:
        self._client = client
        self._resource = resource
        self._objects: dict[tuple[str, str], Obj] = {}
        self._owned: defaultdict[str, dict[str, Obj]] = defaultdict(dict)
        self._orphans: defaultdict[str, dict[str, Obj]] = defaultdict(dict)
        self._watch: Watch | None = None

    def refresh(self) -> list[tuple[str, Obj, Obj | None]]:
        """Take in what happened since the last call: (event type, object, what it was before)."""
        if self._watch is None:
            return self._start()
        try:
            events = self._watch.poll()
        except ApiError as error:
            if error.status != EXPIRED:
                raise
            # Too much happened at once, so the log no longer has all of it.
            self._watch.close()
            return self._start()
        return [(kind, found, self._take(found, gone=kind == "DELETED")) for kind, found in events]

    def get(self, namespace: str, name: str) -> Obj | None:
        return self._objects.get((namespace, name))

    def all(self) -> Iterable[Obj]:
        return list(self._objects.values())

    def owned(self, owner: Obj) -> list[Obj]:
        """What `owner` controls, the oldest first."""
        found = self._owned.get(uid(owner), {}).values()
        return sorted(found, key=lambda each: (each["metadata"]["creationTimestamp"], name(each)))

    def orphans(self, namespace: str) -> list[Obj]:
        """What nothing controls, the oldest first."""
        found = self._orphans.get(namespace, {}).values()
        return sorted(found, key=lambda each: (each["metadata"]["creationTimestamp"], name(each)))

    def put(self, found: Obj) -> None:
        """Take in the answer to a write of our own, before its watch event comes."""
        self._take(found, gone=False)

    def _start(self) -> list[tuple[str, Obj, Obj | None]]:
        listed, version = self._client.list(self._resource)
        self._watch = self._client.watch(self._resource, resource_version=version)
        fresh = {(namespace(each), name(each)) for each in listed}
        gone = [each for key, each in self._objects.items() if key not in fresh]
        changes = [("DELETED", each, self._take(each, gone=True)) for each in gone]
        for each in listed:
            before = self._take(each, gone=False)
            changes.append(("ADDED" if before is None else "MODIFIED", each, before))
        return changes

    def _take(self, found: Obj, *, gone: bool) -> Obj | None:
        key = (namespace(found), name(found))
        before = self._objects.pop(key, None)
        if before is not None:
            self._unfile(before)
        if not gone:
            self._objects[key] = found
            index, at = self._place(found)
            index[at][uid(found)] = found
        return before

    def _unfile(self, before: Obj) -> None:
        index, at = self._place(before)
        filed = index[at]
        filed.pop(uid(before), None)
        if not filed:
            del index[at]

    def _place(self, found: Obj) -> tuple[defaultdict[str, dict[str, Obj]], str]:
        reference = owner(found)
        if reference is None:
            return self._orphans, namespace(found)
        return self._owned, reference.get("uid", "")
