"""Who wrote which field of an object, and when: `metadata.managedFields`.

They are kept beside the object, not in it: what the controllers read is no larger for them. The
sets of fields are kept as text that equal sets share; a fleet of rollouts of one shape has one.

An entry's fields are those its manager set last: whoever updates a field takes it over, whoever
applies without force is refused. Removing a field leaves no trace but its absence.

Source: Kubernetes, structured-merge-diff (merge.Updater) and apimachinery's managedfields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from rolloutctl.sandbox.store import Managed, Record

from . import fieldsets, shapes, validation
from .bodies import encode
from .built_in_schemas import EMPTY
from .errors import Cause, Refused, invalid
from .fieldsets import Tree
from .messages import Request
from .metadata import prefix, timestamp
from .resources import Resource
from .routing import Query

UPDATE = "Update"
APPLY = "Apply"
BEFORE_FIRST_APPLY = "before-first-apply"

_UNOWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
    }
)
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, and how. `part` is the subresource written to, `force` an apply's."""

    name: str
    operation: str = UPDATE
    part: str = ""
    force: bool = False


def of(request: Request, part: str = "", operation: str = UPDATE) -> Manager:
    """The manager a request names, else the program its User-Agent begins with.

    Raises Refused (422) when its name is too long.
    """
    query = Query(request)
    named = query.text("fieldManager")
    if len(named) > _LONGEST:
        said = f'Invalid value: "{named}": may not be more than {_LONGEST} bytes'
        cause = Cause("fieldManager", "FieldValueInvalid", said)
        raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
    named = named or request.headers.get("user-agent", "").partition("/")[0][:_LONGEST]
    return Manager(named or "unknown", operation, part, query.flag("force"))


def changed(resource: Resource, before: dict[str, Any], after: dict[str, Any]) -> tuple[Tree, Tree]:
    """What `after` has new or otherwise, and what it lacks. Both are without type."""
    schema = validation.of_kind(resource) or shapes.ANY
    more: Tree = {}
    less: Tree = {}
    for name in {**before, **after}:
        if name in ("apiVersion", "kind"):
            continue
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if name == "metadata":
            old, new = _ours(before), _ours(after)
            above, below = fieldsets.compare(shapes.METADATA, old, new)
        elif old is _ABSENT:
            inner = shapes.field(schema, name) if isinstance(schema, dict) else shapes.ANY
            above, below = fieldsets.of(inner, new, containers=True), None
        elif new is _ABSENT:
            inner = shapes.field(schema, name) if isinstance(schema, dict) else shapes.ANY
            above, below = None, fieldsets.of(inner, old, containers=True)
        elif old is new or old == new:
            continue
        else:
            inner = shapes.field(schema, name) if isinstance(schema, dict) else shapes.ANY
            above, below = fieldsets.compare(inner, old, new)
        if above is not None:
            more[f"f:{name}"] = above
        if below is not None:
            less[f"f:{name}"] = below
    return more, less


_ABSENT: Any = object()


def _ours(obj: dict[str, Any]) -> dict[str, Any]:
    about = obj.get("metadata") or {}
    return {name: value for name, value in about.items() if name not in _UNOWNED}


def applied(resource: Resource, wanted: dict[str, Any]) -> Tree:
    """The fields a configuration names."""
    schema = validation.of_kind(resource) or shapes.ANY
    found: Tree = {}
    for name, value in wanted.items():
        if name == "metadata":
            if about := _ours(wanted):
                found["f:metadata"] = fieldsets.of(shapes.METADATA, about, containers=False)
        elif name not in ("apiVersion", "kind"):
            inner = shapes.field(schema, name) if isinstance(schema, dict) else shapes.ANY
            found[f"f:{name}"] = fieldsets.of(inner, value, containers=False)
    return found


def all_of(resource: Resource, obj: dict[str, Any]) -> Tree:
    """The fields somebody sets who creates `obj`."""
    found, _ = changed(resource, EMPTY.get(resource.kind, {}), obj)
    return found


def created(api_version: str, manager: Manager, fields: Tree, now: datetime) -> tuple[Managed, ...]:
    """The entries of a new object."""
    return (_entry(manager, api_version, timestamp(now), fields),) if fields else ()


def updated(
    entries: Sequence[Managed],
    api_version: str,
    manager: Manager,
    more: Tree,
    less: Tree,
    now: datetime,
    sent: Tree | None = None,
) -> tuple[Managed, ...]:
    """The entries after `manager` changed the fields in `more` and dropped those in `less`.

    `sent` are the fields an apply named.
    """
    kept: list[Managed] = []
    own = _entry(manager, api_version, "", {})
    before: Managed | None = None
    for entry in entries:
        if _same(entry, own):
            before = entry
            continue
        fields = tree(entry.fields)
        left = fieldsets.without(fieldsets.minus(fields, more), less)
        if left is fields:
            kept.append(entry)
        elif left:
            kept.append(entry._replace(fields=_text(left)))
    had = tree(before.fields) if before else {}
    has = sent if sent is not None else fieldsets.without(fieldsets.union(had, more), less)
    if before is not None and not more and has == had:
        kept.append(before)
    elif has:
        kept.append(_entry(manager, api_version, timestamp(now), has))
    kept.sort(key=_order)
    return tuple(kept)


def _order(entry: Managed) -> tuple[str, ...]:
    return entry.operation, entry.time, entry.manager, entry.api_version, entry.part


