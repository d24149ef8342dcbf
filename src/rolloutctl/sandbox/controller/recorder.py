"""Events about objects, as Kubernetes' recorders write them: what is repeated is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from .objects import Obj, name, namespace, stamp, uid

if TYPE_CHECKING:
    from rolloutctl.sandbox.client import Client

_REMEMBERED = 4096


class Recorder:
    """Writes core/v1 Events as `component`; `now` is the wall clock."""

    def __init__(self, client: Client, component: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._component = component
        self._now = now
        self._seen: dict[tuple[str, ...], tuple[str, int]] = {}
        self._serial = 0

    def event(self, about: Obj, kind: str, reason: str, message: str) -> None:
        """`kind` is Normal or Warning. A failure to write is nobody's problem."""
        from rolloutctl.sandbox.client import ApiError

        place = namespace(about) or "default"
        key = (uid(about), kind, reason, message)
        at = stamp(self._now())
        try:
            if key in self._seen:
                event, count = self._seen[key]
                body = {"count": count + 1, "lastTimestamp": at}
                try:
                    self._client.patch("events", event, body, place)
                    self._seen[key] = (event, count + 1)
                    return
                except ApiError as error:
                    if error.status != 404:
                        return
            made = self._client.create(
                "events", self._make(about, place, kind, reason, message, at), place
            )
            self._seen[key] = (name(made), 1)
        except ApiError:
            return
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def _make(self, about: Obj, place: str, kind: str, reason: str, message: str, at: str) -> Obj:
        self._serial += 1
        unique = f"{self._component} {uid(about)} {self._now().isoformat()} {self._serial}"
        suffix = hashlib.blake2b(unique.encode(), digest_size=8).hexdigest()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name(about)}.{suffix}", "namespace": place},
            "involvedObject": {
                "apiVersion": about.get("apiVersion"),
                "kind": about.get("kind"),
                "name": name(about),
                "namespace": namespace(about),
                "resourceVersion": about["metadata"].get("resourceVersion"),
                "uid": uid(about),
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": "",
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
