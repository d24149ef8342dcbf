"""`churn:RATE[:SECONDS]` and `deployments:N[:RATE]`: a loaded fleet that is deployed to.

A deployment is a new image and then the statuses its controller would write, one change each, up to
the promotion. Several run at a time, one change of each in turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rolloutctl.errors import Failed
from rolloutctl.sandbox.clock import Clock
from rolloutctl.sandbox.restoring import Restorer

from . import fleet_states
from .fleet_states import REVISION

Json = dict[str, Any]
Edit = Callable[[Json], None]
Place = tuple[str, str, int]
"""Namespace, name and number of a rollout of the fleet."""

AT_A_TIME = 50
_STRIDE = 7919
"""A prime, so that one deployment after the other is somewhere else in the fleet."""


def play(
    restorer: Restorer,
    places: Sequence[Place],
    clock: Clock,
    idle: Callable[[], None],
    *,
    rate: int,
    seconds: float | None = None,
    deployments: int | None = None,
) -> Iterator[str]:
    """Changes `places` at `rate` changes a second, for `seconds` or until so many are deployed.

    Yields a line a second and empty lines between. Raises Failed for no places at all.
    """
    if not places:
        raise Failed("there is no fleet to deploy to", hint="rolloutctl sandbox load fleet:500")
    changes = _changes(restorer, places, clock, deployments)
    begun = clock.monotonic()
    done, told, going = 0, 0, True
    while going and (seconds is None or clock.monotonic() - begun < seconds):
        passed = clock.monotonic() - begun
        due = int(passed * rate) + 1 - done
        for _ in range(due):
            if next(changes, None) is None:
                going = False
                break
            done += 1
        if int(passed) > told:
            told = int(passed)
            yield f"{done:,} changes"
        yield ""
        if going:
            idle()
    yield f"{done:,} changes in {clock.monotonic() - begun:.1f} s"


def _changes(
    restorer: Restorer, places: Sequence[Place], clock: Clock, most: int | None
) -> Iterator[bool]:
    """Makes one change after the other; True for each."""
    begun = 0
    running: deque[tuple[Place, deque[Edit]]] = deque()
    while True:
        while len(running) < min(AT_A_TIME, len(places)) and (most is None or begun < most):
            place = places[begun * _STRIDE % len(places)]
            begun += 1
            running.append((place, deque(deployment(place[2], clock.now()))))
        if not running:
            return
        (namespace, name, number), edits = running.popleft()
        if restorer.change("rollouts", namespace, name, edits.popleft()):
            yield True
            if edits:
                running.append(((namespace, name, number), edits))


def deployment(number: int, now: datetime) -> Iterator[Edit]:
    """What happens to rollout `number` from a new image to its promotion, edit by edit."""
    statuses: list[Json] = []

    def ship(obj: Json) -> None:
        statuses.extend(fleet_states.journey(number, obj, now))
        metadata = obj["metadata"]
        revision = int(metadata["annotations"][REVISION]) + 1
        metadata["annotations"][REVISION] = str(revision)
        metadata["generation"] += 1
        container = obj["spec"]["template"]["spec"]["containers"][0]
        container["image"] = f"{container['image'].rpartition(':')[0]}:v2.{revision}.0"
        for status in statuses:
            status["observedGeneration"] = str(metadata["generation"])

    def write(obj: Json) -> None:
        obj["status"] = statuses.pop(0)

    yield ship
    for _ in range(fleet_states.length(number)):
        yield write
