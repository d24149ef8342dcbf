"""A list as it was read once, to go on from: what a warm list needs."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.fleet.entry import Entry


class Snapshot(Struct, frozen=True):
    """All rollouts of a scope (no selection) as of `resource_version`.

    `cluster_uid` identifies the cluster it was read from; `read_at` is when, by this machine's
    clock. `entries` are in the order of namespace and name.
    """

    cluster_uid: str
    resource_version: str
    read_at: datetime
    entries: tuple[Entry, ...]


class Snapshots(Protocol):
    """Where snapshots are kept between two runs. Nothing here raises: no snapshot is no harm."""

    def load(self, cluster: Cluster, namespace: str | None) -> Snapshot | None:
        """The last one of this cluster, user and scope (None: all namespaces), if it is sound."""
        ...

    def save(self, cluster: Cluster, namespace: str | None, snapshot: Snapshot) -> None:
        """Keeps it in place of the one before."""
        ...
