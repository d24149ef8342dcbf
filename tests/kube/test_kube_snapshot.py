"""Lists kept on disk: what comes back, and what is never trusted."""

from __future__ import annotations

import enum
import hashlib
import json
import multiprocessing
import os
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl import kube
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.fleet.snapshot import Snapshot
from rolloutctl.domain.wire import Rollout
from rolloutctl.kube import snapshot as storing
from support.fake_cluster import FakeCluster
from support.scripted import thing, write_kubeconfig

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


class Named(FakeCluster):
    """A cluster of which only the uid matters."""

    def __init__(self, uid: str) -> None:
        super().__init__({})
        self.known_as = uid

    def uid(self) -> str:
        return self.known_as


CLUSTER = Named("the-cluster")


def made(*names: str) -> tuple[Entry, ...]:
    objects = [
        thing(name, index, spec={"strategy": {"canary": {"steps": [{"setWeight": 20}]}}})
        for index, name in enumerate(names)
    ]
    return tuple(entry(msgspec.convert(item, Rollout)) for item in objects)


def snapshot(*names: str, uid: str = "the-cluster", version: str = "77") -> Snapshot:
    return Snapshot(uid, version, NOW, made(*names))


def store(folder: Path, identity: str = "me") -> storing.FileSnapshots:
    return storing.FileSnapshots(folder / "rolloutctl", lambda: identity)


def only_file(folder: Path) -> Path:
    (found,) = (folder / "rolloutctl").iterdir()
    return found


def shape(of: Any) -> str:
    """Names, order and types of all fields that can be met in `of`."""
    found: dict[str, Any] = {}

    def look(at: Any) -> None:
        if get_origin(at) is not None or isinstance(at, UnionType):
            for part in get_args(at):
                look(part)
        elif isinstance(at, type) and issubclass(at, enum.Enum):
            found[at.__name__] = [str(member.value) for member in at]
        elif isinstance(at, type) and issubclass(at, msgspec.Struct) and at.__name__ not in found:
            fields = msgspec.structs.fields(at)
            config = at.__struct_config__
            found[at.__name__] = [
                config.array_like,
                repr(config.tag),
                [[field.encode_name, _written(field.type)] for field in fields],
            ]
            for field in fields:
                look(field.type)

    look(of)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]


def _written(of: Any) -> str:
    if get_origin(of) in (Union, UnionType):
        return " | ".join(sorted(map(_written, get_args(of))))
    if get_origin(of) is not None:
        return f"{get_origin(of).__name__}[{', '.join(map(_written, get_args(of)))}]"
    return getattr(of, "__name__", repr(of))


def test_the_shape_of_what_is_stored_is_the_one_that_files_are_marked_with() -> None:
    expected = shape(Entry)
    assert expected == storing.SHAPE, f'set SHAPE = "{expected}" in rolloutctl/kube/snapshot.py'


def test_the_shape_sees_what_would_be_read_wrongly() -> None:
    def struct(*fields: tuple[str, Any], **options: Any) -> Any:
        inner = msgspec.defstruct("Inner", fields, **options)
        return msgspec.defstruct("Outer", [("inner", GenericAlias(tuple, (inner, ...)))])

    same = [struct(("a", int), ("b", str)) for _ in range(2)]
    assert shape(same[0]) == shape(same[1])
    others = [
        struct(("b", int), ("a", str)),
        struct(("a", int), ("c", str)),
        struct(("a", int), ("b", str | None)),
        struct(("a", int), ("b", str), ("c", int)),
        struct(("a", int), ("b", str), array_like=True),
        struct(("a", int), ("b", dict[str, str])),
        struct(("a", int), ("b", enum.Enum("E", {"A": "x"}))),
        struct(("a", int), ("b", enum.Enum("E", {"A": "y"}))),
    ]
    assert len({shape(each) for each in [same[0], *others]}) == 1 + len(others)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    before = snapshot("a", "b", "c")
    store(tmp_path).save(CLUSTER, None, before)
    assert store(tmp_path).load(CLUSTER, None) == before
    assert only_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "rolloutctl").stat().st_mode & 0o777 == 0o700


def test_the_last_one_counts(tmp_path: Path) -> None:
    kept = store(tmp_path)
    for version in ("1", "2"):
        kept.save(CLUSTER, "shop", snapshot("a", version=version))
    found = kept.load(CLUSTER, "shop")
    assert found is not None and found.resource_version == "2"
    assert only_file(tmp_path)


def test_each_user_and_scope_has_its_own(tmp_path: Path) -> None:
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    assert store(tmp_path, "you").load(CLUSTER, None) is None
    for scope in ("shop", "all", ""):
        assert store(tmp_path).load(CLUSTER, scope) is None


