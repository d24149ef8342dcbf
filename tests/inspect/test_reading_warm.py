"""Reading many rollouts from a snapshot and what changed since, or in full where that fails."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rolloutctl.actions import reading
from rolloutctl.actions.reading import Reading, known_from
from rolloutctl.domain.cluster import Cluster, Unreadable, WatchEvent
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.fleet.snapshot import Snapshot
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Forbidden, RolloutctlError, Unreachable
from support.fake_cluster import FakeCluster, Request

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def thing(name: str, version: int = 1, namespace: str = "shop", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"metadata": {**metadata, "labels": labels}}


def kept(*things: dict[str, Any]) -> tuple[Entry, ...]:
    return tuple(entry(msgspec.convert(item, Rollout)) for item in things)


class Memory:
    """Meets Snapshots: the last one of each scope."""

    def __init__(self, *things: dict[str, Any], version: str = "10", age: float = 300.0) -> None:
        self.saved: list[Snapshot] = []
        self.kept: dict[str | None, Snapshot] = {}
        if things:
            read_at = NOW - timedelta(seconds=age)
            self.kept[None] = Snapshot("the-cluster", version, read_at, kept(*things))

    def load(self, cluster: Cluster, namespace: str | None) -> Snapshot | None:
        return self.kept.get(namespace)

    def save(self, cluster: Cluster, namespace: str | None, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)
        self.kept[namespace] = snapshot


class Resumable(FakeCluster):
    """A cluster whose watch goes on from what is known: `changes`, then SYNCED at `version`.

    A change is (type, object), or an Unreadable, or an error to raise.
    """

    def __init__(
        self,
        *things: dict[str, Any],
        changes: Sequence[Any] = (),
        version: str = "20",
        anew: str = "",
    ) -> None:
        super().__init__({"rollouts": things})
        self.changes, self.version, self.anew = changes, version, anew
        self.closed = False

    def watch(self, *args: Any, **options: Any) -> Iterator[WatchEvent]:
        known, compact = options["known"], options["compact"]
        self.requests.append(Request("resume", "rollouts", args[1], known.resource_version))
        try:
            for change in self.changes:
                if isinstance(change, RolloutctlError):
                    raise change
                if isinstance(change, Unreadable):
                    yield WatchEvent("UNREADABLE", change, problem=change.problem)
                    continue
                item = compact(msgspec.convert(change[1], Rollout))
                key = (item.row.ref.namespace, item.row.ref.name)
                if change[0] == "DELETED":
                    del known.items[key]
                else:
                    known.items[key] = (item.version, item)
                yield WatchEvent(change[0], item)
            yield WatchEvent("SYNCED", problem=self.anew, resource_version=self.version)
            raise AssertionError("it was read on")
        finally:
            self.closed = True


@pytest.fixture(autouse=True)
def _small_lists_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORTH", 2)


def read(cluster: Cluster, memory: Memory, namespace: str | None = None, **more: Any) -> Reading:
    return Reading(cluster, namespace, snapshots=memory, now=lambda: NOW, **more)


def shown(found: Reading) -> list[str]:
    return [
        f"{item.row.ref}@{item.version}"
        if isinstance(item, Entry)
        else f"unreadable {item.namespace}/{item.name}"
        for item in found
    ]


def asked(cluster: FakeCluster) -> list[str]:
    return [request.verb for request in cluster.requests]


def test_a_list_read_to_its_end_is_kept() -> None:
    cluster, memory = FakeCluster({"rollouts": [thing("a"), thing("b", 2)]}), Memory()
    found = read(cluster, memory)
    assert shown(found) == ["shop/a@1", "shop/b@2"]
    assert (found.warm, found.changed, found.as_of) == (False, 0, NOW)
    assert memory.saved == [Snapshot("the-cluster", "1", NOW, kept(thing("a"), thing("b", 2)))]


def test_what_may_not_be_whole_is_not_kept() -> None:
    memory = Memory()
    left = FakeCluster({"rollouts": [thing("a"), thing("b"), thing("c")]}, page_size=1)
    assert len(list(itertools.islice(iter(read(left, memory)), 3))) == 3
    odd = {**thing("b"), "spec": {"replicas": "many"}}
    unreadable = FakeCluster({"rollouts": [thing("a"), odd, thing("c")]})
    assert shown(read(unreadable, memory)) == ["shop/a@1", "shop/c@1", "unreadable shop/b"]
    chosen = FakeCluster({"rollouts": [thing("a", app="x"), thing("b", app="x")]})
    assert len(shown(read(chosen, memory, label_selector="app=x"))) == 2
    few = FakeCluster({"rollouts": [thing("a")]})
    assert len(shown(read(few, memory))) == 1
    with pytest.raises(Forbidden):
        list(read(FakeCluster({}, forbidden=["rollouts"]), memory))
    assert memory.saved == []


def test_a_cluster_nobody_can_tell_from_another_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster, memory = FakeCluster({"rollouts": [thing("a"), thing("b")]}), Memory()
    monkeypatch.setattr(cluster, "uid", lambda: "")
    assert len(shown(read(cluster, memory))) == 2
    assert memory.saved == []


def test_a_snapshot_and_what_changed_since_are_the_list() -> None:
    memory = Memory(thing("a"), thing("b"), thing("d"))
    changes = [
        ("MODIFIED", thing("b", 11)),
        ("ADDED", thing("c", 12)),
        ("DELETED", thing("a", 13)),
        ("MODIFIED", thing("b", 14)),
    ]
    cluster = Resumable(changes=changes)
    found = read(cluster, memory)
    assert shown(found) == ["shop/b@14", "shop/c@12", "shop/d@1"]
    assert (found.warm, found.changed, found.as_of) == (True, 3, NOW)
    assert cluster.requests == [Request("resume", "rollouts", None, "10")]
    assert cluster.closed
    assert [one.resource_version for one in memory.saved] == ["20"]
    assert shown(read(Resumable(), memory)) == ["shop/b@14", "shop/c@12", "shop/d@1"]


def test_the_facts_hold_from_the_first_one_on() -> None:
    found = read(Resumable(changes=[("MODIFIED", thing("a", 2))]), Memory(thing("a"), thing("b")))
    next(iter(found))
    assert (found.warm, found.changed) == (True, 1)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["a-b", "a"], ["a-b/x", "a-b/y", "a/x"]),
        (["a", "a-b"], ["a/x", "a-b/x", "a-b/y"]),
    ],
)
def test_what_was_added_stands_where_the_server_would_list_it(
    order: list[str], expected: list[str]
) -> None:
    memory = Memory(*(thing("x", namespace=namespace) for namespace in order))
    found = read(Resumable(changes=[("ADDED", thing("y", namespace="a-b"))]), memory)
    assert [each.partition("@")[0] for each in shown(found)] == expected


@pytest.mark.parametrize(
    ("age", "version", "number", "saved"),
    [
        (300, "10", 0, False),
        (300, "20", 0, True),
        (30, "20", 1, False),
        (30, "20", 4, True),
    ],
    ids=["idle", "the server went on", "just written", "much changed"],
)
def test_it_is_written_anew_when_that_pays(
    monkeypatch: pytest.MonkeyPatch, age: float, version: str, number: int, saved: bool
) -> None:
    monkeypatch.setattr(reading, "_RENEW_CHANGES", 3)
    things = [thing(name) for name in "abcd"]
    memory = Memory(*things, age=age)
    changes = [("MODIFIED", each) for each in things[:number]]
    assert len(shown(read(Resumable(changes=changes, version=version), memory))) == 4
    assert bool(memory.saved) == saved


@pytest.mark.parametrize("age", [6 * 3600 + 1, -3600], ids=["old", "from the future"])
def test_a_snapshot_of_another_time_is_not_tried(age: float) -> None:
    memory = Memory(thing("a"), thing("b"), age=age)
    cluster = Resumable(thing("a", 5), thing("b", 6))
    found = read(cluster, memory)
    assert shown(found) == ["shop/a@5", "shop/b@6"]
    assert (found.warm, asked(cluster)) == (False, ["list"])
    assert len(memory.saved) == 1


@pytest.mark.parametrize("error", [Forbidden("cannot watch"), Unreachable("gone")])
def test_what_cannot_be_resumed_is_read_in_full(error: RolloutctlError) -> None:
    cluster = Resumable(thing("a", 5), changes=[("MODIFIED", thing("a", 4)), error])
    found = read(cluster, Memory(thing("a"), thing("b")))
    assert shown(found) == ["shop/a@5"]
    assert (found.warm, found.changed, asked(cluster)) == (False, 0, ["resume", "list"])


def test_what_had_to_be_listed_anew_is_not_warm() -> None:
    cluster = Resumable(
        changes=[("MODIFIED", thing("a", 5)), ("DELETED", thing("b"))], anew="too old"
    )
    memory = Memory(thing("a"), thing("b"), thing("c"), age=5)
    found = read(cluster, memory)
    assert shown(found) == ["shop/a@5", "shop/c@1"]
    assert (found.warm, found.changed) == (False, 0)
    assert [one.resource_version for one in memory.saved] == ["20"]


def test_what_became_unreadable_is_said_and_not_kept() -> None:
    memory = Memory(thing("a"), thing("b"), thing("c"))
    changes = [
        Unreadable("shop", "b", "no form"),
        Unreadable("shop", "c", "no form"),
        ("MODIFIED", thing("c", 9)),
    ]
    found = read(Resumable(changes=changes), memory)
    assert shown(found) == ["shop/a@1", "shop/c@9", "unreadable shop/b"]
    assert found.changed == 2
    assert memory.saved == []


def test_a_selection_is_made_from_the_snapshot_of_all() -> None:
    memory = Memory(thing("a", app="x"), thing("b", app="y"), thing("c"))
    cluster = Resumable(changes=[("MODIFIED", thing("c", 9, app="x"))])
    assert shown(read(cluster, memory, label_selector="app in (x)")) == ["shop/a@1", "shop/c@9"]
    assert cluster.requests[0].labels == "", "the watch is of all"
    (saved,) = memory.saved
    assert len(saved.entries) == 3, "and so is what is kept"


def test_a_selection_nobody_understands_is_left_to_the_server() -> None:
    cluster = Resumable(thing("a"))
    found = read(cluster, Memory(thing("a"), thing("b")), label_selector="=")
    list(found)
    assert (found.warm, asked(cluster)) == (False, ["list"])


def test_a_namespace_has_one_of_its_own() -> None:
    memory = Memory(thing("a"), thing("b"))
    cluster = Resumable(thing("a", 3), thing("b", 4))
    assert shown(read(cluster, memory, "shop")) == ["shop/a@3", "shop/b@4"]
    assert asked(cluster) == ["list"]
    again = Resumable()
    assert shown(read(again, memory, "shop")) == ["shop/a@3", "shop/b@4"]
    assert again.requests == [Request("resume", "rollouts", "shop", "1")]


def test_a_watch_can_start_from_a_snapshot() -> None:
    memory = Memory(thing("a", 3), thing("b", 4))
    known = known_from(memory.kept[None])
    assert known.resource_version == "10"
    assert list(known.items) == [("shop", "a"), ("shop", "b")]
    version, kept_one = known.items["shop", "b"]
    assert (version, str(kept_one.row.ref)) == ("4", "shop/b")
