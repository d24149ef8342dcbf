"""Strategic merge patches: lists of built-in objects are merged by a key of their items."""

from __future__ import annotations

from typing import Any

from . import errors, patching
from .resources import Resource

_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
    "secrets": ("name",),
    "podIPs": ("ip",),
    "ports": ("containerPort", "port"),
}
"""By the name of the field; a list that is not here is replaced whole. Ports are told apart by what
their items have: a container's by containerPort, a Service's by port."""

_SETS = ("finalizers",)
"""Lists of plain values that are united."""

_DIRECTIVES = ("$patch", "$retainKeys")


def apply(resource: Resource, obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    """`obj` with a strategic merge patch applied; neither is changed. Raises Refused (400, 422)."""
    if not isinstance(patch, dict):
        raise errors.bad_request(
            f"error decoding patch: json: cannot unmarshal {patching.json_type(patch)}"
            " into Go value of type map[string]interface {}"
        )
    merged = _merge_map(obj, patch)
    if not isinstance(merged, dict):
        raise errors.unpatchable()
    return merged


def _merge_map(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key not in _DIRECTIVES}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise errors.unpatchable()
    result = dict(target)
    retained = patch.get("$retainKeys")
    if isinstance(retained, list):
        result = {key: value for key, value in result.items() if key in retained}
    for name, value in patch.items():
        if name in _DIRECTIVES or name.startswith("$setElementOrder/"):
            continue
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.partition("/")[2]
            result[field] = [item for item in result.get(field) or [] if item not in value]
            continue
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = _merge_map(before if isinstance(before, dict) else {}, value)
        elif isinstance(value, list):
            order = patch.get(f"$setElementOrder/{name}")
            result[name] = _merge_list(name, result.get(name), value, order)
        else:
            result[name] = value
    for name, order in patch.items():
        field = name.partition("/")[2]
        if name.startswith("$setElementOrder/") and field not in patch and field in result:
            result[field] = _ordered(field, result[field], order)
    return result


def _merge_list(name: str, target: Any, patch: list[Any], order: Any) -> list[Any]:
    before = target if isinstance(target, list) else []
    if name in _SETS:
        return before + [item for item in patch if item not in before]
    key = _key(name, [*patch, *before])
    if key is None or any(isinstance(i, dict) and i.get("$patch") == "replace" for i in patch):
        return [_plain(i) for i in patch if not (isinstance(i, dict) and set(i) == {"$patch"})]
    result = list(before)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            said = f"map: {item} does not contain declared merge key: {key}"
            raise errors.Refused(422, "Invalid", said, details={})
        place = next((n for n, old in enumerate(result) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if place is not None:
                del result[place]
        elif place is None:
            result.append(_plain(item))
        else:
            result[place] = _merge_map(result[place], item)
    return _ordered(name, result, order)


def _key(name: str, items: list[Any]) -> str | None:
    keys = _KEYS.get(name, ())
    if not all(isinstance(item, dict) for item in items):
        return None
    return next((k for k in keys if any(k in item for item in items)), keys[0] if keys else None)


def _plain(item: Any) -> Any:
    return _merge_map({}, item) if isinstance(item, dict) else item


def _ordered(name: str, items: list[Any], order: Any) -> list[Any]:
    """`items` in the order a client asks for, then those it does not name."""
    if not isinstance(order, list):
        return items
    key = _key(name, items)
    wanted = [item.get(key) if isinstance(item, dict) and key else item for item in order]

    def identity(item: Any) -> Any:
        return item.get(key) if key else item

    named = sorted(
        (i for i in items if identity(i) in wanted), key=lambda i: wanted.index(identity(i))
    )
    return [*named, *(i for i in items if identity(i) not in wanted)]
