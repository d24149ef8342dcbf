"""A long list of all namespaces from a slow server: read by namespace, in order, without holes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.domain.cluster import ROLLOUTS, Page
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Forbidden
from rolloutctl.kube import by_namespace
from rolloutctl.kube.cluster import KubeCluster
from support.scripted import Handler, Scripted, listing, refuse, reply, serving, thing

NAMESPACES = "/api/v1/namespaces"
FLEET = "/apis/argoproj.io/v1alpha1/rollouts"
KEYS = [
    (namespace, f"r{index}")
    # As a server sorts them: "a-b/..." comes before "a/...".
    for namespace, count in (("a-b", 2), ("a", 5), ("b", 7), ("c", 1), ("d", 0), ("e", 9))
    for index in range(count)
]


class Slow:
    """An API with the fleet of KEYS, whose pages take `wait` seconds by the client's clock."""

    def __init__(self, wait: float = 0.5) -> None:
        self.wait = wait
        self.now = 0.0
        self.keys = list(KEYS)
        self.names = ["a", "a-b", "b", "c", "d", "e"]
        self.lock = threading.Lock()
        self.answers: dict[tuple[str, str], Any] = {}
        """Other answers to (path, token), each given once."""
        self.hook: Any = None
        """Called with each request before it is answered."""

    def __call__(self, handler: Handler) -> None:
        with self.lock:
            self.now += self.wait
        asked = handler.path.partition("?")[0]
        query = dict(part.split("=") for part in handler.path.partition("?")[2].split("&"))
        token = query.get("continue", "")
        if self.hook is not None:
            self.hook(asked, token)
        with self.lock:
            other = self.answers.pop((asked, token), None)
        (other or self.page(asked, int(token or 0), int(query["limit"])))(handler)

    def page(self, asked: str, begin: int, limit: int) -> Any:
        if asked == NAMESPACES:
            items = [thing(name, 1, "") for name in self.names]
        else:
            space = "" if asked == FLEET else asked.split("/")[-2]
            items = [thing(name, 1, ns) for ns, name in self.keys if space in ("", ns)]
        end = begin + limit
        rest = max(0, len(items) - end)
        version = 100 if asked == FLEET else 200
        return reply(200, listing(items[begin:end], version, str(end) if rest else "", rest))

    def cluster(self, script: Scripted, folder: Path) -> KubeCluster:
        cluster = script.cluster(folder=folder)
        cluster.transport.sleep = lambda seconds: None
        cluster.transport.pace.clock = lambda: self.now
        return cluster


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few objects are many here."""
    monkeypatch.setattr(by_namespace, "MANY", 10)
    monkeypatch.setattr(by_namespace, "CROWDED", 1)


@pytest.fixture
def api() -> Slow:
    return Slow()


@pytest.fixture
def script(api: Slow) -> Iterator[Scripted]:
    with serving(api) as found:
        yield found


def read(
    api: Slow, script: Scripted, folder: Path, limit: int = 2, **more: Any
) -> list[tuple[str, str]]:
    return keys(
        list(api.cluster(script, folder).pages(ROLLOUTS, None, Rollout, limit=limit, **more))
    )


def keys(pages: list[Page]) -> list[tuple[str, str]]:
    return [(item.metadata.namespace, item.metadata.name) for page in pages for item in page.items]


def paths(script: Scripted) -> list[str]:
    """What was listed: "" for all namespaces, "namespaces", or a namespace."""
    return [
        "" if a.path == FLEET else "namespaces" if a.path == NAMESPACES else a.path.split("/")[-2]
        for a in script.asked
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
def test_it_is_the_same_list_in_the_same_order(
    api: Slow, script: Scripted, tmp_path: Path, limit: int
) -> None:
    assert read(api, script, tmp_path, limit) == KEYS
    listed = paths(script)
    assert listed.count("") == 2
    assert "e" in listed
    # What lies before the namespace the last page ended in is not read again.
    assert ("a-b" in listed) == (limit == 1)


def test_all_pages_are_of_the_first_version(api: Slow, script: Scripted, tmp_path: Path) -> None:
    pages = list(api.cluster(script, tmp_path).pages(ROLLOUTS, None, Rollout, limit=2))
    assert {page.resource_version for page in pages} == {"100"}
    remaining = [page.remaining for page in pages]
    assert remaining[:3] == [22, 20, 18]
    assert remaining[-1] is None


@pytest.mark.parametrize("why", ["quick", "few", "thin", "selected", "refused", "strange"])
def test_page_by_page_where_it_does_not_pay(
    api: Slow, script: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    more: dict[str, Any] = {}
    if why == "quick":
        api.wait = 0.1
    elif why == "few":
        monkeypatch.setattr(by_namespace, "MANY", 1000)
    elif why == "thin":
        monkeypatch.setattr(by_namespace, "CROWDED", 5)
    elif why == "selected":
        more = {"field_selector": "metadata.name!=x"}
    elif why == "refused":
        api.answers[NAMESPACES, ""] = refuse(403, "you may not")
    else:
        api.names = ["of", "another", "cluster"]
    assert read(api, script, tmp_path, **more) == KEYS
    assert set(paths(script)) <= {"", "namespaces"}
    assert ("namespaces" in paths(script)) == (why in ("thin", "refused", "strange"))


def test_a_server_that_sorts_otherwise_is_read_page_by_page(
    api: Slow, script: Scripted, tmp_path: Path
) -> None:
    api.keys.reverse()
    assert read(api, script, tmp_path) == KEYS[::-1]
    assert set(paths(script)) == {""}


def test_a_server_that_refused_something_is_not_asked_for_more_at_once(
    api: Slow, script: Scripted, tmp_path: Path
) -> None:
    api.answers[FLEET, ""] = refuse(429, "busy")
    assert read(api, script, tmp_path) == KEYS
    assert set(paths(script)) == {""}


def test_what_comes_and_goes_meanwhile(api: Slow, script: Scripted, tmp_path: Path) -> None:
    def change(asked: str, token: str) -> None:
        if asked.endswith("/namespaces"):
            # After the pages of all: the namespaces are listed, then "c" goes and "bb" comes.
            api.hook = None
            api.keys = [key for key in api.keys if key[0] != "c" and key != ("a", "r1")]
            api.keys += [("bb", "new"), ("a", "r00")]
            api.keys.sort(key=lambda key: f"{key[0]}/{key[1]}")

    api.hook = change
    # Pages of all end behind a/r1. What comes before that is told by a watch.
    assert read(api, script, tmp_path) == [key for key in KEYS if key[0] != "c"]


def test_a_namespace_that_fails_is_an_error_when_its_turn_comes(
    api: Slow, script: Scripted, tmp_path: Path
) -> None:
    where = FLEET.replace("rollouts", "namespaces/c/rollouts")
    api.answers[where, ""] = refuse(403, "cannot list")
    found: list[Page] = []
    with pytest.raises(Forbidden, match="not allowed to list rollouts in namespace c"):
        for page in api.cluster(script, tmp_path).pages(ROLLOUTS, None, Rollout, limit=2):
            found.append(page)
    assert keys(found) == [key for key in KEYS if key[0] < "c"]


@pytest.mark.parametrize("fresh", ["", "4"])
def test_a_snapshot_lost_within_a_namespace(
    api: Slow, script: Scripted, tmp_path: Path, fresh: str
) -> None:
    where = FLEET.replace("rollouts", "namespaces/e/rollouts")
    gone = {"kind": "Status", "code": 410, "metadata": {"continue": fresh}}
    api.answers[where, "4"] = reply(410, gone)
    assert read(api, script, tmp_path) == KEYS


def test_no_more_than_a_bounded_part_is_read_ahead(
    api: Slow, script: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_namespace, "WINDOW", 3)
    api.names = [f"n{index:02}" for index in range(15)]
    # The second is a large one: of it, too, only some pages are kept.
    sizes = {"n01": 60}
    api.keys = [(n, f"r{index:02}") for n in api.names for index in range(sizes.get(n, 6))]
    before = set(threading.enumerate())
    pages = api.cluster(script, tmp_path).pages(ROLLOUTS, None, Rollout, limit=2)
    found = [next(pages) for _ in range(3)]
    assert script.wait_for(3 + 3)
    assert not script_grows_beyond(script, 3 + by_namespace.PAGES * (by_namespace.WINDOW + 1) + 1)
    # None of them can end before somebody takes what they found.
    readers = {t for t in threading.enumerate() if t.name == "namespace"} - before
    assert len(readers) == by_namespace.AT_ONCE
    found += pages
    assert keys(found) == api.keys


def script_grows_beyond(script: Scripted, count: int) -> bool:
    """Whether more requests come than may; whoever is to send them has a moment for it."""
    threading.Event().wait(0.1)
    return len(script.asked) > count


def test_at_most_four_at_once(api: Slow, script: Scripted, tmp_path: Path) -> None:
    inside, peak = [0], [0]
    together = threading.Event()

    def hook(asked: str, token: str) -> None:
        with api.lock:
            inside[0] += 1
            peak[0] = max(peak[0], inside[0])
            if inside[0] == by_namespace.AT_ONCE:
                together.set()
        if "/namespaces/" in asked:
            together.wait(5)
        with api.lock:
            inside[0] -= 1

    api.hook = hook
    assert read(api, script, tmp_path) == KEYS
    assert peak[0] == by_namespace.AT_ONCE


def test_whoever_stops_reading_ends_the_threads(
    api: Slow, script: Scripted, tmp_path: Path
) -> None:
    pages: Any = api.cluster(script, tmp_path).pages(ROLLOUTS, None, Rollout, limit=2)
    before = set(threading.enumerate())
    for _ in range(3):
        next(pages)
    readers = {t for t in threading.enumerate() if t.name == "namespace"} - before
    assert readers
    pages.close()
    for thread in readers:
        thread.join(20)
        assert not thread.is_alive()
