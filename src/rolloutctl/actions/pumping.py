"""Several watches at once, read by one loop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rolloutctl.actions import hearing
from rolloutctl.domain.cluster import WatchEvent
from rolloutctl.errors import ClusterError, RolloutctlError


class Taken(NamedTuple):
    """What one source said: an event, or the error it died of, or (both None) that it ended."""

    source: str
    event: WatchEvent | None
    error: RolloutctlError | None


class Pump:
    """Runs each watch in a thread of its own and hands out what they say, in order of arrival.

    The threads are daemons: a watch may sit in a read for minutes, and nobody waits for it.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Taken] = queue.SimpleQueue()
        self._open: set[str] = set()
        self._closed = threading.Event()

    @property
    def open(self) -> frozenset[str]:
        """The sources that have not ended."""
        return frozenset(self._open)

    def add(self, source: str, watch: Callable[[], Iterator[WatchEvent]]) -> None:
        self._open.add(source)
        threading.Thread(
            target=self._run, args=(source, watch), name=f"watch-{source}", daemon=True
        ).start()

    def _run(self, source: str, watch: Callable[[], Iterator[WatchEvent]]) -> None:
        try:
            for event in watch():
                if self._closed.is_set():
                    return
                self._queue.put(Taken(source, event, None))
        except RolloutctlError as error:
            self._queue.put(Taken(source, None, error))
        except Exception as error:
            unexpected = ClusterError(f"watching {source} failed: {type(error).__name__}: {error}")
            self._queue.put(Taken(source, None, unexpected))
        else:
            self._queue.put(Taken(source, None, None))

    def take(self, timeout: float | None) -> Taken | None:
        """The next thing said, None if nothing came within `timeout` seconds."""
        try:
            taken = hearing.get(self._queue, timeout)
        except queue.Empty:
            return None
        if taken.event is None:
            self._open.discard(taken.source)
        return taken

    def close(self) -> None:
        """Lets the threads end at their next event."""
        self._closed.set()
