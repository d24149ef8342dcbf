"""`/openapi`: what the server serves, as OpenAPI documents made from the schemas.

A document is made when somebody asks for it, and kept. The index names each with a hash of its
content, so that clients may keep them for good.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from . import bodies, descriptions, resources, routing, shapes, swagger, validation
from .messages import Request, Response
from .resources import Resource
from .routing import Query
from .shapes import Atomic, Keyed, Schema, Unique

VERSION = "v1.34.0"

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_FOREVER = {"Cache-Control": "public, immutable"}
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "pretty")
_METHODS = {
    "get": "get",
    "list": "get",
    "create": "post",
    "update": "put",
    "patch": "patch",
    "delete": "delete",
    "deletecollection": "delete",
}
_OF_COLLECTION = ("list", "create", "deletecollection")


def answer(request: Request) -> Response:
    """The answer to a request below `/openapi`. Raises NoSuchPath."""
    parts = routing.segments(request.path)[1:]
    if parts == ["v2"]:
        accepted = request.headers.get("accept", "")
        binary = any(media in accepted for media in swagger.ASKED_FOR)
        kind = swagger.MEDIA_TYPE if binary else "application/json"
        return Response(200, _swagger(binary=binary), kind)
    if parts == ["v3"]:
        return Response(200, bodies.encode(_index()))
    if parts[:1] != ["v3"]:
        raise routing.NoSuchPath
    place = "/".join(parts[1:])
    known = {_place(group, version): (group, version) for group, version in _served()}
    if place not in known:
        raise routing.NoSuchPath
    body, digest = _document(*known[place])
    asked = Query(request).text("hash")
    if asked and asked != digest:
        return Response(301, b"", headers={"Location": _url(place, digest)})
    headers = {"ETag": f'"{digest}"', "Vary": "Accept", **(_FOREVER if asked else {})}
    if f'"{digest}"' in request.headers.get("if-none-match", ""):
        return Response(304, b"", headers=headers)
    return Response(200, body, headers=headers)


def _about() -> dict[str, str]:
    return {"title": "rolloutctl sandbox", "version": VERSION}


def _served() -> list[tuple[str, str]]:
    found = [("", "v1")]
    for group, versions in resources.groups():
        found += [(group, version) for version in versions]
    return found


def _place(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _url(place: str, digest: str) -> str:
    return f"/openapi/v3/{place}?hash={digest}"


@cache
def _swagger(*, binary: bool) -> bytes:
    found = swagger.document(_about(), [_document(*each)[0] for each in _served()])
    return swagger.encoded(found) if binary else bodies.encode(found)


@cache
def _index() -> dict[str, Any]:
    places = [_place(group, version) for group, version in _served()]
    digests = [_document(group, version)[1] for group, version in _served()]
    return {
        "paths": {
            place: {"serverRelativeURL": _url(place, digest)}
            for place, digest in zip(places, digests, strict=True)
        }
    }


@cache
def _document(group: str, version: str) -> tuple[bytes, str]:
    """The document of one group version, and the hash of it."""
    paths: dict[str, Any] = {}
    schemas = {
        f"{_META}.ObjectMeta": {
            **described(shapes.METADATA, "ObjectMeta"),
            "description": descriptions.of("ObjectMeta"),
        },
        f"{_META}.ListMeta": described(
            {
                "continue": shapes.STR,
                "remainingItemCount": shapes.INT,
                "resourceVersion": shapes.STR,
                "selfLink": shapes.STR,
            },
            "ListMeta",
        ),
    }
    for resource in resources.of(group, version):
        paths.update(_paths(resource, version))
        schemas.update(_schemas(resource, version))
    document = {
        "openapi": "3.0.0",
        "info": _about(),
        "paths": paths,
        "components": {"schemas": schemas},
    }
    body = bodies.encode(document)
    return body, hashlib.sha512(body).hexdigest().upper()


def _paths(resource: Resource, version: str) -> dict[str, Any]:
    start = f"/{_place(resource.group, version)}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    found: dict[str, Any] = {}
    for verb in resource.verbs:
        if verb not in _METHODS:
            continue
        collection = verb in _OF_COLLECTION
        path = f"{start}{scope}/{resource.plural}" + ("" if collection else "/{name}")
        found.setdefault(path, {})[_METHODS[verb]] = _operation(resource, version, verb)
    return found


def _operation(resource: Resource, version: str, verb: str) -> dict[str, Any]:
    name = _name(resource, version) + ("List" if verb == "list" else "")
    shown = {"application/json": {"schema": _reference(name)}}
    operation: dict[str, Any] = {
        "responses": {"200": {"description": "OK", "content": shown}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": _gvk(resource, version),
    }
    if verb in ("create", "update", "patch"):
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in _PARAMETERS
        ]
    return operation


def _schemas(resource: Resource, version: str) -> dict[str, Any]:
    name = _name(resource, version)
    inner = validation.of_kind(resource)
    schema: dict[str, Any] = described(inner or {shapes.OPEN: shapes.ANY}, resource.kind)
    own = schema.pop("properties", {})
    schema["properties"] = {
        "apiVersion": {"type": "string", "description": descriptions.of("apiVersion")},
        "kind": {"type": "string", "description": descriptions.of("kind")},
        "metadata": {
            "allOf": [_reference(f"{_META}.ObjectMeta")],
            "default": {},
            "description": descriptions.of("metadata"),
        },
        **own,
    }
    schema["description"] = descriptions.of(resource.kind)
    schema["x-kubernetes-group-version-kind"] = [_gvk(resource, version)]
    if "list" not in resource.verbs:
        return {name: schema}
    listed = {
        "type": "object",
        "description": f"A list of {resource.plural}.",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [_reference(f"{_META}.ListMeta")], "default": {}},
            "items": {"type": "array", "items": _reference(name)},
        },
        "x-kubernetes-group-version-kind": [
            {**_gvk(resource, version), "kind": f"{resource.kind}List"}
        ],
    }
    return {name: schema, f"{name}List": listed}


def _gvk(resource: Resource, version: str) -> dict[str, str]:
    return {"group": resource.group, "version": version, "kind": resource.kind}


def _name(resource: Resource, version: str) -> str:
    if resource.custom:
        start = ".".join(reversed(resource.group.split(".")))
    else:
        start = f"io.k8s.api.{resource.group.partition('.')[0] or 'core'}"
    return f"{start}.{version}.{resource.kind}"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def described(schema: Schema, path: str) -> dict[str, Any]:
    """The OpenAPI schema of `schema`, which stands at `path`: `Rollout.spec.replicas`."""
    if isinstance(schema, dict):
        return _object(schema, path)
    if isinstance(schema, list):
        found: dict[str, Any] = {"type": "array", "items": described(schema[0], path)}
        if isinstance(schema, Keyed):
            found["x-kubernetes-list-type"] = "map"
            found["x-kubernetes-list-map-keys"] = list(schema.keys)
            # What clients that make strategic merge patches themselves go by.
            found["x-kubernetes-patch-merge-key"] = schema.keys[0]
            found["x-kubernetes-patch-strategy"] = "merge"
        else:
            found["x-kubernetes-list-type"] = "set" if isinstance(schema, Unique) else "atomic"
        return found
    if schema == shapes.ANY:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if schema == shapes.TIME:
        return {"type": "string", "format": "date-time"}
    if schema == shapes.INT_OR_STR:
        choices = [{"type": "integer"}, {"type": "string"}]
        return {"anyOf": choices, "x-kubernetes-int-or-string": True}
    if schema == shapes.QUANTITY:
        return {"oneOf": [{"type": "string"}, {"type": "number"}]}
    if schema == shapes.INT:
        return {"type": "integer", "format": "int64"}
    return {"type": schema}


def _object(schema: dict[str, Schema], path: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object"}
    properties = {}
    for key, inner in schema.items():
        if key == shapes.OPEN:
            found["x-kubernetes-preserve-unknown-fields"] = True
        elif key == "*":
            found["additionalProperties"] = described(inner, path)
        else:
            name = key.removesuffix("!")
            below = described(inner, f"{path}.{name}")
            about = descriptions.of(f"{path}.{name}")
            properties[name] = {**below, "description": about} if about else below
    if properties:
        found["properties"] = properties
    if named := shapes.required(schema):
        found["required"] = named
    if isinstance(schema, Atomic):
        found["x-kubernetes-map-type"] = "atomic"
    return found
