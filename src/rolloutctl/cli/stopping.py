"""Ctrl-C and SIGTERM while changes are being sent: what is in flight is waited for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


class Stopping:
    """`with Stopping() as stopping:` takes SIGTERM as Ctrl-C; `stopping.softly(stop)` gives both
    to `stop` in place of a KeyboardInterrupt, until the block ends.

    `stop` is called in a signal handler: it may set flags and no more; its argument says whether it
    was asked before. Outside the main thread nothing is handled.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._stop: Callable[[bool], None] | None = None
        self.asked = 0
        """How often somebody asked to stop."""

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: object) -> None:
        self.asked += 1
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop(self.asked > 1)

    def softly(self, stop: Callable[[bool], None] | None) -> _Softly:
        """Hands signals to `stop` for the length of a block; None: they interrupt there."""
        return _Softly(self, stop)

    def swap(self, stop: Callable[[bool], None] | None) -> Callable[[bool], None] | None:
        before, self._stop = self._stop, stop
        return before


class _Softly:
    def __init__(self, stopping: Stopping, stop: Callable[[bool], None] | None) -> None:
        self._stopping = stopping
        self._stop = stop
        self._before: Callable[[bool], None] | None = None

    def __enter__(self) -> None:
        self._before = self._stopping.swap(self._stop)

    def __exit__(self, *_: object) -> None:
        self._stopping.swap(self._before)
