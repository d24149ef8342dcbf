"""The objects below a rollout in JSON and YAML, version `rolloutctl/v1` (docs/output.md)."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.owned import Needed, Node
from rolloutctl.render.documents.shapes import VERSION, Document


def tree(root: Node, needed: Sequence[Needed], missing: Sequence[tuple[str, str]] = ()) -> Document:
    """The tree, what the spec names, what could not be read."""
    return {
        "apiVersion": VERSION,
        "kind": "Tree",
        "namespace": root.namespace,
        "name": root.name,
        "root": node(root),
        "names": [
            {
                "kind": each.kind,
                "namespace": each.namespace or None,
                "name": each.name,
                "for": each.what,
                "found": each.found,
                "why": each.why or None,
            }
            for each in needed
        ],
        "unavailable": [{"what": what, "why": why} for what, why in missing],
    }


def node(item: Node) -> Document:
    """One object with those below it."""
    return {
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
        "uid": item.uid or None,
        "state": item.state or None,
        "message": item.message,
        "ready": item.ready,
        "desired": item.desired,
        "revision": item.revision or None,
        "roles": list(item.roles),
        "createdAt": item.created,
        "children": [node(child) for child in item.children],
    }
