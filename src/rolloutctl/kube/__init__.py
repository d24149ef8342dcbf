"""Talks to a Kubernetes API server; the only part that imports `kubernetes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rolloutctl.kube.acting_as import with_options
from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.kube.config import settings
from rolloutctl.kube.transport import Transport

if TYPE_CHECKING:
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.fleet.snapshot import Snapshots

DEFAULT_TIMEOUT = 30.0


def connect(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    impersonate: str | None = None,
    as_groups: Sequence[str] = (),
    as_uid: str | None = None,
    request_timeout: float | None = None,
    env: Mapping[str, str],
    warn: Callable[[str], None] | None = None,
) -> KubeCluster:
    """The cluster the user means; no request is sent yet.

    `warn` is told of the warnings in the server's answers, as it sent them and in any thread.
    `request_timeout` is in seconds, None: 30, 0: none. Raises NoCluster when nothing is
    configured, ClusterError when the configuration cannot be used, UsageError for somebody to act
    as who cannot be sent.
    """
    found = settings(kubeconfig=kubeconfig, context=context, env=env)
    timeout = DEFAULT_TIMEOUT if request_timeout is None else request_timeout or None
    found.impersonate = with_options(found.impersonate, impersonate, as_groups, as_uid)
    transport = Transport(found, timeout=timeout, warn=warn)
    return KubeCluster(transport, found.context, namespace or found.namespace or "default")


def snapshots(cluster: Cluster, env: Mapping[str, str]) -> Snapshots | None:
    """Where lists of that cluster are kept on disk between two runs.

    None: nowhere, because ROLLOUTCTL_NO_CACHE is set in `env`, there is no home, or it is no
    cluster of `connect`. Costs nothing until it is used.
    """
    if not isinstance(cluster, KubeCluster) or env.get("ROLLOUTCTL_NO_CACHE", "") not in ("", "0"):
        return None
    from pathlib import Path

    base, home = env.get("XDG_CACHE_HOME", ""), env.get("HOME", "")
    # The XDG specification: a path that is not absolute is to be ignored.
    if not Path(base).is_absolute():
        if not Path(home).is_absolute():
            return None
        base = str(Path(home) / ".cache")
    from rolloutctl.kube.snapshot import FileSnapshots, identity

    transport = cluster.transport
    return FileSnapshots(Path(base) / "rolloutctl", lambda: identity(transport))
