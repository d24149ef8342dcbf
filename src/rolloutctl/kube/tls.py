"""The TLS side of a connection: whom to trust, and which certificate to show."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from rolloutctl.errors import ClusterError
from rolloutctl.kube.config import Settings
from rolloutctl.kube.credentials import Credentials


def context(settings: Settings, credentials: Credentials) -> ssl.SSLContext:
    """Raises ClusterError when a certificate or a key cannot be used."""
    try:
        found = ssl.create_default_context(
            cafile=settings.ca_file,
            cadata=settings.ca_data.decode("ascii") if settings.ca_data else None,
        )
        if settings.insecure:
            found.check_hostname = False
            found.verify_mode = ssl.CERT_NONE
        _client_certificate(found, settings, credentials)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"the certificates in kubeconfig {settings.origin} cannot be used: {error}"
        ) from error
    return found


def _client_certificate(
    found: ssl.SSLContext, settings: Settings, credentials: Credentials
) -> None:
    cert_data = credentials.cert_data or settings.cert_data
    key_data = credentials.key_data or settings.key_data
    if cert_data is None and settings.cert_file is None:
        return
    if key_data is None and settings.key_file is None:
        raise ValueError("there is a client-certificate and no client-key")
    with tempfile.TemporaryDirectory() as folder:
        cert = _written(Path(folder) / "cert", cert_data) or settings.cert_file
        key = _written(Path(folder) / "key", key_data) or settings.key_file
        assert cert is not None
        # An encrypted key is refused instead of asking at the terminal for its password.
        found.load_cert_chain(cert, key, password="")


def _written(path: Path, data: bytes | None) -> str | None:
    if data is None:
        return None
    path.touch(mode=0o600)
    path.write_bytes(data)
    return str(path)
