"""What JSON Schemas are made of: a few shapes, and the reading of structs of facts.

A shape is a piece of JSON Schema (draft 2020-12). Every field of an object is required: what is
unknown is null. That more fields may come is left open here; the tests close every object, so that
a document and its schema cannot drift apart.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from rolloutctl.render.documents.shapes import VERSION

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}
_PLAIN: dict[Any, Schema] = {
    str: TEXT,
    int: WHOLE,
    float: NUMBER,
    bool: FLAG,
    datetime: MOMENT,
    timedelta: NUMBER,
    Any: ANYTHING,
    object: ANYTHING,
}


def obj(fields: Mapping[str, Schema], **sometimes: Schema) -> Schema:
    """An object with all of these fields, and perhaps those of `sometimes`."""
    properties = {**fields, **sometimes}
    return {"type": "object", "properties": properties, "required": list(fields)}


def document(kind: str, fields: Mapping[str, Schema], **sometimes: Schema) -> Schema:
    """An object that says what it is; `cluster` only where several are meant."""
    return {"title": kind, **obj({**_head(kind), **fields}, **{"cluster": TEXT, **sometimes})}


def list_of(kind: str, *items: str) -> Schema:
    """A list document of these kinds."""
    shape = ref(items[0]) if len(items) == 1 else {"anyOf": [ref(item) for item in items]}
    return {"title": kind, **obj({**_head(kind), "items": many(shape)})}


def _head(kind: str) -> dict[str, Schema]:
    return {"apiVersion": {"const": VERSION}, "kind": {"const": kind}}


def ref(name: str) -> Schema:
    """Another shape, by its name."""
    return {"$ref": f"#/$defs/{name}"}


def many(shape: Schema) -> Schema:
    return {"type": "array", "items": shape}


def maybe(shape: Schema) -> Schema:
    """The shape or null."""
    kind = shape.get("type")
    if isinstance(kind, str) and "enum" not in shape:
        return {**shape, "type": [kind, "null"]}
    return {"anyOf": [shape, {"type": "null"}]}


def one_of(words: type[enum.Enum]) -> Schema:
    """One of the words of the tool's own; more of them may come, as fields may."""
    return {"type": "string", "examples": [word.value for word in words]}


def struct(kind: type[msgspec.Struct], **instead: Schema | None) -> Schema:
    """A struct of facts as `render.documents.rollout.plain` writes it.

    `instead`: other shapes for fields by the name they have in the document, also new ones; None
    leaves the field out.
    """
    fields = {}
    for field in msgspec.structs.fields(kind):
        head, *rest = field.name.split("_")
        name = head + "".join(part.capitalize() for part in rest)
        if field.type is timedelta:
            name += "Seconds"
        fields[name] = shape_of(field.type)
    fields |= {name: shape for name, shape in instead.items() if shape is not None}
    return obj({name: shape for name, shape in fields.items() if instead.get(name, 1) is not None})


def shape_of(kind: Any) -> Schema:
    """The shape of a value of that type, as `plain` writes it. Raises TypeError for a new one."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return struct(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return one_of(kind)
    if origin is Literal:
        return {"type": "string", "examples": list(args)}
    if origin in (Union, UnionType):
        shapes = [shape_of(arg) for arg in args if arg is not NoneType]
        shape = shapes[0] if len(shapes) == 1 else {"type": [each["type"] for each in shapes]}
        return maybe(shape) if NoneType in args else shape
    if origin in (tuple, list, frozenset):
        return many(shape_of(args[0]))
    if origin is dict:
        return OBJECT
    raise TypeError(f"no shape is known for {kind}")
