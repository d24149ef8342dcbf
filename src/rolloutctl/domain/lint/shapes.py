"""What manifests may hold: the language it is written in, and how a value is held against it.

One shape serves two readers: `faults` finds what the API server would drop or refuse, and
`manifest_schema` turns the same shape into a JSON Schema for editors.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rolloutctl.domain.lint.finding import Path


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Anything at all; what derives from it says more. `about` is one line for people."""

    about: str = ""


class Text(Shape, frozen=True, kw_only=True):
    """A string; with `one_of`, one of these."""

    one_of: tuple[str, ...] = ()


class Whole(Shape, frozen=True, kw_only=True):
    """An integer of so many bits."""

    bits: int = 32


class Flag(Shape, frozen=True, kw_only=True):
    """true or false."""


class WholeOrText(Shape, frozen=True, kw_only=True):
    """An integer or a string: a percentage, a duration, a number with placeholders."""


class Quantity(Shape, frozen=True, kw_only=True):
    """An amount of a resource: "500m", "1Gi", or a number."""


class Entries(Shape, frozen=True, kw_only=True):
    """A mapping with any keys, and values of one shape."""

    of: Shape


class Items(Shape, frozen=True, kw_only=True):
    """A list of values of one shape."""

    of: Shape


class Fields(Shape, frozen=True, kw_only=True):
    """A mapping with these keys and no others, except where it is `open`."""

    known: Mapping[str, Shape]
    required: frozenset[str] = frozenset()
    open: bool = False


ANY = Shape()
TEXT = Text()
WHOLE = Whole()
LONG = Whole(bits=64)
FLAG = Flag()
WHOLE_OR_TEXT = WholeOrText()
QUANTITY = Quantity()
TEXTS = Items(of=TEXT)
LABELS = Entries(of=TEXT)


def fields(about: str = "", /, **known: Shape) -> Fields:
    """A mapping with these fields, none of them required."""
    return Fields(known=known, about=about)


def needing(shape: Fields, *names: str) -> Fields:
    """The same with fields it cannot do without."""
    return msgspec.structs.replace(shape, required=shape.required | set(names))


def told(shape: Shape, about: str) -> Shape:
    """The same with a line for people."""
    return msgspec.structs.replace(shape, about=about)


class Wrong(enum.StrEnum):
    """What can be wrong with a value of a shape."""

    UNKNOWN = "unknown"
    """A field the API does not have: dropped, or refused where validation is strict."""
    MISSING = "missing"
    TYPE = "type"
    VALUE = "value"
    """None of the values there are."""


class Fault(msgspec.Struct, frozen=True):
    """One place where a value has not its shape.

    `path` ends with the field that is unknown or missing; `wanted` is what the place takes:
    "string", "integer", "boolean", "object", "array", "integer or string", or the known values;
    `found` is the JSON type of what stands there, or the value; `near` the known fields that an
    unknown one may have meant, the nearest first.
    """

    wrong: Wrong
    path: Path
    wanted: str = ""
    found: str = ""
    near: tuple[str, ...] = ()


_MOST_BITS = {32: 2**31, 64: 2**63}


def faults(value: Any, shape: Shape, path: Path = ()) -> Iterator[Fault]:
    """Where `value`, plain JSON, has not the shape. null is as good as left out, as the API has it.

    Source: Kubernetes, apiextensions-apiserver: structural schemas, pruning, nullable.
    """
    if value is None:
        return
    match shape:
        case Fields():
            yield from _of_fields(value, shape, path)
        case Entries(of=inner):
            if not isinstance(value, dict):
                yield _mistyped(value, "object", path)
                return
            for key, each in value.items():
                yield from faults(each, inner, (*path, str(key)))
        case Items(of=inner):
            if not isinstance(value, list):
                yield _mistyped(value, "array", path)
                return
            for index, each in enumerate(value):
                yield from faults(each, inner, (*path, index))
        case Text(one_of=known):
            if not isinstance(value, str):
                yield _mistyped(value, "string", path)
            elif known and value not in known:
                yield Fault(Wrong.VALUE, path, wanted=", ".join(known), found=value)
        case Whole(bits=bits):
            if not _whole(value):
                yield _mistyped(value, "integer", path)
            elif not -_MOST_BITS[bits] <= value < _MOST_BITS[bits]:
                yield Fault(Wrong.VALUE, path, wanted=f"an int{bits}", found=str(int(value)))
        case WholeOrText():
            if not isinstance(value, str) and not _whole(value):
                yield _mistyped(value, "integer or string", path)
        case Quantity():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not isinstance(value, str) and not number:
                yield _mistyped(value, "integer or string", path)
        case Flag():
            if not isinstance(value, bool):
                yield _mistyped(value, "boolean", path)


def _of_fields(value: Any, shape: Fields, path: Path) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _mistyped(value, "object", path)
        return
    for key in sorted(shape.required):
        if value.get(key) is None:
            yield Fault(Wrong.MISSING, (*path, key))
    for key, each in value.items():
        inner = shape.known.get(key)
        if inner is not None:
            yield from faults(each, inner, (*path, key))
        elif not shape.open:
            yield Fault(Wrong.UNKNOWN, (*path, str(key)), near=_near(str(key), shape))


def _near(key: str, shape: Fields) -> tuple[str, ...]:
    folded = {name.lower(): name for name in shape.known}
    close = difflib.get_close_matches(key.lower(), folded, n=2, cutoff=0.7)
    return tuple(folded[each] for each in close)


def _whole(value: Any) -> bool:
    # JSON has one kind of number: 3.0 is an integer to the API server.
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


_NAMES = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"))


def _mistyped(value: Any, wanted: str, path: Path) -> Fault:
    found = next((name for kind, name in _NAMES if isinstance(value, kind)), "object")
    return Fault(Wrong.TYPE, path, wanted=wanted, found=found)
