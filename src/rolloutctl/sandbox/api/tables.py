"""Other forms of an object a client may ask for: a Table, or nothing but metadata."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rolloutctl.sandbox.store import Record

from . import bodies, columns, errors, managers
from .messages import Request
from .reading import Page
from .routing import Query, Target

_GROUP = "meta.k8s.io"


class Form(Protocol):
    """A form; `one` is also what a watch shows."""

    @property
    def content_type(self) -> str: ...
    @property
    def stream_type(self) -> str: ...
    def one(self, target: Target, record: Record, query: Query, now: datetime) -> bytes: ...
    def many(self, target: Target, page: Page, query: Query, now: datetime) -> bytes: ...


def wanted(request: Request) -> Form | None:
    """The form the client prefers, None for the objects themselves. Raises Refused (406)."""
    accept = request.headers.get("accept", "")
    if not accept:
        return None
    for choice in accept.split(","):
        media, *rest = [part.strip() for part in choice.split(";")]
        parameters = dict(part.partition("=")[::2] for part in rest)
        kind = parameters.get("as", "")
        if media in ("application/json", "*/*", "application/*") and not kind:
            return None
        if media != "application/json" or parameters.get("g") != _GROUP:
            continue
        if kind == "Table" and parameters.get("v") == "v1":
            return _TABLE
        if (
            kind in ("PartialObjectMetadata", "PartialObjectMetadataList")
            and parameters.get("v") == "v1"
        ):
            return _PARTIAL
    message = "only the following media types are accepted: application/json"
    raise errors.Refused(406, "NotAcceptable", message, details={})


@dataclass(frozen=True)
class _Table:
    content_type: str = "application/json"
    stream_type: str = "application/json"

    def one(self, target: Target, record: Record, query: Query, now: datetime) -> bytes:
        return self._encode(target, [record], {"resourceVersion": str(record.version)}, query, now)

    def many(self, target: Target, page: Page, query: Query, now: datetime) -> bytes:
        about = {key: value for key, value in page.metadata.items() if value != ""}
        return self._encode(target, list(page.records), about, query, now)

    def _encode(
        self,
        target: Target,
        records: list[Record],
        about: dict[str, Any],
        query: Query,
        now: datetime,
    ) -> bytes:
        shown = columns.of(target.resource)
        include = query.text("includeObject") or "Metadata"
        rows = []
        for record in records:
            obj = managers.decoded(record)
            row: dict[str, Any] = {
                "cells": [column.value(obj, now) for column in shown],
                "object": None,
            }
            if include == "Metadata":
                row["object"] = _partial(obj)
            elif include == "Object":
                row["object"] = {
                    "apiVersion": target.api_version,
                    "kind": target.resource.kind,
                    **obj,
                }
            rows.append(row)
        table = {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": about,
            "columnDefinitions": [column.definition() for column in shown],
            "rows": rows,
        }
        return bodies.encode(table)


@dataclass(frozen=True)
class _Partial:
    content_type: str = "application/json"
    stream_type: str = "application/json"

    def one(self, target: Target, record: Record, query: Query, now: datetime) -> bytes:
        return bodies.encode(_partial(managers.decoded(record)))

    def many(self, target: Target, page: Page, query: Query, now: datetime) -> bytes:
        about = {key: value for key, value in page.metadata.items() if value != ""}
        listed = {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": about,
            "items": [_partial(managers.decoded(record)) for record in page.records],
        }
        return bodies.encode(listed)


def _partial(obj: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


_TABLE = _Table()
_PARTIAL = _Partial()
