"""A small fake Jenkins: jobs that are started, run for a while and end, and a switch.

It knows no HTTP library: `handle(request) -> response`, like the API core. The addresses are
those of a real Jenkins as far as they go:

- `POST /jenkins/job/NAME/build[?duration=90s]` starts a build: 201, `{"id": 8801, ...}`
- `GET /jenkins/job/NAME/ID/api/json` tells its state: `building`, `result`
- `POST /jenkins/job/NAME/ID/stop` ends it with result `ABORTED`
- `GET /jenkins/api/json` tells the mode and how many builds run

The switch (`Mode`): `up`; `slow`: builds started from then on take ten times as long;
`failing`: builds that end while it stands so end with `FAILURE`; `down`: every request gets
503, as from the proxy before a server that is gone. Builds go on meanwhile.
"""

from __future__ import annotations

import enum
import json
import re
import threading
from dataclasses import dataclass

from rolloutctl.sandbox.api.messages import Request, Response
from rolloutctl.sandbox.clock import Clock
from rolloutctl.sandbox.durations import parse_duration

DEFAULT_SECONDS = 12.0
"""How long a build takes when its starter does not say; seconds of the sandbox's clock."""
SLOWDOWN = 10.0
_FIRST_ID = 8801
_BUILD = re.compile(r"/jenkins/job/(?P<job>[^/]+)/build")
_JOB = re.compile(r"/jenkins/job/(?P<job>[^/]+)/(?P<id>\d+)/(?P<what>api/json|stop)")


class Mode(enum.StrEnum):
    UP = "up"
    SLOW = "slow"
    FAILING = "failing"
    DOWN = "down"


@dataclass(slots=True)
class _Build:
    id: int
    job: str
    ends: float
    result: str = ""


class FakeJenkins:
    """Thread-safe. Durations follow the clock's speed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._builds: dict[int, _Build] = {}
        self._mode = Mode.UP

    @property
    def mode(self) -> Mode:
        return self._mode

    def switch(self, mode: Mode) -> None:
        """Turn the switch. Builds that are over by now keep the result they had."""
        with self._lock:
            self._settle()
            self._mode = mode

    def counts(self) -> dict[str, int]:
        """How many builds there are, by result; `RUNNING` for those not over."""
        with self._lock:
            self._settle()
            found: dict[str, int] = {}
            for build in self._builds.values():
                result = build.result or "RUNNING"
                found[result] = found.get(result, 0) + 1
            return found

    def handle(self, request: Request) -> Response:
        with self._lock:
            self._settle()
            if self._mode is Mode.DOWN:
                return _answer(503, {"message": "Service Unavailable"})
            if build := _BUILD.fullmatch(request.path):
                if request.method != "POST":
                    return _answer(405, {"message": "a build is started with POST"})
                return self._start(build["job"], dict(request.query).get("duration", ""))
            if job := _JOB.fullmatch(request.path):
                found = self._builds.get(int(job["id"]))
                if found is None or found.job != job["job"]:
                    return _answer(404, {"message": f"no build {job['id']} of {job['job']}"})
                if job["what"] == "stop":
                    if request.method != "POST":
                        return _answer(405, {"message": "a build is stopped with POST"})
                    found.result = found.result or "ABORTED"
                return _answer(200, _document(found))
            if request.path in ("/jenkins", "/jenkins/", "/jenkins/api/json"):
                running = sum(not build.result for build in self._builds.values())
                return _answer(200, {"mode": self._mode.value, "running": running})
            return _answer(404, {"message": f"nothing at {request.path}"})

    def _start(self, job: str, duration: str) -> Response:
        seconds = parse_duration(duration) if duration else DEFAULT_SECONDS
        if seconds is None or seconds < 0:
            return _answer(400, {"message": f"duration {duration!r} is none, e.g. 90s"})
        if self._mode is Mode.SLOW:
            seconds *= SLOWDOWN
        ends = self._clock.monotonic() + seconds / self._clock.speed
        build = _Build(_FIRST_ID + len(self._builds), job, ends)
        self._builds[build.id] = build
        return _answer(201, _document(build))

    def _settle(self) -> None:
        now = self._clock.monotonic()
        for build in self._builds.values():
            if not build.result and build.ends <= now:
                build.result = "FAILURE" if self._mode is Mode.FAILING else "SUCCESS"


def _document(build: _Build) -> dict[str, object]:
    return {
        "id": build.id,
        "job": build.job,
        "building": not build.result,
        "result": build.result or None,
    }


def _answer(status: int, body: dict[str, object]) -> Response:
    return Response(status, json.dumps(body).encode() + b"\n")
