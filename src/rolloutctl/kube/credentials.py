"""What a request is sent with: the Authorization header, and a client certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Credentials:
    """Those of one user now. The certificate and its key are PEM, both or neither."""

    authorization: str | None = None
    cert_data: bytes | None = None
    key_data: bytes | None = None


Ask = Callable[[], Credentials]
"""Asks for credentials anew. Raises ClusterError."""
