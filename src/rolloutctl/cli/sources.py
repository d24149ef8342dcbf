"""The clusters a command reads from, and reading from all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rolloutctl.cli.run import Run

if TYPE_CHECKING:
    from rolloutctl.domain.cluster import Cluster

T = TypeVar("T")


class Source(NamedTuple):
    """One cluster; `label` is what tables and documents call it, "" when it is the only one."""

    label: str
    cluster: Cluster
    namespace: str | None
    """The namespace to list there, None for all."""


def sources(run: Run) -> list[Source]:
    """The clusters the user means. Raises ClusterError and its kin."""
    return [Source("", run.cluster(), run.namespace())]


def each(
    run: Run, work: Callable[[Source], Iterable[T]], among: list[Source] | None = None
) -> Iterator[tuple[Source, T]]:
    """What `work` finds in each source, in the order of the sources.

    With one source its error is raised; of several, what fails in one is told on stderr and does
    not keep the others back (`run.broken` counts them).
    """
    for source in sources(run) if among is None else among:
        for found in work(source):
            yield source, found
