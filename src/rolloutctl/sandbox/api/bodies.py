"""Request bodies: decoding them, and saying what is wrong in the words of a real server."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from . import errors, protobuf
from .messages import Request
from .resources import Resource

_encoder = msgspec.json.Encoder(order="deterministic")
_AFTER = {
    "Expecting property name": "looking for beginning of object key string",
    "Expecting value": "looking for beginning of value",
    "Expecting ':'": "after object key",
    "Expecting ','": "after object key:value pair",
    "Extra data": "after top-level value",
    "Illegal trailing comma": "looking for beginning of object key string",
    "Invalid control character": "in string literal",
    "Invalid \\": "in string escape code",
}


def encode(value: Any) -> bytes:
    """Compact JSON with sorted keys."""
    return _encoder.encode(value)


def complaint(text: str) -> str:
    """What Go's JSON decoder says about `text`, which is no JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) or error.msg.startswith("Unterminated"):
            return "unexpected end of JSON input"
        where = next((said for start, said in _AFTER.items() if error.msg.startswith(start)), "")
        where = where or "looking for beginning of value"
        return f"invalid character {_quoted(text[error.pos])} {where}"
    except RecursionError:
        return "exceeded max depth"
    return "invalid JSON"


def _quoted(character: str) -> str:
    return "'\\''" if character == "'" else f"'{character}'"


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_object(request: Request, resource: Resource, api_version: str) -> dict[str, Any]:
    """The object in a request that creates or replaces one. Raises Refused (400, 415, 422)."""
    media = media_type(request)
    if media in ("", "application/json"):
        found = _read_json(request, resource)
    elif media in ("application/yaml", "application/x-yaml"):
        found = read_yaml(request.body)
    elif media == protobuf.MEDIA_TYPE and (known := protobuf.decode(request.body, resource.kind)):
        found = known
    else:
        raise errors.unsupported_media("application/json", "application/yaml")
    return _typed(found, request, resource, api_version)


def read_json(request: Request, what: str) -> Any:
    """Any JSON value; `what` begins the complaint. Raises Refused (400)."""
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = request.body.decode("utf-8", "replace")
        raise errors.bad_request(f"{what}{complaint(text)}") from None


def read_yaml(body: bytes) -> Any:
    """Any YAML value. Raises Refused (400)."""
    import yaml

    try:
        return json.loads(json.dumps(yaml.safe_load(body), default=str))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise errors.bad_request(f"error converting YAML to JSON: {said}") from None


def _read_json(request: Request, resource: Resource) -> Any:
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = request.body.decode("utf-8", "replace")
        shown = text if len(text) <= 1024 else text[:1024] + "..."
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): "
            f"couldn't get version/kind; json parse error: {complaint(text)} ({shown or '<empty>'})"
        ) from None


def _typed(found: Any, request: Request, resource: Resource, api_version: str) -> dict[str, Any]:
    text = request.body.decode("utf-8", "replace")
    if not isinstance(found, dict):
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): couldn't get "
            f"version/kind; json parse error: json: cannot unmarshal into Go value ({text[:1024]})"
        )
    if resource.custom and not found.get("kind"):
        raise errors.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): "
            f"Object 'Kind' is missing in '{text}' ({text})"
        )
    given = found.get("apiVersion") or api_version
    if given != api_version:
        raise errors.bad_request(
            "the API version in the data "
            f"({given}) does not match the expected API version ({api_version})"
        )
    kind = found.get("kind") or resource.kind
    metadata = found.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise errors.bad_request(
            f'{resource.kind} in version "{api_version}" cannot be handled as a {resource.kind}: '
            "json: cannot unmarshal metadata into Go struct field of type v1.ObjectMeta"
        )
    if kind != resource.kind:
        name = str(metadata.get("name", ""))
        if not resource.custom:
            raise errors.bad_request(
                f'{kind} in version "{api_version}" cannot be handled as a {resource.kind}: '
                f'no kind "{kind}" is registered for version "{api_version}"'
            )
        message = f'Invalid value: "{kind}": must be {resource.kind}'
        cause = errors.Cause("kind", "FieldValueInvalid", message)
        raise errors.invalid(str(kind), resource.group, name, [cause])
    return found


def go_quoted(text: str) -> str:
    """`text` in double quotes, escaped as in Go."""
    return json.dumps(text, ensure_ascii=False)
