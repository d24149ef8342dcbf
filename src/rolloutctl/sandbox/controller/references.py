"""Which rollouts name an object, so that a change of it is a reason to look at them.

Looking through all rollouts at each change would cost as much as the fleet is large.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .objects import Obj, items, mapping, name, namespace, text

Named = tuple[str, str, str]
"""(plural, namespace, name)"""

WORKLOADS = {
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "PodTemplate": "podtemplates",
}
"""Kinds `spec.workloadRef` may name."""


def services_named_by(rollout: Obj) -> Iterator[str]:
    """The Services of the strategy, in either of them."""
    strategy = mapping(rollout, "spec", "strategy")
    canary, blue_green = mapping(strategy, "canary"), mapping(strategy, "blueGreen")
    ping_pong = mapping(canary, "pingPong")
    for part, keys in (
        (canary, ("stableService", "canaryService")),
        (blue_green, ("activeService", "previewService")),
        (ping_pong, ("pingService", "pongService")),
    ):
        for key in keys:
            if text(part, key):
                yield text(part, key)


def named_by(rollout: Obj) -> Iterator[Named]:
    """All objects `rollout` names whose changes concern it."""
    place = namespace(rollout)
    for each in services_named_by(rollout):
        yield "services", place, each
    workload = mapping(rollout, "spec", "workloadRef")
    plural = WORKLOADS.get(text(workload, "kind"))
    if plural is not None:
        yield plural, place, text(workload, "name")
    istio = mapping(rollout, "spec", "strategy", "canary", "trafficRouting", "istio")
    virtual = [mapping(istio, "virtualService"), *items(istio, "virtualServices")]
    for kind, found in (
        ("virtualservices", virtual),
        ("destinationrules", [mapping(istio, "destinationRule")]),
    ):
        for route in found:
            named, _, elsewhere = text(route, "name").partition(".")
            if named:
                yield kind, elsewhere or place, named


class References:
    """The rollouts by what they name."""

    def __init__(self) -> None:
        self._users: defaultdict[Named, set[tuple[str, str]]] = defaultdict(set)
        self._named: dict[tuple[str, str], tuple[Named, ...]] = {}

    def changed(self, rollout: Obj, *, gone: bool) -> set[Named]:
        """Take in `rollout` as it is now, or that it is gone; what it no longer names."""
        user = (namespace(rollout), name(rollout))
        before = self._named.pop(user, ())
        for each in before:
            self._users[each].discard(user)
            if not self._users[each]:
                del self._users[each]
        found = () if gone else tuple(named_by(rollout))
        if found:
            self._named[user] = found
        for each in found:
            self._users[each].add(user)
        return set(before).difference(found)

    def named_by(self, namespace: str, name: str) -> tuple[Named, ...]:
        """What the rollout of that name refers to now."""
        return self._named.get((namespace, name), ())

    def users(self, plural: str, found: Obj) -> list[tuple[str, str]]:
        """(namespace, name) of the rollouts that name `found`."""
        return sorted(self._users.get((plural, namespace(found), name(found)), ()))
