"""The client against the sandbox's API, which answers as a real API server does."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl import kube
from rolloutctl.actions import reading
from rolloutctl.actions.reading import Reading
from rolloutctl.domain.cluster import CONFIG_MAPS, PODS, ROLLOUTS, Change, Kind, Known, WatchEvent
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import (
    ClusterError,
    Conflict,
    Failed,
    Forbidden,
    NotFound,
    RolloutctlError,
    Unauthorized,
)
from rolloutctl.kube import watch as watching
from rolloutctl.sandbox.store import Store
from support.restarting import Site

WIDGETS = Kind("example.org", "v1", "widgets", "Widget")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, history=20)
    yield found
    found.stop()


def patch(*operations: dict[str, Any], name: str = "web", subresource: str = "") -> Change:
    return Change(ROLLOUTS, "default", name, subresource, operations)


def test_a_change_whose_precondition_holds(site: Site) -> None:
    site.rollout("web")
    cluster = site.cluster()
    test = {"op": "test", "path": "/spec/replicas", "value": 2}
    change = {"op": "replace", "path": "/spec/replicas", "value": 5}
    cluster.apply(patch(test, change), dry_run=True)
    assert cluster.get(ROLLOUTS, "default", "web", Rollout).spec.replicas == 2
    cluster.apply(patch(test, change))
    assert cluster.get(ROLLOUTS, "default", "web", Rollout).spec.replicas == 5
    with pytest.raises(Conflict, match="rollout default/web changed meanwhile"):
        cluster.apply(patch(test, change))


def test_a_change_the_schema_forbids(site: Site) -> None:
    site.rollout("web")
    change = {"op": "replace", "path": "/spec/replicas", "value": "many"}
    with pytest.raises(Failed, match=r"spec\.replicas.*must be of type integer"):
        site.cluster().apply(patch(change))


@pytest.mark.parametrize(
    ("token", "kind", "namespace", "name", "error", "message"),
    [
        ("admin", ROLLOUTS, "default", "gone", NotFound, 'no rollout "gone" in namespace default'),
        ("admin", ROLLOUTS, "nowhere", "gone", NotFound, "nowhere"),
        ("admin", WIDGETS, "default", "w", ClusterError, "serves no widgets"),
        ("wrong", ROLLOUTS, "default", "web", Unauthorized, "does not know you"),
        ("reader", PODS, "default", "p", Forbidden, "not allowed to get pods"),
        ("reader", CONFIG_MAPS, "other", "c", Forbidden, "in namespace other"),
    ],
)
def test_refusals(
    site: Site,
    token: str,
    kind: Kind,
    namespace: str,
    name: str,
    error: type[RolloutctlError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        site.cluster(token).get_raw(kind, namespace, name)


def test_a_reader_may_not_change(site: Site) -> None:
    site.rollout("web")
    with pytest.raises(Forbidden, match="not allowed to patch rollouts/status") as caught:
        site.cluster("reader").apply(patch({"op": "test", "path": "/a"}, subresource="status"))
    assert "verbs: [patch]" in caught.value.hint


def until(events: Iterator[WatchEvent], kind: str, name: str = "") -> list[str]:
    """The events up to that one, as "ADDED web"."""
    found = []
    for event in events:
        shown = event.object.metadata.name if event.object is not None else ""
        found.append(f"{event.type} {shown}".strip())
        if found[-1] == f"{kind} {name}".strip():
            return found
    raise AssertionError(f"the watch ended after {found}")


@pytest.mark.parametrize("changes", [1, 60])
def test_a_watch_outlives_its_server(
    site: Site, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """With many changes meanwhile the server has forgotten where the watch stood (410)."""
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.05)
    for name in ("kept", "lost"):
        site.rollout(name)
    events = site.cluster().watch(ROLLOUTS, "default", Rollout, timeout=30.0)
    assert until(events, "SYNCED") == ["ADDED kept", "ADDED lost", "SYNCED"]
    site.rollout("early")
    assert until(events, "ADDED", "early") == ["ADDED early"]

    site.stop()
    for index in range(changes):
        site.client.patch("rollouts", "kept", {"spec": {"replicas": 3 + index}}, "default")
    site.client.delete("rollouts", "lost", "default")
    assert until(events, "STALE") == ["STALE"]
    site.start()
    site.rollout("late")
    found = until(events, "ADDED", "late")
    site.rollout("last")
    found += until(events, "ADDED", "last")
    assert "STALE" not in found
    assert found.count("DELETED lost") == 1
    assert "MODIFIED kept" in found
    assert not {"ADDED kept", "ADDED early", "MODIFIED early"} & set(found)
    events.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("changes", [0, 1, 60])
def test_a_list_is_gone_on_with(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """With many changes meanwhile the server has forgotten where the list stood (410)."""
    monkeypatch.setattr(reading, "WORTH", 1)
    site.client.create("namespaces", {"metadata": {"name": "kube-system"}})
    for name in ("kept", "lost"):
        site.rollout(name)

    def read(*, kept: bool = True) -> tuple[Reading, list[Any]]:
        cluster = site.cluster()
        env = {"XDG_CACHE_HOME": str(tmp_path), **({} if kept else {"ROLLOUTCTL_NO_CACHE": "1"})}
        found = Reading(cluster, None, snapshots=kube.snapshots(cluster, env))
        return found, list(found)

    assert not read()[0].warm
    for index in range(changes):
        site.client.patch("rollouts", "kept", {"spec": {"replicas": 3 + index}}, "default")
    if changes:
        site.client.delete("rollouts", "lost", "default")
        site.rollout("a-late-one")
    again, entries = read()
    assert again.warm == (changes < 20)
    assert again.changed == {0: 0, 1: 3, 60: 0}[changes]
    assert entries == read(kept=False)[1]
    assert len(entries) == 2


def test_what_changes_while_it_catches_up_is_not_lost(tmp_path: Path) -> None:
    site = Site(tmp_path)
    names = [f"n{number}" for number in range(8)]
    for name in names:
        site.rollout(name)
    cluster = site.cluster()
    before = {
        ("default", item.metadata.name): (item.metadata.resource_version, kept(item))
        for page in cluster.pages(ROLLOUTS, None, Rollout)
        for item in page.items
    }
    known = Known(str(site.store.version), before)

    def change() -> None:
        for number in range(150):
            name = names[number % 7]
            site.client.patch("rollouts", name, {"spec": {"replicas": number}}, "default")
            if number == 70:
                site.client.delete("rollouts", "n7", "default")
        site.rollout("last")

    changing = threading.Thread(target=change)
    changing.start()
    synced, last = 0, False
    for event in cluster.watch(ROLLOUTS, None, Rollout, compact=kept, known=known, timeout=30.0):
        synced += event.type == "SYNCED"
        last |= event.object == ("last", 2)
        assert not event.problem
        if last and synced:  # whichever comes first
            break
    changing.join()
    assert synced == 1
    now = [item for page in cluster.pages(ROLLOUTS, None, Rollout) for item in page.items]
    assert [each for _, each in sorted(known.items.values(), key=lambda at: at[1])] == sorted(
        map(kept, now)
    )
    assert {version for version, _ in known.items.values()} == {
        item.metadata.resource_version for item in now
    }
    site.stop()


def kept(item: Rollout) -> tuple[str, int | None]:
    return item.metadata.name, item.spec.replicas


@settings(deadline=None, max_examples=12)
@given(
    st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.sampled_from("abcdef")), max_size=18)
)
def test_whatever_happened_a_list_gone_on_with_is_the_list(changes: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "WORTH", 1)
        site = Site(Path(folder))
        site.client.create("namespaces", {"metadata": {"name": "kube-system"}})
        there = {"b", "d"}
        for name in sorted(there):
            site.rollout(name)
        env = {"XDG_CACHE_HOME": folder}

        def read(env: dict[str, str]) -> Reading:
            cluster = site.cluster()
            return Reading(cluster, None, snapshots=kube.snapshots(cluster, env))

        list(read(env))
        for number, (change, name) in enumerate(changes):
            if change == "delete" and name in there:
                site.client.delete("rollouts", name, "default")
                there.remove(name)
            elif change == "put" and name in there:
                site.client.patch("rollouts", name, {"spec": {"replicas": number}}, "default")
            elif change == "put":
                site.rollout(name)
                there.add(name)
        found = read(env)
        assert list(found) == list(read({}))
        assert found.warm
        site.stop()


def test_a_list_of_a_cluster_that_was_is_not_gone_on_with(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WORTH", 1)
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    for uid in ("first", "second"):
        site.client.create("namespaces", {"metadata": {"name": "kube-system"}})
        site.rollout(uid)
        cluster = site.cluster()
        found = Reading(cluster, None, snapshots=kube.snapshots(cluster, env))
        assert [item.row.ref.name for item in found if isinstance(item, Entry)] == [uid]
        assert not found.warm
        # Another cluster at the same address.
        site.stop()
        site.store = Store()
        site.start()
        site.client.create("namespaces", {"metadata": {"name": "default"}})
