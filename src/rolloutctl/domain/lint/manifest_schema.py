"""The shapes of manifests as JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from rolloutctl.domain.lint.analysis_shapes import METRIC
from rolloutctl.domain.lint.common_shapes import GROUP_VERSION, METADATA, SELECTOR
from rolloutctl.domain.lint.known_shapes import SHAPES
from rolloutctl.domain.lint.pod_shapes import (
    CONTAINER,
    HANDLER,
    POD_AFFINITY,
    POD_TEMPLATE,
    PROBE,
)
from rolloutctl.domain.lint.shapes import (
    Entries,
    Fields,
    Flag,
    Items,
    Quantity,
    Shape,
    Text,
    Whole,
    WholeOrText,
)

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


_SHARED: dict[str, Shape] = {
    "Metadata": METADATA,
    "Metric": METRIC,
    "PodTemplate": POD_TEMPLATE,
    "Container": CONTAINER,
    "Probe": PROBE,
    "Handler": HANDLER,
    "PodAffinity": POD_AFFINITY,
    "Selector": SELECTOR,
}
"""What stands in many places of the shapes, and once in a schema."""
_NAMES = {id(shape): name for name, shape in _SHARED.items()}


def schema(kind: str) -> Schema:
    """The schema of one kind of object. Raises KeyError for an unknown one."""
    return {"$schema": DIALECT, "title": kind, **_typed(SHAPES[kind]), "$defs": _definitions()}


def any_of_all() -> Schema:
    """The schema of an object of any of the kinds, told apart by `kind`: what is of another kind
    is not looked at."""
    return {
        "$schema": DIALECT,
        "title": "Objects of Argo Rollouts",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "allOf": [
            {
                "if": {
                    "properties": {
                        "kind": {"const": kind},
                        "apiVersion": {"const": GROUP_VERSION},
                    }
                },
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in SHAPES
        ],
        "$defs": {**{kind: _typed(shape) for kind, shape in SHAPES.items()}, **_definitions()},
    }


def _definitions() -> Schema:
    return {name: _typed(shape) for name, shape in _SHARED.items()}


def _of(shape: Shape) -> Schema:
    name = _NAMES.get(id(shape))
    if name is not None:
        return {"$ref": f"#/$defs/{name}"}
    return _typed(shape)


def _typed(shape: Shape) -> Schema:
    return {**({"description": shape.about} if shape.about else {}), **_form(shape)}


def _form(shape: Shape) -> Schema:
    match shape:
        case Fields(known=known, required=required):
            return {
                "type": "object",
                "properties": {name: _of(inner) for name, inner in known.items()},
                **({"required": sorted(required)} if required else {}),
                **({} if shape.open else {"additionalProperties": False}),
            }
        case Entries(of=inner):
            return {"type": "object", "additionalProperties": _of(inner)}
        case Items(of=inner):
            return {"type": "array", "items": _of(inner)}
        case Text(one_of=known):
            return {"type": "string", **({"enum": list(known)} if known else {})}
        case Whole(bits=bits):
            most = 2 ** (bits - 1)
            return {"type": "integer", "minimum": -most, "maximum": most - 1}
        case WholeOrText():
            return {"type": ["integer", "string"]}
        case Quantity():
            return {"type": ["number", "string"]}
        case Flag():
            return {"type": "boolean"}
    return {}
