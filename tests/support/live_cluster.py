"""A cluster in memory whose watches go on until the test says what happens to them."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rolloutctl.domain.cluster import Kind, Known, WatchEvent
from rolloutctl.domain.decoders import decoder
from support.fake_cluster import FakeCluster, Request, _fields_match, _labels_match


class _Watch:
    def __init__(self, matches: Callable[[Mapping[str, Any]], bool]) -> None:
        self.matches = matches
        self.queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()


class LiveCluster(FakeCluster):
    """`put` and `drop` change objects, and every watch hears of it; `say` tells all watches of a
    kind something else, `fail` ends them with an error. `refuses`: what each new watch raises."""

    def __init__(self, objects: Mapping[str, Sequence[Mapping[str, Any]]], **more: Any) -> None:
        super().__init__(objects, **more)
        self.refuses: BaseException | None = None
        self._lock = threading.RLock()
        self._watches: dict[str, list[_Watch]] = {}
        self._version = 1

    def put(self, plural: str, item: Mapping[str, Any]) -> None:
        """Makes an object, or puts it in the place of the one before."""
        with self._lock:
            self._version += 1
            metadata = {**item["metadata"], "resourceVersion": str(self._version)}
            item = {**item, "metadata": metadata}
            key = (metadata.get("namespace"), metadata["name"])
            kept = self.objects.setdefault(plural, [])
            index = next((n for n, one in enumerate(kept) if _key(one) == key), None)
            if index is None:
                kept.append(item)
            else:
                kept[index] = item
            self._tell(plural, "ADDED" if index is None else "MODIFIED", item)

    def drop(self, plural: str, namespace: str, name: str) -> None:
        """Deletes an object."""
        with self._lock:
            kept = self.objects[plural]
            (item,) = (one for one in kept if _key(one) == (namespace, name))
            kept.remove(item)
            self._tell(plural, "DELETED", item)

    def lose(self, plural: str, namespace: str, name: str) -> None:
        """Deletes an object while no watch looks."""
        with self._lock:
            kept = self.objects[plural]
            kept[:] = [one for one in kept if _key(one) != (namespace, name)]

    def say(self, plural: str, event: WatchEvent) -> None:
        with self._lock:
            for watch in self._watches.get(plural, ()):
                watch.queue.put(("say", event))

    def fail(self, error: BaseException) -> None:
        """Ends all watches."""
        with self._lock:
            for watches in self._watches.values():
                for watch in watches:
                    watch.queue.put(("fail", error))

    def _tell(self, plural: str, type_: str, item: Any) -> None:
        for watch in self._watches.get(plural, ()):
            if watch.matches(item):
                watch.queue.put((type_, item))

    def watch(
        self,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        *,
        label_selector: str = "",
        field_selector: str = "",
        timeout: float | None = None,
        compact: Callable[[Any], Any] | None = None,
        known: Known | None = None,
    ) -> Iterator[WatchEvent]:
        def decoded(item: Any) -> Any:
            found = decoder(as_type).decode(json.dumps(item).encode())
            return found if compact is None else compact(found)

        def matches(item: Mapping[str, Any]) -> bool:
            return (
                (namespace is None or item["metadata"].get("namespace") == namespace)
                and _labels_match(item["metadata"].get("labels") or {}, label_selector)
                and _fields_match(item, field_selector)
            )

        self.requests.append(
            Request("watch", kind.plural, namespace, "", label_selector, field_selector)
        )
        if self.refuses is not None:
            raise self.refuses
        self._allowed(kind.plural)
        mine = _Watch(matches)
        with self._lock:
            there = [item for item in self.objects.get(kind.plural, ()) if matches(item)]
            self._watches.setdefault(kind.plural, []).append(mine)
        try:
            for item in there:
                yield WatchEvent("ADDED", decoded(item))
            yield WatchEvent("SYNCED", resource_version=str(self._version))
            while True:
                what, value = mine.queue.get(timeout=timeout)
                if what == "fail":
                    raise value
                yield value if what == "say" else WatchEvent(what, decoded(value))
        except queue.Empty:
            return
        finally:
            with self._lock:
                self._watches[kind.plural].remove(mine)


def _key(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return (item["metadata"].get("namespace"), item["metadata"]["name"])
