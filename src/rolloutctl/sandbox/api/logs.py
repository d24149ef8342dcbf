"""The logs of pods that do not exist: the subresource `log`, also followed.

What a container has printed follows from when it started: a first line, one every two seconds, and
one at its end. A pod may say what its log is in an annotation instead. Of a long log the last
lines are kept, as a kubelet does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rolloutctl.sandbox.store import Store

from . import errors, reading
from .messages import Request, Response, Stream
from .routing import Query, Target

LOG_ANNOTATION = "sandbox.rolloutctl/log"
"""Where the fake kubelet keeps what a pod has printed."""
EVERY = timedelta(seconds=2)
"""Between two lines of a container that runs."""
KEPT = 500
_TICK = 0.2
"""Seconds between two looks at a pod whose log is followed."""
_HEARTBEAT = 5
"""Looks without news after which the server checks whether the client is there."""
_TEXT = "text/plain"
_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}

Obj = dict[str, Any]


class Line(NamedTuple):
    """A line of a log, with when it was printed."""

    at: datetime
    text: str

    def encode(self, *, timestamps: bool) -> bytes:
        stamp = f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z " if timestamps else ""
        return f"{stamp}{self.text}\n".encode()


def answer(
    store: Store,
    target: Target,
    request: Request,
    now: Callable[[], datetime],
    closing: threading.Event,
) -> Response | Stream:
    """Answer a request for a pod's log. Raises Refused."""
    pod = reading.existing(store, target).decode()
    query = Query(request)
    container = _container(pod, query.text("container"))
    status = _status(pod, container)
    if query.flag("previous"):
        lines = _previous(pod, container, status)
        return Response(200, _encoded(_chosen(lines, query, now()), query), _TEXT)
    waiting = _waiting(pod, status)
    if waiting is not None and LOG_ANNOTATION not in (pod["metadata"].get("annotations") or {}):
        raise errors.bad_request(
            f'container "{container}" in pod "{target.name}" is waiting to start: {waiting}'
        )
    lines = printed(pod, container, now())
    shown = _chosen(lines, query, now())
    if not query.flag("follow"):
        return Response(200, _encoded(shown, query), _TEXT)
    followed = _Followed(store, target, container, now, closing, query.flag("timestamps"))
    return Stream(200, followed.chunks(_encoded(shown, query), lines), _TEXT)


def printed(pod: Obj, container: str, now: datetime) -> list[Line]:
    """What a container has printed until `now`, the last of it where that is much."""
    status = _status(pod, container)
    state = status.get("state") or {}
    ended = state.get("terminated")
    began = _moment((ended or state.get("running") or {}).get("startedAt"))
    began = began or _moment((pod.get("status") or {}).get("startTime"))
    began = began or _moment(pod["metadata"].get("creationTimestamp")) or now
    said = (pod["metadata"].get("annotations") or {}).get(LOG_ANNOTATION)
    if said is not None:
        return [Line(began, text) for text in str(said).splitlines()][-KEPT:]
    end = _moment((ended or {}).get("finishedAt")) if ended is not None else None
    count = max(0, int(((end or now) - began) / EVERY))
    name = pod["metadata"]["name"]
    lines = [
        Line(began + number * EVERY, _text(number, name, container, status))
        for number in range(max(0, count - KEPT), count + 1)
    ]
    if ended is not None:
        code = ended.get("exitCode", 0)
        level = "error" if code else "info"
        lines.append(Line(end or now, f'level={level} msg="ended with exit code {code}"'))
    return lines[-KEPT:]


def _text(number: int, pod: str, container: str, status: Obj) -> str:
    if not number:
        return f'level=info msg="{container} started" image={status.get("image", "")} pod={pod}'
    return f'level=info msg="GET /{number}" status=200 took={3 + number * 7 % 40}ms'


