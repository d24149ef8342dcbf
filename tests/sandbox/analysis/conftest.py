"""A server that answers metrics' requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.answering import Answering, answering


@pytest.fixture
def site() -> Iterator[Answering]:
    with answering() as found:
        yield found
