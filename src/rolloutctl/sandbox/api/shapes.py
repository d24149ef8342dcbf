"""The language schemas are written in: what an object may hold, and how its lists are merged.

A schema is a dict of fields (a name ending in "!" is required, "*" is any further name), a list
with the schema of its items, or the name of a type. `ANY` holds anything; a dict with `OPEN` keeps
fields it does not know. Without more, each field of a dict has an owner of its own and a list is
owned as a whole; `Keyed`, `Unique` and `Atomic` say otherwise.
"""

from __future__ import annotations

from typing import Any

ANY = "any"
INT, STR, BOOL = "integer", "string", "boolean"
INT_OR_STR = "int-or-string"
QUANTITY = "quantity"
TIME = "date-time"
OPEN = "..."

Schema = Any


class Keyed(list[Schema]):
    """A list whose items are known by the values of `keys`.

    `defaults` are the values of keys an item may leave out.

    Source: Kubernetes, x-kubernetes-list-map-keys.
    """

    def __init__(self, item: Schema, *keys: str, **defaults: str) -> None:
        super().__init__([item])
        self.keys = keys
        self.defaults = defaults

    def key(self, item: Any) -> dict[str, Any] | None:
        """The names and values that tell `item` from the others, None if it lacks one."""
        if not isinstance(item, dict):
            return None
        found = {name: item.get(name, self.defaults.get(name)) for name in self.keys}
        return None if None in found.values() else found


class Unique(list[Schema]):
    """A list of plain values of which each has an owner of its own: a set."""


class Atomic(dict[str, Schema]):
    """An object that is owned as a whole."""


def field(schema: dict[str, Schema], name: str) -> Schema | None:
    """The schema of a field, None if an object of this schema has no such field."""
    for key in (name, f"{name}!", "*", OPEN):
        if key in schema:
            return schema[key]
    return None


def required(schema: dict[str, Schema]) -> list[str]:
    """The names of the fields an object of this schema must have."""
    return [key[:-1] for key in schema if key[-1] == "!"]


TEXTS: Schema = {"*": STR}
STRS: Schema = [STR]
LABELED: Schema = {"labels": TEXTS, "annotations": TEXTS}
_REQUIREMENT: Schema = {"key!": STR, "operator!": STR, "values": STRS}
LABEL_SELECTOR: Schema = Atomic(matchLabels=TEXTS, matchExpressions=[_REQUIREMENT])
METADATA: Schema = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), STR),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp", "selfLink"), STR),
    **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), INT),
    **LABELED,
    "finalizers": Unique(STRS),
    "managedFields": ANY,
    "ownerReferences": Keyed(
        Atomic(
            {
                "apiVersion": STR,
                "kind": STR,
                "name": STR,
                "uid": STR,
                "controller": BOOL,
                "blockOwnerDeletion": BOOL,
            }
        ),
        "uid",
    ),
}
