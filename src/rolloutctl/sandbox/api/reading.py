"""Getting one object, and listing many in pages."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from rolloutctl.sandbox.store import Expired, Record, Store, within

from . import bodies, errors, managers, metadata, selectors
from .routing import Query, Target

_TOKEN_VERSION = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. `metadata` is that of the list."""

    records: Sequence[Record]
    metadata: dict[str, Any]


def existing(store: Store, target: Target) -> Record:
    """The object a request names. Raises Refused (404)."""
    record = store.get(target.resource.plural, target.namespace, target.name)
    if record is None:
        raise errors.not_found(target.resource.plural, target.resource.group, target.name)
    return record


_MATCHES = ("Exact", "NotOlderThan")
_NEWEST = "NotOlderThan"


def check(query: Query, *, watching: bool) -> None:
    """Whether a list or a watch asks for what can be had. Raises Refused (422).

    Source: Kubernetes, apimachinery's validation of ListOptions.
    """
    match = query.text("resourceVersionMatch")
    initial = query.given("sendInitialEvents")
    said: list[tuple[str, str, str]] = []

    def forbid(field: str, why: str) -> None:
        said.append((field, "FieldValueForbidden", f"Forbidden: {why}"))

    if initial and not watching:
        forbid("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if initial and watching and match != _NEWEST:
        why = f"sendInitialEvents requires setting resourceVersionMatch to {_NEWEST}"
        forbid("resourceVersionMatch", why)
    if match:
        if watching and not initial:
            why = "is forbidden for watch unless sendInitialEvents is provided"
            forbid("resourceVersionMatch", f"resourceVersionMatch {why}")
        if not watching and not query.text("resourceVersion"):
            why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            forbid("resourceVersionMatch", why)
        if query.text("continue"):
            why = "resourceVersionMatch is forbidden when continue is provided"
            forbid("resourceVersionMatch", why)
        known = (_NEWEST,) if watching else _MATCHES
        if match not in known:
            listed = ", ".join(f'"{name}"' for name in (known if watching else (*known, "")))
            text = f'Unsupported value: "{match}": supported values: {listed}'
            said.append(("resourceVersionMatch", "FieldValueNotSupported", text))
        if not watching and match == "Exact" and query.text("resourceVersion") == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            forbid("resourceVersionMatch", why)
    if said:
        causes = [errors.Cause(*each) for each in said]
        raise errors.invalid("ListOptions", "meta.k8s.io", "", causes)


def page(store: Store, target: Target, query: Query) -> Page:
    """What a list request asks for. Raises Refused (400, 410, 422, 504)."""
    resource = target.resource
    check(query, watching=False)
    namespace = target.namespace or None
    matches = selectors.selection(
        resource, query.text("labelSelector"), query.text("fieldSelector")
    )
    limit = query.number("limit") or 0
    token = query.text("continue")
    exact = query.text("resourceVersionMatch") == "Exact"
    version = resource_version(query)
    if token:
        at, start = _open_token(token)
        try:
            view = store.snapshot_at(resource.plural, at)
        except Expired:
            raise _token_expired() from None
        key = _start_key(start, namespace)
        inside = within(view, namespace)
        records = inside[bisect_left(inside, key, key=lambda record: record.key) :]
    else:
        current = store.version
        if version > current:
            raise too_large(version, current)
        if exact and version:
            try:
                view, at = store.snapshot_at(resource.plural, version), version
            except Expired as error:
                raise errors.expired(version, error.oldest) from None
        elif limit > 0:
            view, at = store.snapshot(resource.plural)
        else:
            found, at = store.list(resource.plural)
            view = tuple(found)
        records = within(view, namespace)
    chosen, rest = _cut(records, matches, limit)
    about: dict[str, Any] = {"resourceVersion": str(at)}
    if rest:
        about["continue"] = _close_token(at, chosen[-1], namespace)
        if matches is None:
            about["remainingItemCount"] = rest
    elif resource.custom:
        about["continue"] = ""
    return Page(chosen, about)


def _cut(
    records: Sequence[Record], matches: selectors.Matches | None, limit: int
) -> tuple[Sequence[Record], int]:
    """Up to `limit` that match, and how many were not looked at."""
    if matches is None:
        return (records[:limit], max(0, len(records) - limit)) if limit > 0 else (records, 0)
    chosen: list[Record] = []
    for index, record in enumerate(records):
        if matches(record):
            chosen.append(record)
            if 0 < limit == len(chosen):
                return chosen, len(records) - index - 1
    return chosen, 0


def join(target: Target, found: Page, *, bare: bool = False) -> bytes:
    """The list as JSON; no object is decoded for it. `bare` is without managedFields."""
    resource = target.resource
    # Items of built-in lists carry no type, those of custom resources do.
    start = metadata.prefix(target.api_version, resource.kind) if resource.custom else b"{"
    if bare:
        items = b",".join([start + record.raw[1:] for record in found.records])
    else:
        items = b",".join([start + managers.spliced(record)[1:] for record in found.records])
    head = metadata.prefix(target.api_version, f"{resource.kind}List")
    return b"".join(
        (head, b'"metadata":', bodies.encode(found.metadata), b',"items":[', items, b"]}")
    )


def resource_version(query: Query) -> int:
    """The resourceVersion asked for, 0 for any. Raises Refused (400)."""
    text = query.text("resourceVersion")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise errors.bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": {why}'
        )
    return int(text)


def too_large(version: int, current: int) -> errors.Refused:
    """504: a version that does not exist yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return errors.Refused(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {version}, current: {current}",
        details={"causes": [cause], "retryAfterSeconds": 1},
        headers={"Retry-After": "1"},
    )


def _token_expired() -> errors.Refused:
    message = (
        "The provided continue parameter is too old to display a consistent list result. "
        "You can start a new list without the continue parameter."
    )
    return errors.Refused(410, "Expired", message)


def _close_token(version: int, last: Record, namespace: str | None) -> str:
    start = (
        f"/{last.key[1]}\0" if namespace or not last.key[0] else f"/{last.key[0]}/{last.key[1]}\0"
    )
    token = {"v": _TOKEN_VERSION, "rv": version, "start": start}
    text = json.dumps(token, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _open_token(token: str) -> tuple[int, str]:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise errors.bad_request(
            "invalid continue token: continue key is not valid: illegal base64 data"
        ) from None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        why = bodies.complaint(text.decode("latin-1"))
        raise errors.bad_request(
            f"invalid continue token: continue key is not valid: {why}"
        ) from None
    version, start = (
        (found.get("rv"), found.get("start")) if isinstance(found, dict) else (None, None)
    )
    if found.get("v") != _TOKEN_VERSION if isinstance(found, dict) else True:
        raise errors.bad_request(
            "continue key is not valid: server does not recognize this encoded version"
        )
    if type(version) is not int or not isinstance(start, str) or not start.startswith("/"):
        raise errors.bad_request(
            "invalid continue token: continue key is not valid: encoded start key empty"
        )
    return version, start[1:]


def _start_key(start: str, namespace: str | None) -> tuple[str, str]:
    if namespace is not None:
        return namespace, start
    before, slash, name = start.partition("/")
    return (before, name) if slash else ("", start)
