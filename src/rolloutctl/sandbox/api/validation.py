"""Whether an object may be stored, and what of it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from . import bodies, errors, patching, schemas, shapes
from .built_in_schemas import BUILT_IN
from .errors import Cause
from .resources import Resource
from .shapes import Schema

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_BAD_NAME = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
    "'-' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_BAD_LABEL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_UNCHECKED = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)
_HEAD = ("apiVersion", "kind", "metadata")
_BLOCKING = ("FieldValueRequired", "FieldValueTypeInvalid")


def prune(
    resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The object without the fields its schema does not know, and the paths of those.

    What is as in `old`, which is stored, needs no look.
    """
    unknown: list[str] = []
    schema = of_kind(resource)
    if schema is None:
        return obj, unknown
    head: dict[str, Any] = {key: obj[key] for key in ("apiVersion", "kind") if key in obj}
    if "metadata" in obj:
        head["metadata"] = _prune(shapes.METADATA, obj["metadata"], "metadata", unknown)
    rest = {key: value for key, value in obj.items() if key not in _HEAD}
    fresh = _fresh(rest, old)
    stays = {key: value for key, value in rest.items() if key not in fresh}
    return {**head, **stays, **_prune(schema, fresh, "", unknown)}, unknown


def _fresh(obj: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    """The parts of `obj` besides its metadata that are not as they were in `old`."""
    parts = {key: value for key, value in obj.items() if key not in _HEAD}
    if old is None:
        return parts
    return {
        key: value
        for key, value in parts.items()
        # As JSON, where 1 and true differ.
        if key not in old or bodies.encode(old[key]) != bodies.encode(value)
    }


def of_kind(resource: Resource) -> Schema | None:
    """The schema of what an object holds besides its metadata; None where anything is kept."""
    return schemas.CUSTOM.get(resource.kind) or BUILT_IN.get(resource.kind)


def _prune(schema: Schema, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(schema, list) and isinstance(value, list):
        return [_prune(schema[0], item, f"{path}[{i}]", unknown) for i, item in enumerate(value)]
    if not isinstance(schema, dict) or not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, item in value.items():
        inner = shapes.field(schema, name)
        place = f"{path}.{name}" if path else name
        if inner is None:
            unknown.append(place)
        elif item is not None or inner == shapes.ANY:
            kept[name] = _prune(inner, item, place, unknown)
    return kept


def undecodable(resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None = None) -> str:
    """What Go's decoder says about a field of the wrong type, empty if it would decode.

    It looks at metadata, and at built-in objects: custom ones are judged by `check`. What is as
    in `old`, which is stored, needs no look.
    """
    found = next(_mismatches(shapes.METADATA, obj.get("metadata"), "metadata"), None)
    owner = "ObjectMeta"
    if found is None and not resource.custom and resource.kind in BUILT_IN:
        found = next(_mismatches(BUILT_IN[resource.kind], _fresh(obj, old), ""), None)
        owner = resource.kind
    if found is None:
        return ""
    path, expected, value = found
    expected = {"integer": "int32", "boolean": "bool", "date-time": "v1.Time"}.get(
        expected, expected
    )
    place = re.sub(r"\[\d+\]", "", path)
    keys = place.rpartition(".")[0] if _in_map(place) else place
    return (
        f"json: cannot unmarshal {patching.json_type(value)} "
        f"into Go struct field {owner}.{keys} of type {expected}"
    )


def _in_map(path: str) -> bool:
    parent = path.rpartition(".")[0].rpartition(".")[2]
    return parent in ("data", "binaryData", "stringData", "labels", "annotations", "selector")


def _mismatches(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """(path, expected type, value) of everything whose type is wrong; nulls pass."""
    if value is None or schema == shapes.ANY:
        return
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            yield path, "object", value
            return
        for name, item in value.items():
            inner = shapes.field(schema, name)
            if inner is not None:
                yield from _mismatches(inner, item, f"{path}.{name}" if path else name)
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield path, "array", value
            return
        for index, item in enumerate(value):
            yield from _mismatches(schema[0], item, f"{path}[{index}]")
    elif not _is(schema, value):
        yield path, schema, value


def _is(schema: str, value: Any) -> bool:
    if schema == shapes.INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if schema == shapes.BOOL:
        return isinstance(value, bool)
    if schema == shapes.QUANTITY:
        return isinstance(value, (int, float, str)) and not isinstance(value, bool)
    if schema == shapes.INT_OR_STR:
        return isinstance(value, (int, str)) and not isinstance(value, bool)
    return isinstance(value, str)


def check(resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None = None) -> None:
    """Raises Refused (422) with everything that is wrong with `obj`, as a replacement of `old`."""
    causes = [*_metadata(obj.get("metadata", {}), resource)]
    schema = schemas.CUSTOM.get(resource.kind)
    if schema is not None:
        fresh = _fresh(obj, old)
        stays = obj.keys() - fresh.keys()
        causes += _schema(
            {key: part for key, part in schema.items() if key.removesuffix("!") not in stays}, fresh
        )
        causes += _scale(resource, obj)
        if resource.kind in schemas.IMMUTABLE:
            if any(cause.reason in _BLOCKING for cause in causes):
                causes.append(_UNCHECKED)
            elif old is not None:
                causes += _immutable(schemas.IMMUTABLE[resource.kind], obj, old)
    if causes:
        name = str(obj.get("metadata", {}).get("name", ""))
        raise errors.invalid(resource.kind, resource.group, name, causes)


def _metadata(metadata: dict[str, Any], resource: Resource) -> Iterator[Cause]:
    name = metadata.get("name") or ""
    if not name:
        said = "Required value: name or generateName is required"
        yield Cause("metadata.name", "FieldValueRequired", said)
    elif len(name) > 253:
        yield Cause(
            "metadata.name",
            "FieldValueInvalid",
            f'Invalid value: "{name}": must be no more than 253 bytes',
        )
    elif not _SUBDOMAIN.fullmatch(name):
        yield Cause("metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_BAD_NAME}')
    for value in (metadata.get("labels") or {}).values():
        if value and (len(value) > 63 or not _LABEL_NAME.fullmatch(value)):
            said = "must be no more than 63 bytes" if len(value) > 63 else _BAD_LABEL
            yield Cause("metadata.labels", "FieldValueInvalid", f'Invalid value: "{value}": {said}')
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                place = f"metadata.ownerReferences[{index}].{field}"
                yield Cause(
                    place, "FieldValueInvalid", f'Invalid value: "": {field} must not be empty'
                )


def _schema(schema: Schema, obj: dict[str, Any]) -> Iterator[Cause]:
    for path, expected, value in _mismatches(schema, obj, ""):
        said = {"date-time": "string", "int-or-string": "integer,string"}.get(expected, expected)
        actual = {"bool": "boolean"}.get(kind := patching.json_type(value), kind)
        if actual == "number" and isinstance(value, int):
            actual = "integer"
        yield Cause(
            path,
            "FieldValueTypeInvalid",
            f'Invalid value: "{actual}": {path} in body must be of type {said}: "{actual}"',
        )
    yield from _required(schema, obj, "")
    yield from _times(schema, obj, "")


def _required(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if isinstance(schema, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _required(schema[0], item, f"{path}[{index}]")
    elif isinstance(schema, dict) and isinstance(value, dict):
        for name in shapes.required(schema):
            if value.get(name) is None:
                place = f"{path}.{name}" if path else name
                yield Cause(place, "FieldValueRequired", "Required value")
        for name, item in value.items():
            if isinstance(item, (dict, list)):
                inner = shapes.field(schema, name)
                if inner is not None:
                    yield from _required(inner, item, f"{path}.{name}" if path else name)


def _times(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    if isinstance(schema, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _times(schema[0], item, f"{path}[{index}]")
    elif isinstance(schema, dict) and isinstance(value, dict):
        for name, item in value.items():
            inner = shapes.field(schema, name)
            if isinstance(item, (dict, list)) or inner == shapes.TIME:
                yield from _times(inner, item, f"{path}.{name}" if path else name)
    elif schema == shapes.TIME and isinstance(value, str) and not _is_time(value):
        said = f'Invalid value: "{value}": {path} in body must be of type date-time: "{value}"'
        yield Cause(path, "FieldValueInvalid", said)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value.upper()


def _scale(resource: Resource, obj: dict[str, Any]) -> Iterator[Cause]:
    spec = obj.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, dict) else None
    if not resource.scale or replicas is None:
        return
    if not _is(shapes.INT, replicas):
        kind = {"bool": "bool", "number": "float64", "string": "string"}.get(
            patching.json_type(replicas), "object"
        )
        said = f".spec.replicas accessor error: {replicas} is of the type {kind}, expected int64"
        yield Cause(".spec.replicas", "FieldValueInvalid", f"Invalid value: 0: {said}")
    elif replicas < 0:
        said = "should be a non-negative integer"
        yield Cause(".spec.replicas", "FieldValueInvalid", f"Invalid value: {replicas}: {said}")


def _immutable(
    paths: tuple[tuple[str, ...], ...], obj: dict[str, Any], old: dict[str, Any]
) -> Iterator[Cause]:
    for path in paths:
        before, after = _at(old, path), _at(obj, path)
        # A rule that compares with the old value is not asked when either is missing.
        if before is not None and after is not None and not patching.same(before, after):
            place = ".".join(path)
            yield Cause(
                place, "FieldValueInvalid", f'Invalid value: "object": .{place} is immutable'
            )


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj
