"""Many rollouts that can be changed from several threads, with an eye on what is in flight."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rolloutctl.domain.cluster import Change
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import InDoubt
from support.changing_cluster import ChangingCluster
from support.recorded import moment


def paused(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def promoted(item: dict[str, Any]) -> None:
    """What the controller makes of a promotion: the next step, and the pause after it."""
    status = item["status"]
    if status.get("pauseConditions") or status["currentStepIndex"] != 2:
        return
    status["currentStepIndex"] = 3
    status["pauseConditions"] = [{"reason": "CanaryPauseStep", "startTime": "2026-01-02T03:04:05Z"}]
    status["controllerPause"] = True


class Fleet(ChangingCluster):
    """`gate` is passed by each PATCH on its way, outside of all locks; it may wait or raise.

    `lost`: names whose change is made and whose answer never comes; `dropped`: whose change is not
    made either. `most` is how many PATCHes were in flight at the same time, `tally` how often each
    rollout was changed.
    """

    def __init__(
        self,
        objects: Mapping[str, list[Any]],
        *,
        gate: Callable[[Change], None] = lambda change: None,
        lost: Iterable[str] = (),
        dropped: Iterable[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(objects, **settings)
        self.gate = gate
        self.lost = set(lost)
        self.dropped = set(dropped)
        self.most = 0
        self.tally: dict[Ref, int] = {}
        self.flying = 0
        self.changed = threading.Condition()

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        with self.changed:
            self.flying += 1
            self.most = max(self.most, self.flying)
            self.changed.notify_all()
        try:
            self.gate(change)
            if change.name in self.dropped:
                raise InDoubt("the server did not answer in time")
            with self.changed:
                answer = super().apply(change, dry_run=dry_run)
                if not dry_run:
                    ref = Ref(change.namespace, change.name)
                    self.tally[ref] = self.tally.get(ref, 0) + 1
            if change.name in self.lost:
                raise InDoubt("the server broke the connection off")
            return answer
        finally:
            with self.changed:
                self.flying -= 1
                self.changed.notify_all()

    def until_flying(self, count: int) -> None:
        """Waits until so many PATCHes are in flight."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.flying >= count, timeout=20)

    def rollout_of(self, name: str) -> Any:
        """A rollout as it is stored."""
        return next(item for item in self.objects["rollouts"] if item["metadata"]["name"] == name)


def fleet(*names: str, labels: Mapping[str, str] | None = None, **settings: Any) -> Fleet:
    """Rollouts at a pause for a person, step 2 of 4; a name may say its namespace first."""
    item = moment("canary-pause-promote", paused).objects["rollouts"][0]
    items = []
    for text in names:
        namespace, _, name = text.rpartition("/")
        own = copy.deepcopy(dict(item))
        own["metadata"] = {
            **own["metadata"],
            "name": name,
            "namespace": namespace or "shop",
            "uid": f"uid-{text}",
            "labels": dict(labels or {"team": "a"}),
        }
        items.append(own)
    return Fleet({"rollouts": items}, namespace="shop", **settings)


def numbered(count: int) -> list[str]:
    """web-000, web-001, ..."""
    return [f"web-{number:03}" for number in range(count)]
