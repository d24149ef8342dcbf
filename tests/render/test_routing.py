"""The words for routes that steps added."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rolloutctl.domain.facts import RouteFacts
from rolloutctl.domain.tree import picture
from rolloutctl.domain.wire import Rollout
from rolloutctl.render.surface import Surface
from rolloutctl.render.views import routing

SURFACE = Surface(width=0, now=datetime(2026, 11, 22, 23, tzinfo=UTC))


def header(**value: str) -> dict[str, Any]:
    return {"headerName": "X-Beta", "headerValue": value}


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (
            RouteFacts("header", "beta", (header(exact="yes"),)),
            "beta  all requests whose header X-Beta is yes go to the canary",
        ),
        (
            RouteFacts("header", "beta", (header(prefix="a"), header(regex="b+"))),
            "beta  all requests whose header X-Beta starts with a or X-Beta matches b+ go to the"
            " canary",
        ),
        (
            RouteFacts("mirror", "copy", ({"method": {"exact": "GET"}},), 35),
            "copy  copies 35 % of requests (method is GET) to the canary",
        ),
        (
            RouteFacts("mirror", "copy", ({"path": {"prefix": "/api"}},)),
            "copy  copies 100 % of requests (path starts with /api) to the canary",
        ),
        (
            RouteFacts("mirror", "co\x1b[31mpy", ({"path": "odd"},)),
            "copies 100 % of all requests to the canary",
        ),
    ],
)
def test_a_route_is_told_in_words(route: RouteFacts, words: str) -> None:
    facts = msgspec.structs.replace(picture(Rollout()), routes=(route,))
    (line,) = routing.lines(facts, SURFACE)
    shown = "".join(span.text for span in line)
    assert shown.startswith("Routes ")
    assert shown.endswith(words)
    assert "\x1b" not in shown
