"""A client of the API core, in process; controllers and scenarios use it like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from .api import Api
from .api.messages import Request, Response
from .api.resources import BY_PLURAL
from .api.watching import Watch as WatchStream

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiError(Exception):
    """An answer that is no success; `status` is the HTTP code, `reason` that of the Status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class Watch(Iterator[tuple[str, dict[str, Any]]]):
    """The events of one watch: (type, object). An expired version raises ApiError (410)."""

    def __init__(self, stream: WatchStream) -> None:
        self._stream = stream
        self._events: list[tuple[str, dict[str, Any]]] = []

    def __next__(self) -> tuple[str, dict[str, Any]]:
        while not self._events:
            self._events = _decode(next(self._stream))
        return self._events.pop(0)

    def poll(self) -> list[tuple[str, dict[str, Any]]]:
        """What has happened since the last call, without waiting."""
        waiting, self._events = self._events, []
        return waiting + _decode(self._stream.poll())

    def close(self) -> None:
        """End the watch."""
        self._stream.close()


class Client:
    """Dict objects in and out; every answer that is no success raises ApiError.

    `resource` is always the plural; its group and version come from the API's table.
    """

    def __init__(self, api: Api, token: str) -> None:
        self._api = api
        self._headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json",
            "user-agent": "sandbox",
        }

    def get(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> dict[str, Any]:
        return self._send("GET", _path(resource, namespace, name, subresource))

    def list(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> tuple[list[dict[str, Any]], str]:
        """(objects, resourceVersion), over all namespaces without `namespace`."""
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        found = self._send("GET", _path(resource, namespace), query=query)
        known = BY_PLURAL[resource]
        items = found["items"]
        if not known.custom:
            head = {"apiVersion": known.api_version(), "kind": known.kind}
            items = [{**head, **item} for item in items]
        return items, found["metadata"]["resourceVersion"]

    def create(
        self, resource: str, obj: Mapping[str, Any], namespace: str | None = None
    ) -> dict[str, Any]:
        return self._send("POST", _path(resource, namespace or _namespace(resource, obj)), obj)

    def update(
        self, resource: str, obj: Mapping[str, Any], *, subresource: str | None = None
    ) -> dict[str, Any]:
        path = _path(resource, _namespace(resource, obj), obj["metadata"]["name"], subresource)
        return self._send("PUT", path, obj)

    def patch(
        self,
        resource: str,
        name: str,
        body: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        content_type: str = MERGE_PATCH,
    ) -> dict[str, Any]:
        path = _path(resource, namespace, name, subresource)
        return self._send("PATCH", path, body, content_type=content_type)

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: str = "Background",
    ) -> None:
        query = {"propagationPolicy": propagation}
        self._send("DELETE", _path(resource, namespace, name), query=query)

    def evict(self, name: str, namespace: str) -> None:
        """Evict a pod."""
        about = {"name": name, "namespace": namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about}
        self._send("POST", _path("pods", namespace, name, "eviction"), body)

    def watch(self, resource: str, namespace: str | None = None, *, resource_version: str) -> Watch:
        """What changes after `resource_version`; it lasts a day."""
        query = (
            ("watch", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", "86400"),
        )
        answer = self._api.handle(
            Request("GET", _path(resource, namespace), query, self._headers, bare=True)
        )
        if isinstance(answer, Response):
            raise _error(answer)
        assert isinstance(answer.chunks, WatchStream)
        return Watch(answer.chunks)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of anything; returns what ends that."""
        return self._api.store.subscribe(listener)

    def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        headers = {**self._headers, "content-type": content_type}
        asked = tuple((name, value) for name, value in (query or {}).items() if value)
        encoded = msgspec.json.encode(body) if body is not None else b""
        answer = self._api.handle(Request(method, path, asked, headers, encoded, bare=True))
        assert isinstance(answer, Response)
        if not 200 <= answer.status < 300:
            raise _error(answer)
        found: dict[str, Any] = msgspec.json.decode(answer.body)
        return found


def _namespace(resource: str, obj: Mapping[str, Any]) -> str | None:
    if not BY_PLURAL[resource].namespaced:
        return None
    namespace: str = obj["metadata"].get("namespace", "default")
    return namespace


def _path(
    resource: str, namespace: str | None, name: str = "", subresource: str | None = None
) -> str:
    known = BY_PLURAL[resource]
    start = f"/apis/{known.api_version()}" if known.group else "/api/v1"
    parts = [start]
    if known.namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource)
    if name:
        parts.append(quote(name, safe=""))
    if subresource:
        parts.append(subresource)
    return "/".join(parts)


def _decode(lines: bytes) -> list[tuple[str, dict[str, Any]]]:
    events = []
    for line in lines.splitlines():
        event = msgspec.json.decode(line)
        if event["type"] == "ERROR":
            status = event["object"]
            raise ApiError(
                status.get("code", 0), status.get("reason", ""), status.get("message", "")
            )
        events.append((event["type"], event["object"]))
    return events


def _error(answer: Response) -> ApiError:
    try:
        status = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        text = answer.body.decode("utf-8", "replace").strip()
        return ApiError(answer.status, "", text)
    return ApiError(answer.status, status.get("reason", ""), status.get("message", ""))
