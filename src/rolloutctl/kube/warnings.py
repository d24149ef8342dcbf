"""`Warning` headers of an API server: what it says to the person behind a request."""

from __future__ import annotations

import re

_WARNING = re.compile(
    r'(?<![^\s,])(\d{3}) [^\s",]+ "((?:[^"\\]|\\.)*)"(?:\s*"[^"]*")?\s*(?=,|$)', re.S
)
"""Code, agent, text, and perhaps a date (RFC 7234, 5.5)."""
_FOR_PEOPLE = "299"
"""The one code Kubernetes uses; the others are of caches."""


def texts(header: str) -> list[str]:
    """The texts of all warnings in a header, as they were sent: nothing in them is safe.

    What cannot be understood is left out, as client-go does.
    """
    found = []
    for code, quoted in _WARNING.findall(header):
        if code == _FOR_PEOPLE and quoted:
            text = re.sub(r"\\(.)", r"\1", quoted, flags=re.S)
            # Headers are read as Latin-1, and Kubernetes writes UTF-8.
            found.append(text.encode("latin-1", "replace").decode("utf-8", "replace"))
    return found