class _Followed:
    """A log that grows; it ends with its container."""

    def __init__(
        self,
        store: Store,
        target: Target,
        container: str,
        now: Callable[[], datetime],
        closing: threading.Event,
        timestamps: bool,
    ) -> None:
        self._store = store
        self._target = target
        self._container = container
        self._now = now
        self._closing = closing
        self._timestamps = timestamps

    def chunks(self, first: bytes, lines: list[Line]) -> Iterator[bytes]:
        yield first
        silent = 0
        while not self._closing.wait(_TICK):
            record = self._store.get(
                self._target.resource.plural, self._target.namespace, self._target.name
            )
            if record is None:
                return
            pod = record.decode()
            found = printed(pod, self._container, self._now())
            fresh = _after(lines, found)
            lines = found
            if fresh:
                yield b"".join(line.encode(timestamps=self._timestamps) for line in fresh)
            if "terminated" in (_status(pod, self._container).get("state") or {}):
                return
            silent = 0 if fresh else silent + 1
            if silent >= _HEARTBEAT:
                silent = 0
                yield b""


def _after(before: list[Line], now: list[Line]) -> list[Line]:
    """What was added: all behind the last line that was there; everything, if it is gone."""
    last = before[-1] if before else None
    for number in range(len(now) - 1, -1, -1):
        if now[number] == last:
            return now[number + 1 :]
    return now


def _chosen(lines: list[Line], query: Query, now: datetime) -> list[Line]:
    since = query.number("sinceSeconds")
    if since is not None:
        lines = [line for line in lines if (now - line.at).total_seconds() <= since]
    moment = _moment(query.text("sinceTime"))
    if moment is not None:
        lines = [line for line in lines if line.at >= moment]
    tail = query.number("tailLines")
    if tail is not None:
        lines = lines[-tail:] if tail > 0 else []
    return lines


def _encoded(lines: list[Line], query: Query) -> bytes:
    timestamps = query.flag("timestamps")
    data = b"".join(line.encode(timestamps=timestamps) for line in lines)
    limit = query.number("limitBytes")
    return data if limit is None else data[:limit]


def _container(pod: Obj, wanted: str) -> str:
    """The container meant. Raises Refused."""
    spec = pod.get("spec") or {}
    names = [str(item.get("name")) for item in spec.get("containers") or ()]
    initial = [str(item.get("name")) for item in spec.get("initContainers") or ()]
    called = pod["metadata"]["name"]
    if not wanted:
        if len(names) == 1:
            return names[0]
        listed = f"[{' '.join(names)}]"
        more = f" or one of the init containers: [{' '.join(initial)}]" if initial else ""
        raise errors.bad_request(
            f"a container name must be specified for pod {called}, choose one of: {listed}{more}"
        )
    if wanted not in names + initial:
        raise errors.bad_request(f"container {wanted} is not valid for pod {called}")
    return wanted


def _status(pod: Obj, container: str) -> Obj:
    status = pod.get("status") or {}
    for key in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(key) or ():
            if isinstance(each, dict) and each.get("name") == container:
                return each
    return {}


def _waiting(pod: Obj, status: Obj) -> str | None:
    """Why a container has no log yet; None where it has."""
    waiting = (status.get("state") or {}).get("waiting")
    if waiting is not None:
        reason = str(waiting.get("reason") or "PodInitializing")
        return _WAITING.get(reason, reason)
    return "ContainerCreating" if (pod.get("status") or {}).get("phase") == "Pending" else None


def _previous(pod: Obj, container: str, status: Obj) -> list[Line]:
    ended = (status.get("lastState") or {}).get("terminated")
    if ended is None:
        raise errors.bad_request(
            f'previous terminated container "{container}" in pod'
            f' "{pod["metadata"]["name"]}" not found'
        )
    at = _moment(ended.get("finishedAt")) or datetime.now(UTC)
    said = str(ended.get("message") or f"ended with exit code {ended.get('exitCode', 0)}")
    return [Line(at, text) for text in said.splitlines()]


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
