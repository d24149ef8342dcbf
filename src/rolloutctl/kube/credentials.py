"""What a request is sent with: the Authorization header, and a client certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Credentials:
    """Those of one user now. The certificate and its key are PEM, both or neither."""

    authorization: str | None = None
    cert_data: bytes | None = None
    key_data: bytes | None = None


Ask = Callable[[], Credentials]
"""Asks for credentials anew. Raises ClusterError."""


def fingerprint(name: str, origin: str, user: Mapping[str, Any]) -> str:
    """Tells one user of a kubeconfig from another; shows no secret, and outlives renewed tokens.

    `origin` is the file the entry stands in.
    """
    import hashlib
    import json

    stable = {
        key: value
        for key, value in user.items()
        if key not in ("password", "client-key-data", "auth-provider")
    }
    provider = user.get("auth-provider")
    if isinstance(provider, dict):
        config = provider.get("config")
        config = config if isinstance(config, dict) else {}
        named = {key: value for key, value in config.items() if "token" not in key}
        stable["auth-provider"] = [provider.get("name"), named]
    text = json.dumps([name, origin, stable], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
