"""A fleet's summary, kept up to date rollout by rollout.

Most rollouts of a fleet are Healthy and only counted: what a summary looks at again are those
that are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rolloutctl.domain.facts import RolloutRow
from rolloutctl.domain.fleet.causes import Why, is_aborted, why
from rolloutctl.domain.fleet.entry import Entry, EntryRun
from rolloutctl.domain.fleet.ranking import wait_key
from rolloutctl.domain.fleet.summary import (
    NAMESPACE,
    SINCE,
    STUCK,
    CauseGroup,
    Counts,
    Group,
    Place,
    PluginUse,
    Stuck,
    Summary,
)
from rolloutctl.domain.plugins import ERROR, FAILED, RUNNING, Availability, availabilities
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import DEGRADED, HEALTHY, PAUSED, PROGRESSING

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

TEAMS = ("team", "owner", "app.kubernetes.io/part-of")
"""The labels that groups are made by, where at least half of the rollouts have one of them."""

_FIELDS = {HEALTHY: "healthy", PROGRESSING: "progressing", PAUSED: "paused", DEGRADED: "degraded"}
_Key = tuple[str, Ref]


class _Cell(NamedTuple):
    """What is counted of a rollout: those that agree in it are one number."""

    cluster: str
    groups: tuple[str | None, ...]
    """Its value of each of the labels (or the namespace) that groups may be made by."""
    strategy: str
    field: str
    split: str
    """The part of `field` that is counted by itself as well, or ""."""


class _Kept(NamedTuple):
    """What is held of a rollout to take it back; `found` only of those that are looked at again."""

    cell: _Cell
    plugins: tuple[str, ...]
    found: Entry | None
    why: Why | None


def summarise(
    entries: Iterable[Entry],
    now: datetime,
    *,
    since: timedelta = SINCE,
    stuck: timedelta = STUCK,
    by: str = "",
) -> Summary:
    """The summary of rollouts of one cluster; `by` as of a Tally, the rest as of its `summary`."""
    tally = Tally(by)
    for found in entries:
        tally.put(found)
    return tally.summary(now, since=since, stuck=stuck)


class Tally:
    """Counts rollouts as they come, change and go; `summary` says what there is of them."""

    def __init__(self, by: str = "", clusters: Iterable[str] = ()) -> None:
        """`by`: "namespace" or a label; "": a team's label where most have one, else namespaces.

        `clusters`: the clusters there are, also those without rollouts; empty for a single one.
        """
        self._keys = (by,) if by else (NAMESPACE, *TEAMS)
        self._clusters = list(clusters)
        self._several = bool(self._clusters)
        self._kept: dict[_Key, _Kept] = {}
        self._notable: dict[_Key, _Kept] = {}
        self._cells: Counter[_Cell] = Counter()
        self._same: dict[_Cell, _Cell] = {}
        self._uses: Counter[tuple[str, str]] = Counter()
        """Rollouts that use a plugin, by cluster and plugin."""
        self._steps: Counter[str] = Counter()
        self._configurations: dict[str, PluginConfiguration | None] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def uses_plugins(self, cluster: str = "") -> bool:
        """Whether any rollout of the cluster has a step plugin."""
        return any(label == cluster and count for (label, _), count in self._uses.items())

    def configure(self, config: PluginConfiguration | None, cluster: str = "") -> None:
        """Takes what a cluster's argo-rollouts-config says, None when it could not be read."""
        self._configurations[cluster] = config

    def put(self, found: Entry, cluster: str = "") -> None:
        """Takes a rollout in, in place of what it was before."""
        row = found.row
        key = (cluster, row.ref)
        before = self._kept.get(key)
        if before is not None:
            self._forget(key, before)
        cell = self._cell(found, cluster)
        cell = self._same.setdefault(cell, cell)
        notable = row.phase != HEALTHY or bool(found.runs)
        kept = _Kept(cell, found.plugins, found if notable else None, why(found))
        self._kept[key] = kept
        self._cells[cell] += 1
        if notable:
            self._notable[key] = kept
        if found.plugins:
            self._count_plugins(cluster, found.plugins, 1)

    def drop(self, ref: Ref, cluster: str = "") -> None:
        """Forgets a rollout, if it is there."""
        kept = self._kept.pop((cluster, ref), None)
        if kept is not None:
            self._forget((cluster, ref), kept)

    def leave(self, cluster: str) -> None:
        """Forgets a cluster and all its rollouts."""
        if cluster in self._clusters:
            self._clusters.remove(cluster)
        for label, ref in [key for key in self._kept if key[0] == cluster]:
            self.drop(ref, label)

    def _forget(self, key: _Key, kept: _Kept) -> None:
        self._cells[kept.cell] -= 1
        if not self._cells[kept.cell]:
            del self._cells[kept.cell], self._same[kept.cell]
        self._notable.pop(key, None)
        if kept.plugins:
            self._count_plugins(key[0], kept.plugins, -1)

    def _count_plugins(self, cluster: str, plugins: tuple[str, ...], count: int) -> None:
        for name in set(plugins):
            self._uses[cluster, name] += count
        for name in plugins:
            self._steps[name] += count

    def _cell(self, found: Entry, cluster: str) -> _Cell:
        row, labels = found.row, found.labels
        field = _FIELDS.get(row.phase, "other")
        split = ""
        if field == "degraded" and is_aborted(found):
            split = "aborted"
        elif row.awaiting is not None:
            split = "awaiting"
        groups = tuple(
            row.ref.namespace if key == NAMESPACE else labels.get(key) for key in self._keys
        )
        return _Cell(cluster, groups, row.strategy, field, split)

    # --- the summary ---------------------------------------------------------------------------

    def summary(
        self, now: datetime, *, since: timedelta = SINCE, stuck: timedelta = STUCK
    ) -> Summary:
        """What there is. `now` is of the clock that the rollouts' moments are of."""
        total = Counts()
        strategies: dict[str, Counts] = {}
        clusters = {label: Counts() for label in self._clusters}
        groups: dict[str, Counts] = {}
        by = self._by()
        for cell, count in self._cells.items():
            name = cell.groups[by] or ""
            for counts in (
                total,
                strategies.setdefault(cell.strategy, Counts()),
                groups.setdefault(name, Counts()),
                clusters.setdefault(cell.cluster, Counts()),
            ):
                _add(counts, cell, count)
        aborted, before, degraded = self._causes(now, since)
        return Summary(
            since=since,
            longer=stuck,
            counts=total,
            by=self._keys[by],
            strategies=_worst_first(strategies),
            clusters=_worst_first(clusters) if self._several else (),
            groups=_worst_first(groups),
            awaiting=tuple(sorted(self._awaiting(), key=lambda row: (wait_key(row), row.cluster))),
            aborted=aborted,
            aborted_before=before,
            degraded=degraded,
            plugins=self._plugins(now, since),
            stuck=tuple(sorted(self._stuck(now, stuck), key=_longest)),
        )

    def _by(self) -> int:
        """Which of the keys groups are made by, as an index."""
        if len(self._keys) == 1:
            return 0
        having = [0] * len(self._keys)
        for cell, count in self._cells.items():
            for index, value in enumerate(cell.groups):
                if value:
                    having[index] += count
        best = max(range(1, len(having)), key=having.__getitem__)
        return best if having[best] * 2 >= max(1, len(self._kept)) else 0

    def _causes(
        self, now: datetime, since: timedelta
    ) -> tuple[tuple[CauseGroup, ...], int, tuple[CauseGroup, ...]]:
        recent: dict[Why, list[tuple[Place, str]]] = {}
        standing: dict[Why, list[tuple[Place, str]]] = {}
        before = 0
        for (cluster, ref), kept in self._notable.items():
            found = kept.found
            if kept.why is None or found is None:
                continue
            if kept.cell.split != "aborted":
                place = Place(cluster, ref, found.row.since)
                standing.setdefault(kept.why, []).append((place, found.cause or found.row.message))
                continue
            at = found.aborted_at or found.row.since
            if at is not None and now - at > since:
                before += 1
            else:
                recent.setdefault(kept.why, []).append((Place(cluster, ref, at), found.cause))
        return _grouped(recent), before, _grouped(standing)

    def _awaiting(self) -> Iterable[RolloutRow]:
        for (cluster, _), kept in self._notable.items():
            if kept.found is not None and kept.cell.split == "awaiting":
                yield _of(kept.found.row, cluster)

    def _stuck(self, now: datetime, longer: timedelta) -> Iterable[Stuck]:
        for (cluster, _), kept in self._notable.items():
            found = kept.found
            if found is None or found.row.phase != PROGRESSING:
                continue
            begun = [
                (run.started, run.name)
                for run in found.runs
                if run.phase == RUNNING and run.started is not None
            ]
            if found.row.since is not None:
                begun.append((found.row.since, ""))
            # What has lasted longest, unless a plugin says more: what the rollout waits for.
            late = [(at, name) for at, name in begun if now - at > longer]
            if late:
                at, name = min(late, key=lambda one: (not one[1], one[0]))
                yield Stuck(_of(found.row, cluster), at, name)

    def _plugins(self, now: datetime, since: timedelta) -> tuple[PluginUse, ...]:
        running: dict[str, list[Place]] = {}
        failing: dict[str, list[Place]] = {}
        failed: dict[str, list[Place]] = {}
        for (cluster, ref), kept in self._notable.items():
            for run in kept.found.runs if kept.found is not None else ():
                place = Place(cluster, ref, run.updated or run.started)
                if run.phase == RUNNING:
                    running.setdefault(run.name, []).append(Place(cluster, ref, run.started))
                elif run.phase == ERROR and not _is_over(kept):
                    failing.setdefault(run.name, []).append(place)
                elif run.phase == FAILED and _is_recent(run, now, since):
                    failed.setdefault(run.name, []).append(place)
        rollouts: Counter[str] = Counter()
        where: dict[str, list[str]] = {}
        for (cluster, name), count in self._uses.items():
            if count:
                rollouts[name] += count
                where.setdefault(name, []).append(cluster)
        says = {cluster: availabilities(config) for cluster, config in self._configurations.items()}
        unknown = availabilities(None)
        uses = []
        for name, count in rollouts.items():
            states = {label: says.get(label, unknown)(name) for label in sorted(where[name])}
            uses.append(
                PluginUse(
                    name=name,
                    rollouts=count,
                    steps=self._steps[name],
                    running=_oldest_first(running.get(name, ())),
                    failing=_oldest_first(failing.get(name, ())),
                    failed=_newest_first(failed.get(name, ())),
                    disabled=_in(states, Availability.DISABLED),
                    unconfigured=_in(states, Availability.NOT_CONFIGURED),
                    unread=_in(states, Availability.UNKNOWN),
                )
            )
        uses.sort(key=_trouble)
        return tuple(uses)


