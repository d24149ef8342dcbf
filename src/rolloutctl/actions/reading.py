"""Reading many rollouts: page by page, or warm, from a snapshot and what changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Unreadable
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.fleet.snapshot import Snapshots


def utc_now() -> datetime:
    return datetime.now(UTC)


class Reading:
    """The rollouts of a scope, to be iterated once; the facts about it hold from the first on.

    `warm`: it goes on from a snapshot, of which `changed` entries had changed. `as_of`: when it was
    true, by this machine's clock.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str | None,
        *,
        label_selector: str = "",
        snapshots: Snapshots | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._label_selector = label_selector
        self._snapshots = snapshots
        self._now = now
        self.warm = False
        self.as_of = now()
        self.changed = 0

    def __iter__(self) -> Iterator[Entry | Unreadable]:
        """In the order of namespace and name. Raises what the cluster raises, maybe after some."""
        self.as_of = self._now()
        for page in self._cluster.pages(
            ROLLOUTS, self._namespace, wire.Rollout, label_selector=self._label_selector
        ):
            for item in page.items:
                yield entry(item)
            yield from page.unreadable
