"""Watches: what they say of a cluster, whatever becomes of their connections."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.domain.cluster import ROLLOUTS, WatchEvent
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Forbidden, Unreachable
from rolloutctl.kube import watch as watching
from support.scripted import (
    Scripted,
    Step,
    drop,
    frames,
    listing,
    refuse,
    reply,
    serving,
    stream,
    thing,
)

LISTED = reply(200, listing([thing("a", 1)], 10))
EXPIRED = frames(("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))
HANG = stream(then="hang")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.01)


def events(script: Scripted, folder: Path, **more: Any) -> Iterator[WatchEvent]:
    return script.cluster(folder=folder).watch(ROLLOUTS, "default", Rollout, **more)


def said(event: WatchEvent) -> str:
    """ "MODIFIED a@12", or the type alone."""
    if event.object is None or event.type == "UNREADABLE":
        return event.type
    metadata = event.object.metadata
    return f"{event.type} {metadata.name}@{metadata.resource_version}"


def first(number: int, script: Scripted, folder: Path) -> list[str]:
    found = events(script, folder)
    taken = [said(event) for event in itertools.islice(found, number)]
    found.close()  # type: ignore[attr-defined]
    return taken


def versions(script: Scripted) -> list[str]:
    """From where each watch request went on."""
    return [a.query["resourceVersion"] for a in script.asked if a.query.get("watch")]


def test_all_there_is_then_what_changes(tmp_path: Path) -> None:
    body = frames(
        ("MODIFIED", thing("a", 11)), ("ADDED", thing("b", 12)), ("DELETED", thing("a", 13))
    )
    with serving(LISTED, stream(body, then="hang")) as script:
        found = first(5, script, tmp_path)
    assert found == ["ADDED a@1", "SYNCED", "MODIFIED a@11", "ADDED b@12", "DELETED a@13"]
    asked = script.asked[1]
    assert asked.path == "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
    assert asked.query["allowWatchBookmarks"] == "true"
    assert asked.query["resourceVersion"] == "10"


def test_it_goes_on_from_the_last_version_seen(tmp_path: Path) -> None:
    bookmark = frames(("BOOKMARK", thing("", 40)))
    steps = (
        LISTED,
        stream(frames(("MODIFIED", thing("a", 20)))),
        stream(bookmark, then="drop"),
        stream(frames(("MODIFIED", thing("a", 50))), then="hang"),
    )
    with serving(*steps) as script:
        found = first(6, script, tmp_path)
    assert found == ["ADDED a@1", "SYNCED", "MODIFIED a@20", "STALE", "SYNCED", "MODIFIED a@50"]
    assert versions(script) == ["10", "20", "40"]


def test_credentials_that_expire_are_renewed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")

    def expired(handler: Any) -> None:
        token.write_text("new")
        refuse(401, "Unauthorized", "Unauthorized")(handler)

    with serving(
        LISTED, expired, stream(frames(("MODIFIED", thing("a", 2))), then="hang")
    ) as script:
        cluster = script.cluster(folder=tmp_path, user={"tokenFile": "token"})
        found = cluster.watch(ROLLOUTS, "default", Rollout)
        taken = [said(event) for event in itertools.islice(found, 3)]
        found.close()  # type: ignore[attr-defined]
    assert taken == ["ADDED a@1", "SYNCED", "MODIFIED a@2"]
    sent = [asked.headers["Authorization"] for asked in script.asked]
    assert sent == ["Bearer old", "Bearer old", "Bearer new"]


def test_an_outage_is_said_once(tmp_path: Path) -> None:
    steps = (
        LISTED,
        stream(frames(("MODIFIED", thing("a", 20))), then="drop"),
        drop,
        refuse(503, "starting"),
        refuse(429, "busy", Retry_After="0"),
        stream(frames(("MODIFIED", thing("a", 30))), then="hang"),
    )
    with serving(*steps) as script:
        found = first(6, script, tmp_path)
    assert found[2:] == ["MODIFIED a@20", "STALE", "SYNCED", "MODIFIED a@30"]


@pytest.mark.parametrize("gone", [stream(EXPIRED), refuse(410, "too old resource version")])
def test_a_version_too_old_leads_to_differences_only(tmp_path: Path, gone: Step) -> None:
    before = [thing(name, 1) for name in ("same", "changed", "deleted")]
    after = [thing("same", 1), thing("changed", 2), thing("new", 3)]
    steps = (
        reply(200, listing(before, 10)),
        gone,
        reply(200, listing(after, 90)),
        stream(frames(("MODIFIED", thing("same", 91))), then="hang"),
    )
    with serving(*steps) as script:
        found = first(8, script, tmp_path)
    assert found[4:] == [
        "MODIFIED changed@2",
        "ADDED new@3",
        "DELETED deleted@1",
        "MODIFIED same@91",
    ]
    assert versions(script) == ["10", "90"]


def test_a_fault_while_listing_anew_does_not_end_a_watch(tmp_path: Path) -> None:
    steps = (
        LISTED,
        stream(EXPIRED),
        refuse(500, "leader changed"),
        reply(200, listing([thing("a", 2)], 90)),
        HANG,
    )
    with serving(*steps) as script:
        found = first(5, script, tmp_path)
    assert found == ["ADDED a@1", "SYNCED", "STALE", "MODIFIED a@2", "SYNCED"]


def test_a_server_that_ends_every_watch_at_once_is_not_hammered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.2)
    briefly = frames(("MODIFIED", thing("a", 11))) + EXPIRED
    for step in (stream(), stream(EXPIRED), stream(briefly), refuse(410, "too old")):
        with serving(*itertools.chain.from_iterable([(LISTED, step)] * 40)) as script:
            list(events(script, tmp_path, timeout=0.5))
        assert len(script.asked) < 20


def test_a_silent_connection_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SILENCE", 0.1)
    steps = LISTED, HANG, stream(frames(("MODIFIED", thing("a", 30))), then="hang")
    with serving(*steps) as script:
        assert first(5, script, tmp_path)[2:] == ["STALE", "SYNCED", "MODIFIED a@30"]


def test_the_time_limit_ends_it_quietly(tmp_path: Path) -> None:
    for steps in ((LISTED, HANG), (LISTED, drop), (LISTED, stream())):
        start = time.monotonic()
        with serving(*steps) as script:
            found = [said(event) for event in events(script, tmp_path, timeout=0.4)]
        assert 0.3 < time.monotonic() - start < 3.0
        assert [each for each in found if each != "STALE"] == ["ADDED a@1", "SYNCED"]


def test_leaving_it_closes_the_connection(tmp_path: Path) -> None:
    with serving(LISTED, stream(frames(("MODIFIED", thing("a", 2))), then="hang")) as script:
        assert first(3, script, tmp_path)[-1] == "MODIFIED a@2"
        assert script.gone.wait(10)


def test_an_interrupt_closes_the_connection(tmp_path: Path) -> None:
    with serving(LISTED, stream(frames(("MODIFIED", thing("a", 2))), then="hang")) as script:
        found = events(script, tmp_path)
        next(event for event in found if event.type == "MODIFIED")
        with pytest.raises(KeyboardInterrupt):
            found.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
        assert script.gone.wait(10)


def test_events_of_a_body_without_chunks_are_not_held_back(tmp_path: Path) -> None:
    body = frames(("MODIFIED", thing("a", 2)))
    with serving(LISTED, stream(body, then="hang", chunked=False)) as script:
        assert first(3, script, tmp_path)[-1] == "MODIFIED a@2"


def test_malformed_objects_are_said_once_and_left_out(tmp_path: Path) -> None:
    bad = thing("bad", 3, spec={"replicas": "many"})
    body = frames(
        ("ADDED", bad),
        ("MODIFIED", bad),
        ("MODIFIED", {"metadata": []}),
        ("STRANGE", thing("a", 4)),
        ("DELETED", bad),
        ("DELETED", thing("a", 5, spec=[])),
        ("ADDED", thing("c", 6)),
    )
    with serving(LISTED, stream(body, then="hang")) as script:
        found = events(script, tmp_path)
        taken = list(itertools.islice(found, 6))
        found.close()  # type: ignore[attr-defined]
    shown = [said(event) for event in taken[2:]]
    assert shown == ["UNREADABLE", "UNREADABLE", "DELETED a@1", "ADDED c@6"]
    assert taken[2].problem.startswith("default/bad: ")
    assert taken[2].object.name == "bad"


@pytest.mark.parametrize("garbage", [b"<html>\n", b"\xff\n", b"[]\n", b'{"type":"ADDED","obj'])
def test_garbage_is_a_break(tmp_path: Path, garbage: bytes) -> None:
    steps = LISTED, stream(garbage), stream(frames(("MODIFIED", thing("a", 2))), then="hang")
    with serving(*steps) as script:
        assert first(5, script, tmp_path)[2:] == ["STALE", "SYNCED", "MODIFIED a@2"]


def test_a_right_that_is_missing_ends_it(tmp_path: Path) -> None:
    with serving(LISTED, refuse(403, "cannot watch")) as script:
        found = events(script, tmp_path)
        assert [said(event) for event in itertools.islice(found, 2)][-1] == "SYNCED"
        with pytest.raises(Forbidden, match="not allowed to watch rollouts in namespace default"):
            next(found)


def test_a_server_that_is_not_there_at_first_is_an_error(tmp_path: Path) -> None:
    with serving(LISTED) as script:
        found = events(script, tmp_path)
    with pytest.raises(Unreachable, match="refuses connections"):
        next(found)


@settings(deadline=None, max_examples=25)
@given(cuts=st.lists(st.integers(1, 400), max_size=12), data=st.data())
def test_chunks_may_break_anywhere(cuts: list[int], data: st.DataObject) -> None:
    text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
    wanted = [("MODIFIED", thing(f"n{index}", index, note=text)) for index in range(11, 16)]
    body = b"".join(
        json.dumps({"type": kind, "object": obj}, ensure_ascii=False).encode() + b"\n\n"
        for kind, obj in wanted
    )
    edges = sorted({0, *(cut for cut in cuts if cut < len(body)), len(body)})
    pieces = [body[a:b] for a, b in itertools.pairwise(edges)]
    with tempfile.TemporaryDirectory() as folder, serving(LISTED, stream(*pieces)) as script:
        found = first(7, script, Path(folder))
    assert found[2:] == [f"MODIFIED n{index}@{index}" for index in range(11, 16)]
