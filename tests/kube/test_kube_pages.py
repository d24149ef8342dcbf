"""Lists page by page, and what happens when their snapshot is gone half-way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.domain.cluster import ROLLOUTS, Page
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, Forbidden, Unreachable
from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.api.messages import Request, Response, Stream
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.http import serve
from rolloutctl.sandbox.store import Store
from support.api_server import rollout
from support.scripted import drop, listing, refuse, reply, serving, thing, write_kubeconfig

GONE = {"metadata": {"continue": "fresh"}, "code": 410, "message": "too old", "reason": "Expired"}
GONE_FOR_GOOD = refuse(410, "too old", "Expired")
LONG = {"status": {"phase": 5}}


def page(*items: Any, version: int = 1, token: str = "") -> Any:
    return reply(200, listing(items, version, token, 3 if token else None))


def names(pages: Iterator[Page]) -> list[str]:
    return [item.metadata.name for page in pages for item in page.items]


def test_pages_are_asked_for_one_by_one(tmp_path: Path) -> None:
    with serving(page(thing("a", 1), token="t1"), page(thing("b", 1))) as script:
        cluster = script.cluster(folder=tmp_path)
        pages = cluster.pages(
            ROLLOUTS, None, Rollout, label_selector="a=b", field_selector="x=y", limit=1
        )
        first = next(pages)
        assert len(script.asked) == 1
        assert (first.resource_version, first.remaining) == ("1", 3)
        assert names(pages) == ["b"]
    assert script.asked[0].path == "/apis/argoproj.io/v1alpha1/rollouts"
    asked = {"limit": "1", "labelSelector": "a=b", "fieldSelector": "x=y"}
    assert [asked.query for asked in script.asked] == [asked, {**asked, "continue": "t1"}]


def test_from_the_second_page_on_one_page_is_read_ahead(tmp_path: Path) -> None:
    more = [page(thing(f"n{index}", 1), token=f"t{index}") for index in range(4)]
    with serving(*more, page(thing("last", 1))) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
        next(pages)
        next(pages)
        assert script.wait_for(3)
        assert names(pages) == ["n2", "n3", "last"]
    assert [asked.query.get("continue") for asked in script.asked] == [None, "t0", "t1", "t2", "t3"]


def test_what_fails_ahead_fails_when_its_turn_comes(tmp_path: Path) -> None:
    steps = page(thing("a", 1), token="t"), page(thing("b", 1), token="u"), refuse(403, "no")
    with serving(*steps) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
        assert [names(iter([next(pages)])) for _ in range(2)] == [["a"], ["b"]]
        with pytest.raises(Forbidden):
            next(pages)
    with serving(*steps[:2], drop) as script:
        cluster = script.cluster(folder=tmp_path)
        cluster.transport.sleep = lambda seconds: None
        pages = cluster.pages(ROLLOUTS, None, Rollout)
        assert [names(iter([next(pages)])) for _ in range(2)] == [["a"], ["b"]]
        with pytest.raises(Unreachable):
            next(pages)


def test_a_fresh_token_reads_on(tmp_path: Path) -> None:
    steps = page(thing("a", 1), token="t"), reply(410, GONE), page(thing("b", 2), version=2)
    with serving(*steps) as script:
        assert names(script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)) == ["a", "b"]
    assert script.asked[2].query["continue"] == "fresh"


def test_raw_objects_come_page_by_page_and_once(tmp_path: Path) -> None:
    steps = page(thing("a", 1), token="t"), GONE_FOR_GOOD, page(thing("a", 1), thing("b", 2))
    with serving(*steps) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, dict)
        assert [item["metadata"]["name"] for page in pages for item in page.items] == ["a", "b"]


def test_without_a_fresh_token_all_is_read_again_and_handed_out_once(tmp_path: Path) -> None:
    # A server sorts by "namespace/name", where "a-b/…" comes before "a/…".
    before = [thing("x", 1, "a-b"), thing("bad", 1, "a-b", **LONG)]
    after = [thing("x", 1, "a"), thing("y", 1, "a")]
    steps = (
        page(*before, token="t"),
        GONE_FOR_GOOD,
        page(*before, version=9, token="u"),
        GONE_FOR_GOOD,
        page(*before, version=10, token="v"),
        page(*after, version=10),
    )
    with serving(*steps) as script:
        pages = list(script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout))
    found = [f"{i.metadata.namespace}/{i.metadata.name}" for p in pages for i in p.items]
    assert found == ["a-b/x", "a/x", "a/y"]
    assert [bad.name for p in pages for bad in p.unreadable] == ["bad"]


def test_a_snapshot_that_is_always_gone_is_an_error(tmp_path: Path) -> None:
    with serving(page(thing("a", 1), token="t"), reply(410, GONE)) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
        with pytest.raises(ClusterError, match="too old"):
            list(pages)
    assert len(script.asked) < 30


def test_a_server_that_serves_the_same_page_for_ever(tmp_path: Path) -> None:
    with serving(page(thing("a", 1), token="t")) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
        with pytest.raises(ClusterError, match="same page"):
            list(pages)


def test_a_right_lost_between_pages(tmp_path: Path) -> None:
    with serving(page(thing("a", 1), token="t"), refuse(403, "cannot list")) as script:
        pages = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
        assert next(pages).items
        with pytest.raises(Forbidden, match="not allowed to list rollouts in all namespaces"):
            next(pages)


def test_malformed_objects_are_named_and_the_rest_is_not_lost(tmp_path: Path) -> None:
    bad: list[Any] = [
        thing("mistyped", 1, spec={"replicas": "many"}),
        {"metadata": {"name": 7}},
        "text",
        None,
        [],
        {"metadata": {"name": "x" * 10_000}, "spec": 1},
    ]
    with serving(page(thing("a", 1), *bad, thing("z", 1))) as script:
        (found,) = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
    assert [item.metadata.name for item in found.items] == ["a", "z"]
    assert [each.name[:9] for each in found.unreadable] == ["mistyped", "7", "", "", "", "x" * 9]
    assert "replicas" in found.unreadable[0].problem
    assert all(len(each.name) < 1000 for each in found.unreadable)


def test_bytes_that_are_no_text_spoil_only_their_object(tmp_path: Path) -> None:
    body = json.dumps(listing([thing("a", 1), thing("BAD", 1)], 3)).encode()
    with serving(reply(200, body.replace(b"BAD", b"\xff\xff"))) as script:
        (found,) = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
    assert [item.metadata.name for item in found.items] == ["a"]
    assert len(found.unreadable) == 1


@pytest.mark.parametrize("items", [None, []])
def test_an_empty_list(tmp_path: Path, items: Any) -> None:
    with serving(reply(200, {"metadata": {"resourceVersion": "4"}, "items": items})) as script:
        (found,) = script.cluster(folder=tmp_path).pages(ROLLOUTS, None, Rollout)
    assert (list(found.items), found.resource_version, found.remaining) == ([], "4", None)


class Forgetful:
    """An API whose snapshots are gone just before each of the pages in `when` is read."""

    def __init__(self, api: Api, when: set[int]) -> None:
        self.api = api
        self.when = when
        self.asked = 0

    def handle(self, request: Request) -> Response | Stream:
        self.asked += 1
        if self.asked in self.when:
            body = json.dumps({"kind": "Status", "code": 410, "reason": "Expired", "metadata": {}})
            return Response(410, body.encode())
        return self.api.handle(request)

    def close(self) -> None:
        self.api.close()


@pytest.mark.parametrize("when", [set(), {2}, {3}, {2, 4}])
def test_a_real_list_has_no_holes_and_no_duplicates(tmp_path: Path, when: set[int]) -> None:
    api = Api(Store(), tokens={"secret": ADMIN})
    client = Client(api, "secret")
    wanted = []
    for namespace in ("a", "a-b", "b"):
        client.create("namespaces", {"metadata": {"name": namespace}})
        for index in range(7):
            client.create("rollouts", rollout(f"r{index}"), namespace)
            wanted.append((namespace, f"r{index}"))
    server = serve(Forgetful(api, when))
    server.start()
    try:
        from rolloutctl import kube

        config = write_kubeconfig(tmp_path / "config", server.url)
        cluster = kube.connect(kubeconfig=str(config), env={})
        pages = list(cluster.pages(ROLLOUTS, None, Rollout, limit=4))
    finally:
        server.stop()
    found = [(item.metadata.namespace, item.metadata.name) for p in pages for item in p.items]
    assert sorted(found) == sorted(wanted)
