"""Whether a resumed watch has told all there is: no server says so, so it is worked out.

A bookmark comes once a minute, and `sendInitialEvents` sends everything anew. So a list of one
object is asked for beside the watch: its version is a point the watch has to reach, and it says how
many objects there are. A watch that has not come to that version, because what raised it is not of
this kind, has caught up when it is silent and the number of objects is right.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import urllib3

from rolloutctl.domain.wire import Wire
from rolloutctl.errors import RolloutctlError
from rolloutctl.kube import decoding
from rolloutctl.kube.transport import Transport

SETTLED = 0.1
"""Seconds of silence after which a watch that may have caught up has done so; more far away."""
_FARTHEST = 0.5
OPENING = 3.0
"""Seconds for the watch to begin; some proxies hold its headers back until something happens."""
GRACE = 1.0
"""Seconds of silence after which a watch that leaves objects out is not believed."""


class _Anything(Wire):
    pass


class Head(NamedTuple):
    """The start of a list: its version, and how many objects it has (None: not said).

    `seconds`: how long the answer took.
    """

    version: str
    objects: int | None
    seconds: float


class Distrusted(Exception):
    """What was known does not lead to what there is; the message says how that was seen."""


class Arrivals:
    """What a resumed watch says, and the head of the list, as they come.

    The head is asked for at once, the watch is read from `read` on: by a thread, since a read that
    was given up in silence could not be gone on with. Once the watch has caught up, `rest` goes on
    with the same stream without it.
    """

    def __init__(self, ask: Callable[[], Head]) -> None:
        self._queue: queue.SimpleQueue[bytes | Head | Exception | None] = queue.SimpleQueue()
        self._enough = threading.Event()
        self._answer: urllib3.BaseHTTPResponse | None = None
        self._lines: Iterator[bytes] = iter(())
        self._thread = threading.Thread(target=self._read, name="watch-lines", daemon=True)
        threading.Thread(target=self._ask, args=(ask,), name="list-head", daemon=True).start()

    def read(self, answer: urllib3.BaseHTTPResponse, lines: Iterator[bytes]) -> None:
        """Begins to read `lines`, which come from `answer`."""
        self._answer, self._lines = answer, lines
        self._thread.start()

    def take(self, timeout: float) -> bytes | Head | None:
        """A line or the head, b"" after `timeout` seconds of silence, None at the end.

        Raises Distrusted, and whatever the stream breaks with.
        """
        try:
            found = self._queue.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return b""
        if isinstance(found, Exception):
            raise found
        return found

    def rest(self) -> Iterator[bytes]:
        """The lines from now on. Raises whatever the stream breaks with."""
        self._enough.set()
        while self._thread.is_alive() or not self._queue.empty():
            found = self._queue.get()
            if found is None:
                break
            if isinstance(found, Exception) and not isinstance(found, Distrusted):
                raise found
            if isinstance(found, bytes):
                yield found
        yield from self._lines

    def close(self) -> None:
        """Ends the thread; a read it sits in is broken off."""
        self._enough.set()
        if self._thread.is_alive() and isinstance(self._answer, urllib3.HTTPResponse):
            _break_off(self._answer)
            self._thread.join(1.0)

    def _ask(self, ask: Callable[[], Head]) -> None:
        try:
            self._queue.put(ask())
        except Distrusted as error:
            self._queue.put(error)
        except Exception as error:
            self._queue.put(Distrusted(f"{type(error).__name__}: {error}"))

    def _read(self) -> None:
        try:
            for line in self._lines:
                self._queue.put(line)
                if self._enough.is_set():
                    break
        except Exception as error:
            self._queue.put(error)
        self._queue.put(None)


def _break_off(answer: urllib3.HTTPResponse) -> None:
    """Ends a read that another thread sits in; closing the answer would wait for it."""
    with contextlib.suppress(RuntimeError, OSError):
        try:
            answer.shutdown()
        except ValueError:
            # TLS within TLS, through a proxy: the layer above the socket has no such thing.
            layer = getattr(answer.connection, "sock", None)
            if layer is not None:
                getattr(layer, "socket", layer).shutdown(socket.SHUT_RDWR)


def head(transport: Transport, where: str, selection: dict[str, str]) -> Head:
    """Asks for the start of a list. Raises Distrusted."""
    asked = time.monotonic()
    try:
        answer = transport.request("GET", where, query=selection | {"limit": "1"})
        if answer.status != 200:
            raise Distrusted(f"the list cannot be read: HTTP {answer.status}")
        page, token = decoding.page(answer.data, _Anything)
    except (RolloutctlError, *decoding.MALFORMED) as error:
        raise Distrusted(f"the list cannot be read: {error}") from error
    count: int | None = len(page.items) + len(page.unreadable)
    if token:
        # Servers do not count what they have to select.
        count = None if page.remaining is None or count is None else count + page.remaining
    return Head(page.resource_version, count, time.monotonic() - asked)


class Judge:
    """Decides when a watch that went on from `version` has caught up."""

    def __init__(self, version: str) -> None:
        self._from = version
        self._head: Head | None = None
        self._quiet_since = time.monotonic()

    def heard(self) -> None:
        """A line has come."""
        self._quiet_since = time.monotonic()

    def told(self, head: Head) -> None:
        """The list was read. Raises Distrusted when it is older than what was known."""
        self._head = head
        self._quiet_since = time.monotonic()
        if reached(self._from, head.version) and self._from != head.version:
            raise Distrusted(f"version {self._from} does not exist yet, {head.version} is current")

    def caught_up(self, version: str, count: int) -> bool:
        """Whether, at `version` and with `count` objects, nothing is missing. Raises Distrusted."""
        if self._head is None:
            return False
        fits = self._head.objects in (None, count)
        if reached(version, self._head.version) and (fits or version != self._head.version):
            return True
        silent = time.monotonic() - self._quiet_since
        if fits:
            # On a long way there are longer gaps between what was sent at once.
            return silent >= min(max(SETTLED, 2 * self._head.seconds), _FARTHEST)
        if silent >= GRACE:
            raise Distrusted(f"there are {self._head.objects} objects, and {count} were known")
        return False


def reached(version: str, goal: str) -> bool:
    """Whether `version` is not older than `goal`; False when they cannot be compared."""
    digits = version.isascii() and goal.isascii() and version.isdigit() and goal.isdigit()
    return digits and int(version) >= int(goal)
