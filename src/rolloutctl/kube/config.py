"""Which API server, and as whom: kubeconfig files, contexts, credentials.

Read straight from the files: the `kubernetes` package, which costs ten times the start-up, is
asked only for credentials of an `auth-provider`.
"""

from __future__ import annotations

import base64
import difflib
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rolloutctl.errors import ClusterError, NoCluster
from rolloutctl.kube.acting_as import in_kubeconfig
from rolloutctl.kube.credentials import Ask, Credentials, fingerprint

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SHOWN = 12
"""How many names a hint lists."""


@dataclass
class Settings:
    """How to reach one API server. Files are paths, data is PEM."""

    server: str
    context: str
    namespace: str
    credentials: Ask
    """Asked before the first request, and again after a 401."""
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
    impersonate: tuple[tuple[str, str], ...] = ()
    """Headers of whom to act as, by the kubeconfig or by the options."""
    origin: str = field(default="")
    """The file it came from, for messages."""
    user: Callable[[], str] = field(default=str)
    """What tells this user from others, without a secret."""


def settings(
    *,
    kubeconfig: str | None,
    context: str | None,
    env: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> Settings:
    """Raises NoCluster, ClusterError."""
    existing = _files(kubeconfig, env, service_account)
    if not existing:
        return _in_cluster(env, service_account)
    merged = _merge(existing)
    return _from_file(merged, context, env, existing)


class Context(NamedTuple):
    """One context of the kubeconfig: what it is called, and where it leads."""

    name: str
    server: str = ""
    user: str = ""
    namespace: str = ""


def contexts(
    *,
    kubeconfig: str | None,
    env: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT,
) -> list[Context]:
    """All contexts, in the order of the files; none in a pod without a kubeconfig.

    What a context names and the kubeconfig does not have is "". Raises NoCluster, ClusterError.
    """
    merged = _merge(_files(kubeconfig, env, service_account))
    found: list[Context] = []
    for name, (context, _) in merged["contexts"].items():
        cluster, _ = merged["clusters"].get(str(context.get("cluster")), ({}, None))
        user, namespace = (str(context.get(key) or "") for key in ("user", "namespace"))
        found.append(Context(name, _server(cluster), user, namespace))
    return found


def _files(kubeconfig: str | None, env: Mapping[str, str], service_account: Path) -> list[Path]:
    """The files that are there; none when it is the pod's service account that counts.

    Raises NoCluster, ClusterError.
    """
    paths = _paths(kubeconfig, env)
    # Path.is_file raises where a folder above may not be read.
    existing = [path for path in paths if os.path.isfile(path)]  # noqa: PTH113
    if kubeconfig and not existing:
        raise ClusterError(
            f"there is no kubeconfig {kubeconfig}", hint="--kubeconfig names a file that exists"
        )
    if not existing:
        if env.get("KUBERNETES_SERVICE_HOST") and (service_account / "token").is_file():
            return []
        looked = "$KUBECONFIG, ~/.kube/config, the pod's service account"
        if env.get("KUBECONFIG"):
            looked = f"$KUBECONFIG: {', '.join(str(path) for path in paths)}"
        raise NoCluster(
            f"no cluster: there is no kubeconfig (looked at {looked})",
            hint="try it here: rolloutctl demo, or rolloutctl sandbox up",
        )
    return existing


def _paths(kubeconfig: str | None, env: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    listed = [part for part in env.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part).expanduser() for part in listed]
    home = env.get("HOME") or env.get("USERPROFILE")
    return [Path(home) / ".kube" / "config"] if home else []


def _load(path: Path) -> dict[str, Any]:
    """What a kubeconfig holds; not to be changed. Raises ClusterError."""
    try:
        about = path.stat()
    except OSError as error:
        raise ClusterError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    return _parsed(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=16)
def _parsed(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    # A fleet's kubeconfig is long, and each of its contexts is opened on its own.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(path.read_text("utf-8"), loader)
    except OSError as error:
        raise ClusterError(f"kubeconfig {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
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
            listed = config.get(kind) or ()
            if not isinstance(listed, (list, tuple)):
                raise ClusterError(f"kubeconfig {path}: {kind} is no list")
            for item in listed:
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
        more = ", …" if len(known) > _SHOWN else ""
        hints.append(f"known: {', '.join(known[:_SHOWN])}{more}" if known else "it has none")
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
    if not context.get("cluster"):
        raise ClusterError(f'context "{name}" of kubeconfig {origin} names no cluster')
    cluster, where = _named(merged, "clusters", str(context["cluster"]), files)
    user_name = str(context.get("user") or "")
    user, of_user = _named(merged, "users", user_name, files) if user_name else ({}, origin)
    server = _server(cluster)
    if not server:
        raise ClusterError(
            f'cluster "{context.get("cluster")}" of kubeconfig {where} has no server'
        )
    try:
        through = str(cluster.get("proxy-url") or "") or proxy(server, env)
    except ValueError as error:
        raise ClusterError(f"kubeconfig {where}: {server} is no address: {error}") from error
    result = Settings(
        server=server,
        context=name,
        namespace=str(context.get("namespace") or ""),
        credentials=_credentials(user, cluster, of_user, name, files, env),
        ca_file=_file(cluster, "certificate-authority", where),
        ca_data=_data(cluster, "certificate-authority-data", where),
        cert_file=_file(user, "client-certificate", of_user),
        cert_data=_data(user, "client-certificate-data", of_user),
        key_file=_file(user, "client-key", of_user),
        key_data=_data(user, "client-key-data", of_user),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        server_name=str(cluster.get("tls-server-name") or "") or None,
        proxy=through,
        no_compression=cluster.get("disable-compression") is True,
        impersonate=in_kubeconfig(user, of_user),
        origin=str(where),
        user=lambda: fingerprint(user_name, str(of_user), user),
    )
    return result


def _server(cluster: dict[str, Any]) -> str:
    """The address, as client-go completes it: https where anything is said of TLS."""
    server = str(cluster.get("server") or "").rstrip("/")
    if not server or "://" in server:
        return server
    tls = ("certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify")
    return f"{'https' if any(cluster.get(key) for key in tls) else 'http'}://{server}"


def proxy(server: str, env: Mapping[str, str]) -> str | None:
    """The proxy that the variables name, by Go's rules: never for this machine itself.

    Raises ValueError when `server` is no address.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(server)
    found = env.get(f"{parts.scheme.upper()}_PROXY") or env.get(f"{parts.scheme}_proxy")
    if not found:
        return None
    host = (parts.hostname or "").rstrip(".")
    excluded = env.get("NO_PROXY") or env.get("no_proxy") or ""
    if _direct(host, parts.port, excluded):
        return None
    return found if "://" in found else f"http://{found}"


def _direct(host: str, port: int | None, excluded: str) -> bool:
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for rule in (part.strip().lower() for part in excluded.split(",")):
        if not rule:
            continue
        if rule == "*" or rule in (host, f"{host}:{port}"):
            return True
        if address is not None:
            try:
                if "/" in rule and address in ipaddress.ip_network(rule, strict=False):
                    return True
            except ValueError:
                continue
        elif host.endswith("." + rule.removeprefix("*").removeprefix(".")):
            return True
    return False


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
        return base64.b64decode("".join(str(value).split()), validate=True)
    except ValueError as error:
        raise ClusterError(f"kubeconfig {config}: {key} is no base64") from error


def _credentials(
    user: dict[str, Any],
    cluster: dict[str, Any],
    origin: Path,
    context: str,
    files: list[Path],
    env: Mapping[str, str],
) -> Ask:
    """How the user proves who he is; client-go's order."""
    if user.get("tokenFile"):
        path = origin.parent / Path(str(user["tokenFile"])).expanduser()
        return lambda: Credentials(f"Bearer {_read(path)}")
    if user.get("token"):
        return lambda: Credentials(f"Bearer {str(user['token']).strip()}")
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return lambda: Credentials(f"Basic {base64.b64encode(pair).decode()}")
    spec = user.get("exec")
    if isinstance(spec, dict):
        found: dict[str, Any] = spec

        def run() -> Credentials:
            from rolloutctl.kube import exec_plugin

            return exec_plugin.run(found, cluster, origin=origin, context=context, env=env)

        return run
    if user.get("auth-provider"):

        def ask() -> Credentials:
            from rolloutctl.kube import provider

            return provider.ask(context, files)

        return ask
    return Credentials


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ClusterError(f"token file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClusterError(f"token file {path} holds no text") from error


def _in_cluster(env: Mapping[str, str], service_account: Path) -> Settings:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    namespace = service_account / "namespace"
    # client-go's order: what the pod's own manifest says comes first.
    said = env.get("POD_NAMESPACE") or (_read(namespace) if namespace.is_file() else "")
    return Settings(
        server=f"https://{host}:{port}",
        context="in-cluster",
        namespace=said or "default",
        credentials=lambda: Credentials(f"Bearer {_read(service_account / 'token')}"),
        ca_file=str(service_account / "ca.crt"),
        origin=str(service_account),
    )
