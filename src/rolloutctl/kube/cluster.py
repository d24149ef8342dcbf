"""A Kubernetes cluster, as `rolloutctl.domain.cluster.Cluster` describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from rolloutctl.domain.cluster import (
    NAMESPACES,
    PODS,
    REVIEWS,
    Change,
    Kind,
    Known,
    Page,
    Timings,
    WatchEvent,
)
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.wire import Wire
from rolloutctl.errors import ClusterError, InDoubt, RolloutctlError, UsageError
from rolloutctl.kube import decoding, paging
from rolloutctl.kube.failures import Target, failure
from rolloutctl.kube.transport import Transport
from rolloutctl.kube.unreachable import Unanswered

T = TypeVar("T")
_FIELD_MANAGER = "rolloutctl"
_ANSWER_LOST = (502, 503, 504)
"""What a proxy says, or the server itself, when it gave up on a request that may still be done."""


class _Uid(Wire):
    uid: str = ""


class _Identified(Wire):
    metadata: _Uid = msgspec.field(default_factory=_Uid)


class KubeCluster:
    """One API server and one user."""

    def __init__(self, transport: Transport, name: str, namespace: str) -> None:
        self.transport = transport
        self._name = name
        self._namespace = namespace
        self._uid: str | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def namespace(self) -> str:
        return self._namespace

    def get(self, kind: Kind, namespace: str, name: str, as_type: type[T]) -> T:
        body = self.get_raw(kind, namespace, name)
        try:
            with self.transport.stopwatch.stage("decode"):
                found: T = decoder(as_type).decode(body)
        except decoding.MALFORMED as error:
            raise ClusterError(
                f"{kind.kind.lower()} {namespace}/{name} does not have the form of one: {error}",
                subject=f"{namespace}/{name}",
            ) from error
        return found

    def get_raw(self, kind: Kind, namespace: str, name: str) -> bytes:
        target = Target("get", kind, namespace, name)
        body = self._ask("GET", path(kind, namespace, name), target)
        if not body.lstrip().startswith(b"{"):
            raise self.no_api()
        return body

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
        query = selectors(label_selector, field_selector) | {"limit": str(limit)}
        return paging.pages(self, kind, namespace, as_type, query)

    def no_api(self) -> ClusterError:
        """The error for an answer that can only come from something else."""
        return ClusterError(
            f"{self.transport.settings.server} answers, but not as a Kubernetes API does",
            hint="is the server's address in the kubeconfig right, or a proxy in between?",
        )

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
        from rolloutctl.kube.watch import watch

        return watch(
            self,
            kind,
            namespace,
            as_type,
            selectors(label_selector, field_selector),
            timeout=timeout,
            compact=compact,
            known=known,
        )

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        target = Target("patch", change.kind, change.namespace, change.name, change.subresource)
        query = {"fieldManager": _FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        where = path(change.kind, change.namespace, change.name, change.subresource)
        operations = list(change.operations)
        patch = "application/json-patch+json"
        return self._change("PATCH", where, query, operations, patch, target, lost=not dry_run)

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        metadata = obj.get("metadata")
        named = str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
        target = Target("create", kind, namespace if kind.namespaced else None, named)
        query = {"fieldManager": _FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        where = path(kind, namespace)
        lost = not dry_run and kind not in REVIEWS
        return self._change("POST", where, query, obj, "application/json", target, lost=lost)

    def ask(self, path: str) -> bytes:
        return self._ask("GET", path, Target("get", Kind("", "", path, path), None))

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        target = Target("get", PODS, namespace, name, "log")
        where = path(PODS, namespace, name, "log")
        return self._ask("GET", where, target, query={"tailLines": str(tail)}).decode(
            "utf-8", "replace"
        )

    def server_time_skew(self) -> float:
        return self.transport.skew

    def uid(self) -> str:
        if self._uid is None:
            try:
                self._uid = self.get(NAMESPACES, "", "kube-system", _Identified).metadata.uid
            except RolloutctlError:
                self._uid = ""
        return self._uid

    def timings(self) -> Timings:
        return self.transport.stopwatch.read()

    def log_lines(
        self,
        namespace: str,
        name: str,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        since_seconds: float | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> Iterator[str]:
        from rolloutctl.kube import logs

        asked = {
            "container": container,
            "follow": follow,
            "tailLines": tail,
            "sinceSeconds": None if since_seconds is None else max(1, round(since_seconds)),
            "previous": previous,
            "timestamps": timestamps,
        }
        return logs.lines(self, namespace, name, asked)

    def _change(
        self,
        method: str,
        where: str,
        query: Mapping[str, str],
        content: Any,
        content_type: str,
        target: Target,
        *,
        lost: bool,
    ) -> bytes:
        """Sends a change; `lost`: an answer that does not come leaves it in doubt."""
        body = msgspec.json.encode(content)
        headers = {"Content-Type": content_type}
        try:
            answer = self.transport.request(method, where, query=query, body=body, headers=headers)
        except Unanswered as error:
            if not lost:
                raise
            raise _in_doubt(error) from error
        data: bytes = answer.data
        if 200 <= answer.status < 300:
            return data
        refused = failure(answer.status, data, target, self.name)
        if answer.status in _ANSWER_LOST and lost:
            raise _in_doubt(refused) from refused
        raise refused

    def _ask(
        self,
        method: str,
        where: str,
        target: Target,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        answer = self.transport.request(method, where, query=query, body=body, headers=headers)
        if not 200 <= answer.status < 300:
            raise failure(answer.status, answer.data, target, self.name)
        data: bytes = answer.data
        return data


def _in_doubt(error: RolloutctlError) -> InDoubt:
    doubt = "whether the change was made is not known: look before trying again"
    return InDoubt(error.message, subject=error.subject, hint=[doubt, *error.hint.splitlines()])


def path(kind: Kind, namespace: str | None, name: str = "", subresource: str = "") -> str:
    """The path of a resource, of one object, or of a subresource of it.

    Raises UsageError for a name that would lead somewhere else.
    """
    if not {namespace, name}.isdisjoint({".", ".."}):
        raise UsageError(f'"{name}" in namespace "{namespace}" cannot be the name of an object')
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    parts = [root]
    if kind.namespaced and namespace is not None:
        parts += ["namespaces", quote(namespace, safe="")]
    parts += [kind.plural, *(quote(part, safe="") for part in (name, subresource) if part)]
    return "/".join(parts)


def selectors(labels: str, fields: str) -> dict[str, str]:
    """The query of a selection."""
    query = {"labelSelector": labels} if labels else {}
    return query | ({"fieldSelector": fields} if fields else {})


def _key(item: Any) -> tuple[str, str]:
    """Namespace and name of an object: a struct, or a dict where it was asked for raw."""
    if isinstance(item, dict):
        metadata = item.get("metadata") or {}
        return metadata.get("namespace", ""), metadata.get("name", "")
    return item.metadata.namespace, item.metadata.name
