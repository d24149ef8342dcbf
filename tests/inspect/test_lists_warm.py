"""Lists that go on from one kept on disk: what is shown, what is asked, and what is said of it."""

from __future__ import annotations

import copy
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rolloutctl.actions import following_rows, reading
from rolloutctl.actions.following import News
from rolloutctl.actions.following_rows import follow_rows
from rolloutctl.cli.environment import Environment
from rolloutctl.domain.cluster import Cluster, Unreadable, WatchEvent
from rolloutctl.domain.fleet.entry import entry
from rolloutctl.domain.fleet.snapshot import Snapshot
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ExitCode
from support.clusters import Clusters
from support.fake_cluster import FakeCluster
from support.program import Program
from support.screens import screen

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=9, seconds=12)


def rollout(name: str, shown: str = "healthy", **labels: str) -> dict[str, Any]:
    found = copy.deepcopy(screen(shown).objects["rollouts"][0])
    found["metadata"] |= {"name": name, "labels": labels}
    return found


class Memory:
    """Meets Snapshots: what is kept of every scope."""

    def __init__(self, *rollouts: dict[str, Any]) -> None:
        entries = tuple(entry(msgspec.convert(item, Rollout)) for item in rollouts)
        self.kept = Snapshot("the-cluster", "10", BEFORE, entries) if entries else None
        self.saved: list[Snapshot] = []

    def load(self, _cluster: Cluster, _namespace: str | None) -> Snapshot | None:
        return self.kept

    def save(self, _cluster: Cluster, _namespace: str | None, snapshot: Snapshot) -> None:
        self.saved.append(snapshot)


class Resuming(FakeCluster):
    """Tells who goes on from a known list what happened `since`."""

    since: Sequence[Any] = ()

    def watch(self, *args: Any, **options: Any) -> Iterator[WatchEvent]:
        known: Any = options.get("known")
        for type_, item in self.since if known is not None else ():
            found = options["compact"](msgspec.convert(item, Rollout))
            key = (found.row.ref.namespace, found.row.ref.name)
            if type_ == "DELETED":
                del known.items[key]
            else:
                known.items[key] = (found.version, found)
            yield WatchEvent(type_, found)
        yield from super().watch(*args, **options)

    @property
    def asked(self) -> list[str]:
        return [request.verb for request in self.requests]


@pytest.fixture(autouse=True)
def _small_lists_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORTH", 2)


@pytest.fixture
def cluster() -> Resuming:
    found = Resuming({"rollouts": [rollout("a"), rollout("new"), rollout("z", "paused canary")]})
    found.since = [
        ("DELETED", rollout("gone")),
        ("ADDED", rollout("new")),
        ("MODIFIED", rollout("z", "paused canary", team="red")),
    ]
    return found


@pytest.fixture
def program(cluster: Resuming) -> Program:
    memory = Memory(rollout("a", team="red"), rollout("gone"), rollout("z", team="red"))
    return Program(cluster=cluster, now=lambda: NOW, snapshots=memory)


def names(stdout: str) -> list[str]:
    return [line.split()[0] for line in stdout.splitlines()[1:]]


@pytest.mark.parametrize("command", ["list", "get"])
def test_a_list_goes_on_from_the_one_kept_and_says_so(
    program: Program, cluster: Resuming, command: str
) -> None:
    result = program(command)

    assert names(result.stdout) == ["a", "new", "z"]
    assert re.search(r"^z +Paused ", result.stdout, re.MULTILINE)
    assert result.stderr == "as of 09:41:07Z, 3 changed since 09:31:55Z\n"
    assert cluster.asked == ["watch"]


def test_a_list_in_which_nothing_changed_says_that(program: Program, cluster: Resuming) -> None:
    cluster.since = ()

    assert program("list").stderr == "as of 09:41:07Z, nothing changed since 09:31:55Z\n"


def test_what_is_kept_is_selected_from(program: Program) -> None:
    assert names(program("list", "-l", "team in (red,blue)").stdout) == ["a", "z"]
    assert names(program("list", "--awaiting").stdout) == ["z"]


def test_fresh_reads_everything_and_keeps_it(program: Program, cluster: Resuming) -> None:
    result = program("list", "--fresh")

    assert names(result.stdout) == ["a", "new", "z"]
    assert result.stderr == ""
    assert cluster.asked == ["list"]
    assert isinstance(program.snapshots, Memory)
    assert [len(saved.entries) for saved in program.snapshots.saved] == [3]


def test_a_list_that_was_read_in_full_says_nothing_of_its_age(cluster: Resuming) -> None:
    program = Program(cluster=cluster, now=lambda: NOW, snapshots=Memory())

    assert program("list").stderr == ""
    assert cluster.asked == ["list"]


def test_the_servers_objects_are_read_anew(program: Program, cluster: Resuming) -> None:
    result = program("get", "--raw", "-o", "jsonl")

    assert len(result.stdout.splitlines()) == 3
    assert cluster.asked == ["list"]


@pytest.mark.parametrize("command", [("list",), ("get",), ("list", "-w"), ("get", "-w")])
def test_what_is_no_selector_is_refused_before_anything_is_asked(
    program: Program, cluster: Resuming, command: tuple[str, ...]
) -> None:
    result = program(*command, "-l", "team in red")

    assert result.exit_code == ExitCode.USAGE
    assert 'at "red" (character 9)' in result.stderr
    assert cluster.asked == []


