"""The rest of a list of all namespaces, read namespace by namespace, several requests at once.

A server sends the pages of one list one after the other, since each token is in the page before.
Lists of single namespaces do not wait for each other. That costs a list of the namespaces, so it is
done only where much is left and pages take long to come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from rolloutctl.domain.cluster import NAMESPACES, Kind, Page
from rolloutctl.domain.wire import Wire
from rolloutctl.errors import RolloutctlError
from rolloutctl.kube import decoding, paging

if TYPE_CHECKING:
    from rolloutctl.kube.cluster import KubeCluster

AT_ONCE = 4
"""Requests under way together."""
MANY = 4000
"""Fewer objects than that are read page by page."""
SLOW = 0.15
"""Seconds; where pages come faster, several at once gain nothing."""
CROWDED = 50
"""Objects a namespace has to have on average: each costs a request."""
WINDOW = 8
"""Namespaces that are read before their turn has come."""
PAGES = 2
"""Pages of one of them that are kept until then."""

Key = tuple[str, str]


class _Name(Wire):
    name: str = ""
    namespace: str = ""


class _Namespace(Wire):
    metadata: _Name = msgspec.field(default_factory=_Name)


def reading(
    cluster: KubeCluster,
    kind: Kind,
    as_type: type[Any],
    query: dict[str, str],
    last: Key,
    page: Page,
    waits: Sequence[float],
) -> Reading | None:
    """Reads all that comes after `last`, the end of `page`; None where that does not pay.

    `waits` are the seconds it took the pages so far to come. Also None where it cannot be done, and
    for a server that refused something lately.
    """
    remaining, pace = page.remaining or 0, cluster.transport.pace
    busy = pace.room < pace.most
    if remaining <= MANY or min(waits) <= SLOW or busy or "fieldSelector" in query:
        return None
    pages = paging.pages(cluster, NAMESPACES, None, _Namespace, {"limit": "500"})
    try:
        listed = [item.metadata.name for page in pages for item in page.items]
    except RolloutctlError:
        # Who may list rollouts need not be allowed to list namespaces.
        return None
    left = sorted(f"{name}/" for name in listed if f"{name}/" >= f"{last[0]}/")
    names = [name[:-1] for name in left]
    # Without the namespace we are in, what is listed is not what the objects are in.
    if last[0] not in names or remaining < CROWDED * len(names):
        return None
    return Reading(cluster, kind, as_type, query, last, names, remaining)


class Reading:
    """Threads that read namespaces, and what they found in order. `close` ends them."""

    def __init__(
        self,
        cluster: KubeCluster,
        kind: Kind,
        as_type: type[Any],
        query: dict[str, str],
        last: Key,
        namespaces: Sequence[str],
        remaining: int,
    ) -> None:
        self._cluster = cluster
        self._kind = kind
        self._type = as_type
        self._query = query
        self._last = paging.rank(last)
        self._names = namespaces
        self._remaining = remaining
        self._changed = threading.Condition()
        self._found: list[deque[Page]] = [deque() for _ in namespaces]
        self._errors: dict[int, Exception] = {}
        self._ended: set[int] = set()
        self._begun = 0
        self._turn = 0
        self._closed = False
        for _ in range(min(AT_ONCE, len(namespaces))):
            threading.Thread(target=self._work, name="namespace", daemon=True).start()

    def pages(self, version: str) -> Iterator[Page]:
        """All pages, with the `version` of the list they belong to. Raises what a page does."""
        left = self._remaining
        for index in range(len(self._names)):
            with self._changed:
                self._turn = index
                self._changed.notify_all()
            while (found := self._next(index)) is not None:
                shown = self._behind(found) if index == 0 else found
                if not shown.items and not shown.unreadable:
                    continue
                left = max(0, left - len(shown.items) - len(shown.unreadable))
                yield Page(shown.items, shown.unreadable, version, left or None)

    def close(self) -> None:
        """No more requests are begun."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next(self, index: int) -> Page | None:
        with self._changed:
            self._changed.wait_for(lambda: self._found[index] or index in self._ended)
            if self._found[index]:
                self._changed.notify_all()
                return self._found[index].popleft()
            if index in self._errors:
                raise self._errors[index]
            return None

    def _behind(self, page: Page) -> Page:
        """The page less what was handed out before this began."""
        items = [i for i in page.items if paging.rank(decoding.identity(i)[:2]) > self._last]
        bad = [b for b in page.unreadable if paging.rank((b.namespace, b.name)) > self._last]
        return Page(items, bad, page.resource_version, page.remaining)

    def _work(self) -> None:
        while True:
            with self._changed:
                # Taken in order: the namespace whose turn it is has always been begun.
                self._changed.wait_for(
                    lambda: (
                        self._closed
                        or self._begun >= len(self._names)
                        or self._begun < self._turn + WINDOW
                    )
                )
                if self._closed or self._begun >= len(self._names):
                    return
                index = self._begun
                self._begun += 1
            try:
                self._read(index)
            except Exception as error:
                self._errors[index] = error
            with self._changed:
                self._ended.add(index)
                self._changed.notify_all()

    def _read(self, index: int) -> None:
        name = self._names[index]
        for page in paging.pages(
            self._cluster, self._kind, name, self._type, self._query, read_ahead=False
        ):
            with self._changed:
                self._found[index].append(page)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or len(self._found[index]) < PAGES)
                if self._closed:
                    return
