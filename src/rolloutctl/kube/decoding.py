"""Objects from bytes: a page at once, and item by item when one of them is malformed."""

from __future__ import annotations

from typing import Any

import msgspec

from rolloutctl.domain.cluster import Page, Unreadable
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.wire import Wire

_LONGEST = 500


class _ListMeta(Wire):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _RawList(Wire):
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)
    items: list[msgspec.Raw] | None = None


class _Gone(Wire):
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Name(Wire):
    name: Any = ""
    namespace: Any = ""


class _Named(Wire):
    metadata: _Name = msgspec.field(default_factory=_Name)


MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding bytes of whatever kind can raise."""


_lists: dict[Any, Any] = {}
"""The shape of a list of each type; making one costs more than decoding a small page."""


def _list_of(as_type: Any) -> Any:
    found = _lists.get(as_type)
    if found is None:
        found = _lists[as_type] = msgspec.defstruct(
            f"{as_type.__name__}List",
            [
                ("metadata", _ListMeta, msgspec.field(default_factory=_ListMeta)),
                ("items", list[as_type] | None, None),
            ],
        )
    return found


def page(body: bytes, as_type: type[Any]) -> tuple[Page, str]:
    """The page and the token of the next one ("" at the end).

    Raises MALFORMED when the body is no list at all.
    """
    unreadable: list[Unreadable] = []
    try:
        found = decoder(_list_of(as_type)).decode(body)
        items: list[Any] = found.items or []
        metadata: _ListMeta = found.metadata
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        raw = decoder(_RawList).decode(body)
        metadata, items = raw.metadata, []
        for item in raw.items or ():
            try:
                items.append(decoder(as_type).decode(item))
            except MALFORMED as error:
                unreadable.append(bad(bytes(item), error))
    listed = Page(
        items, tuple(unreadable), metadata.resource_version, metadata.remaining_item_count
    )
    return listed, metadata.continue_


def identity(item: Any) -> tuple[str, str, str]:
    """Namespace, name and version of an object: a struct, or a dict where it was asked for raw."""
    if isinstance(item, dict):
        found = item.get("metadata")
        metadata = found if isinstance(found, dict) else {}
        namespace, name, version = (
            str(metadata.get(key) or "") for key in ("namespace", "name", "resourceVersion")
        )
        return namespace, name, version
    metadata = item.metadata
    return metadata.namespace, metadata.name, getattr(metadata, "resource_version", "")


def fresh_token(body: bytes) -> str:
    """The token that a server offers with its 410, to read on with inconsistent pages."""
    try:
        return decoder(_Gone).decode(body).metadata.continue_
    except MALFORMED:
        return ""


def bad(item: bytes, error: Exception) -> Unreadable:
    """What can be said of an object that does not have its type's form."""
    try:
        named = decoder(_Named).decode(item).metadata
        namespace, name = str(named.namespace)[:_LONGEST], str(named.name)[:_LONGEST]
    except MALFORMED:
        namespace = name = ""
    return Unreadable(namespace, name, str(error)[:_LONGEST])