def conflicts(
    entries: Sequence[Managed], api_version: str, manager: Manager, more: Tree
) -> list[tuple[Managed, str]]:
    """(owner, path) of each field in `more` that somebody else owns."""
    own = _entry(manager, api_version, "", {})
    found = [
        (entry, fieldsets.shown(path))
        for entry in sorted(entries, key=lambda entry: entry.manager)
        if not _same(entry, own)
        for path in fieldsets.common(tree(entry.fields), more)
    ]
    return found


def refusal(found: list[tuple[Managed, str]]) -> Refused:
    """409: an apply that others' fields stand against."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_said(entry)}", "field": at}
        for entry, at in found
    ]
    if len(found) == 1:
        ((entry, at),) = found
        said = f"1 conflict: conflict with {_said(entry)}: {at}"
    else:
        listed: dict[str, list[str]] = {}
        for entry, at in found:
            listed.setdefault(_said(entry), []).append(f"- {at}")
        lines = [line for who, at in listed.items() for line in (f"conflicts with {who}:", *at)]
        said = f"{len(found)} conflicts: " + "\n".join(lines)
    return Refused(409, "Conflict", f"Apply failed with {said}", details={"causes": causes})


def _said(entry: Managed) -> str:
    text = encode(entry.manager).decode()
    if entry.part:
        text += f' with subresource "{entry.part}"'
    return text if entry.operation == APPLY else f"{text} using {entry.api_version}"


def before_first_apply(
    entries: Sequence[Managed], resource: Resource, api_version: str, live: Record
) -> tuple[Managed, ...]:
    """`entries`, or that nobody knows who wrote the object."""
    if entries:
        return tuple(entries)
    obj = live.decode()
    fields = all_of(resource, obj)
    time = str(obj["metadata"].get("creationTimestamp", ""))
    return (_entry(Manager(BEFORE_FIRST_APPLY), api_version, time, fields),)


def last_applied(entries: Sequence[Managed], api_version: str, manager: Manager) -> Tree:
    """What `manager` applied last."""
    own = _entry(manager, api_version, "", {})
    return next((tree(entry.fields) for entry in entries if _same(entry, own)), {})


def others(entries: Sequence[Managed], api_version: str, manager: Manager) -> Tree:
    """What somebody else owns."""
    own = _entry(manager, api_version, "", {})
    found: Tree = {}
    for entry in entries:
        if not _same(entry, own):
            found = fieldsets.union(found, tree(entry.fields))
    return found


def _same(entry: Managed, own: Managed) -> bool:
    """Whether both are of one manager: one that applies is the same in every version."""
    return (
        entry.manager == own.manager
        and entry.operation == own.operation
        and entry.part == own.part
        and (own.operation == APPLY or entry.api_version == own.api_version)
    )


def _entry(manager: Manager, api_version: str, time: str, fields: Tree) -> Managed:
    return _shared(
        Managed(manager.name, manager.operation, api_version, manager.part, time, _text(fields))
    )


def read(given: Any) -> tuple[Managed, ...] | None:
    """The entries a client sends, () for the one that takes all away; None if they make no sense.

    A server then goes by its own.
    """
    if not isinstance(given, list) or not given:
        return None
    if given == [{}]:
        return ()
    found = []
    for item in given:
        if not isinstance(item, dict) or item.get("operation") not in (UPDATE, APPLY):
            return None
        fields = item.get("fieldsV1")
        texts = [item.get(name, "") for name in ("manager", "apiVersion", "subresource", "time")]
        if not isinstance(fields, dict) or not all(isinstance(text, str) for text in texts):
            return None
        name, version, part, time = texts
        found.append(Managed(name, item["operation"], version, part, time, _text(fields)))
    return tuple(found)


def listed(entries: Sequence[Managed]) -> list[dict[str, Any]]:
    """`metadata.managedFields`."""
    found: list[dict[str, Any]] = msgspec.json.decode(b"[" + b",".join(map(_json, entries)) + b"]")
    return found


def full(api_version: str, kind: str, record: Record, *, bare: bool = False) -> bytes:
    """The object as JSON, with its type; `bare` is without managedFields."""
    return prefix(api_version, kind) + (record.raw if bare else spliced(record))[1:]


def decoded(record: Record, *, bare: bool = False) -> dict[str, Any]:
    """A fresh copy of the object without its type; `bare` is without managedFields."""
    found = record.decode()
    if record.managed and not bare:
        found["metadata"]["managedFields"] = listed(record.managed)
    return found


def spliced(record: Record) -> bytes:
    """The record's JSON with its managedFields."""
    if not record.managed:
        return record.raw
    entries = b",".join(map(_json, record.managed))
    return b'%s"managedFields":[%s],%s' % (
        record.raw[: Record.METADATA],
        entries,
        record.raw[Record.METADATA :],
    )


@lru_cache(4096)
def _json(entry: Managed) -> bytes:
    part = b',"subresource":' + encode(entry.part) if entry.part else b""
    return (
        b'{"apiVersion":%s,"fieldsType":"FieldsV1","fieldsV1":%s,"manager":%s,'
        b'"operation":%s%s,"time":%s}'
    ) % (
        encode(entry.api_version),
        entry.fields,
        encode(entry.manager),
        encode(entry.operation),
        part,
        encode(entry.time),
    )


@lru_cache(4096)
def tree(fields: bytes) -> Tree:
    """The set a text stands for; shared, never to be changed."""
    found: Tree = msgspec.json.decode(fields)
    return found


def _text(fields: Tree) -> bytes:
    return _interned(encode(fields))


@lru_cache(4096)
def _interned(text: bytes) -> bytes:
    return text


@lru_cache(4096)
def _shared(entry: Managed) -> Managed:
    return entry
