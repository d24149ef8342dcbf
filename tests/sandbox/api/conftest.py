"""An API in process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.api_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.api.close()
