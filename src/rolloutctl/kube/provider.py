"""Credentials of the old `auth-provider` kind (OIDC), which the `kubernetes` package knows."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from rolloutctl.errors import ClusterError
from rolloutctl.kube.credentials import Credentials

_one = threading.Lock()
"""Of several clusters of one user the first renews the token, and the others find it renewed."""


class _Said(logging.Handler):
    """Keeps what the package logs: it reports failures there and nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage()[:500])


def ask(context: str, files: list[Path]) -> Credentials:
    """A token still valid, renewed where it is not. Raises ClusterError.

    A renewed token is written back to its file, since the provider may have spent the refresh
    token that was there.
    """
    said = _Said()
    root = logging.getLogger()
    with _one:
        root.addHandler(said)
        try:
            header = _header(context, files)
        except Exception as error:
            # The package lets through whatever a provider's answer or a mistyped field leads to.
            said.lines.append(f"{type(error).__name__}: {error}")
            header = None
        finally:
            root.removeHandler(said)
    if not header:
        listed = ", ".join(str(path) for path in files)
        raise ClusterError(
            f'the auth-provider of context "{context}" in kubeconfig {listed} gave no credentials',
            hint=[*said.lines, "kubectl get ns uses the same ones: see what it says"],
        )
    return Credentials(header)


def _header(context: str, files: list[Path]) -> str | None:
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config

    configuration = Configuration()
    load_kube_config(  # type: ignore[no-untyped-call]
        config_file=os.pathsep.join(str(path) for path in files),
        context=context,
        client_configuration=configuration,
        persist_config=True,
    )
    keys = configuration.api_key
    header = keys.get("BearerToken") or keys.get("authorization")
    return None if header is None else str(header)
