"""The shapes of manifests: what they find, and that they are those of the real definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.domain.lint.known_shapes import SHAPES
from rolloutctl.domain.lint.shapes import (
    ANY,
    FLAG,
    LONG,
    QUANTITY,
    TEXT,
    WHOLE,
    WHOLE_OR_TEXT,
    Entries,
    Fault,
    Fields,
    Items,
    Shape,
    Text,
    Whole,
    WholeOrText,
    Wrong,
    faults,
    fields,
    needing,
)

DEFINITIONS = Path(__file__).parents[3] / "shared" / "crds"
POD = fields(
    name=TEXT,
    size=WHOLE,
    big=LONG,
    on=FLAG,
    most=WHOLE_OR_TEXT,
    cpu=QUANTITY,
    mode=Text(one_of=("a", "b")),
    labels=Entries(of=TEXT),
    parts=Items(of=needing(fields(key=TEXT), "key")),
    rest=ANY,
)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"nam": "x"}, Fault(Wrong.UNKNOWN, ("nam",), near=("name",))),
        ({"Name": "x"}, Fault(Wrong.UNKNOWN, ("Name",), near=("name",))),
        ({"zzz": None}, Fault(Wrong.UNKNOWN, ("zzz",))),
        ({"name": 3}, Fault(Wrong.TYPE, ("name",), "string", "integer")),
        ({"size": "3"}, Fault(Wrong.TYPE, ("size",), "integer", "string")),
        ({"size": True}, Fault(Wrong.TYPE, ("size",), "integer", "boolean")),
        ({"size": 1.5}, Fault(Wrong.TYPE, ("size",), "integer", "number")),
        ({"size": 2**31}, Fault(Wrong.VALUE, ("size",), "an int32", "2147483648")),
        ({"on": "true"}, Fault(Wrong.TYPE, ("on",), "boolean", "string")),
        ({"most": []}, Fault(Wrong.TYPE, ("most",), "integer or string", "array")),
        ({"cpu": False}, Fault(Wrong.TYPE, ("cpu",), "integer or string", "boolean")),
        ({"mode": "c"}, Fault(Wrong.VALUE, ("mode",), "a, b", "c")),
        ({"labels": {"a": 1}}, Fault(Wrong.TYPE, ("labels", "a"), "string", "integer")),
        ({"labels": ["a"]}, Fault(Wrong.TYPE, ("labels",), "object", "array")),
        ({"parts": [{}]}, Fault(Wrong.MISSING, ("parts", 0, "key"))),
        ({"parts": [{"key": None}]}, Fault(Wrong.MISSING, ("parts", 0, "key"))),
        ({"parts": {"key": "a"}}, Fault(Wrong.TYPE, ("parts",), "array", "object")),
        ([], Fault(Wrong.TYPE, (), "object", "array")),
    ],
)
def test_what_has_not_its_shape_is_found(value: Any, fault: Fault) -> None:
    assert list(faults(value, POD)) == [fault]


def test_what_has_its_shape_is_not() -> None:
    good = {
        "name": "x",
        "size": 3.0,
        "big": 2**40,
        "on": False,
        "most": "25%",
        "cpu": 0.5,
        "mode": "b",
        "labels": {"any/key": "v"},
        "parts": [{"key": "a"}],
        "rest": [{"whatever": 1}],
    }
    assert list(faults(good, POD)) == []
    assert list(faults(dict.fromkeys(good), POD)) == []


# --- held against the definitions ---------------------------------------------------------------

NOT_THERE = {"creationTimestamp"}
"""In a pod template's metadata: pruned without a word, and written as null by many a tool."""


def differences(shape: Shape, schema: Any, path: str) -> Iterator[str]:
    """How a shape and an OpenAPI schema differ in fields, required fields and types."""
    if isinstance(shape, Fields):
        known = schema.get("properties", {})
        yield from (f"{path}.{name} is not known" for name in known.keys() - shape.known.keys())
        extra = shape.known.keys() - known.keys() - NOT_THERE
        yield from (f"{path}.{name} does not exist" for name in extra)
        if set(schema.get("required", ())) != shape.required:
            yield f"{path} requires {schema.get('required')}, not {sorted(shape.required)}"
        for name, inner in shape.known.items():
            if name in known:
                yield from differences(inner, known[name], f"{path}.{name}")
    elif isinstance(shape, Items):
        if "items" in schema:
            yield from differences(shape.of, schema["items"], f"{path}[]")
        elif type(shape.of) is not Shape:
            yield f"{path} is no list"
    elif isinstance(shape, Text | Whole):
        wanted = "string" if isinstance(shape, Text) else "integer"
        if schema.get("type") != wanted:
            yield f"{path} is no {wanted}"
        if isinstance(shape, Whole) and schema.get("format") != f"int{shape.bits}":
            yield f"{path} is {schema.get('format')}"
        if (
            "enum" in schema
            and isinstance(shape, Text)
            and set(schema["enum"]) != set(shape.one_of)
        ):
            yield f"{path} is one of {schema['enum']}"
    elif isinstance(shape, WholeOrText) and not schema.get("x-kubernetes-int-or-string"):
        yield f"{path} is {schema.get('type')} alone"


@pytest.mark.skipif(not DEFINITIONS.is_dir(), reason="../shared/crds is not beside the checkout")
@pytest.mark.parametrize("kind", SHAPES)
def test_the_shapes_are_those_of_the_real_definitions(kind: str) -> None:
    plural = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
    text = (DEFINITIONS / f"{plural}-crd.yaml").read_text("utf-8")
    loaded = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    (version,) = loaded["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert sorted(differences(SHAPES[kind].known["spec"], schema, "spec")) == []
