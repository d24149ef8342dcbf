"""A cluster that can only be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rolloutctl.domain.cluster import REVIEWS, Change, Cluster, Kind
from rolloutctl.errors import UsageError

_READS = frozenset(
    {
        *("name", "namespace", "get", "get_raw", "pages", "watch", "ask", "pod_log", "log_lines"),
        *("server_time_skew", "uid", "timings"),
    }
)


class ReadOnlyError(UsageError):
    """Something was to be changed where nothing may be."""


def refusal(why: str) -> ReadOnlyError:
    """The error; `why` says what made it so: an option, a variable, a key of the configuration."""
    return ReadOnlyError(
        f"nothing is changed: it is read-only ({why})",
        hint="--dry-run shows what would be done; rolloutctl config view says what is set",
    )


class ReadOnly:
    """Meets `Cluster`, and hands on only what reads; whatever else there is, now or later, is
    refused. What the server only tries (`dry_run`), and reviews, change nothing."""

    def __init__(self, cluster: Cluster, why: str) -> None:
        self.cluster = cluster
        self._why = why

    def __getattr__(self, name: str) -> Any:
        if name in _READS:
            return getattr(self.cluster, name)
        raise refusal(self._why)

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        if not dry_run:
            raise refusal(self._why)
        return self.cluster.apply(change, dry_run=True)

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        if not dry_run and kind not in REVIEWS:
            raise refusal(self._why)
        return self.cluster.create(kind, namespace, obj, dry_run=dry_run)


def read_only(cluster: Cluster, why: str) -> Cluster:
    """`cluster`, through which nothing can be changed."""
    return cast(Cluster, ReadOnly(cluster, why))
