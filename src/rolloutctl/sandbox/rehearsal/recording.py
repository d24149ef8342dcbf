"""Everything a rehearsal's cluster wrote, in the order it was written, with the time it was."""

from __future__ import annotations

from dataclasses import dataclass

from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.controller.objects import Obj, name, owner, text

WATCHED = ("rollouts", "replicasets", "analysisruns", "experiments", "events")


@dataclass(frozen=True, slots=True)
class Seen:
    """One write: `at` seconds after the update began; `change` is ADDED, MODIFIED or DELETED."""

    at: float
    resource: str
    change: str
    object: Obj


class Recording:
    """Of one namespace and the rollout `named` in it; `before` holds what was there first."""

    def __init__(self, client: Client, namespace: str, named: str) -> None:
        self._client = client
        self._namespace = namespace
        self._named = named
        self.before: dict[str, list[Obj]] = {}
        self.seen: list[Seen] = []
        self._watches = {}
        for resource in WATCHED:
            listed, version = client.list(resource, namespace)
            self.before[resource] = [
                each for each in listed if resource != "replicasets" or is_of_rollout(each)
            ]
            self._watches[resource] = client.watch(resource, namespace, resource_version=version)

    def begin(self) -> None:
        """What comes from now on belongs to the update."""
        self.take(0.0)
        self.seen.clear()

    def take(self, at: float) -> None:
        """Take in what has been written since the last call."""
        found = [
            (int(each["metadata"]["resourceVersion"]), resource, change, each)
            for resource, watch in self._watches.items()
            for change, each in watch.poll()
            if resource != "rollouts" or name(each) == self._named
        ]
        found = [each for each in found if each[1] != "replicasets" or is_of_rollout(each[3])]
        found.sort(key=lambda each: each[0])
        self.seen += [Seen(at, resource, change, each) for _, resource, change, each in found]

    def events(self) -> list[Seen]:
        """The events about the rollout, each once."""
        return [
            each
            for each in self.seen
            if each.resource == "events"
            and each.change == "ADDED"
            and text(each.object, "involvedObject", "kind") == "Rollout"
        ]


def is_of_rollout(replica_set: Obj) -> bool:
    """Whether a Rollout controls it, and neither a Deployment nor an Experiment."""
    return text(owner(replica_set), "kind") == "Rollout"
