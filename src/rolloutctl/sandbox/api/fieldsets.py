"""Sets of fields, in the form managedFields has them, and what two objects differ in.

A set is a tree of dicts: {"f:spec": {".": {}, "f:replicas": {}}} holds `spec` itself and
`spec.replicas`; a node without children holds itself. Trees are shared: they are never changed.

Source: Kubernetes, structured-merge-diff (fieldpath.Set, typed.Compare).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import patching, shapes
from .bodies import encode
from .shapes import Atomic, Keyed, Schema, Unique

Tree = dict[str, Any]
Steps = tuple[str, ...]

_SELF = "."
_LEAF: Tree = {}
_NESTED = (dict, list)
_ANYTHING: dict[str, Schema] = {shapes.OPEN: shapes.ANY}


def of(schema: Schema, value: Any, *, containers: bool) -> Tree:
    """The node of `value`: all its fields, and with `containers` the objects and lists around."""
    kind = type(value)
    if not value or (kind is not dict and kind is not list):
        return _LEAF
    found: Tree = {_SELF: _LEAF} if containers else {}
    if kind is dict:
        if isinstance(schema, Atomic):
            return _LEAF
        known = schema if isinstance(schema, dict) else _ANYTHING
        for name, item in value.items():
            # Most fields are plain values: no need to look up what they may be.
            if type(item) not in _NESTED:
                found[f"f:{name}"] = _LEAF
                continue
            inner = shapes.field(known, name)
            if not containers and not item and isinstance(inner, (Keyed, Unique)):
                continue
            node = of(inner, item, containers=containers)
            if node and name not in known and f"{name}!" not in known:
                # A key somebody made up is a member, not only what is below it.
                node = {_SELF: _LEAF, **node}
            found[f"f:{name}"] = node
        return found
    below = _children(schema, value)
    if not below:
        return _LEAF
    for step, (inner, item) in below.items():
        node = of(inner, item, containers=containers)
        # An item of a list is a member whatever becomes of what it holds.
        found[step] = {_SELF: _LEAF, **node} if node and _SELF not in node else node
    return found


def _children(schema: Schema, value: Any) -> dict[str, tuple[Schema, Any]]:
    """What of `value` has owners of its own: the step that leads there, its schema and it."""
    if isinstance(value, dict):
        if isinstance(schema, Atomic):
            return {}
        if not isinstance(schema, dict):
            return {f"f:{name}": (shapes.ANY, item) for name, item in value.items()}
        return {
            f"f:{name}": (shapes.field(schema, name) or shapes.ANY, item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        if isinstance(schema, Keyed):
            return _keyed(schema, value)
        if isinstance(schema, Unique):
            return {f"v:{json.dumps(item)}": (shapes.ANY, item) for item in value}
    return {}


def _keyed(schema: Keyed, value: list[Any]) -> dict[str, tuple[Schema, Any]]:
    found: dict[str, tuple[Schema, Any]] = {}
    for item in value:
        key = schema.key(item)
        if key is None:
            return {}
        found[f"k:{encode(key).decode()}"] = (schema[0], item)
    return found if len(found) == len(value) else {}


def compare(schema: Schema, before: Any, after: Any) -> tuple[Tree | None, Tree | None]:
    """The nodes of what `after` has new or otherwise, and of what it lacks; None for nothing."""
    old, new = _children(schema, before), _children(schema, after)
    if (not old and not new) or type(before) is not type(after):
        if patching.same(before, after):
            return None, None
        gone = of(schema, before, containers=False) if old else None
        return of(schema, after, containers=True), gone
    changed: Tree = {}
    removed: Tree = {}
    for step, (inner, item) in new.items():
        if step not in old:
            changed[step] = of(inner, item, containers=True)
        elif item is not old[step][1] and (item != old[step][1] or _may_hide(item)):
            above, below = compare(inner, old[step][1], item)
            if above is not None:
                changed[step] = above
            if below is not None:
                removed[step] = below
    for step, (inner, item) in old.items():
        if step not in new:
            removed[step] = of(inner, item, containers=True)
    return changed or None, removed or None


def _may_hide(item: Any) -> bool:
    """Equal in Python does not mean the same in JSON: 1, 1.0 and true."""
    return isinstance(item, (bool, int, float))


def union(left: Tree, right: Tree) -> Tree:
    """What is in either: `left` itself if it has all. An empty set is no leaf here but nothing."""
    if not left or not right:
        return left or right
    return _union(left, right)


def _union(left: Tree, right: Tree) -> Tree:
    if left is right:
        return left
    if not left or not right:
        other = left or right
        return other if not other or _SELF in other else {_SELF: _LEAF, **other}
    found: Tree | None = None
    for step, node in right.items():
        both = _union(left[step], node) if step in left else node
        if step not in left or both is not left[step]:
            found = dict(left) if found is None else found
            found[step] = both
    return left if found is None else found


def minus(left: Tree, right: Tree) -> Tree:
    """What is in `left` and not in `right`: `left` itself if they have nothing in common."""
    return _minus(left, right, whole=False) or _LEAF if left and right else left


def without(left: Tree, gone: Tree) -> Tree:
    """As `minus`, and whatever `left` has below a field that is gone went with it."""
    return _minus(left, gone, whole=True) or _LEAF if left and gone else left


def _minus(left: Tree, right: Tree, *, whole: bool) -> Tree | None:
    if whole and _has_itself(right):
        return None
    found: Tree | None = None
    if _has_itself(left) and _has_itself(right):
        if not left:
            return None
        found = dict(left)
        del found[_SELF]
    for step, node in right.items():
        if step == _SELF or step not in left:
            continue
        rest = _minus(left[step], node, whole=whole)
        if rest is left[step]:
            continue
        found = dict(left) if found is None else found
        if rest is None:
            del found[step]
        else:
            found[step] = rest
    if found is None:
        return left
    if found.keys() == {_SELF}:
        return _LEAF
    return found or None


def _has_itself(node: Tree) -> bool:
    return not node or _SELF in node


def common(left: Tree, right: Tree) -> Iterator[Steps]:
    """The fields in both, in order."""
    if left and right:
        yield from _common(left, right, ())


def _common(left: Tree, right: Tree, path: Steps) -> Iterator[Steps]:
    if path and _has_itself(left) and _has_itself(right):
        yield path
    for step in sorted(left.keys() & right.keys() - {_SELF}):
        yield from _common(left[step], right[step], (*path, step))


def shown(path: Steps) -> str:
    """`.spec.containers[name="app"].image`."""
    text = ""
    for step in path:
        kind, _, rest = step.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            key = json.loads(rest)
            text += "[" + ",".join(f"{name}={json.dumps(key[name])}" for name in key) + "]"
        else:
            text += f"[={rest}]"
    return text


def merge(schema: Schema, live: Any, wanted: Any) -> Any:
    """`live` with what an apply wants in it; neither is changed."""
    old, new = _children(schema, live), _children(schema, wanted)
    if isinstance(live, dict) and isinstance(wanted, dict) and not isinstance(schema, Atomic):
        found = dict(live)
        for name, item in wanted.items():
            inner = new[f"f:{name}"][0]
            found[name] = merge(inner, live[name], item) if name in live else item
        return found
    if isinstance(live, list) and not wanted and isinstance(schema, (Keyed, Unique)):
        return live
    if isinstance(live, list) and isinstance(wanted, list) and old and new:
        return [
            merge(new[step][0], old[step][1], new[step][1])
            if step in old and step in new
            else (new.get(step) or old[step])[1]
            for step in _interleaved(list(old), list(new))
        ]
    return wanted


def _interleaved(old: list[str], new: list[str]) -> list[str]:
    """All of both: `new` in its order, and what only `old` has where it stands among the others."""
    found: list[str] = []
    before, named = set(old), set(new)
    left, right = list(reversed(old)), list(reversed(new))
    while left or right:
        if left and left[-1] not in named:
            found.append(left.pop())
        elif left and right and left[-1] == right[-1]:
            left.pop()
            found.append(right.pop())
        elif left and right and right[-1] in before:
            # Both have both, in another order: it has its turn where `new` has it.
            left.pop()
        elif right:
            found.append(right.pop())
        else:
            left.pop()
    return found


def removed(schema: Schema, value: Any, gone: Tree, kept: Tree | None) -> Any:
    """`value` without the fields in `gone`, but for those in `kept` and what these are in."""
    below = _children(schema, value)
    steps = [step for step in below if step in gone]
    if not steps:
        return value
    left: dict[str, Any] = {step: item for step, (_, item) in below.items()}
    for step in steps:
        inner, item = below[step]
        others = kept.get(step) if kept else None
        if others is None and _has_itself(gone[step]):
            del left[step]
            continue
        rest = removed(inner, item, gone[step], others)
        if rest in ({}, []) and item != rest and others is None:
            del left[step]
        else:
            left[step] = rest
    if isinstance(value, dict):
        return {step[2:]: item for step, item in left.items()}
    return list(left.values())
