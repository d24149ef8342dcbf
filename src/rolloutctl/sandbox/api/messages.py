"""What goes in and out of the API core; it knows no HTTP library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case, `query` keeps order and repeats."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    bare: bool = False
    """Answer without managedFields, which the control loops have no use for."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer without an end of its own: a watch, or a followed log.

    `chunks` yields b"" when nothing happened for a while, so that the server around it can
    notice that the client has gone. Closing the iterator ends the watch.
    """

    status: int
    chunks: Iterator[bytes]
    content_type: str = "application/json"
