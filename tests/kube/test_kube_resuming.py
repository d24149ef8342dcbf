"""Watches that go on from a list somebody has already, and what makes them say so."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from rolloutctl.domain.cluster import ROLLOUTS, Known, WatchEvent
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Forbidden, Unreachable
from rolloutctl.kube import catching_up
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
    silent,
    stream,
    thing,
)

OLD = frames(("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"}))
HANG = stream(then="hang")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(catching_up, "GRACE", 0.3)


def known(*names: str, version: int = 10) -> Known:
    """What was known at `version`: objects of version 1, kept as their names."""
    return Known(str(version), {("default", name): ("1", f"{name}@1") for name in names})


def kept(item: Rollout) -> str:
    return f"{item.metadata.name}@{item.metadata.resource_version}"


def said(event: WatchEvent) -> str:
    if event.type == "SYNCED":
        return f"SYNCED {event.resource_version}{' anew' if event.problem else ''}"
    return f"{event.type} {event.object}" if isinstance(event.object, str) else event.type


def told(script: Scripted, folder: Path, before: Known, number: int, **more: Any) -> list[str]:
    found = script.cluster(folder=folder).watch(
        ROLLOUTS, "default", Rollout, compact=kept, known=before, **more
    )
    taken = [said(event) for event in itertools.islice(found, number)]
    found.close()  # type: ignore[attr-defined]
    return taken


def both(
    resumed: Step, head: Step, *, listed: Step = HANG, live: Step = HANG
) -> Callable[[Any], None]:
    """Answers the resumed watch and the request for the head of the list, which come together;
    then a list of all, and the watch after it."""
    watches = itertools.chain((resumed,), itertools.repeat(live))

    def step(handler: Any) -> None:
        query = dict(parse_qsl(urlsplit(handler.path).query))
        (next(watches) if "watch" in query else head if query["limit"] == "1" else listed)(handler)

    return step


def page(count: int, version: int) -> Step:
    """The head of a list of `count` objects."""
    token = "more" if count > 1 else ""
    return reply(
        200, listing([thing("a", 1)] if count else [], version, token, count - 1 if token else None)
    )


def test_what_changed_comes_before_it_is_said_to_be_all(tmp_path: Path) -> None:
    body = frames(
        ("MODIFIED", thing("a", 11)),
        ("ADDED", thing("c", 12)),
        ("DELETED", thing("b", 13)),
        ("MODIFIED", thing("a", 14)),
    )
    before = known("a", "b")
    with serving(both(stream(body, then="hang"), page(2, 14))) as script:
        found = told(script, tmp_path, before, 5)
    assert found == ["MODIFIED a@11", "ADDED c@12", "DELETED b@13", "MODIFIED a@14", "SYNCED 14"]
    assert before.items == {("default", "a"): ("14", "a@14"), ("default", "c"): ("12", "c@12")}
    asked = sorted((each.query for each in script.asked), key=len)
    assert asked[0] == {"limit": "1"}
    assert asked[1]["resourceVersion"] == "10"


def test_nothing_happened_anywhere(tmp_path: Path) -> None:
    with serving(both(HANG, page(2, 10))) as script:
        assert told(script, tmp_path, known("a", "b"), 1) == ["SYNCED 10"]


def test_a_version_raised_by_other_objects_is_not_waited_for(tmp_path: Path) -> None:
    with serving(both(HANG, page(2, 500))) as script:
        assert told(script, tmp_path, known("a", "b"), 1) == ["SYNCED 10"]


def test_versions_that_are_no_numbers_are_not_compared(tmp_path: Path) -> None:
    odd = reply(200, {"metadata": {"resourceVersion": "x9"}, "items": [thing("a", 1)]})
    with serving(both(HANG, odd)) as script:
        assert told(script, tmp_path, known("a"), 1) == ["SYNCED 10"]


def test_on_a_long_way_silence_says_less() -> None:
    times = iter(number / 10 for number in itertools.count())

    def seconds(answered_after: float) -> float:
        """How long it is waited."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(catching_up, "time", SimpleNamespace(monotonic=lambda: next(times)))
            judge = catching_up.Judge("10")
            judge.told(catching_up.Head("500", 2, answered_after))
            return sum(1 for _ in iter(lambda: judge.caught_up("10", 2), True)) / 10

    assert seconds(0.001) < seconds(0.15) < seconds(0.25) == seconds(30.0)


