"""Answers without an end of their own, read as they come."""

from __future__ import annotations

from collections.abc import Iterator

import urllib3

_BUFFER = 65536


def chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """What has come, as soon as it has; a body without chunks would wait for a full buffer."""
    if getattr(answer, "chunked", False):
        yield from answer.stream(_BUFFER, decode_content=True)
        return
    assert isinstance(answer, urllib3.HTTPResponse)
    while chunk := answer.read1(_BUFFER, decode_content=True):
        yield chunk
