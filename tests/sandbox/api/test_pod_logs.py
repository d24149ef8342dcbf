"""The subresource `log`: what a simulated container has printed, and a log that grows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rolloutctl.sandbox.api.messages import Request, Response, Stream
from rolloutctl.sandbox.embedded import EmbeddedCluster

TOKEN = {"authorization": "Bearer sandbox"}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:10Z"}}


def pod(*names: str, state: Any = RUNNING, last: Any = None, **metadata: Any) -> dict[str, Any]:
    names = names or ("app",)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default", **metadata},
        "spec": {"containers": [{"name": name, "image": f"{name}:v1"} for name in names]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": name, "image": f"{name}:v1", "state": state, "lastState": last or {}}
                for name in names
            ],
        },
    }


class Pods:
    """One pod in a cluster whose clock stands still until it is moved."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.cluster = EmbeddedCluster()
        self.cluster.clock.advance(10)  # type: ignore[attr-defined]
        status = item.pop("status")
        self.cluster.client.create("pods", item, "default")
        self.write(status)

    def write(self, status: dict[str, Any]) -> None:
        body = {"status": status}
        self.cluster.client.patch("pods", "p", body, "default", subresource="status")

    def advance(self, seconds: float) -> None:
        self.cluster.clock.advance(seconds)  # type: ignore[attr-defined]

    def ask(self, **query: str) -> Response | Stream:
        path = "/api/v1/namespaces/default/pods/p/log"
        return self.cluster.api.handle(Request("GET", path, tuple(query.items()), TOKEN))

    def log(self, **query: str) -> list[str]:
        answer = self.ask(**query)
        assert isinstance(answer, Response)
        text = answer.body.decode()
        assert answer.status == 200, text
        return text.splitlines()


def test_a_line_every_two_seconds() -> None:
    found = Pods(pod())
    assert found.log() == ['level=info msg="app started" image=app:v1 pod=p']
    found.advance(5)
    assert [line.partition(" ")[2] for line in found.log()[1:]] == [
        'msg="GET /1" status=200 took=10ms',
        'msg="GET /2" status=200 took=17ms',
    ]
    assert found.log() == found.log()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 6),
        ({"tailLines": "2"}, 2),
        ({"tailLines": "0"}, 0),
        ({"sinceSeconds": "5"}, 3),
        ({"sinceTime": "2026-01-01T00:00:17Z"}, 2),
        ({"limitBytes": "10"}, 1),
    ],
)
def test_which_part_is_wanted(query: dict[str, str], count: int) -> None:
    found = Pods(pod())
    found.advance(11)
    assert len(found.log(**query)) == count


def test_lines_with_their_time() -> None:
    found = Pods(pod())
    found.advance(2)
    assert [line.split()[0] for line in found.log(timestamps="true")] == [
        "2026-01-01T00:00:10.000000000Z",
        "2026-01-01T00:00:12.000000000Z",
    ]


def test_a_long_log_keeps_its_end() -> None:
    found = Pods(pod())
    found.advance(timedelta(days=3).total_seconds())
    lines = found.log()
    assert len(lines) == 500
    assert 'msg="GET /129600"' in lines[-1]


def test_the_end_of_a_container_is_its_last_line() -> None:
    ended = {
        "exitCode": 3,
        "startedAt": "2026-01-01T00:00:10Z",
        "finishedAt": "2026-01-01T00:00:11Z",
    }
    found = Pods(pod(state={"terminated": ended}))
    found.advance(60)
    assert found.log()[1:] == ['level=error msg="ended with exit code 3"']


@pytest.mark.parametrize(
    ("item", "query", "said"),
    [
        (pod("a", "b"), {}, "a container name must be specified for pod p, choose one of: [a b]"),
        (pod(), {"container": "x"}, "container x is not valid for pod p"),
        (pod(), {"previous": "true"}, 'previous terminated container "app" in pod "p" not found'),
        (
            pod(state={"waiting": {"reason": "ContainerCreating"}}),
            {},
            "to start: ContainerCreating",
        ),
        (
            pod(state={"waiting": {"reason": "ImagePullBackOff"}}),
            {"follow": "true"},
            "waiting to start: trying and failing to pull image",
        ),
    ],
)
def test_what_has_no_log(item: dict[str, Any], query: dict[str, str], said: str) -> None:
    answer = Pods(item).ask(**query)
    assert isinstance(answer, Response)
    assert answer.status == 400
    assert said in answer.body.decode().replace('\\"', '"')


def test_what_a_container_printed_before_its_restart() -> None:
    found = Pods(pod(last={"terminated": {"exitCode": 1, "message": "out of memory\nbye"}}))
    assert found.log(previous="true") == ["out of memory", "bye"]


def test_a_pod_may_say_what_it_printed() -> None:
    found = Pods(pod(annotations={"sandbox.rolloutctl/log": "one\ntwo\n"}))
    assert found.log() == ["one", "two"]


@pytest.fixture
def grown() -> Iterator[tuple[Pods, Iterator[bytes]]]:
    found = Pods(pod())
    answer = found.ask(follow="true", timestamps="false")
    assert isinstance(answer, Stream)
    assert answer.content_type == "text/plain"
    yield found, answer.chunks
    found.cluster.api.close()


def lines_of(chunks: Iterator[bytes]) -> list[str]:
    return next(chunk for chunk in chunks if chunk).decode().splitlines()


def test_a_followed_log_grows_until_its_container_ends(
    grown: tuple[Pods, Iterator[bytes]],
) -> None:
    found, chunks = grown
    assert "started" in lines_of(chunks)[0]
    found.advance(4)
    assert len(lines_of(chunks)) == 2
    ended = {"exitCode": 0, "startedAt": "2026-01-01T00:00:10Z"}
    found.write(pod(state={"terminated": ended})["status"])
    assert lines_of(chunks) == ['level=info msg="ended with exit code 0"']
    assert list(chunks) == []


def test_a_followed_log_has_what_is_added_to_the_annotation(
    grown: tuple[Pods, Iterator[bytes]],
) -> None:
    found, chunks = grown
    lines_of(chunks)
    for text in ("mine\n", "mine\nand more\n"):
        body = {"metadata": {"annotations": {"sandbox.rolloutctl/log": text}}}
        found.cluster.client.patch("pods", "p", body, "default")
        assert lines_of(chunks) == [text.splitlines()[-1]]


def test_a_followed_log_ends_with_its_pod(grown: tuple[Pods, Iterator[bytes]]) -> None:
    found, chunks = grown
    lines_of(chunks)
    found.cluster.client.delete("pods", "p", "default")
    assert [chunk for chunk in chunks if chunk] == []


def test_a_followed_log_ends_with_the_cluster(grown: tuple[Pods, Iterator[bytes]]) -> None:
    found, chunks = grown
    lines_of(chunks)
    thread = threading.Thread(target=found.cluster.api.close)
    thread.start()
    assert [chunk for chunk in chunks if chunk] == []
    thread.join()
