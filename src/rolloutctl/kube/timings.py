"""What the time with one API server goes into: each stage is measured where it happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import urllib3

from rolloutctl.domain.cluster import Timings

Stage = Literal["connect", "wait", "decode"]


class Stopwatch:
    """Adds up seconds by stage; several threads may use one.

    A stage inside another one is taken out of it, so that no second of a thread counts twice: a
    connection is made in the middle of a request.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._here = threading.local()
        self._seconds: dict[Stage, float] = {"connect": 0.0, "wait": 0.0, "decode": 0.0}
        self._active = 0
        self._since = 0.0
        self._busy = 0.0
        self._requests = 0
        self._received = 0

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Counts the time of the block as `name`."""
        here = self._here
        outer: float | None = getattr(here, "inside", None)
        here.inside = 0.0
        began = self._clock()
        if outer is None:
            with self._lock:
                self._active += 1
                if self._active == 1:
                    self._since = began
        try:
            yield
        finally:
            ended = self._clock()
            inside = here.inside
            here.inside = None if outer is None else outer + ended - began
            with self._lock:
                self._seconds[name] += ended - began - inside
                if outer is None:
                    self._active -= 1
                    if self._active == 0:
                        self._busy += ended - self._since

    def request(self) -> None:
        """A request was answered."""
        with self._lock:
            self._requests += 1

    def received(self, size: int) -> None:
        """Bytes of an answer's body came, as they were on the wire."""
        with self._lock:
            self._received += size

    def read(self) -> Timings:
        """What it shows now."""
        with self._lock:
            running = self._clock() - self._since if self._active else 0.0
            return Timings(
                **self._seconds,
                busy=self._busy + running,
                requests=self._requests,
                received=self._received,
            )

    def time_connections(self, pools: urllib3.PoolManager) -> None:
        """Makes the connections of `pools` count what it takes to open them: TCP, proxy, TLS."""
        stopwatch = self

        def timed(pool: Any) -> Any:
            made = pool.ConnectionCls

            def connect(connection: Any) -> None:
                with stopwatch.stage("connect"):
                    made.connect(connection)

            kind = type(made.__name__, (made,), {"connect": connect})
            return type(pool.__name__, (pool,), {"ConnectionCls": kind})

        classes = pools.pool_classes_by_scheme
        pools.pool_classes_by_scheme = {scheme: timed(pool) for scheme, pool in classes.items()}
