"""The server beside the API server: plugin downloads, the fake Jenkins, and the sandbox's control.

- `/plugins/NAMESPACE/NAME`: the "executable" of a plugin, for the controller to fetch
- `/jenkins/...`: see `plugins.jenkins`
- `/sandbox/status`, `/sandbox/jenkins`, `/sandbox/load`: for `rolloutctl sandbox`, with the
  sandbox's token only

A port of its own keeps the API server to what a real one serves, and a Jenkins outage or a
download of a plugin is a matter between two addresses, as in life.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from rolloutctl.errors import RolloutctlError

from .api.messages import Request, Response, Stream
from .plugins.jenkins import FakeJenkins, Mode

Load = Callable[[Mapping[str, Any]], Iterator[str]]
"""A request to load, to the lines of its story as they happen; raises RolloutctlError."""


class Side:
    def __init__(
        self,
        *,
        token: str,
        plugins: Collection[str],
        jenkins: FakeJenkins,
        status: Callable[[], Mapping[str, Any]],
        load: Load,
    ) -> None:
        self._token = token
        self._plugins = plugins
        self._jenkins = jenkins
        self._status = status
        self._load = load

    def handle(self, request: Request) -> Response | Stream:
        path = request.path
        if path.startswith("/jenkins"):
            return self._jenkins.handle(request)
        if path.startswith("/plugins/"):
            return self._plugin(path.removeprefix("/plugins/"))
        if not path.startswith("/sandbox/"):
            return _json(404, {"message": f"nothing at {path}"})
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _json(401, {"message": "Unauthorized"})
        what = (request.method, path.removeprefix("/sandbox/"))
        if what == ("GET", "status"):
            return _json(200, self._status())
        if what == ("PUT", "jenkins"):
            return self._switch(request.body)
        if what == ("POST", "load"):
            return self._start_load(request.body)
        return _json(404, {"message": f"nothing at {request.method} {path}"})

    def _plugin(self, name: str) -> Response:
        if name not in self._plugins:
            return _json(404, {"message": f"no plugin {name}"})
        body = f"step plugin {name}, served by the sandbox\n".encode()
        return Response(200, body, "application/octet-stream")

    def _switch(self, body: bytes) -> Response:
        try:
            mode = Mode(json.loads(body)["mode"])
        except (ValueError, KeyError, TypeError):
            return _json(400, {"message": f"mode must be one of {', '.join(Mode)}"})
        self._jenkins.switch(mode)
        return _json(200, {"mode": mode.value})

    def _start_load(self, body: bytes) -> Response | Stream:
        try:
            wanted = json.loads(body)
        except ValueError:
            wanted = None
        if not isinstance(wanted, dict):
            return _json(400, {"message": "a JSON object is expected"})
        return Stream(200, _lines(self._load(wanted)), "application/x-ndjson")


def _lines(story: Iterator[str]) -> Iterator[bytes]:
    """Each line as `{"line": ...}`; at the end `{"done": true}` or `{"error": ...}`."""
    try:
        for line in story:
            yield _encode({"line": line}) if line else b""
    except RolloutctlError as error:
        yield _encode({"error": describe(error)})
    except Exception as error:
        yield _encode({"error": {"kind": "Failed", "message": f"{type(error).__name__}: {error}"}})
    else:
        yield _encode({"done": True})


def describe(error: RolloutctlError) -> dict[str, str]:
    """An error as JSON, for the process that shows it; `process.revive` is the way back."""
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "subject": error.subject,
        "hint": error.hint,
    }


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode() + b"\n"


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(status, _encode(body))
