"""The clusters that analysis runs, experiments, events and trees are looked at in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.fake_cluster import FakeCluster
from support.program import Program
from support.recorded import moment

NOW = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)


@pytest.fixture
def recorded() -> Callable[..., Program]:
    """The program on a cluster as it was at the end of a recorded story."""

    def make(story: str, **settings: Any) -> Program:
        found = moment(story, events=True)
        forbidden = settings.pop("forbidden", ())
        cluster = FakeCluster(found.objects, forbidden=forbidden)
        return Program(cluster=cluster, now=lambda: found.now, **settings)

    return make


@pytest.fixture
def given() -> Callable[..., Program]:
    """The program on a cluster that holds these objects and nothing else."""

    def make(
        objects: dict[str, list[dict[str, Any]]],
        *,
        later: dict[str, list[Any]] | None = None,
        **settings: Any,
    ) -> Program:
        cluster = FakeCluster(objects, later=later)
        return Program(cluster=cluster, now=lambda: NOW, **settings)

    return make
