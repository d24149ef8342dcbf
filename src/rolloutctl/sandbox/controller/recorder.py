"""Events about objects, as Kubernetes' recorders write them.

What is repeated is counted, what is similar is combined, and an object about which too much is
said gets no more: a client that looks for an event must not rely on it. Source: client-go,
tools/record/events_cache.go, with its defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from rolloutctl.sandbox.client import ApiError, Client
from rolloutctl.sandbox.clock import Clock

from .objects import Obj, name, namespace, stamp, uid

_REMEMBERED = 4096
SIMILAR = 10
"""From so many messages of one reason on, they are combined."""
SIMILAR_SECONDS = 600.0
BURST = 25.0
"""So many events about one object at once, and then one each five minutes."""
REFILL_SECONDS = 300.0

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Similar:
    last: datetime
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Bucket:
    last: datetime
    tokens: float = BURST


class Recorder:
    """Writes core/v1 Events as `component`; durations pass as fast as on `clock`."""

    _latest: ClassVar[int] = 0

    def __init__(self, client: Client, component: str, clock: Clock) -> None:
        self._client = client
        self._component = component
        self._clock = clock
        self._written: dict[_Key, tuple[str, int]] = {}
        self._similar: dict[_Key, _Similar] = {}
        self._buckets: dict[str, _Bucket] = {}

    def event(self, about: Obj, kind: str, reason: str, message: str) -> None:
        """`kind` is Normal or Warning. A failure to write is nobody's problem."""
        key: _Key = (uid(about), kind, reason)
        if self._is_one_of_many(key, message):
            message = f"(combined from similar events): {message}"
        else:
            key = (*key, message)
        count = self._written.get(key, ("", 0))[1] + 1
        if not self._may_speak(about):
            self._remember(key, self._written.get(key, ("", 0))[0], count)
            return
        try:
            self._remember(key, self._write(about, key, count, kind, reason, message), count)
        except ApiError:
            return

    def _write(
        self, about: Obj, key: _Key, count: int, kind: str, reason: str, message: str
    ) -> str:
        """Raise the count of the event there is, or make one; its name."""
        place, at = namespace(about) or "default", stamp(self._clock.now())
        written = self._written.get(key, ("", 0))[0]
        if written:
            body = {"count": count, "lastTimestamp": at, "message": message}
            try:
                self._client.patch("events", written, body, place)
                return written
            except ApiError as error:
                if error.status != 404:
                    raise
        made = self._make(about, place, kind, reason, message, at)
        return name(self._client.create("events", {**made, "count": count}, place))

    def _remember(self, key: _Key, written: str, count: int) -> None:
        self._written[key] = (written, count)
        if len(self._written) > _REMEMBERED:
            del self._written[next(iter(self._written))]

    def _is_one_of_many(self, key: _Key, message: str) -> bool:
        now = self._clock.now()
        similar = self._similar.get(key)
        if similar is None or self._passed(similar.last) > SIMILAR_SECONDS:
            similar = self._similar[key] = _Similar(now)
            if len(self._similar) > _REMEMBERED:
                del self._similar[next(iter(self._similar))]
        similar.last = now
        similar.messages.add(message)
        if len(similar.messages) < SIMILAR:
            return False
        similar.messages.pop()
        return True

    def _passed(self, since: datetime) -> float:
        return (self._clock.now() - since).total_seconds() * self._clock.speed

    def _may_speak(self, about: Obj) -> bool:
        now = self._clock.now()
        bucket = self._buckets.get(uid(about))
        if bucket is None:
            bucket = self._buckets[uid(about)] = _Bucket(now)
            if len(self._buckets) > _REMEMBERED:
                del self._buckets[next(iter(self._buckets))]
        bucket.tokens = min(BURST, bucket.tokens + self._passed(bucket.last) / REFILL_SECONDS)
        bucket.last = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _moment(self) -> int:
        """Nanoseconds, by which events of one second are told apart; no two are the same, also of
        a controller that is started anew while the clock stands still.

        Source: client-go, tools/record/event.go.
        """
        Recorder._latest = max(int(self._clock.now().timestamp() * 1e9), Recorder._latest + 1)
        return Recorder._latest

    def _make(self, about: Obj, place: str, kind: str, reason: str, message: str, at: str) -> Obj:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name(about)}.{self._moment():x}", "namespace": place},
            "involvedObject": {
                "apiVersion": about.get("apiVersion"),
                "kind": about.get("kind"),
                "name": name(about),
                "namespace": namespace(about),
                "resourceVersion": about["metadata"].get("resourceVersion"),
                "uid": uid(about),
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": at,
            "lastTimestamp": at,
        }
