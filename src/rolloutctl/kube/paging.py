"""A list page by page: read ahead by one page, and going on when its snapshot is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import urllib3

from rolloutctl.domain.cluster import Kind, Page
from rolloutctl.errors import ClusterError, RolloutctlError
from rolloutctl.kube import decoding
from rolloutctl.kube.failures import Target, failure

if TYPE_CHECKING:
    from rolloutctl.kube.cluster import KubeCluster

_EXPIRIES = 20
"""How often one list may lose its snapshot before that is an error."""

Key = tuple[str, str]


def pages(
    cluster: KubeCluster,
    kind: Kind,
    namespace: str | None,
    as_type: type[Any],
    query: dict[str, str],
    *,
    read_ahead: bool = True,
) -> Iterator[Page]:
    """See `rolloutctl.domain.cluster.Cluster.pages`.

    `read_ahead`: ask for the next page while the one before is worked on.
    """
    from rolloutctl.kube.cluster import path

    where = path(kind, namespace)
    target = Target("list", kind, namespace)
    clock = cluster.transport.pace.clock
    waits: list[float] = []

    def ask(token: str) -> urllib3.BaseHTTPResponse:
        extra = {"continue": token} if token else {}
        asked = clock()
        answer = cluster.transport.request("GET", where, query=query | extra)
        waits.append(clock() - asked)
        return answer

    token = version = ""
    handed: set[Key] = set()
    last: Key = ("", "")
    again, expired, number, ordered = False, 0, 0, True
    answer = ask(token)
    while True:
        if answer.status == 410 and token and expired < _EXPIRIES:
            # The snapshot the token belongs to is gone. A fresh token reads on behind what came
            # last; without one all is read anew, less what was handed out already.
            expired += 1
            token = decoding.fresh_token(answer.data)
            again = again or not token
            answer = ask(token)
            continue
        if answer.status != 200:
            raise failure(answer.status, answer.data, target, cluster.name)
        found, following = _page(cluster, answer.data, kind, as_type)
        if following and following == token:
            raise ClusterError(f"cluster {cluster.name} serves the same page of {kind.plural} on")
        token = following
        number += 1
        version = version or found.resource_version
        shown = _without(found, handed) if again else found
        if token:
            keys = _keys(found)
            handed.update(keys)
            if number <= 2:
                ordered = ordered and _in_order([last, *keys])
                last = keys[-1] if keys else last
        everywhere = namespace is None and kind.namespaced
        if token and number == 2 and everywhere and ordered and not expired:
            from rolloutctl.kube import by_namespace

            several = by_namespace.reading(cluster, kind, as_type, query, last, found, waits)
            if several is not None:
                with closing(several):
                    yield shown
                    yield from several.pages(version)
                return
        # Whoever wants only the first page costs the server no second one.
        ahead = _Ahead(ask, token) if read_ahead and token and number > 1 else None
        yield shown
        if not token:
            return
        answer = ask(token) if ahead is None else ahead.result()


class _Ahead:
    """One request sent while the page before it is worked on."""

    def __init__(self, ask: Callable[[str], urllib3.BaseHTTPResponse], token: str) -> None:
        self._answer: urllib3.BaseHTTPResponse | None = None
        self._error: RolloutctlError | None = None
        self._thread = threading.Thread(
            target=self._run, args=(ask, token), name="page", daemon=True
        )
        self._thread.start()

    def _run(self, ask: Callable[[str], urllib3.BaseHTTPResponse], token: str) -> None:
        try:
            self._answer = ask(token)
        except RolloutctlError as error:
            self._error = error

    def result(self) -> urllib3.BaseHTTPResponse:
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer


def _page(cluster: KubeCluster, body: bytes, kind: Kind, as_type: type[Any]) -> tuple[Page, str]:
    try:
        with cluster.transport.stopwatch.stage("decode"):
            return decoding.page(body, as_type)
    except decoding.MALFORMED as error:
        if not body.lstrip().startswith(b"{"):
            raise cluster.no_api() from error
        raise ClusterError(
            f"cluster {cluster.name} answered the list of {kind.plural} with something else:"
            f" {error}"
        ) from error


def rank(key: Key) -> str:
    """What servers sort by: "a-b/x" comes before "a/x"."""
    return f"{key[0]}/{key[1]}"


def _in_order(keys: list[Key]) -> bool:
    """Whether keys come as servers sort them; ("", "") is the beginning."""
    ranks = [rank(key) if key != ("", "") else "" for key in keys]
    return all(one < other for one, other in pairwise(ranks))


def _keys(page: Page) -> list[Key]:
    """Those of what could be read come first."""
    listed = [decoding.identity(item)[:2] for item in page.items]
    return [*((bad.namespace, bad.name) for bad in page.unreadable), *listed]


def _without(page: Page, handed: set[Key]) -> Page:
    """The page less what was handed out already."""
    items = [item for item in page.items if decoding.identity(item)[:2] not in handed]
    unreadable = [bad for bad in page.unreadable if (bad.namespace, bad.name) not in handed]
    return Page(items, unreadable, page.resource_version, page.remaining)
