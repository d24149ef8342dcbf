"""A cluster in memory for tests of actions and commands: objects as JSON, every request noted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rolloutctl.domain.cluster import (
    Change,
    Kind,
    Known,
    Page,
    Timings,
    Unreadable,
    WatchEvent,
)
from rolloutctl.domain.decoders import decoder
from rolloutctl.errors import Forbidden, NotFound


class Request(NamedTuple):
    """What was asked: verb, plural, namespace, name, label selector, field selector."""

    verb: str
    plural: str
    namespace: str | None
    name: str = ""
    labels: str = ""
    fields: str = ""


HANG = "hang"


class FakeCluster:
    """Meets `domain.cluster.Cluster`.

    `objects` maps a plural ("rollouts") to the objects of it. `later` are the events a watch of
    that plural yields after it has listed; (type, object), or a WatchEvent as it is, or an
    exception to raise, or HANG: nothing more comes. `forbidden` are the plurals nobody may list.
    """

    def __init__(
        self,
        objects: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        namespace: str = "shop",
        later: Mapping[str, Sequence[Any]] | None = None,
        forbidden: Sequence[str] = (),
        page_size: int = 500,
    ) -> None:
        self.objects = {plural: list(items) for plural, items in objects.items()}
        self.later = dict(later or {})
        self.forbidden = frozenset(forbidden)
        self.requests: list[Request] = []
        self.page_size = page_size
        self.skew = 0.0
        self._namespace = namespace

    @property
    def name(self) -> str:
        return "test"

    @property
    def namespace(self) -> str:
        return self._namespace

    def _allowed(self, plural: str) -> None:
        if plural in self.forbidden:
            raise Forbidden(f"not allowed to list {plural}", hint="ask for: {verbs: [list]}")

    def _matching(
        self, kind: Kind, namespace: str | None, labels: str, fields: str
    ) -> list[Mapping[str, Any]]:
        return [
            item
            for item in self.objects.get(kind.plural, ())
            if (namespace is None or item["metadata"].get("namespace") == namespace)
            and _labels_match(item["metadata"].get("labels") or {}, labels)
            and _fields_match(item, fields)
        ]

    def get(self, kind: Kind, namespace: str, name: str, as_type: type[Any]) -> Any:
        return decoder(as_type).decode(self.get_raw(kind, namespace, name))

    def get_raw(self, kind: Kind, namespace: str, name: str) -> bytes:
        self.requests.append(Request("get", kind.plural, namespace, name))
        self._allowed(kind.plural)
        for item in self._matching(kind, namespace, "", f"metadata.name={name}"):
            return json.dumps(item).encode()
        raise NotFound(f'{kind.plural} "{name}" not found', subject=f"{namespace}/{name}")

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
        self.requests.append(
            Request("list", kind.plural, namespace, "", label_selector, field_selector)
        )
        self._allowed(kind.plural)
        found = self._matching(kind, namespace, label_selector, field_selector)
        for start in range(0, max(1, len(found)), self.page_size):
            items: list[Any] = []
            unreadable: list[Unreadable] = []
            for item in found[start : start + self.page_size]:
                try:
                    items.append(decoder(as_type).decode(json.dumps(item).encode()))
                except msgspec.ValidationError as problem:
                    metadata = item["metadata"]
                    unreadable.append(
                        Unreadable(metadata["namespace"], metadata["name"], str(problem))
                    )
            yield Page(items, unreadable, "1", None)

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
        def decoded(item: Any) -> Any:
            found = decoder(as_type).decode(json.dumps(item).encode())
            return found if compact is None else compact(found)

        self.requests.append(
            Request("watch", kind.plural, namespace, "", label_selector, field_selector)
        )
        self._allowed(kind.plural)
        if known is None:
            for item in self._matching(kind, namespace, label_selector, field_selector):
                yield WatchEvent("ADDED", decoded(item))
        yield WatchEvent("SYNCED", resource_version="1")
        for event in self.later.get(kind.plural, ()):
            if event == HANG:
                threading.Event().wait(timeout)
                return
            if isinstance(event, BaseException):
                raise event
            if isinstance(event, WatchEvent):
                yield event
                continue
            type_, item = event
            yield WatchEvent(type_, decoded(item))

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        raise AssertionError("reading must not change anything")

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        raise AssertionError("reading must not create anything")

    def ask(self, path: str) -> bytes:
        raise NotFound(f"nothing at {path}")

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        return ""

    def log_lines(self, namespace: str, name: str, **asked: Any) -> Iterator[str]:
        yield from self.pod_log(namespace, name).splitlines()

    def server_time_skew(self) -> float:
        return self.skew

    def uid(self) -> str:
        return "the-cluster"

    def timings(self) -> Timings:
        return Timings()


def _labels_match(labels: Mapping[str, str], selector: str) -> bool:
    for term in _terms(selector):
        if " in (" in term or " notin (" in term:
            key, operator, values = term.split(" ", 2)
            listed = [value.strip() for value in values.strip("()").split(",")]
            if (labels.get(key) in listed) != (operator == "in"):
                return False
        elif "!=" in term:
            key, value = term.split("!=")
            if labels.get(key) == value:
                return False
        elif "=" in term:
            key, value = term.replace("==", "=").split("=")
            if labels.get(key) != value:
                return False
        elif term.startswith("!"):
            if term[1:] in labels:
                return False
        elif term not in labels:
            return False
    return True


def _terms(selector: str) -> list[str]:
    terms: list[str] = []
    depth = 0
    current = ""
    for char in selector:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            terms.append(current.strip())
            current = ""
        else:
            current += char
    return [term for term in [*terms, current.strip()] if term]


def _fields_match(item: Mapping[str, Any], selector: str) -> bool:
    for term in _terms(selector):
        path, _, value = term.partition("=")
        found: Any = item
        for key in path.split("."):
            found = (found or {}).get(key)
        if found != value:
            return False
    return True
