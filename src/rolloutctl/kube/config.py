"""Which API server, and as whom: kubeconfig files, contexts, credentials.

Tokens, client certificates and basic auth are read straight from the file. Whatever needs more
(exec plugins, OIDC, auth providers, a pod's service account) is left to the `kubernetes` package,
which costs ten times the start-up and is therefore imported only then.
"""

from __future__ import annotations

import base64
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rolloutctl.errors import ClusterError, NoCluster

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass
class Settings:
    """How to reach one API server. Files are paths, data is PEM."""

    server: str
    context: str
    namespace: str
    authorization: Callable[[], str | None]
    """The value of the Authorization header now; asked again after a 401."""
    ca_file: str | None = None
    ca_data: bytes | None = None
    cert_file: str | None = None
    cert_data: bytes | None = None
    key_file: str | None = None
    key_data: bytes | None = None
    insecure: bool = False
    server_name: str | None = None
    proxy: str | None = None
    no_compression: bool = False
    origin: str = field(default="")
    """The file it came from, for messages."""


def settings(*, kubeconfig: str | None, context: str | None, env: Mapping[str, str]) -> Settings:
    """Raises NoCluster, ClusterError."""
    paths = _paths(kubeconfig, env)
    existing = [path for path in paths if path.is_file()]
    if kubeconfig and not existing:
        raise ClusterError(
            f"there is no kubeconfig {kubeconfig}", hint="--kubeconfig names a file that exists"
        )
    if not existing:
        if env.get("KUBERNETES_SERVICE_HOST") and (_SERVICE_ACCOUNT / "token").is_file():
            return _in_cluster(env)
        raise NoCluster(
            "no cluster: there is no kubeconfig (looked at $KUBECONFIG, ~/.kube/config, the pod's"
            " service account)",
            hint="try it here: rolloutctl demo, or rolloutctl sandbox up",
        )
    merged = _merge(existing)
    return _from_file(merged, context, env, existing)


def _paths(kubeconfig: str | None, env: Mapping[str, str]) -> list[Path]:
    import os

    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    listed = [part for part in env.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part).expanduser() for part in listed]
    home = env.get("HOME") or env.get("USERPROFILE")
    return [Path(home) / ".kube" / "config"] if home else []


