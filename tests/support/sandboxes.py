"""Sandboxes for tests: a real process of its own, asked over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3

from rolloutctl.sandbox import process
from rolloutctl.sandbox.api.resources import BY_PLURAL
from rolloutctl.sandbox.state import Options, Place, Record, place

SPEED = 20.0


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('reason', '')}: {body.get('message', '')}")
        self.status = status
        self.body = body


class HttpClient:
    """Asks an API server over HTTP, dicts in and out."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(retries=False, timeout=20.0, maxsize=20)

    def close(self) -> None:
        self._pool.clear()

    def ask(self, method: str, path: str, body: Any = None, content_type: str = "") -> Any:
        headers = {**self._headers, **({"Content-Type": content_type} if content_type else {})}
        data = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, self.url + path, body=data, headers=headers)
        found = json.loads(answer.data) if answer.data else {}
        if answer.status >= 300:
            raise Refused(answer.status, found)
        return found

    def path(self, plural: str, namespace: str | None = None, *more: str) -> str:
        resource = BY_PLURAL[plural]
        version = resource.api_version()
        root = f"/apis/{version}" if resource.group else f"/api/{version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        return "/".join((f"{root}{inside}/{plural}", *more))

    def get(self, plural: str, name: str, namespace: str | None = None) -> Any:
        return self.ask("GET", self.path(plural, namespace, name))

    def list(self, plural: str, namespace: str | None = None) -> list[Any]:
        found: list[Any] = self.ask("GET", self.path(plural, namespace))["items"]
        return found

    def create(self, plural: str, obj: dict[str, Any], namespace: str | None = None) -> Any:
        return self.ask("POST", self.path(plural, namespace), obj)

    def patch(
        self, plural: str, name: str, body: Any, namespace: str | None = None, *more: str
    ) -> Any:
        path = self.path(plural, namespace, name, *more)
        kind = "json-patch" if isinstance(body, list) else "merge-patch"
        return self.ask("PATCH", path, body, f"application/{kind}+json")

    def delete(self, plural: str, name: str, namespace: str | None = None) -> Any:
        return self.ask("DELETE", self.path(plural, namespace, name))


class SandboxProcess:
    """A running sandbox: its variables for a shell, and its API."""

    def __init__(self, env: dict[str, str], here: Place, record: Record) -> None:
        self.env = {**env, "KUBECONFIG": str(here.kubeconfig)}
        self.place = here
        self.record = record
        self.kubeconfig = here.kubeconfig
        self.client = HttpClient(record.url, record.token)

    def namespace(self) -> str:
        """A name no other test uses."""
        return f"t-{uuid.uuid4().hex[:8]}"

    def load(self, scenario: str, namespace: str | None = None) -> list[str]:
        """Play a scenario to its end; what was done."""
        return list(process.load(self.record, {"scenario": scenario, "namespace": namespace}))

    def apply(self, text: str, namespace: str | None = None) -> list[str]:
        wanted = {"text": text, "source": "test", "namespace": namespace}
        return list(process.load(self.record, wanted))


def home_env(folder: Path) -> dict[str, str]:
    """Variables of a user whose home is `folder`."""
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}


@contextlib.contextmanager
def running(folder: Path, options: Options | None = None) -> Iterator[SandboxProcess]:
    """A sandbox with its state below `folder`, ended at the end."""
    env = home_env(folder)
    here = place(env)
    found = process.up(here, options or Options(speed=SPEED))
    sandbox = SandboxProcess(env, here, found.record)
    try:
        yield sandbox
    finally:
        sandbox.client.close()
        process.down(here)
