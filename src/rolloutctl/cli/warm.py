"""Lists that go on from one kept on disk: where it comes from, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.cli.run import Run

if TYPE_CHECKING:
    from datetime import datetime

    from rolloutctl.actions.reading import Reading
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.fleet.snapshot import Snapshot, Snapshots


class WriteOnly:
    """Snapshots for `--fresh`: nothing is taken from disk, what is read is kept for the next."""

    def __init__(self, inner: Snapshots) -> None:
        self._inner = inner

    def load(self, _cluster: Cluster, _namespace: str | None) -> Snapshot | None:
        return None

    def save(self, cluster: Cluster, namespace: str | None, snapshot: Snapshot) -> None:
        self._inner.save(cluster, namespace, snapshot)


def snapshots(run: Run, cluster: Cluster, *, fresh: bool) -> Snapshots | None:
    """Where a cluster's lists are kept, None for nowhere; with `fresh` they are only written."""
    # Lists are kept by what the cluster is, not by what may be done to it.
    plain = getattr(cluster, "cluster", cluster)
    kept = run.environment.snapshots(plain, env=run.environment.env)
    return WriteOnly(kept) if kept is not None and fresh else kept


def check(selector: str) -> None:
    """Raises UsageError for what is no label selector, before any cluster is asked."""
    if selector:
        from rolloutctl.domain.fleet.selectors import parse

        parse(selector)


class Readings:
    """The readings of one command: made here, one for each source, and told about at its end."""

    def __init__(self, run: Run, *, selector: str = "", fresh: bool = False) -> None:
        """Raises UsageError for what is no label selector."""
        check(selector)
        self._run = run
        self._selector = selector
        self._fresh = fresh
        self._made: dict[str, Reading] = {}

    def of(self, source: Source) -> Reading:
        """The rollouts of a source, to be iterated once."""
        from rolloutctl.actions.reading import Reading

        reading = self._made[source.label] = Reading(
            source.cluster,
            source.namespace,
            label_selector=self._selector,
            snapshots=snapshots(self._run, source.cluster, fresh=self._fresh),
            now=self._run.environment.now,
        )
        return reading

    def tell(self) -> None:
        """Says on stderr how old what was shown is, for each source that was read warm."""
        from rolloutctl.render.text import Span, line, safe

        lines = []
        for label, reading in sorted(self._made.items(), key=lambda made: made[0]):
            if reading.warm and reading.since is not None:
                named = f"{safe(label)}: " if label else ""
                lines.append(line(Span(named + _age(reading, reading.since), "dim")))
        if lines:
            self._run.note(lines)


def _age(reading: Reading, since: datetime) -> str:
    changed = f"{reading.changed:,}" if reading.changed else "nothing"
    return f"as of {reading.as_of:%H:%M:%S}Z, {changed} changed since {since:%H:%M:%S}Z"
