"""Decoders of the wire structs, safe to ask for from any thread.

msgspec works out what a struct's fields are when a type is first used, and two threads that do so
at once crash the interpreter. So it happens here, one type after the other; decoding itself needs
no lock.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_made: dict[Any, Any] = {}
_unpackers: dict[Any, Any] = {}
_making = threading.Lock()


def decoder(as_type: type[T]) -> msgspec.json.Decoder[T]:
    """A decoder of JSON to `as_type`, the same one each time."""
    found: msgspec.json.Decoder[T] | None = _made.get(as_type)
    if found is None:
        with _making:
            found = _made[as_type] = msgspec.json.Decoder(as_type)
    return found


def unpacker(as_type: type[T]) -> msgspec.msgpack.Decoder[T]:
    """A decoder of MessagePack to `as_type`, the same one each time."""
    found: msgspec.msgpack.Decoder[T] | None = _unpackers.get(as_type)
    if found is None:
        with _making:
            found = _unpackers[as_type] = msgspec.msgpack.Decoder(as_type)
    return found


def converted(value: object, as_type: type[T], *, strict: bool = True) -> T:
    """`value`, made of plain dicts and lists, as `as_type`. Raises msgspec.ValidationError."""
    decoder(as_type)  # its fields are known from here on
    return msgspec.convert(value, as_type, strict=strict)
