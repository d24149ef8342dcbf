"""The logs of pods, read line by line as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import urllib3

from rolloutctl.domain.cluster import PODS
from rolloutctl.kube.failures import Target, failure
from rolloutctl.kube.streams import chunks
from rolloutctl.kube.unreachable import unreachable

if TYPE_CHECKING:
    from rolloutctl.kube.cluster import KubeCluster

_LONGEST = 1 << 20
"""Bytes of a line handed out in one piece."""
_SILENCE = 4 * 3600.0
"""Seconds a followed log may be without a line."""


def lines(
    cluster: KubeCluster, namespace: str, name: str, asked: Mapping[str, Any]
) -> Iterator[str]:
    """The log as `Cluster.log_lines` describes it; `asked` are the API's parameters."""
    from rolloutctl.kube.cluster import path

    target = Target("get", PODS, namespace, name, "log")
    query = {key: _text(value) for key, value in asked.items() if value not in (None, "", False)}
    where = path(PODS, namespace, name, "log")
    timeout = cluster.transport.timeout
    silence = _SILENCE if asked.get("follow") or timeout is None else timeout
    with cluster.transport.stream(where, query, silence=silence) as answer:
        if not 200 <= answer.status < 300:
            raise failure(answer.status, answer.read(), target, cluster.name)
        rest = b""
        try:
            for chunk in chunks(answer):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from map(_line, whole)
                if len(rest) > _LONGEST:
                    yield _line(rest)
                    rest = b""
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(cluster.transport.settings.server, error) from error
        if rest:
            yield _line(rest)


def _line(data: bytes) -> str:
    return data.removesuffix(b"\r").decode("utf-8", "replace")


def _text(value: Any) -> str:
    return "true" if value is True else str(value)
