"""Who wrote which field of an object, and when: `metadata.managedFields`.

They are kept for ConfigMaps alone, where one asks "has the controller read this edit?". In every
rollout of a large fleet they would take as much memory as the rollout, to no use here.

An entry's fields are those its manager set last; whoever changes a field takes it over. Removing a
field leaves no trace but its absence, as on a real server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .bodies import encode
from .messages import Request
from .metadata import timestamp
from .resources import Resource
from .routing import Query

UPDATE = "Update"
APPLY = "Apply"

_KEPT = frozenset({"configmaps"})
_UNOWNED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "selfLink",
        "managedFields",
    }
)
_LONGEST = 128

Path = tuple[str, ...]
"""As in fieldsV1: ("f:data", "f:stepPlugins")."""


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes, and how."""

    name: str
    operation: str = UPDATE


def of(request: Request, operation: str = UPDATE) -> Manager:
    """The manager a request names, else the program its User-Agent begins with."""
    named = Query(request).text("fieldManager")
    named = named or request.headers.get("user-agent", "").partition("/")[0]
    return Manager(named[:_LONGEST] or "unknown", operation)


def note(
    resource: Resource,
    api_version: str,
    manager: Manager,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    now: datetime,
    applied: dict[str, Any] | None = None,
) -> None:
    """Write into `after` that `manager` made it of `before`; `applied` is what an apply sent."""
    if resource.plural not in _KEPT:
        return
    old, new = _fields(before or {}), _fields(after)
    taken = {path for path, value in new.items() if path not in old or old[path] != value}
    key = (manager.name, manager.operation, api_version)
    entries: dict[tuple[str, str, str], tuple[str, set[Path]]] = {}
    for entry in (before or {}).get("metadata", {}).get("managedFields") or ():
        owner = (entry["manager"], entry["operation"], entry["apiVersion"])
        owned = set(_paths(entry["fieldsV1"])) & new.keys()
        entries[owner] = (entry["time"], owned if owner == key else owned - taken)
    owned = entries.get(key, ("", set()))[1]
    now_owned = set(_fields(applied)) & new.keys() if applied is not None else owned | taken
    if taken or now_owned != owned:
        entries[key] = (timestamp(now), now_owned)
    kept = [(owner, *entry) for owner, entry in entries.items() if entry[1]]
    kept.sort(key=lambda each: (each[0][1], each[1], each[0][0]))
    after["metadata"]["managedFields"] = [_entry(*each) for each in kept]


def _entry(owner: tuple[str, str, str], time: str, owned: set[Path]) -> dict[str, Any]:
    name, operation, api_version = owner
    return {
        "manager": name,
        "operation": operation,
        "apiVersion": api_version,
        "time": time,
        "fieldsType": "FieldsV1",
        "fieldsV1": _tree(owned),
    }


def _fields(obj: dict[str, Any]) -> dict[Path, Any]:
    """Every field somebody can own, with its value; a map's own value is that it is there."""
    found: dict[Path, Any] = {}
    for name, value in obj.items():
        if name == "metadata":
            for inner, part in value.items():
                if inner not in _UNOWNED:
                    found.update(_below(("f:metadata", f"f:{inner}"), part))
        elif name not in ("apiVersion", "kind"):
            found.update(_below((f"f:{name}",), value))
    return found


def _below(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        yield path, {}
        for name, part in value.items():
            yield from _below((*path, f"f:{name}"), part)
    elif isinstance(value, list):
        yield path, {}
        for item in value:
            yield (*path, _item(item)), item
    else:
        yield path, value


def _item(item: Any) -> str:
    """Finalizers are known by themselves, owner references by the owner's uid."""
    if isinstance(item, dict):
        return "k:" + encode({"uid": item.get("uid")}).decode()
    return "v:" + json.dumps(item)


def _tree(owned: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(owned):
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        if any(other[: len(path)] == path for other in owned if len(other) > len(path)):
            node["."] = {}
    return tree


def _paths(tree: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    for part, below in tree.items():
        if part == ".":
            yield path
        elif below:
            yield from _paths(below, (*path, part))
        else:
            yield (*path, part)
