"""Talks to a Kubernetes API server; the only part that imports `kubernetes`."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.kube.config import settings
from rolloutctl.kube.transport import Transport

DEFAULT_TIMEOUT = 30.0


def connect(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    impersonate: str | None = None,
    request_timeout: float | None = None,
    env: Mapping[str, str],
) -> KubeCluster:
    """The cluster the user means; no request is sent yet.

    `request_timeout` is in seconds, None: 30, 0: none. Raises NoCluster when nothing is
    configured, ClusterError when the configuration cannot be used.
    """
    found = settings(kubeconfig=kubeconfig, context=context, env=env)
    timeout = DEFAULT_TIMEOUT if request_timeout is None else request_timeout or None
    transport = Transport(found, impersonate=impersonate, timeout=timeout)
    return KubeCluster(transport, found.context, namespace or found.namespace or "default")
