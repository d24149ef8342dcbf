"""JSON Schemas of what commands print: one module beside each module of `render.documents`.

For a new document: put its shape into `SHAPES` of such a module (with `shapes.document`; parts of
it may be shapes of their own, see `shapes.ref`), name the module in `_MODULES`, and add the
command to the table in `tests/output/test_documents_fit.py`, which runs it and holds what it
prints to the schema.
"""

from __future__ import annotations

import importlib
from functools import cache

from rolloutctl.render.schemas.shapes import Schema

_MODULES = (
    *("rollout", "changes", "explanation", "fleet", "plan", "plugins", "waited"),
    *("runs", "creating", "surroundings", "doctor", "notifications", "looking", "lint", "history"),
    "ending_runs",
)
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


@cache
def shapes() -> dict[str, Schema]:
    """All shapes by name: documents, and what they are made of."""
    found: dict[str, Schema] = {}
    for name in _MODULES:
        module = importlib.import_module(f"rolloutctl.render.schemas.{name}")
        found |= module.SHAPES
    return found


def kinds() -> list[str]:
    """What a command can print, by its `kind`; lines without one by the name of their shape."""
    return sorted(name for name, shape in shapes().items() if "title" in shape)


def schema(*names: str) -> Schema:
    """The schema of one kind, or of any of several (of none: of all there are).

    Raises KeyError for a kind there is none of.
    """
    wanted = list(names) or kinds()
    needed: dict[str, Schema] = {}
    _gather(wanted, needed)
    if len(wanted) == 1:
        (only,) = wanted
        rest = {name: shape for name, shape in needed.items() if name != only}
        uses_itself = any(f"#/$defs/{only}" in str(shape) for shape in needed.values())
        rest |= {only: needed[only]} if uses_itself else {}
        own = {**needed[only], "$defs": rest} if rest else needed[only]
        return {"$schema": _DRAFT, **own}
    return {
        "$schema": _DRAFT,
        "title": "What rolloutctl prints with -o json",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in wanted],
        "$defs": needed,
    }


def _gather(names: list[str], found: dict[str, Schema]) -> None:
    for name in names:
        if name not in found:
            found[name] = shapes()[name]
            _gather(_named(found[name]), found)


def _named(shape: object) -> list[str]:
    """The shapes that a shape names."""
    if isinstance(shape, dict):
        own = shape.get("$ref")
        below = [name for value in shape.values() for name in _named(value)]
        return [*([own.removeprefix("#/$defs/")] if isinstance(own, str) else []), *below]
    if isinstance(shape, list):
        return [name for value in shape for name in _named(value)]
    return []