def test_a_file_in_the_place_of_anothers_is_dropped(tmp_path: Path) -> None:
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    mine = only_file(tmp_path)
    store(tmp_path, "you").save(CLUSTER, None, snapshot("b"))
    (yours,) = set((tmp_path / "rolloutctl").iterdir()) - {mine}
    yours.replace(mine)
    assert store(tmp_path).load(CLUSTER, None) is None
    assert not mine.exists()


def test_another_cluster_at_the_same_address_gets_nothing(tmp_path: Path) -> None:
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    assert store(tmp_path).load(Named("another"), None) is None
    assert store(tmp_path).load(CLUSTER, None) is None


def test_without_the_clusters_uid_nothing_is_kept_or_used(tmp_path: Path) -> None:
    nobody = Named("")
    store(tmp_path).save(nobody, None, snapshot("a", uid=""))
    assert not (tmp_path / "rolloutctl").exists()
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    assert store(tmp_path).load(nobody, None) is None
    assert store(tmp_path).load(CLUSTER, None) is not None


def test_a_server_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_PATIENCE", 0.01)
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    answer = threading.Event()

    class Slow(Named):
        def uid(self) -> str:
            assert answer.wait(10)
            return self.known_as

    assert store(tmp_path).load(Slow("the-cluster"), None) is None
    answer.set()
    assert store(tmp_path).load(CLUSTER, None) is not None


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    before = snapshot("a", "b")
    with tempfile.TemporaryDirectory() as folder:
        kept = store(Path(folder))
        kept.save(CLUSTER, None, before)
        path = only_file(Path(folder))
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "append"]))
        flip = data.draw(st.integers(1, 255))
        damaged = {
            "flip": whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :],
            "cut": whole[:at],
            "insert": whole[:at] + bytes([flip]) + whole[at:],
            "append": whole + bytes([flip]),
        }[kind]
        path.write_bytes(damaged)
        assert kept.load(CLUSTER, None) is None
        assert not path.exists()
        kept.save(CLUSTER, None, before)
        assert kept.load(CLUSTER, None) == before


def test_older_and_newer_formats_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FORMAT", storing.FORMAT + 1), ("SHAPE", "0" * 12), ("_MAGIC", b"x" * 16)):
        with monkeypatch.context() as other:
            other.setattr(storing, name, value)
            store(tmp_path).save(CLUSTER, None, snapshot("a"))
        path = only_file(tmp_path)
        assert store(tmp_path).load(CLUSTER, None) is None
        assert not path.exists()


def test_what_others_could_have_written_is_not_trusted(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.save(CLUSTER, None, snapshot("a"))
    path = only_file(tmp_path)
    elsewhere = tmp_path / "elsewhere"

    def readable() -> None:
        path.chmod(0o640)

    def linked() -> None:
        path.replace(elsewhere)
        path.symlink_to(elsewhere)

    def pipe() -> None:
        path.unlink()
        os.mkfifo(path, 0o600)

    def folder() -> None:
        path.unlink()
        path.mkdir(0o700)

    for change in (readable, linked, pipe):
        change()
        assert kept.load(CLUSTER, None) is None
        kept.save(CLUSTER, None, snapshot("b"))
        assert kept.load(CLUSTER, None) == snapshot("b")
        assert not path.is_symlink()
    assert elsewhere.exists()
    folder()
    assert kept.load(CLUSTER, None) is None
    kept.save(CLUSTER, None, snapshot("c"))
    assert kept.load(CLUSTER, None) is None
    assert list((tmp_path / "rolloutctl").iterdir()) == [path], "nothing half-written stays"


def test_a_file_of_somebody_else_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(tmp_path)
    kept.save(CLUSTER, None, snapshot("a"))
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert kept.load(CLUSTER, None) is None
    kept.save(CLUSTER, None, snapshot("b"))
    monkeypatch.undo()
    assert kept.load(CLUSTER, None) == snapshot("a")


def test_a_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "rolloutctl").mkdir(mode=0o755)
    store(tmp_path).save(CLUSTER, None, snapshot("a"))
    assert (tmp_path / "rolloutctl").stat().st_mode & 0o777 == 0o700


def test_a_disk_that_takes_nothing_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    in_file = store(tmp_path / "file")
    in_file.save(CLUSTER, None, snapshot("a"))
    assert in_file.load(CLUSTER, None) is None

    kept = store(tmp_path)
    kept.save(CLUSTER, None, snapshot("a"))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    kept.save(CLUSTER, None, snapshot("b"))
    assert kept.load(CLUSTER, None) == snapshot("a")
    assert only_file(tmp_path), "what was half-written is gone"


