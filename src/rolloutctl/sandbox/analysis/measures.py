"""Measurements that take their time, out of the control loops' thread.

A round is all that one run measures at once. It is started, and taken when all of it is there;
`finished` names the runs to look at again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .providers.base import Call, Measured, performed

THREADS = 8


class Measures(Protocol):
    """`subject` is the uid of a run. All but the calls happens in the control loops' thread."""

    def start(self, subject: str, calls: Mapping[str, Call]) -> None:
        """Begin a round: metric to what measures it. What was under way is forgotten."""
        ...

    def busy(self, subject: str) -> bool:
        """Whether a round of it was started and neither taken nor dropped."""
        ...

    def take(self, subject: str) -> dict[str, Measured] | None:
        """The results of its round, which then is over; None while one is missing."""
        ...

    def drop(self, subject: str) -> None:
        """Forget its round, whatever comes of it."""
        ...

    def finished(self) -> list[str]:
        """The subjects whose rounds became complete since this was last asked."""
        ...


class AtOnce:
    """Measures while it is asked to, for tests with a clock that stands still."""

    def __init__(self) -> None:
        self._results: dict[str, dict[str, Measured]] = {}

    def start(self, subject: str, calls: Mapping[str, Call]) -> None:
        self._results[subject] = {metric: performed(call) for metric, call in calls.items()}

    def busy(self, subject: str) -> bool:
        return subject in self._results

    def take(self, subject: str) -> dict[str, Measured] | None:
        return self._results.pop(subject, None)

    def drop(self, subject: str) -> None:
        self._results.pop(subject, None)

    def finished(self) -> list[str]:
        return []


@dataclass(slots=True)
class _Round:
    missing: int
    results: dict[str, Measured] = field(default_factory=dict)


class InThreads:
    """Measures in a few threads, which end with the process; `wake` is called in them."""

    def __init__(self, wake: Callable[[], None], threads: int = THREADS) -> None:
        self._wake = wake
        self._most = threads
        self._threads: list[threading.Thread] = []
        self._work: queue.SimpleQueue[tuple[str, str, _Round, Call]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[str, str, _Round, Measured]] = queue.SimpleQueue()
        self._rounds: dict[str, _Round] = {}

    def start(self, subject: str, calls: Mapping[str, Call]) -> None:
        begun = self._rounds[subject] = _Round(len(calls))
        for metric, call in calls.items():
            self._work.put((subject, metric, begun, call))
            if len(self._threads) < self._most:
                self._add_thread()

    def busy(self, subject: str) -> bool:
        return subject in self._rounds

    def take(self, subject: str) -> dict[str, Measured] | None:
        found = self._rounds.get(subject)
        if found is None or found.missing:
            return None
        return self._rounds.pop(subject).results

    def drop(self, subject: str) -> None:
        self._rounds.pop(subject, None)

    def finished(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                subject, metric, begun, measured = self._done.get_nowait()
            except queue.Empty:
                return found
            begun.results[metric] = measured
            begun.missing -= 1
            if not begun.missing and self._rounds.get(subject) is begun:
                found.append(subject)

    def _add_thread(self) -> None:
        name = f"measure-{len(self._threads)}"
        thread = threading.Thread(target=self._measure, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _measure(self) -> None:
        while True:
            subject, metric, begun, call = self._work.get()
            # What nobody waits for any more is not measured.
            if self._rounds.get(subject) is not begun:
                continue
            self._done.put((subject, metric, begun, performed(call)))
            self._wake()
