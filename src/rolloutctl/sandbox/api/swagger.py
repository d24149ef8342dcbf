"""`/openapi/v2`, for clients from before version 3: kubectl up to 1.26, and GitOps tools.

They ask for it in Protocol Buffers, in the messages of the gnostic project; without it they
refuse to apply anything. It says the same as version 3, in the older language.

Source: gnostic, openapiv2/OpenAPIv2.proto, for the numbers of the fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from . import bodies

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED_FOR = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
"""Clients ask with an @, which is no media type."""

_REFERENCE = "#/definitions/"
_KINDS = "x-kubernetes-group-version-kind"
_EXTENSIONS = (_KINDS, "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy")
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def document(about: dict[str, str], documents: Iterable[bytes]) -> dict[str, Any]:
    """The document of everything, made of those of version 3."""
    paths: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for text in documents:
        found = msgspec.json.decode(text)
        for path, item in found["paths"].items():
            paths[path] = {method: _operation(each) for method, each in item.items()}
        for name, schema in found["components"]["schemas"].items():
            definitions[name] = _older(schema)
    return {"swagger": "2.0", "info": about, "paths": paths, "definitions": definitions}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: operation[name] for name in ("x-kubernetes-action", _KINDS) if name in operation
    }
    found["parameters"] = [
        {"name": each["name"], "in": "query", "type": "string", "uniqueItems": True}
        for each in operation.get("parameters", ())
    ]
    found["responses"] = {"200": {"description": "OK"}}
    return found


def _older(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without what version 2 cannot say: such a field may be anything then."""
    about = {"description": schema["description"]} if schema.get("description") else {}
    if "$ref" in schema:
        return {"$ref": _REFERENCE + schema["$ref"].rpartition("/")[2]}
    if "allOf" in schema:
        return {**about, **_older(schema["allOf"][0])}
    if "anyOf" in schema or "oneOf" in schema:
        return about
    kept = ("type", "format", *_EXTENSIONS)
    found = {**about, **{name: schema[name] for name in kept if name in schema}}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return found
    if "items" in schema:
        found["items"] = _older(schema["items"])
    if "additionalProperties" in schema:
        found["additionalProperties"] = _older(schema["additionalProperties"])
    if "properties" in schema:
        found["properties"] = {k: _older(v) for k, v in schema["properties"].items()}
    if "required" in schema:
        found["required"] = schema["required"]
    return found


def encoded(swagger: dict[str, Any]) -> bytes:
    """The document in Protocol Buffers."""
    info = _text(1, swagger["info"]["title"]) + _text(2, swagger["info"]["version"])
    paths = b"".join(
        _bytes(2, _text(1, path) + _bytes(2, _item(item)))
        for path, item in swagger["paths"].items()
    )
    return (
        _text(1, swagger["swagger"])
        + _bytes(2, info)
        + _bytes(8, paths)
        + _bytes(9, _named(swagger["definitions"]))
    )


def _item(item: dict[str, Any]) -> bytes:
    found = b""
    for method, operation in item.items():
        parameters = b"".join(
            _bytes(8, _bytes(1, _bytes(2, _bytes(3, _parameter(each)))))
            for each in operation["parameters"]
        )
        kinds = _extension(13, _KINDS, operation[_KINDS])
        found += _bytes(_METHODS[method], parameters + kinds)
    return found


def _parameter(parameter: dict[str, Any]) -> bytes:
    return _text(2, parameter["in"]) + _text(4, parameter["name"]) + _text(6, parameter["type"])


def _named(schemas: dict[str, Any]) -> bytes:
    return b"".join(
        _bytes(1, _text(1, name) + _bytes(2, _schema(schema))) for name, schema in schemas.items()
    )


def _schema(schema: dict[str, Any]) -> bytes:
    found = b""
    for number, name in ((1, "$ref"), (2, "format"), (4, "description")):
        if name in schema:
            found += _text(number, schema[name])
    found += b"".join(_text(19, name) for name in schema.get("required", ()))
    if "additionalProperties" in schema:
        found += _bytes(21, _bytes(1, _schema(schema["additionalProperties"])))
    if "type" in schema:
        found += _bytes(22, _text(1, schema["type"]))
    if "items" in schema:
        found += _bytes(23, _bytes(1, _schema(schema["items"])))
    if "properties" in schema:
        found += _bytes(25, _named(schema["properties"]))
    for name in _EXTENSIONS:
        if name in schema:
            found += _extension(31, name, schema[name])
    return found


def _extension(number: int, name: str, value: Any) -> bytes:
    # JSON is YAML, too.
    return _bytes(number, _text(1, name) + _bytes(2, _text(2, bodies.encode(value).decode())))


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


@cache
def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