def test_files_nobody_uses_are_removed(tmp_path: Path) -> None:
    month, hours = 31 * 86_400, 2 * 3600
    for identity, age in (("unused", month), ("used", month), ("fresh", 0)):
        store(tmp_path, identity).save(CLUSTER, None, snapshot("a"))
        for path in (tmp_path / "rolloutctl").iterdir():
            if path.stat().st_mtime > time.time() - 60 and age:
                os.utime(path, (time.time() - age,) * 2)
        if identity == "used":
            assert store(tmp_path, "used").load(CLUSTER, None) is not None
    abandoned = tmp_path / "rolloutctl" / ".x.1.2.part"
    being_written = tmp_path / "rolloutctl" / ".x.3.4.part"
    foreign = tmp_path / "rolloutctl" / "notes.txt"
    for path in (abandoned, being_written, foreign):
        path.touch()
    for path in (abandoned, foreign):
        os.utime(path, (time.time() - hours,) * 2)
    os.utime(foreign, (time.time() - month,) * 2)
    store(tmp_path, "fresh").save(CLUSTER, None, snapshot("b"))
    assert store(tmp_path, "unused").load(CLUSTER, None) is None
    assert store(tmp_path, "used").load(CLUSTER, None) is not None
    assert (abandoned.exists(), being_written.exists(), foreign.exists()) == (False, True, True)


def _hammer(folder: str, mark: str, rounds: int, barrier: Any) -> None:
    kept = store(Path(folder))
    barrier.wait(30)
    for number in range(rounds):
        names = [f"{mark}{index}" for index in range(20 + number % 7)]
        kept.save(CLUSTER, None, snapshot(*names))
        found = kept.load(CLUSTER, None)
        assert found is not None
        assert len({one.row.ref.name[0] for one in found.entries}) == 1, "a mixture"


def test_two_processes_do_not_hurt_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    both = [
        context.Process(target=_hammer, args=(str(tmp_path), mark, 60, barrier)) for mark in "xy"
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert only_file(tmp_path)


# --- whose they are -----------------------------------------------------------------------------


def connected(folder: Path, server: str = "https://one", **more: Any) -> Cluster:
    options = {key: more.pop(key) for key in ("impersonate", "context") if key in more}
    config = write_kubeconfig(folder / "config", server, **more)
    return kube.connect(kubeconfig=str(config), env={}, **options)


def test_two_users_of_one_kubeconfig_never_share_a_file(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    plugin = {"command": "login", "apiVersion": "client.authentication.k8s.io/v1"}
    variants: list[dict[str, Any]] = [
        {},
        {"server": "https://two"},
        {"token": "other"},
        {"user": {"tokenFile": "token"}},
        {"user": {"username": "me", "password": "secret-1"}},
        {"user": {"username": "you", "password": "secret-1"}},
        {"user": {"exec": {**plugin, "args": ["--profile", "a"]}}},
        {"user": {"exec": {**plugin, "args": ["--profile", "b"]}}},
        {"user": {"auth-provider": {"name": "oidc", "config": {"client-id": "a"}}}},
        {"user": {"auth-provider": {"name": "oidc", "config": {"client-id": "b"}}}},
        {"user": {"token": "secret", "as": "admin"}},
        {"user": {"token": "secret", "as": "admin", "as-groups": ["ops"]}},
        {"impersonate": "admin"},
        {"impersonate": "other"},
    ]
    for number, variant in enumerate(variants):
        kept = kube.snapshots(connected(tmp_path, **variant), env)
        assert kept is not None
        assert kept.load(CLUSTER, None) is None, variant
        kept.save(CLUSTER, None, snapshot("a"))
        assert len(list((tmp_path / "rolloutctl").iterdir())) == number + 1
    for path in (tmp_path / "rolloutctl").iterdir():
        data = path.read_bytes()
        assert b"secret" not in data and b"other" not in data


def test_a_token_that_was_renewed_does_not_change_whose_it_is(tmp_path: Path) -> None:
    def oidc(token: str) -> dict[str, Any]:
        config = {"client-id": "a", "id-token": token, "refresh-token": token}
        return {"auth-provider": {"name": "oidc", "config": config}}

    env = {"HOME": str(tmp_path)}
    first = kube.snapshots(connected(tmp_path, user=oidc("1")), env)
    second = kube.snapshots(connected(tmp_path, user=oidc("2")), env)
    assert first is not None and second is not None
    first.save(CLUSTER, None, snapshot("a"))
    assert second.load(CLUSTER, None) == snapshot("a")
    assert (tmp_path / ".cache" / "rolloutctl").is_dir()


def test_there_may_be_no_place_for_them(tmp_path: Path) -> None:
    cluster = connected(tmp_path)
    cases: list[tuple[dict[str, str], bool]] = [
        ({}, False),
        ({"HOME": "relative", "XDG_CACHE_HOME": "relative"}, False),
        ({"HOME": str(tmp_path), "XDG_CACHE_HOME": "relative"}, True),
        ({"HOME": str(tmp_path), "ROLLOUTCTL_NO_CACHE": "1"}, False),
        ({"HOME": str(tmp_path), "ROLLOUTCTL_NO_CACHE": ""}, True),
    ]
    for env, there in cases:
        assert (kube.snapshots(cluster, env) is not None) == there, env
    assert kube.snapshots(FakeCluster({}), {"HOME": str(tmp_path)}) is None
