"""A limit on requests: what is too much is refused, and a client that waits gets through."""

from __future__ import annotations

import json

import pytest

from rolloutctl.sandbox.api.messages import Request, Response
from rolloutctl.sandbox.limits import Limited
from support.api_server import Server

ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"


class Asked:
    """An API behind a limit, at a time of its own."""

    def __init__(self, server: Server, per_second: float) -> None:
        self.now = 0.0
        self.limited = Limited(server.api, per_second, lambda: self.now)

    def get(self, path: str = ROLLOUTS) -> Response:
        answer = self.limited.handle(Request("GET", path, (), {"authorization": "Bearer admin"}))
        assert isinstance(answer, Response)
        return answer


def test_a_second_of_requests_may_come_at_once_and_no_more(server: Server) -> None:
    asked = Asked(server, 3)
    assert [asked.get().status for _ in range(5)] == [200, 200, 200, 429, 429]
    asked.now += 1 / 3
    assert [asked.get().status for _ in range(2)] == [200, 429]
    asked.now += 60
    assert [asked.get().status for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize(("per_second", "seconds"), [(5, 1), (0.25, 4)])
def test_it_says_when_to_ask_again(server: Server, per_second: float, seconds: int) -> None:
    asked = Asked(server, per_second)
    while (answer := asked.get()).status == 200:
        pass
    assert answer.headers["Retry-After"] == str(seconds)
    status = json.loads(answer.body)
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "TooManyRequests", 429)
    assert status["details"] == {"retryAfterSeconds": seconds}
    asked.now += seconds
    assert asked.get().status == 200


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
def test_probes_of_its_health_are_never_refused(server: Server, path: str) -> None:
    asked = Asked(server, 1)
    assert [asked.get(path).status for _ in range(9)] == [200] * 9
    assert asked.get().status == 200


def test_the_control_loops_are_not_held_up(server: Server) -> None:
    asked = Asked(server, 1)
    assert [asked.get().status for _ in range(2)] == [200, 429]
    for _ in range(9):
        server.client.list("rollouts")
