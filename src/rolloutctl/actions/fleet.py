"""Reading and following whole fleets for their summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.actions.inspect import plugin_configuration
from rolloutctl.actions.pumping import Pump, Taken
from rolloutctl.actions.reading import known_from, load, utc_now
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Known, Unreadable, WatchEvent
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.fleet.snapshot import Snapshots
    from rolloutctl.domain.fleet.tally import Tally
    from rolloutctl.domain.plugin_config import PluginConfiguration

PERIOD = 1.0
"""Seconds between two summaries of a fleet that changes, at least."""
_CONFIGURATION_EVERY = 15.0
"""Seconds between two looks at argo-rollouts-config: plugins are switched off while one watches."""
_OBJECTS = frozenset({"ADDED", "MODIFIED", "DELETED"})


class Configured(NamedTuple):
    """What argo-rollouts-config says; None when it was not read, and then `problem` says why."""

    config: PluginConfiguration | None
    problem: str = ""


def configuration(cluster: Cluster) -> Configured:
    """Raises nothing."""
    config, missing = plugin_configuration(cluster)
    return Configured(config, "" if missing is None else missing.why)


def read(
    reading: Iterable[Entry | Unreadable], cluster: Cluster
) -> Iterator[Entry | Unreadable | Configured]:
    """What a reading finds, then, where any rollout has a step plugin, the configuration."""
    plugins = False
    for item in reading:
        if not plugins and isinstance(item, Entry):
            plugins = bool(item.plugins)
        yield item
    if plugins:
        yield configuration(cluster)


class Member(NamedTuple):
    """A cluster of a fleet that is followed; `label` is "" for the only one."""

    label: str
    cluster: Cluster
    namespace: str | None
    snapshots: Snapshots | None = None


class Following:
    """A fleet that is followed: a tally that is kept up to date, and what is wrong with it.

    `stale`: why a cluster's connection is away, by its label. `broken`: why a cluster among several
    cannot be followed (any more). `unreadable`: the rollouts that do not have their form.
    """

    def __init__(
        self,
        members: Sequence[Member],
        tally: Tally,
        *,
        label_selector: str = "",
        timeout: float | None = None,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.tally = tally
        self.stale: dict[str, str] = {}
        self.broken: dict[str, RolloutctlError] = {}
        self.unreadable: dict[tuple[str, Ref], str] = {}
        self.unconfigured: dict[str, str] = {}
        """Why a cluster's argo-rollouts-config is not known."""
        self._members = {member.label: member for member in members}
        self._label_selector = label_selector
        self._timeout = timeout
        self._clock = clock
        self._now = now
        self._pump = Pump()
        self._waited_for = set(self._members)
        """The clusters of which not all is known yet."""
        self._asked: dict[str, float] = {}

    def __iter__(self) -> Iterator[bool]:
        """Whether anything changed; once when all is known, then once a second.

        A connection that goes or comes back is told at once. Raises what the only cluster raises,
        and of several the last error when all have failed.
        """
        end = None if self._timeout is None else self._clock() + self._timeout
        for label, member in self._members.items():
            self._start(label, member)
        changed, due, told = True, self._clock(), False
        try:
            while self._pump.open:
                here = self._clock()
                if end is not None and here >= end:
                    return
                if not self._waited_for:
                    self._look_at_configurations()
                    # The first summary waits for them, but not for long.
                    if here >= due and (told or not self._configuring or here >= due + PERIOD):
                        yield changed
                        changed, due, told = False, self._clock() + PERIOD, True
                        continue
                until = [] if end is None else [end]
                if not self._waited_for:
                    until.append(due if told else due + PERIOD)
                taken = self._pump.take(max(0.0, min(until) - here) if until else None)
                if taken is None:
                    continue
                stale = set(self.stale)
                changed = self._take(taken) or changed
                if stale != set(self.stale):
                    due = self._clock()
            if changed and not self._waited_for:
                yield True
        finally:
            self._pump.close()

    def _start(self, label: str, member: Member) -> None:
        known: Known | None = None
        if member.snapshots is not None and not self._label_selector:
            snapshot = load(member.snapshots, member.cluster, member.namespace, self._now())
            if snapshot is not None:
                known = known_from(snapshot)
                for one in snapshot.entries:
                    self.tally.put(one, label)
        self._pump.add(
            label,
            lambda: member.cluster.watch(
                ROLLOUTS,
                member.namespace,
                wire.Rollout,
                label_selector=self._label_selector,
                compact=entry,
                known=known,
            ),
        )

    def _take(self, taken: Taken) -> bool:
        """Whether what was said changes anything that is shown."""
        label, event = taken.source, taken.event
        if label.startswith(_CONFIGURATION):
            label = label.removeprefix(_CONFIGURATION)
            if event is not None:
                found: Configured = event.object
                self.tally.configure(found.config, label)
                self.unconfigured.pop(label, None)
                if found.problem:
                    self.unconfigured[label] = found.problem
            return event is not None
        if taken.error is not None:
            if len(self._members) == 1:
                raise taken.error
            self.broken[label] = taken.error
            self.stale.pop(label, None)
            self._waited_for.discard(label)
            # Nobody knows any more what is true there.
            self.tally.leave(label)
            if self._members.keys() <= self.broken.keys():
                raise taken.error
            return True
        if event is None:
            self._waited_for.discard(label)
            return False
        if event.type == "STALE":
            self.stale[label] = event.problem or "the connection dropped"
            return True
        back = self.stale.pop(label, None) is not None
        if event.type == "SYNCED":
            self._waited_for.discard(label)
            return True
        return self._apply(label, event) or back

    def _apply(self, label: str, event: WatchEvent) -> bool:
        if event.type == "UNREADABLE":
            item: Unreadable | None = event.object
            if item is None:
                return False
            ref = Ref(item.namespace, item.name)
            self.unreadable[label, ref] = event.problem
            # What it was before is not what it is.
            self.tally.drop(ref, label)
            return True
        if event.type not in _OBJECTS:
            return False
        found: Entry = event.object
        self.unreadable.pop((label, found.row.ref), None)
        if event.type == "DELETED":
            self.tally.drop(found.row.ref, label)
        else:
            self.tally.put(found, label)
        return True

    @property
    def _configuring(self) -> bool:
        return any(source.startswith(_CONFIGURATION) for source in self._pump.open)

    def _look_at_configurations(self) -> None:
        here = self._clock()
        for label, member in self._members.items():
            source = _CONFIGURATION + label
            asked = self._asked.get(label)
            late = asked is None or (
                label in self._pump.open and here - asked >= _CONFIGURATION_EVERY
            )
            if late and source not in self._pump.open and self.tally.uses_plugins(label):
                self._asked[label] = here
                self._pump.add(source, lambda cluster=member.cluster: _told(cluster))  # type: ignore[misc]


_CONFIGURATION = "argo-rollouts-config:"


def _told(cluster: Cluster) -> Iterator[WatchEvent]:
    yield WatchEvent("MODIFIED", configuration(cluster))
