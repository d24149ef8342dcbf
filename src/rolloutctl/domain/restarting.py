"""Restarting the pods of a rollout: when, whether one is under way, and what it will mean.

Source: argo-rollouts, rollout/restart.go (pods created before `spec.restartAt` are evicted, and
`status.restartedAt` follows when none is left); pkg/kubectl-argo-rollouts/cmd/restart.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from rolloutctl.domain.decision import (
    Action,
    Decision,
    Note,
    NothingToDo,
    Refused,
    Seen,
    add,
    patch,
    position,
    remove,
)
from rolloutctl.domain.gitops import keepers_of
from rolloutctl.domain.guards import kept_note, must_be_alive, must_be_observed, must_be_valid
from rolloutctl.domain.status import desired_replicas, is_observed
from rolloutctl.domain.wire import Rollout

RESTART_AT = "/spec/restartAt"


class Restart(msgspec.Struct, frozen=True):
    """`at`: pods created before it are restarted, None: no restart any more. `was`: the restart set
    before that is not over, None if there is none. `asked`: the server's time at that moment.
    `pods`, of which `at_once` go at the same time."""

    at: datetime | None
    was: datetime | None
    asked: datetime
    pods: int
    at_once: int

    @property
    def scheduled(self) -> bool:
        """Whether it begins later."""
        return self.at is not None and self.at > soon(self.asked)


def pending(rollout: Rollout) -> datetime | None:
    """The restart that is set and not over; one whose time has not come counts too."""
    wanted = rollout.spec.restart_at
    return wanted if wanted is not None and wanted != rollout.status.restarted_at else None


def soon(now: datetime) -> datetime:
    """The first whole second after `now`.

    The controller takes a pod of the same second as `restartAt` for a new one, and both have whole
    seconds: any pod that is there now is older than this.
    """
    return now.replace(microsecond=0) + timedelta(seconds=1)


def restart(
    seen: Seen,
    *,
    now: datetime,
    at: datetime | None = None,
    replace: bool = False,
) -> Decision:
    """The change that restarts all pods created before `at` (None: all there are at `now`).

    `now` is the server's time. `replace`: also when one is set or under way already.
    Raises NothingToDo, NotObserved, Refused.
    """
    rollout = seen.rollout
    must_be_alive(seen)
    must_be_valid(seen)
    must_be_observed(seen)
    was, last = pending(rollout), rollout.spec.restart_at
    moment = soon(now) if at is None else _whole(at)
    if last is not None and was is None and last == moment:
        if at is not None:
            raise NothingToDo(
                f"nothing to do: the restart of pods older than {stamp(last)} is over",
                subject=str(seen.ref),
            )
        moment += timedelta(seconds=1)  # twice in one second: the same value would be no change
    if was is not None and was == moment:
        raise NothingToDo(
            f"nothing to do: a restart is set for {stamp(was)} already", subject=str(seen.ref)
        )
    if was is not None and not replace:
        raise _in_the_way(seen, was, now)
    if not desired_replicas(rollout) and not rollout.status.replicas and moment <= soon(now):
        raise NothingToDo("nothing to restart: it has no pods", subject=str(seen.ref))
    return _decision(seen, Restart(moment, was, now, desired_replicas(rollout), at_once(seen)))


def call_off(seen: Seen, *, now: datetime) -> Decision:
    """The change that ends a restart where it is, or before its time has come.

    Raises NothingToDo, Refused.
    """
    must_be_alive(seen)
    was = pending(seen.rollout)
    if was is None:
        raise NothingToDo("nothing to cancel: no restart is set", subject=str(seen.ref))
    pods = desired_replicas(seen.rollout)
    return _decision(seen, Restart(None, was, now, pods, at_once(seen)))


def restarted(decision: Decision, now: Rollout) -> bool:
    """Whether a restart that was sent is over, and no pod is missing any more."""
    wanted = decision.restart.at if decision.restart is not None else None
    return (
        wanted is not None
        and is_observed(now)
        and now.status.restarted_at == wanted
        and now.status.available_replicas >= desired_replicas(now)
    )


def same_restart(decided: Decision, fresh: Decision) -> bool:
    """Whether both mean the same to the pods, whatever else was changed meanwhile."""
    old, new = decided.restart, fresh.restart
    return (
        old is not None
        and new is not None
        and (old.at is None) == (new.at is None)
        and old.was == new.was
        and set(fresh.notes) <= set(decided.notes)
    )


def at_once(seen: Seen) -> int:
    """How many pods are restarted at the same time.

    Source: argo-rollouts, rollout/restart.go (at least one); utils/replicaset/canary.go
    (MaxUnavailable: rounded down; one where surge and it are both nothing).
    """
    replicas = desired_replicas(seen.rollout)
    if seen.rollout.spec.strategy.blue_green is not None:
        given = seen.at("/spec/strategy/blueGreen/maxUnavailable")
    else:
        given = seen.at("/spec/strategy/canary/maxUnavailable")
    return max(1, min(_share(given, replicas), replicas))


def stamp(moment: datetime) -> str:
    """As the API writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ------------------------------------------------------------------------------------------------


def _decision(seen: Seen, found: Restart) -> Decision:
    notes: list[Note] = []
    begun = found.was is not None and found.was <= found.asked
    if found.at is None:
        operation = remove(RESTART_AT)
        notes += [Note.STOPS_RESTART] if begun else []
    else:
        operation = add(RESTART_AT, stamp(found.at))
        if found.pods == 1:
            notes.append(Note.ONLY_POD)
        elif 1 < found.pods <= found.at_once:
            notes.append(Note.ALL_AT_ONCE)
        if found.was is not None:
            notes.append(Note.REPLACES_RESTART)
    before = position(seen.rollout)
    keepers = keepers_of(seen.raw, "spec", "restartAt")
    return Decision(
        action=Action.RESTART,
        seen=seen,
        changes=(patch(seen, "", operation, saw=(RESTART_AT,)),),
        before=before,
        expected=before,
        notes=(*notes, *kept_note(keepers)),
        keepers=keepers,
        restart=found,
    )


def _in_the_way(seen: Seen, was: datetime, now: datetime) -> Refused:
    if was <= now:
        return Refused(
            f"not restarted: a restart is under way, of the pods older than {stamp(was)}",
            subject=str(seen.ref),
            hint="--replace begins another one, --cancel leaves the rest of the pods as they are",
        )
    return Refused(
        f"not restarted: a restart is set for {stamp(was)} already",
        subject=str(seen.ref),
        hint="--replace sets another time, --cancel calls it off",
    )


def _whole(moment: datetime) -> datetime:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def _share(given: Any, replicas: int) -> int:
    """Pods of "25%", of a number, or of a quoted number, which the controller reads as a share."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text = given if isinstance(given, str) else "25%"
    share = re.fullmatch(r"(\d{1,9})%?", text, re.ASCII)
    return math.floor(int(share.group(1)) * replicas / 100) if share else 0
