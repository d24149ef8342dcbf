"""Waiting for a queue without becoming deaf to Ctrl-C.

A signal that comes between the last look for one and the moment the wait begins is handled only
when the wait ends. No wait of the main thread is therefore longer than `DEAF`.
"""

from __future__ import annotations

import queue
import time
from typing import TypeVar

DEAF = 0.5
"""Seconds."""

T = TypeVar("T")


def get(source: queue.SimpleQueue[T], timeout: float | None) -> T:
    """What comes next within `timeout` seconds, None for ever. Raises queue.Empty."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = DEAF if end is None else min(DEAF, max(0.0, end - time.monotonic()))
        try:
            return source.get(timeout=left)
        except queue.Empty:
            if end is not None and time.monotonic() >= end:
                raise
