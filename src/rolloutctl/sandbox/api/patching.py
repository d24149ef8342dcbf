"""Applying a patch of any kind to an object."""

from __future__ import annotations

import copy
from typing import Any

from . import errors

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

_ABSENT: Any = object()
_MAX_OPERATIONS = 10_000


def json_type(value: Any) -> str:
    """What Go's decoder calls the type of a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values, where 1, 1.0 and true all differ."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def merge(target: Any, patch: Any) -> Any:
    """`target` with a JSON merge patch applied (RFC 7396); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def apply_merge(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """As `merge` for a whole object. Raises Refused (400)."""
    if not isinstance(patch, dict):
        raise errors.bad_request(
            f"error decoding patch: json: cannot unmarshal {json_type(patch)}"
            " into Go value of type map[string]interface {}"
        )
    merged: dict[str, Any] = merge(obj, patch)
    return merged


def apply_json_patch(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """A patched copy of `obj`.

    It is what a real server does rather than RFC 6902: `test` with null holds for an absent key
    whose parent is there, `replace` of an absent key adds it, null is not stored. Raises Refused:
    400 for what is no list of operations, 422 for whatever cannot be applied; Aborted where a real
    server drops the connection.
    """
    if not isinstance(patch, list):
        raise errors.bad_request(
            f"error decoding patch: json: cannot unmarshal {json_type(patch)}"
            " into Go value of type []handlers.jsonPatchOp"
        )
    if len(patch) > _MAX_OPERATIONS:
        message = (
            f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(patch)}"
        )
        raise errors.Refused(413, "RequestEntityTooLarge", message, details={})
    root: Any = copy.deepcopy(obj)
    for operation in patch:
        if not isinstance(operation, dict):
            raise errors.bad_request(
                f"error decoding patch: json: cannot unmarshal {json_type(operation)}"
                " into Go value of type handlers.jsonPatchOp"
            )
        root = _apply(root, operation)
    if not isinstance(root, dict):
        raise errors.unpatchable()
    return root


def _apply(root: Any, operation: dict[str, Any]) -> Any:
    kind = operation.get("op")
    path = _pointer(operation.get("path"))
    if kind == "test":
        _test(root, path, operation)
        return root
    if kind == "remove":
        _remove(root, path)
        return root
    if kind in ("add", "replace"):
        if "value" not in operation:
            raise errors.unpatchable()
        return _put(root, path, copy.deepcopy(operation["value"]), insert=kind == "add")
    if kind in ("move", "copy"):
        source = _pointer(operation.get("from"))
        value = copy.deepcopy(_get(root, source))
        if value is _ABSENT:
            raise errors.unpatchable()
        if kind == "move":
            _remove(root, source)
        return _put(root, path, value, insert=True)
    raise errors.unpatchable()


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise errors.unpatchable()
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _parent(root: Any, path: list[str]) -> Any:
    value = root
    for part in path[:-1]:
        value = _child(value, part)
        if value is _ABSENT:
            raise errors.unpatchable()
    if not isinstance(value, (dict, list)):
        raise errors.unpatchable()
    return value


def _child(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and (index := _index(part)) is not None and index < len(value):
        return value[index]
    return _ABSENT


def _index(part: str) -> int | None:
    return int(part) if part.isascii() and part.isdigit() else None


def _get(root: Any, path: list[str]) -> Any:
    return _child(_parent(root, path), path[-1]) if path else root


def _test(root: Any, path: list[str], operation: dict[str, Any]) -> None:
    found = _get(root, path)
    if found is _ABSENT and not isinstance(_parent(root, path), dict):
        raise errors.unpatchable()
    if found is _ABSENT or found is None:
        if "value" not in operation:
            raise errors.Aborted
        if operation["value"] is not None:
            raise errors.unpatchable()
    elif "value" not in operation or not same(found, operation["value"]):
        raise errors.unpatchable()


def _remove(root: Any, path: list[str]) -> None:
    if not path or _get(root, path) is _ABSENT:
        raise errors.unpatchable()
    parent = _parent(root, path)
    if isinstance(parent, dict):
        del parent[path[-1]]
    else:
        del parent[int(path[-1])]


def _put(root: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    parent, last = _parent(root, path), path[-1]
    if isinstance(parent, dict):
        if value is None:
            parent.pop(last, None)
        else:
            parent[last] = value
        return root
    index = len(parent) if last == "-" and insert else _index(last)
    if index is None or index > len(parent) or (index == len(parent) and not insert):
        raise errors.unpatchable()
    if insert:
        parent.insert(index, value)
    else:
        parent[index] = value
    return root