def _add(counts: Counts, cell: _Cell, count: int) -> None:
    counts.total += count
    setattr(counts, cell.field, getattr(counts, cell.field) + count)
    if cell.split:
        setattr(counts, cell.split, getattr(counts, cell.split) + count)


def _worst_first(groups: Mapping[str, Counts]) -> tuple[Group, ...]:
    def badness(group: Group) -> tuple[object, ...]:
        c = group.counts
        return (-c.degraded, -c.awaiting, -c.progressing, -c.paused, -c.total, group.name)

    return tuple(sorted((Group(name, counts) for name, counts in groups.items()), key=badness))


def _grouped(found: Mapping[Why, list[tuple[Place, str]]]) -> tuple[CauseGroup, ...]:
    groups = []
    for reason, members in found.items():
        members.sort(key=lambda member: _newest(member[0]))
        groups.append(CauseGroup(reason, tuple(place for place, _ in members), members[0][1]))
    groups.sort(key=lambda group: (-len(group.places), group.why))
    return tuple(groups)


def _of(row: RolloutRow, cluster: str) -> RolloutRow:
    return replace(row, cluster=cluster) if cluster else row


def _is_over(kept: _Kept) -> bool:
    """Whether no plugin of it is called again: the update was aborted."""
    return kept.found is None or kept.found.row.aborted or kept.cell.split == "aborted"


def _is_recent(run: EntryRun, now: datetime, since: timedelta) -> bool:
    at = run.updated or run.started
    return at is None or now - at <= since


def _newest(place: Place) -> tuple[object, ...]:
    return (place.at is None, -place.at.timestamp() if place.at else 0.0, place.cluster, place.ref)


def _oldest(place: Place) -> tuple[object, ...]:
    return (place.at is None, place.at.timestamp() if place.at else 0.0, place.cluster, place.ref)


def _longest(one: Stuck) -> tuple[object, ...]:
    return (one.since, one.row.ref, one.row.cluster)


def _newest_first(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=_newest))


def _oldest_first(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=_oldest))


def _in(states: Mapping[str, Availability], state: Availability) -> tuple[str, ...]:
    return tuple(label for label, found in states.items() if found is state)


def _trouble(use: PluginUse) -> tuple[object, ...]:
    bad = len(use.failing) + len(use.failed)
    return (
        not use.unconfigured,
        -bad,
        not use.disabled,
        -len(use.running),
        -use.rollouts,
        use.name,
    )
