"""The embedded cluster as `domain.cluster.Cluster`, in process: waiting lets its clock run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from rolloutctl.domain.cluster import Change, Kind, Known, Page, Timings, WatchEvent
from rolloutctl.errors import ClusterError, Conflict, NotFound, RolloutctlError
from rolloutctl.sandbox.api.resources import BY_PLURAL
from rolloutctl.sandbox.client import JSON_PATCH, ApiError
from rolloutctl.sandbox.embedded import EmbeddedCluster

STEP = 0.25
"""Seconds of the cluster's clock that pass while a watch has nothing to say."""


class InProcess:
    """Meets `domain.cluster.Cluster`. `before_apply` runs once, just before the first PATCH."""

    def __init__(self, sandbox: EmbeddedCluster, namespace: str) -> None:
        self.sandbox = sandbox
        self.client = sandbox.client
        self.before_apply: Callable[[], object] | None = None
        self._namespace = namespace

    @property
    def name(self) -> str:
        return "embedded"

    @property
    def namespace(self) -> str:
        return self._namespace

    def get(self, kind: Kind, namespace: str, name: str, as_type: type[Any]) -> Any:
        return msgspec.json.decode(self.get_raw(kind, namespace, name), type=as_type)

    def get_raw(self, kind: Kind, namespace: str, name: str) -> bytes:
        try:
            return json.dumps(self.client.get(kind.plural, name, namespace)).encode()
        except ApiError as error:
            raise _meant(error) from error

    def pages(
        self,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
    ) -> Iterator[Page]:
        if kind.plural not in BY_PLURAL:
            raise ClusterError(f"cluster embedded serves no {kind.plural}")
        items, version = self.client.list(
            kind.plural, namespace, label_selector=label_selector, field_selector=field_selector
        )
        yield Page([_decoded(item, as_type) for item in items], (), version, None)

    def watch(
        self,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        *,
        label_selector: str = "",
        field_selector: str = "",
        timeout: float | None = None,
        compact: Callable[[Any], Any] | None = None,
        known: Known | None = None,
    ) -> Iterator[WatchEvent]:
        assert compact is None and known is None
        path, _, wanted = field_selector.partition("=")
        assert path in ("", "metadata.name")
        items, version = self.client.list(
            kind.plural, namespace, label_selector=label_selector, field_selector=field_selector
        )
        label, _, value = label_selector.partition("=")
        for item in items:
            yield WatchEvent("ADDED", _decoded(item, as_type))
        yield WatchEvent("SYNCED")
        stream = self.client.watch(kind.plural, namespace, resource_version=version)
        left = 600.0 if timeout is None else timeout
        while left > 0:
            for type_, item in stream.poll():
                metadata = item["metadata"]
                if metadata["name"] == (wanted or metadata["name"]) and (
                    not label or (metadata.get("labels") or {}).get(label) == value
                ):
                    yield WatchEvent(type_, _decoded(item, as_type))
            self.sandbox.advance(STEP)
            left -= STEP

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        assert not dry_run
        before, self.before_apply = self.before_apply, None
        if before is not None:
            before()
        try:
            stored = self.client.patch(
                change.kind.plural,
                change.name,
                list(change.operations),
                change.namespace,
                subresource=change.subresource or None,
                content_type=JSON_PATCH,
            )
        except ApiError as error:
            raise _meant(error) from error
        return json.dumps(stored).encode()

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        assert not dry_run
        try:
            stored = self.client.create(kind.plural, dict(obj), namespace or None)
        except ApiError as error:
            raise _meant(error) from error
        return json.dumps(stored).encode()

    def ask(self, path: str) -> bytes:
        raise NotFound(f"nothing at {path}")

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        return ""

    def log_lines(self, namespace: str, name: str, **asked: Any) -> Iterator[str]:
        yield from self.pod_log(namespace, name).splitlines()

    def server_time_skew(self) -> float:
        return 0.0

    def uid(self) -> str:
        return "the-cluster"

    def timings(self) -> Timings:
        return Timings()


def _decoded(item: dict[str, Any], as_type: type[Any]) -> Any:
    return msgspec.json.decode(json.dumps(item).encode(), type=as_type)


def _meant(error: ApiError) -> RolloutctlError:
    if error.status == 404:
        return NotFound(error.message)
    if error.status in (409, 422):
        return Conflict(error.message)
    return ClusterError(error.message)
