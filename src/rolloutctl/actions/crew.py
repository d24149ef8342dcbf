"""The same work on many things by a bounded number of threads, told to one thread as it is done."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from rolloutctl.actions import hearing

T = TypeVar("T")
R = TypeVar("R")


class Done(NamedTuple, Generic[T, R]):
    """One piece of work that has ended: its result, or what it raised."""

    item: T
    result: R | None
    error: BaseException | None


class Crew(Generic[T, R]):
    """At most `at_once` threads that do `work`; whoever hands it out also takes the results.

    The threads are daemons: a request may hang for as long as its timeout, and a program that was
    told to end does not wait for that.
    """

    def __init__(self, work: Callable[[T], R], at_once: int) -> None:
        self._work = work
        self._at_once = at_once
        self._threads = 0
        self._jobs: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done[T, R] | Callable[[], None] | None] = queue.SimpleQueue()
        self.busy = 0
        """Pieces of work handed out whose result was not taken yet."""

    @property
    def free(self) -> bool:
        """Whether one more piece of work would be begun at once."""
        return self.busy < self._at_once

    def begin(self, item: T) -> None:
        """Hands out one piece of work; wait until the crew is `free`."""
        self.busy += 1
        if self._threads < min(self.busy, self._at_once):
            self._threads += 1
            threading.Thread(target=self._run, name=f"crew-{self._threads}", daemon=True).start()
        self._jobs.put((item,))

    def close(self) -> None:
        """Lets the threads end, each when it has done what it is at."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            (item,) = job
            try:
                done = Done[T, R](item, self._work(item), None)
            except BaseException as error:
                done = Done[T, R](item, None, error)
            self._done.put(done)

    def tell(self, news: Callable[[], None]) -> None:
        """Has `news` called by the thread that takes the results; safe from any thread."""
        self._done.put(news)

    def wake(self) -> None:
        """Lets a `take` that waits return; safe from any thread and from a signal handler."""
        self._done.put(None)

    def take(self, timeout: float | None = None) -> Done[T, R] | None:
        """The next piece of work that has ended; None after `timeout` seconds, news, or `wake`."""
        try:
            found = hearing.get(self._done, timeout)
        except queue.Empty:
            return None
        if found is None:
            return None
        if isinstance(found, Done):
            self.busy -= 1
            return found
        found()
        return None
