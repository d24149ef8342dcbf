"""A server that takes only so many requests a second, as a busy one does."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from .api import HEALTH, errors
from .api.bodies import encode
from .api.messages import Request, Response, Stream
from .http import Handler


class Limited:
    """`api` behind a limit of `per_second` requests; a second's worth may come at once.

    What is too much is answered with 429, Retry-After and a Status, as by API priority and
    fairness; a client that waits as told gets through. Probes of its health always are. The
    control loops do not come this way: they are never held up.
    """

    def __init__(
        self, api: Handler, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._rate = per_second
        self._most = max(1.0, per_second)
        self._left = self._most
        self._clock = clock
        self._at = clock()
        self._guard = threading.Lock()

    def handle(self, request: Request) -> Response | Stream:
        if request.path.rstrip("/") in HEALTH or self._take():
            return self._api.handle(request)
        seconds = max(1, math.ceil(1 / self._rate))
        refused = errors.too_many_requests(seconds)
        return Response(refused.code, encode(refused.status()), headers=refused.headers)

    def close(self) -> None:
        self._api.close()

    def _take(self) -> bool:
        with self._guard:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
