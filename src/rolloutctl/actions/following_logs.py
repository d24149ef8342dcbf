"""Following the logs of pods, which come and go meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from rolloutctl.actions.following import least
from rolloutctl.actions.logs import (
    Asked,
    Crowd,
    is_waiting,
    opened,
    seconds_since,
    unexpected,
    youngest_first,
)
from rolloutctl.actions.pumping import Pump, Taken
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import PODS, Cluster, WatchEvent
from rolloutctl.domain.pod_logs import LogLine, Origin, Runs, read_line, runs
from rolloutctl.errors import Failed, Forbidden, NotFound, RolloutctlError, Unauthorized

_AGAIN = 0.5
"""Seconds until a log that broke off is read on."""
_FIRST, _SETTLE = 1.0, 0.1
"""For so many seconds at the beginning lines are held back until so many go by without one: what
the pods have printed before comes in the order of time."""
_BURST = 5000
"""Lines that are put in order among themselves at most."""
_FINAL = (Failed, Forbidden, Unauthorized)
_UNREAD = 10_000
"""Lines that may wait for whoever prints them."""


class Remark(Struct, frozen=True):
    """Something to be told besides lines.

    `what`: "new" (a pod's log begins), "left" (its pod is gone or no longer meant), "waits" (it has
    not begun), "more" (pods are left out), "broken" (read again soon), "deleted" (the rollout is).
    """

    what: str
    origin: Origin | None = None
    said: str = ""


class _Reader:
    """What is known of one container's log while it is followed."""

    def __init__(self, origin: Origin, state: Runs, *, first: bool) -> None:
        self.origin = origin
        self.state = state
        self.first = first
        """It was there when following began: then only its end may be wanted."""
        self.token = ""
        """The thread that reads, "" while none does."""
        self.last: datetime | None = None
        self.skip: datetime | None = None
        """Lines up to then were told before."""
        self.again: float | None = None
        self.read = -1
        """The start whose log has been read to its end."""
        self.told = False
        """It was said that it has not begun."""
        self.broken = False
        """It was said that it broke off."""


