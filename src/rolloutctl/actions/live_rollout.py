"""One rollout that is kept up to date in the background, for a screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from rolloutctl.actions.following import News, Update, follow
from rolloutctl.actions.reading import utc_now
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.connections import Connection, Link
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import NotFound

_RETRY = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two tries after an error; the last one goes on."""
_TICK = 1.0
"""Seconds after which the thread looks whether it is still wanted."""


class LiveRollout:
    """The newest picture of a rollout. What reading it runs into is said, and it is tried again.

    `start` and `close` begin and end a thread; everything else may be read from any. After a
    deletion the last picture stays, and a rollout made anew under the name takes its place.
    """

    def __init__(
        self,
        cluster: Cluster,
        ref: Ref,
        *,
        now: Callable[[], datetime] = utc_now,
        retry: Sequence[float] = _RETRY,
    ) -> None:
        self.cluster = cluster
        self.ref = ref
        self.update: Update | None = None
        self.connection = Connection(Link.READING, now())
        self.deleted_at: datetime | None = None
        self.version = 0
        """Counts what was told: a screen that has seen this number has nothing to do."""
        self._now = now
        self._retry = retry
        self._closed = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"rollout-{self.ref}", daemon=True).start()

    def close(self) -> None:
        """Lets the thread end within a second or so; nobody waits for it."""
        self._closed.set()

    def _run(self) -> None:
        tries = 0
        while not self._closed.is_set():
            try:
                for update in follow(self.cluster, self.ref, tick=_TICK):
                    if self._closed.is_set():
                        return
                    tries = 0
                    self._take(update)
            except NotFound as error:
                if self.update is not None and self.deleted_at is None:
                    self.deleted_at = self._now()
                self._say(Link.STALE if self.update is None else Link.LIVE, error.message)
            except Exception as error:  # whatever it is, it is said, and tried again
                self._say(Link.STALE, str(getattr(error, "message", "")) or type(error).__name__)
            self._closed.wait(self._retry[min(tries, len(self._retry) - 1)])
            tries += 1

    def _take(self, update: Update) -> None:
        match update.news:
            case News.TICK:
                return
            case News.DELETED:
                self.deleted_at = self._now()
            case News.STALE:
                self._say(Link.STALE, update.problem)
            case News.UNREADABLE:
                self._say(Link.STALE, f"a new version cannot be read: {update.problem}")
            case _:
                self.deleted_at = None
                self._say(Link.LIVE)
        self.update = update
        self.version += 1

    def _say(self, link: Link, problem: str = "") -> None:
        if (link, problem) != (self.connection.link, self.connection.problem):
            self.connection = Connection(link, self._now(), problem)
            self.version += 1
