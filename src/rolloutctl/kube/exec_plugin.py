"""Credentials from a program that the kubeconfig names (`exec`), as client-go runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rolloutctl.errors import ClusterError
from rolloutctl.kube.credentials import Credentials

_VERSIONS = (
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
)
_SECONDS = 300.0
"""A person may have to log in with a browser; longer than this nobody waits."""
_LONGEST = 2000
_terminal = threading.Lock()
"""Held by the one that may ask a person: of several clusters each gets its answers in turn, and
who has logged in for the first need not again for the next."""


def run(
    spec: Mapping[str, Any],
    cluster: Mapping[str, Any],
    *,
    origin: Path,
    context: str,
    env: Mapping[str, str],
) -> Credentials:
    """Runs it once. Raises ClusterError naming the file, the context and the command."""
    command = str(spec.get("command") or "")
    where = f'context "{context}" of kubeconfig {origin}'
    if not command:
        raise ClusterError(f"{where}: its user's exec names no command")
    version = spec.get("apiVersion")
    if version not in _VERSIONS:
        raise ClusterError(
            f"{where}: its user's exec has apiVersion {version}",
            hint=f"known: {', '.join(_VERSIONS)}",
        )
    if "/" in command or os.sep in command:
        command = str(origin.parent / Path(command).expanduser())
    argv = [command, *(str(argument) for argument in spec.get("args") or ())]
    interactive = spec.get("interactiveMode") != "Never" and sys.stdin is not None
    interactive = interactive and sys.stdin.isatty()
    if spec.get("interactiveMode") == "Always" and not interactive:
        raise ClusterError(f"{where}: {command} has to ask somebody, and stdin is no terminal")
    try:
        with _terminal if interactive else nullcontext():
            done = subprocess.run(
                argv,
                env=_variables(spec, cluster, env, str(version), interactive=interactive),
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if interactive else subprocess.PIPE,
                timeout=_SECONDS,
                check=False,
            )
    except FileNotFoundError as error:
        wanted = str(spec.get("installHint") or "") or "install it, or put it into PATH"
        raise ClusterError(
            f"{where} takes its credentials from {command}, which does not exist", hint=wanted
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{where}: {command} gave no credentials in {_SECONDS:.0f} s") from error
    except (OSError, ValueError) as error:
        raise ClusterError(f"{where}: {command} cannot be run: {error}") from error
    said = (done.stderr or b"").decode("utf-8", "replace").strip()[-_LONGEST:]
    hint = [f"it said: {said}"] if said else []
    if done.returncode != 0:
        shown = " ".join(argv)
        raise ClusterError(
            f"{where}: {shown} gave no credentials, exit code {done.returncode}", hint=hint
        )
    return _credentials(done.stdout, str(version), f"{where}: {command}", hint)


def _variables(
    spec: Mapping[str, Any],
    cluster: Mapping[str, Any],
    env: Mapping[str, str],
    version: str,
    *,
    interactive: bool,
) -> dict[str, str]:
    about: dict[str, Any] = {"interactive": interactive}
    if spec.get("provideClusterInfo"):
        about["cluster"] = _cluster_info(cluster)
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": about}
    variables = dict(env)
    for item in spec.get("env") or ():
        if isinstance(item, dict) and item.get("name"):
            variables[str(item["name"])] = str(item.get("value") or "")
    variables["KUBERNETES_EXEC_INFO"] = json.dumps(info)
    return variables


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    known = (
        "server",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority-data",
        "proxy-url",
        "disable-compression",
    )
    info = {key: cluster[key] for key in known if key in cluster}
    for extension in cluster.get("extensions") or ():
        if isinstance(extension, dict) and (
            extension.get("name") == "client.authentication.k8s.io/exec"
        ):
            info["config"] = extension.get("extension")
    return info


def _credentials(output: bytes, version: str, what: str, hint: list[str]) -> Credentials:
    try:
        found = json.loads(output)
    except (ValueError, RecursionError) as error:
        raise ClusterError(f"{what} printed no JSON, so no credentials", hint=hint) from error
    status = found.get("status") if isinstance(found, dict) else None
    if not isinstance(status, dict) or found.get("kind") != "ExecCredential":
        raise ClusterError(f"{what} printed no ExecCredential with a status", hint=hint)
    if found.get("apiVersion") != version:
        raise ClusterError(
            f"{what} answered with apiVersion {found.get('apiVersion')}, asked for {version}",
            hint=hint,
        )
    token, cert, key = (
        status.get(name) for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if not (isinstance(token, str) and token) and not (cert and key):
        raise ClusterError(
            f"{what} gave neither a token nor a client certificate with its key", hint=hint
        )
    return Credentials(
        authorization=f"Bearer {token.strip()}" if isinstance(token, str) and token else None,
        cert_data=str(cert).encode() if cert and key else None,
        key_data=str(key).encode() if cert and key else None,
    )