class Follower:
    """Iterate `follow()` for lists of lines, each in the order of time, and remarks."""

    def __init__(
        self,
        cluster: Cluster,
        crowds: Sequence[Crowd],
        asked: Asked,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._cluster = cluster
        self._crowds = list(crowds)
        self._asked = asked
        self._now = now
        self._clock = clock
        self._pump = Pump()
        self._room = threading.Semaphore(_UNREAD)
        self._closed = threading.Event()
        self._pods: dict[str, tuple[int, wire.Pod]] = {}
        self._readers: dict[tuple[str, str], _Reader] = {}
        self._tokens: dict[str, _Reader] = {}
        self._count = 0
        self._synced: set[int] = set()
        """The groups whose pods are all known."""
        self._told_before: dict[tuple[str, str], datetime] = {}
        self._left_out = 0

    def follow(self, timeout: float | None = None) -> Iterator[list[LogLine] | Remark]:
        """Ends quietly after `timeout` seconds, or when the rollouts are deleted.

        Raises what the cluster raises.
        """
        started = self._clock()
        gone: set[int] = set()
        for number, crowd in enumerate(self._crowds):
            self._watch(number, crowd)
        try:
            while len(gone) < len(self._crowds) and not self._closed.is_set():
                left = None if timeout is None else timeout - (self._clock() - started)
                if left is not None and left <= 0:
                    return
                lines: list[LogLine] = []
                taken = self._pump.take(least(left, self._next_try()))
                while taken is not None:
                    for remark in self._take(taken, lines, gone):
                        if lines:
                            yield in_order(lines)
                            lines.clear()
                        yield remark
                    if len(lines) >= _BURST:
                        break
                    taken = self._pump.take(_SETTLE if self._clock() - started < _FIRST else 0)
                if lines:
                    yield in_order(lines)
                yield from self._retry()
                if self._done():
                    return
        finally:
            self._closed.set()
            self._pump.close()
            # Who waits for room may see that nobody prints any more.
            self._room.release(_UNREAD)

    def stop(self) -> None:
        """Lets `follow` end soon; from any thread."""
        self._closed.set()
        # Something that comes, so that nobody waits for the next line.
        self._pump.add("stop:", lambda: iter(()))

    def _take(self, taken: Taken, lines: list[LogLine], gone: set[int]) -> Iterator[Remark]:
        """What a source said; a line goes to `lines`."""
        kind, _, of = taken.source.partition(":")
        if kind == "log":
            yield from self._read(taken, lines)
        elif taken.error is not None:
            raise taken.error
        elif taken.event is not None:
            yield from self._change(kind, int(of), taken.event, gone)

    def _done(self) -> bool:
        """Whether nothing more can come."""
        if not all(crowd.over for crowd in self._crowds):
            return False
        if len(self._synced) < len(self._crowds) or self._tokens:
            return False
        return all(
            not each.state.began
            or (each.again is None and each.state.over and each.read >= each.state.number)
            for each in self._readers.values()
        )

    def _there(self) -> datetime:
        """The time by the server's clock, which the lines have."""
        return self._now() - timedelta(seconds=self._cluster.server_time_skew())

    def _watch(self, number: int, crowd: Crowd) -> None:
        cluster, ref = self._cluster, crowd.ref
        self._pump.add(
            f"object:{number}",
            lambda: cluster.watch(
                crowd.kind,
                ref.namespace,
                crowd.as_type,
                field_selector=f"metadata.name={ref.name}",
            ),
        )
        if crowd.selector:
            self._pump.add(
                f"pods:{number}",
                lambda: cluster.watch(
                    PODS, crowd.namespace, wire.Pod, label_selector=crowd.selector
                ),
            )
        else:
            self._synced.add(number)

    # --- what the watches say ---------------------------------------------------------------------

    def _change(
        self, kind: str, number: int, event: WatchEvent, gone: set[int]
    ) -> Iterator[Remark]:
        if event.type == "SYNCED" and kind == "pods" and number not in self._synced:
            there = [pod for of, pod in self._pods.values() if of == number]
            for pod in sorted(there, key=youngest_first):
                yield from self._meet(number, pod)
            self._synced.add(number)
            return
        if event.type not in ("ADDED", "MODIFIED", "DELETED"):
            return
        if kind == "object":
            crowd = self._crowds[number]
            if event.type == "DELETED":
                gone.add(number)
                yield Remark("deleted", said=str(crowd.ref))
                return
            crowd.update(event.object)
            # Who is canary and who is stable may have changed for every pod.
            for of, pod in list(self._pods.values()):
                if of == number and number in self._synced:
                    yield from self._meet(number, pod)
            return
        pod = event.object
        uid = pod.metadata.uid
        if event.type == "DELETED":
            self._pods.pop(uid, None)
            yield from self._leave(uid, set())
            return
        known = uid in self._pods
        self._pods[uid] = (number, pod)
        if number in self._synced:
            yield from self._meet(number, pod, new=not known)

    def _meet(self, number: int, pod: wire.Pod, *, new: bool = False) -> Iterator[Remark]:
        """Begins, goes on with, or leaves the logs of a pod, as it is now."""
        uid = pod.metadata.uid
        origins = self._crowds[number].origins(pod, self._asked)
        yield from self._leave(uid, {each.container for each in origins})
        for origin in origins:
            key = (uid, origin.container)
            reader = self._readers.get(key)
            state = runs(pod, origin.container)
            if reader is None:
                if self._full(uid):
                    self._left_out += 1
                    if self._left_out == 1:
                        yield Remark("more", origin)
                    continue
                first = number not in self._synced
                reader = self._readers[key] = _Reader(origin, state, first=first)
                reader.last = self._told_before.pop(key, None)
                if reader.last is None and not first and not new:
                    # It was there, and did not play the part that is wanted.
                    reader.last = self._there()
            reader.origin, reader.state = origin, state
            yield from self._begin(reader)

    def _full(self, uid: str) -> bool:
        followed = {pod for pod, _ in self._readers}
        return uid not in followed and len(followed) >= self._asked.most

    def _leave(self, uid: str, kept: set[str]) -> Iterator[Remark]:
        for key in [key for key in self._readers if key[0] == uid and key[1] not in kept]:
            reader = self._readers[key]
            # The last lines of a pod that is gone are on their way: its thread ends by itself.
            if uid in self._pods:
                self._tokens.pop(reader.token, None)
                if reader.last is not None:
                    self._told_before[key] = reader.last
            del self._readers[key]
            yield Remark("left", reader.origin)

    # --- reading ----------------------------------------------------------------------------------

    def _begin(self, reader: _Reader) -> Iterator[Remark]:
        if reader.token or reader.again is not None:
            return
        state = reader.state
        if not state.began:
            if not reader.told and state.waits:
                reader.told = True
                yield Remark("waits", reader.origin, state.waits)
            return
        if reader.read >= state.number:
            return
        if reader.read < 0 and not reader.first:
            yield Remark("new", reader.origin)
        self._open(reader)

    def _open(self, reader: _Reader) -> None:
        self._count += 1
        reader.token = f"log:{self._count}"
        reader.again = None
        self._tokens[reader.token] = reader
        asked = self._asked
        reader.skip = reader.last
        if reader.last is not None:
            asked = replace(asked, tail=None, since=seconds_since(reader.last, self._there()))
        elif not reader.first:
            # A pod that came meanwhile is new from its first line on.
            asked = replace(asked, tail=None, since=None)
        origin, token = reader.origin, reader.token
        self._pump.add(token, lambda: self._lines(origin, asked))

    def _lines(self, origin: Origin, asked: Asked) -> Iterator[WatchEvent]:
        """Runs in a thread of its own, and waits where lines come faster than they are printed."""
        try:
            for line in opened(self._cluster, origin, asked, follow=True):
                self._room.acquire()
                if self._closed.is_set():
                    return
                yield WatchEvent("LINE", read_line(origin, line))
        except RolloutctlError:
            raise
        except Exception as error:
            raise unexpected(origin, error) from error

    def _read(self, taken: Taken, lines: list[LogLine]) -> Iterator[Remark]:
        if taken.event is not None:
            self._room.release()
        reader = self._tokens.get(taken.source)
        if reader is None:
            return
        if taken.event is not None:
            line: LogLine = taken.event.object
            reader.broken = False
            if line.at is None or reader.skip is None or line.at > reader.skip:
                reader.last = line.at or reader.last
                lines.append(replace(line, origin=reader.origin))
            return
        del self._tokens[taken.source]
        reader.token = ""
        error = taken.error
        if isinstance(error, _FINAL) and not is_waiting(error):
            raise error
        # It ended with its container, or something on the way cut it, or it has not begun: the pod
        # tells, or it is tried again.
        reader.again = self._clock() + _AGAIN
        if error is not None and not reader.broken and not isinstance(error, NotFound):
            reader.broken = True
            what = "waits" if is_waiting(error) else "broken"
            yield Remark(what, reader.origin, error.message)

    def _next_try(self) -> float | None:
        times = [each.again for each in self._readers.values() if each.again is not None]
        return max(0.0, min(times) - self._clock()) if times else None

    def _retry(self) -> Iterator[Remark]:
        now = self._clock()
        for reader in list(self._readers.values()):
            if reader.again is None or reader.again > now:
                continue
            reader.again = None
            if not reader.state.began:
                continue
            if reader.state.over:
                reader.read = reader.state.number
                yield from self._begin(reader)
            else:
                self._open(reader)


def in_order(lines: list[LogLine]) -> list[LogLine]:
    """A burst of lines by their time; one without a time stays behind the one it came after."""
    keyed: list[tuple[Any, int, LogLine]] = []
    before: dict[Origin, float] = {}
    for number, line in enumerate(lines):
        at = line.at.timestamp() if line.at is not None else before.get(line.origin, 0.0)
        before[line.origin] = at
        keyed.append((at, number, line))
    keyed.sort()
    return [line for _, _, line in keyed]
