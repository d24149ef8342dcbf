"""What an informer of a current client does: one watch that begins with all there is."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from rolloutctl.sandbox import http as sandbox_http
from support.api_server import Server

ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
PODS = "/api/v1/namespaces/default/pods"
WATCH_LIST = {
    "watch": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
    "timeoutSeconds": "20",
}
END = {"k8s.io/initial-events-end": "true"}
MERGE = {"Content-Type": "application/merge-patch+json"}
AUTH = {"Authorization": "Bearer admin"}


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    made = sandbox_http.serve(server.api)
    made.start()
    yield made.port
    made.stop()


@contextmanager
def watching(port: int, path: str = ROLLOUTS, **query: str) -> Iterator[Iterator[Any]]:
    """The events of a watch over a real connection."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        text = urlencode({**WATCH_LIST, **query})
        connection.request("GET", f"{path}?{text}", headers=AUTH)
        with closing(connection.getresponse()) as answer:
            assert answer.status == 200
            yield (json.loads(line) for line in answer)


def initial(events: Iterator[Any]) -> tuple[list[str], dict[str, Any]]:
    """The names up to the bookmark that ends the initial events, and that bookmark's metadata."""
    names: list[str] = []
    for event in events:
        if event["type"] == "BOOKMARK":
            assert event["object"]["metadata"]["annotations"] == END
            return names, event["object"]["metadata"]
        assert event["type"] == "ADDED"
        names.append(event["object"]["metadata"]["name"])
    raise AssertionError("the watch ended before the initial events did")


def test_a_watch_list_shows_what_is_there_and_then_what_happens(server: Server, port: int) -> None:
    for name in ("a", "b"):
        server.rollout(name)
    with watching(port) as events:
        names, about = initial(events)
        assert names == ["a", "b"]
        assert about["resourceVersion"] == str(server.store.version)
        server.client.patch("rollouts", "a", {"spec": {"replicas": 7}}, "default")
        server.client.delete("rollouts", "b", "default")
        first, second = next(events), next(events)
    assert (first["type"], first["object"]["spec"]["replicas"]) == ("MODIFIED", 7)
    assert (second["type"], second["object"]["metadata"]["name"]) == ("DELETED", "b")


def test_an_empty_one_says_so_at_once(port: int) -> None:
    with watching(port, PODS) as events:
        names, about = initial(events)
    assert names == []
    assert about["creationTimestamp"] is None


def test_it_goes_on_where_it_was_cut_off(server: Server, port: int) -> None:
    server.rollout("a")
    with watching(port) as events:
        _, about = initial(events)
    server.rollout("b")
    resumed = {"resourceVersion": about["resourceVersion"], "sendInitialEvents": "false"}
    with watching(port, **resumed) as events:
        event = next(events)
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "b")


def test_it_waits_for_no_version_that_does_not_exist(server: Server) -> None:
    query = {**WATCH_LIST, "resourceVersion": str(server.store.version + 100)}
    status, refusal = server.answer("GET", ROLLOUTS, query=query)
    assert (status, refusal["reason"]) == (504, "Timeout")
    assert refusal["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_without_bookmarks_none_is_sent(server: Server, port: int) -> None:
    server.rollout("a")
    with watching(port, allowWatchBookmarks="false", timeoutSeconds="1") as events:
        assert [event["type"] for event in events] == ["ADDED"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        (
            {"watch": "true", "sendInitialEvents": "true"},
            "resourceVersionMatch",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            {"watch": "true", "resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents"
            " is provided",
        ),
        (
            {"watch": "true", "sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
            "resourceVersionMatch",
            'Unsupported value: "Exact": supported values: "NotOlderThan"',
        ),
        (
            {"sendInitialEvents": "true"},
            "sendInitialEvents",
            "Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            {"resourceVersionMatch": "NotOlderThan"},
            "resourceVersionMatch",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            {"resourceVersionMatch": "Newest", "resourceVersion": "1"},
            "resourceVersionMatch",
            'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
        ),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            "resourceVersionMatch",
            'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
    ],
)
def test_what_cannot_be_asked_for(
    server: Server, query: dict[str, str], field: str, said: str
) -> None:
    status, refusal = server.answer("GET", ROLLOUTS, query=query)
    assert status == 422
    assert refusal["message"].startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert (field, said) in [
        (cause["field"], cause["message"]) for cause in refusal["details"]["causes"]
    ]
