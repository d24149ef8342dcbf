"""A cluster in memory that can be changed: its JSON Patch is the one of a real API server."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rolloutctl.domain.cluster import IDENTITY_REVIEWS, Change, Kind
from rolloutctl.errors import Conflict, NotFound, RolloutctlError
from rolloutctl.sandbox.api.errors import Refused
from rolloutctl.sandbox.api.patching import apply_json_patch
from support.fake_cluster import FakeCluster, Request
from support.recorded import Moment, trace

Object = dict[str, Any]
Intrusion = Callable[[Object], None] | RolloutctlError | None


def patched(item: Mapping[str, Any], change: Change) -> Object:
    """`item` as a real server would store it after `change`. Raises Conflict as it would."""
    try:
        result = apply_json_patch(copy.deepcopy(dict(item)), [dict(op) for op in change.operations])
    except Refused as refused:
        raise Conflict("the server rejected our request") from refused
    version = {"resourceVersion": item["metadata"].get("resourceVersion", "0") + "1"}
    if change.subresource == "status":
        metadata = {**item["metadata"], **version}
        return {**item, "metadata": metadata, "status": result.get("status", {})}
    stored = {**result, "status": item.get("status", {})}
    stored["metadata"] = {**stored["metadata"], **version}
    if stored["spec"] != item["spec"]:
        metadata = dict(stored["metadata"])
        metadata["generation"] = metadata.get("generation", 0) + 1
        stored["metadata"] = metadata
    return stored


class ChangingCluster(FakeCluster):
    """`intrusions` come one before each PATCH: a function edits the stored object, an error is
    what the server answers. `react` turns what is stored after a PATCH into what a controller
    would make of it."""

    def __init__(
        self,
        objects: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        intrusions: Sequence[Intrusion] = (),
        react: Callable[[Object], None] = lambda item: None,
        **settings: Any,
    ) -> None:
        super().__init__(objects, **settings)
        self.intrusions = list(intrusions)
        self.react = react
        self.sent: list[Change] = []
        self.tried: list[Change] = []
        self.created: list[tuple[str, Mapping[str, Any]]] = []

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        self.requests.append(Request("patch", change.kind.plural, change.namespace, change.name))
        intrusion = self.intrusions.pop(0) if self.intrusions else None
        if isinstance(intrusion, RolloutctlError):
            raise intrusion
        items: list[Any] = self.objects.get(change.kind.plural, [])
        for index, item in enumerate(items):
            metadata = item["metadata"]
            if (metadata["name"], metadata["namespace"]) != (change.name, change.namespace):
                continue
            if intrusion is not None:
                item = copy.deepcopy(item)
                intrusion(item)
                items[index] = item
            stored = patched(item, change)
            if dry_run:
                self.tried.append(change)
                return json.dumps(stored).encode()
            self.sent.append(change)
            self.react(stored)
            items[index] = stored
            return json.dumps(stored).encode()
        raise NotFound(f'{change.kind.plural} "{change.name}" not found')

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        if kind is IDENTITY_REVIEWS:
            return b'{"status": {"userInfo": {"username": "ann@example"}}}'
        if not dry_run:
            self.created.append((kind.plural, obj))
        return json.dumps(obj).encode()

    @property
    def events(self) -> list[str]:
        """What the Events say that were created."""
        return [str(obj["message"]) for plural, obj in self.created if plural == "events"]

    @property
    def rollout(self) -> Any:
        """The only rollout, as it is stored."""
        (item,) = self.objects["rollouts"]
        return item


def cluster_at(found: Moment, **settings: Any) -> ChangingCluster:
    """The cluster of a recorded moment."""
    return ChangingCluster(found.objects, namespace=found.namespace, **settings)


def states(name: str) -> list[Object]:
    """All states of the rollout in a recording, in order."""
    found = []
    for event in trace(name)["watch"]:
        if event["kind"] == "rollouts" and event["type"] != "DELETED":
            found.append(copy.deepcopy(event["object"]))
    return found


def following(name: str, when: Callable[[Mapping[str, Any]], bool]) -> list[tuple[str, Object]]:
    """The watch events of a recording after the first state for which `when` holds."""
    all_states = states(name)
    first = next(index for index, item in enumerate(all_states) if when(item))
    return [("MODIFIED", item) for item in all_states[first + 1 :]]
