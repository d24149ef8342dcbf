"""How many pods a rollout is to have: one field of its spec, changed on condition.

With a workloadRef the rollout's own `spec.replicas` counts too.
Source: argo-rollouts, rollout/replicaset.go, rollout/sync.go (a change of replicas alone starts no
update, and its pods are resized at once).
"""

from __future__ import annotations

from collections.abc import Iterator

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
)
from rolloutctl.domain.gitops import keepers_of
from rolloutctl.domain.guards import kept_note, must_be_alive
from rolloutctl.domain.status import desired_replicas, is_fully_promoted, is_observed
from rolloutctl.domain.wire import Rollout

REPLICAS = "/spec/replicas"


class Scaling(msgspec.Struct, frozen=True):
    """From how many pods to how many."""

    before: int
    after: int


def scale(seen: Seen, replicas: int, *, current: int | None = None) -> Decision:
    """The change to `replicas` pods; `current`: only where it is so many now.

    Raises NothingToDo, Refused.
    """
    rollout = seen.rollout
    must_be_alive(seen)
    before = desired_replicas(rollout)
    if current is not None and before != current:
        raise Refused(
            f"not scaled: it is set to {before} pods, not to {current}", subject=str(seen.ref)
        )
    if before == replicas:
        raise NothingToDo(
            f"nothing to do: it is set to {replicas} pods already", subject=str(seen.ref)
        )
    where = position(rollout)
    keepers = keepers_of(seen.raw, "spec", "replicas")
    return Decision(
        action=Action.SCALE,
        seen=seen,
        changes=(patch(seen, "", add(REPLICAS, replicas), saw=(REPLICAS,)),),
        before=where,
        expected=where,
        notes=tuple(_notes(rollout, replicas)) + kept_note(keepers),
        keepers=keepers,
        scaling=Scaling(before, replicas),
    )


def same_scaling(decided: Decision, fresh: Decision) -> bool:
    """Whether nobody else has scaled it meanwhile."""
    return decided.scaling == fresh.scaling


def is_scaled(decision: Decision, now: Rollout) -> bool:
    """Whether it has the pods that were asked for, and all of them are available."""
    wanted = decision.scaling
    if wanted is None or not is_observed(now) or desired_replicas(now) != wanted.after:
        return False
    status = now.status
    if is_fully_promoted(now):
        return status.replicas == status.available_replicas == wanted.after
    # During an update there may be more: a router's canary, or the surge.
    return status.available_replicas >= wanted.after


def _notes(rollout: Rollout, replicas: int) -> Iterator[Note]:
    if not replicas:
        yield Note.TO_ZERO
    if is_observed(rollout) and rollout.status.stable_rs and not is_fully_promoted(rollout):
        yield Note.UPDATE_UNDER_WAY
    if rollout.spec.paused:
        yield Note.STAYS_HELD