def test_a_bookmark_shows_how_far_it_is(tmp_path: Path) -> None:
    body = frames(("BOOKMARK", thing("", 77)))
    with serving(both(stream(body, then="hang"), page(2, 70))) as script:
        assert told(script, tmp_path, known("a", "b"), 1) == ["SYNCED 77"]


def test_the_same_connection_goes_on_as_the_live_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "OPENING", 0.2)
    live = frames(("MODIFIED", thing("a", 90)), ("MODIFIED", thing("b", 91)))
    more = threading.Event()

    def step(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        assert more.wait(10)
        handler.script.ending.wait(0.4)  # longer than a watch may take to begin
        for part in (live[:20], live[20:]):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
        handler.script.ending.wait(10)

    with serving(both(step, page(2, 60))) as script:
        found = script.cluster(folder=tmp_path).watch(
            ROLLOUTS, "default", Rollout, compact=kept, known=known("a", "b")
        )
        assert said(next(found)) == "SYNCED 10"
        more.set()
        assert [said(next(found)), said(next(found))] == ["MODIFIED a@90", "MODIFIED b@91"]
        found.close()  # type: ignore[attr-defined]
        assert len(script.asked) == 2


def test_leaving_it_closes_the_connection_it_waits_on(tmp_path: Path) -> None:
    with serving(both(HANG, page(2, 60))) as script:
        assert told(script, tmp_path, known("a", "b"), 1) == ["SYNCED 10"]
        assert script.gone.wait(10)


def test_leaving_it_needs_no_help_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(_: urllib3.HTTPResponse) -> None:
        raise ValueError("Cannot shutdown socket as self._sock_shutdown is not set")

    monkeypatch.setattr(urllib3.HTTPResponse, "shutdown", cannot)
    with serving(both(HANG, page(2, 60))) as script:
        assert told(script, tmp_path, known("a", "b"), 1) == ["SYNCED 10"]
        assert script.gone.wait(10)


TOO_LARGE = refuse(
    504,
    "Timeout: Too large resource version: 10, current: 5",
    "Timeout",
    {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]},
)
NOWHERE = {
    "too old": (stream(OLD), page(3, 60)),
    "gone": (refuse(410, "too old resource version"), page(3, 60)),
    "too large": (TOO_LARGE, page(3, 60)),
    "refused": (refuse(400, "invalid resource version"), page(3, 60)),
    "fault": (refuse(500, "no leader"), page(3, 60)),
    "dropped": (drop, page(3, 60)),
    "held back": (silent, page(3, 60)),
    "in the future": (HANG, page(3, 5)),
    "another count": (HANG, page(7, 60)),
    "another count at the same version": (HANG, page(7, 10)),
    "no list": (HANG, refuse(500, "no leader")),
    "no page": (HANG, reply(200, b"<html>", media="text/html")),
    "ended": (stream(), page(7, 60)),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_what_leads_nowhere_is_listed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(catching_up, "OPENING", 0.3)
    resumed, first = NOWHERE[name]
    listed = reply(200, listing([thing("same", 1), thing("changed", 2), thing("new", 3)], 90))
    live = stream(frames(("MODIFIED", thing("same", 91))), then="hang")
    with serving(both(resumed, first, listed=listed, live=live)) as script:
        found = told(script, tmp_path, known("same", "changed", "deleted"), 5)
    assert found == [
        "MODIFIED changed@2",
        "ADDED new@3",
        "DELETED deleted@1",
        "SYNCED 90 anew",
        "MODIFIED same@91",
    ]


def test_objects_that_cannot_be_read_count(tmp_path: Path) -> None:
    body = frames(("ADDED", thing("bad", 11, spec={"replicas": "many"})))
    with serving(both(stream(body, then="hang"), page(2, 60))) as script:
        assert told(script, tmp_path, known("a"), 2) == ["UNREADABLE", "SYNCED 11"]


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with serving(HANG) as script:
        cluster = script.cluster(folder=tmp_path)
    with pytest.raises(Unreachable, match="refuses connections"):
        next(iter(cluster.watch(ROLLOUTS, "default", Rollout, known=known("a"))))


def test_a_right_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with (
        serving(refuse(403, "cannot watch")) as script,
        pytest.raises(Forbidden, match="not allowed to watch"),
    ):
        told(script, tmp_path, known("a"), 1)


def test_the_time_limit_holds_while_it_catches_up(tmp_path: Path) -> None:
    with serving(both(HANG, HANG)) as script:
        assert told(script, tmp_path, known("a"), 9, timeout=0.2) == []