def test_of_several_clusters_each_says_how_old_it_is() -> None:
    class Warm(Clusters):
        def environment(self) -> Environment:
            found = super().environment()
            found.snapshots = lambda cluster, env: memory if cluster is prod else None
            return found

    prod, stage = Resuming({"rollouts": []}), Resuming({"rollouts": [rollout("web")]})
    memory = Memory(rollout("a"), rollout("z"))
    prod.since = [("DELETED", rollout("z"))]

    result = Warm({"stage": stage, "prod": prod}, now=NOW)("list", "--all-contexts")

    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["stage", "shop"],
        ["prod", "shop"],
    ]
    assert result.stderr == "prod: as of 09:41:07Z, 1 changed since 09:31:55Z\n"
    assert (stage.asked, prod.asked) == (["list"], ["watch"])


# --- following ----------------------------------------------------------------------------------


def test_following_begins_with_what_is_true_now(program: Program, cluster: Resuming) -> None:
    result = program("list", "-w")

    shown = [line.split()[1:3] for line in result.stdout.splitlines()]
    assert shown == [["shop/a", "Healthy"], ["shop/new", "Healthy"], ["shop/z", "Paused"]]
    assert cluster.asked == ["watch"]


def test_following_with_fresh_reads_everything(program: Program, cluster: Resuming) -> None:
    cluster.objects["rollouts"] = [rollout("only")]

    assert "shop/only" in program("list", "-w", "--fresh").stdout
    assert "shop/gone" not in program("list", "-w", "--fresh").stdout


def test_what_is_followed_in_full_is_kept_for_the_next_time(cluster: Resuming) -> None:
    memory = Memory()

    list(follow_rows(cluster, None, snapshots=memory, keep=lambda _: False, now=lambda: NOW))

    (saved,) = memory.saved
    assert (saved.resource_version, saved.read_at) == ("1", NOW)
    assert [one.ref.name for one in saved.entries] == ["a", "new", "z"]


@pytest.mark.parametrize("labels", ["", "team=red"])
def test_what_is_not_all_of_a_scope_is_not_kept(cluster: Resuming, labels: str) -> None:
    memory = Memory()
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "odd", "odd"), "shop/odd: odd")

    class Odd(Resuming):
        def watch(self, *args: Any, **options: Any) -> Iterator[WatchEvent]:
            yield from () if labels else (bad,)
            yield from super().watch(*args, **options)

    odd = Odd(cluster.objects)
    list(follow_rows(odd, None, label_selector=labels, snapshots=memory, now=lambda: NOW))

    assert memory.saved == []


def test_a_namespace_that_is_deleted_is_one_redraw() -> None:
    many = [rollout(f"app-{index:03}") for index in range(500)]
    cluster = FakeCluster(
        {"rollouts": many}, later={"rollouts": [("DELETED", item) for item in many]}
    )

    updates = list(follow_rows(cluster, "shop"))

    assert sum(item.news is News.DELETED for item in updates) == 500
    last = max(index for index, item in enumerate(updates) if item.news is News.DELETED)
    first = min(index for index, item in enumerate(updates) if item.news is News.DELETED)
    ticks = [index for index, item in enumerate(updates) if item.news is News.TICK]
    assert sum(index > last for index in ticks) == 1
    assert sum(first < index < last for index in ticks) <= 1


def test_between_two_redraws_is_some_time_however_the_changes_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each change is followed by a pause that would be long enough for a redraw."""
    monkeypatch.setattr(following_rows, "SETTLE", 0.0)
    flow = [rollout("a"), rollout("a", "paused canary")] * 6

    class Dripping(FakeCluster):
        def watch(self, *args: Any, **options: Any) -> Iterator[WatchEvent]:
            for event in super().watch(*args, **options):
                yield event
                time.sleep(0.02)

    cluster = Dripping(
        {"rollouts": [rollout("a")]}, later={"rollouts": [("MODIFIED", item) for item in flow]}
    )
    moments = [
        time.monotonic() for update in follow_rows(cluster, "shop") if update.news is News.TICK
    ]

    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps and min(gaps) > 0.09


def test_what_can_be_read_again_is_no_longer_named() -> None:
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "demo", "odd"), "shop/demo: odd")
    same = rollout("demo")
    run = Program(
        cluster=FakeCluster({"rollouts": [same]}, later={"rollouts": [bad, ("MODIFIED", same)]}),
        terminal=True,
    )

    last = run("list", "-w", "--no-color").stdout.split("\x1b[J")[-2]

    assert "Healthy" in last
    assert "not readable" not in last


def test_a_long_list_is_shown_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following_rows, "_AT_MOST", 0.0)
    many = [rollout(f"app-{index:03}") for index in range(20)]
    run = Program(cluster=FakeCluster({"rollouts": many}), terminal=True, env={"LINES": "8"})

    frames = [plain(frame) for frame in run("list", "-w", "--no-color").stdout.split("\x1b[J")]

    assert frames[0][0] == "reading; there are more"
    assert frames[10][:2] == ["reading; there are more", "11 rollouts: 11 Healthy"]
    assert frames[-2][0] == "20 rollouts: 20 Healthy"
    assert all(len(frame) <= 7 for frame in frames)


def plain(frame: str) -> list[str]:
    return re.sub(r"\x1b\[\??\d*[A-Za-z]|\r", "", frame).splitlines()