def _load(path: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(path.read_text("utf-8"), loader)
    except OSError as error:
        raise ClusterError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ClusterError(
            f"kubeconfig {path} is no YAML{where}", hint="kubectl config view checks it as well"
        ) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ClusterError(f"kubeconfig {path} is no kubeconfig: it holds no mapping")
    return found


def _merge(paths: list[Path]) -> dict[str, Any]:
    """As kubectl merges: the first file that names something wins."""
    merged: dict[str, Any] = {"clusters": {}, "contexts": {}, "users": {}, "current": ""}
    for path in paths:
        config = _load(path)
        merged["current"] = merged["current"] or str(config.get("current-context") or "")
        for kind, single in (("clusters", "cluster"), ("contexts", "context"), ("users", "user")):
            for item in config.get(kind) or ():
                if not isinstance(item, dict) or not isinstance(item.get("name"), str):
                    raise ClusterError(f"kubeconfig {path}: an entry of {kind} has no name")
                value = item.get(single)
                entry = (value if isinstance(value, dict) else {}, path)
                merged[kind].setdefault(item["name"], entry)
    return merged


def _named(
    merged: dict[str, Any], kind: str, name: str, files: list[Path]
) -> tuple[dict[str, Any], Path]:
    found = merged[kind].get(name)
    if found is None:
        known = sorted(merged[kind])
        near = difflib.get_close_matches(name, known, n=1)
        hints = [f"did you mean {near[0]}?"] if near else []
        hints.append(f"known: {', '.join(known)}" if known else "it has none")
        listed = ", ".join(str(path) for path in files)
        raise ClusterError(f'no {kind[:-1]} "{name}" in kubeconfig {listed}', hint=hints)
    result: tuple[dict[str, Any], Path] = found
    return result


def _from_file(
    merged: dict[str, Any], wanted: str | None, env: Mapping[str, str], files: list[Path]
) -> Settings:
    name = wanted or merged["current"]
    if not name:
        raise NoCluster(
            f"no cluster: kubeconfig {files[0]} has no current context",
            hint=[
                "choose one with --context",
                "or try it here: rolloutctl demo, or rolloutctl sandbox up",
            ],
        )
    context, origin = _named(merged, "contexts", name, files)
    cluster, where = _named(merged, "clusters", str(context.get("cluster") or ""), files)
    user_name = str(context.get("user") or "")
    user, of_user = _named(merged, "users", user_name, files) if user_name else ({}, origin)
    server = str(cluster.get("server") or "")
    if not server:
        raise ClusterError(
            f'cluster "{context.get("cluster")}" of kubeconfig {where} has no server'
        )
    result = Settings(
        server=server.rstrip("/"),
        context=name,
        namespace=str(context.get("namespace") or ""),
        authorization=_authorization(user, of_user, name, files),
        ca_file=_file(cluster, "certificate-authority", where),
        ca_data=_data(cluster, "certificate-authority-data", where),
        cert_file=_file(user, "client-certificate", of_user),
        cert_data=_data(user, "client-certificate-data", of_user),
        key_file=_file(user, "client-key", of_user),
        key_data=_data(user, "client-key-data", of_user),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        server_name=cluster.get("tls-server-name") or None,
        proxy=cluster.get("proxy-url") or _proxy(server, env),
        no_compression=cluster.get("disable-compression") is True,
        origin=str(where),
    )
    return result


def _proxy(server: str, env: Mapping[str, str]) -> str | None:
    from urllib.parse import urlsplit

    parts = urlsplit(server)
    found = env.get(f"{parts.scheme}_proxy") or env.get(f"{parts.scheme.upper()}_PROXY")
    if not found:
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

    excluded = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if proxy_bypass_environment(parts.netloc, {"no": excluded}):
        return None
    return found


def _file(entry: dict[str, Any], key: str, config: Path) -> str | None:
    value = entry.get(key)
    if not value or entry.get(f"{key}-data"):
        return None
    path = config.parent / Path(str(value)).expanduser()
    if not path.is_file():
        raise ClusterError(f"kubeconfig {config}: {key} {path} does not exist")
    return str(path)


def _data(entry: dict[str, Any], key: str, config: Path) -> bytes | None:
    value = entry.get(key)
    if not value:
        return None
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise ClusterError(f"kubeconfig {config}: {key} is no base64") from error


def _authorization(
    user: dict[str, Any], origin: Path, context: str, files: list[Path]
) -> Callable[[], str | None]:
    if user.get("token"):
        return lambda: f"Bearer {user['token']}"
    if user.get("tokenFile"):
        path = origin.parent / Path(str(user["tokenFile"])).expanduser()
        return lambda: f"Bearer {_read(path)}"
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return lambda: f"Basic {base64.b64encode(pair).decode()}"
    if user.get("exec") or user.get("auth-provider"):
        return lambda: _by_library(context, files)
    return lambda: None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ClusterError(f"token file {path} cannot be read: {error.strerror}") from error


def _by_library(context: str, files: list[Path]) -> str | None:
    """The header that an exec plugin, OIDC or another provider leads to."""
    import os

    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=os.pathsep.join(str(path) for path in files),
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
        header = configuration.get_api_key_with_prefix("authorization")
        return header if header is None else str(header)
    except (ConfigException, OSError, ValueError, KeyError) as error:
        raise ClusterError(
            f'the credentials of context "{context}" cannot be had: {error}',
            hint="kubectl get ns uses the same ones: see what it says",
        ) from error


def _in_cluster(env: Mapping[str, str]) -> Settings:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    namespace = _SERVICE_ACCOUNT / "namespace"
    return Settings(
        server=f"https://{host}:{port}",
        context="in-cluster",
        namespace=_read(namespace) if namespace.is_file() else "default",
        authorization=lambda: f"Bearer {_read(_SERVICE_ACCOUNT / 'token')}",
        ca_file=str(_SERVICE_ACCOUNT / "ca.crt"),
        origin=str(_SERVICE_ACCOUNT),
    )
