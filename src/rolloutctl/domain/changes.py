"""What promote, abort, retry, pause and resume do to a rollout in the state it was seen in.

Each function decides for one rollout and returns the change, or says why there is none: NothingToDo
(it is so already), Refused and its kinds (the state does not allow it), NotObserved (the controller
has not caught up: read again in a moment). Nothing here is sent or printed.

Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd (bodies of the patches).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rolloutctl.domain.decision import (
    Action,
    Decision,
    Note,
    NothingToDo,
    NotObserved,
    Refused,
    Seen,
    add,
    patch,
    position,
    remove,
    template_seen,
)
from rolloutctl.domain.gitops import keepers_of
from rolloutctl.domain.guards import (
    kept_note,
    moved,
    must_be_alive,
    must_be_observed,
    must_be_valid,
    muted_runs,
    unpause,
)
from rolloutctl.domain.plugins import plugin_runs, will_abort
from rolloutctl.domain.promoting import promote_full, promote_next
from rolloutctl.domain.runs import runs_under_way
from rolloutctl.domain.status import is_fully_promoted, is_observed
from rolloutctl.domain.steps import Pause

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

__all__ = ["abort", "pause", "promote_full", "promote_next", "resume", "retry", "same_meaning"]


# --- abort, retry -------------------------------------------------------------------------------


def abort(
    seen: Seen, *, resume: bool = False, config: PluginConfiguration | None = None
) -> Decision:
    """The change that stops an update and goes back to the stable version.

    A full promotion under way is called off in the same patch, or the controller would drop the
    abort. `resume` also lifts a hold by a person, without which no pods are resized.
    `config`, if it was read, tells which plugins can be aborted.
    Raises NothingToDo, NotObserved, Refused.
    """
    rollout = seen.rollout
    status = rollout.status
    must_be_alive(seen)
    must_be_valid(seen)
    must_be_observed(seen)
    held = rollout.spec.paused
    if is_fully_promoted(rollout):
        raise NothingToDo(
            "nothing to abort: no update is under way, its version is fully promoted",
            subject=str(seen.ref),
            hint="a new image, or the earlier one again, replaces it",
        )
    lift = held and resume
    if status.abort and not status.promote_full and not lift:
        raise NothingToDo(
            "nothing to do: it is aborted already",
            subject=str(seen.ref),
            hint="it is held by a person (spec.paused), so its pods stay: resume lets them go"
            if held
            else "",
        )
    notes: list[Note] = []
    operations = []
    if status.promote_full:
        operations.append(remove("/status/promoteFull"))
        notes.append(Note.CLEARS_FULL)
    if not status.abort:
        operations.append(add("/status/abort", True))
    saw = (*template_seen(seen), "/status/abort", "/status/promoteFull")
    changes = [patch(seen, "status", *operations, saw=saw)] if operations else []
    if lift:
        changes.append(unpause(seen))
        notes.append(Note.UNPAUSES)
    elif held:
        notes.append(Note.STAYS_HELD)
    if rollout.spec.rollback_window is not None:
        notes.append(Note.ROLLBACK_WINDOW)
    before = position(rollout)
    aborts = will_abort(rollout, config)
    called = {run.index for run in aborts}
    uncalled = [run for run in will_abort(rollout) if run.index not in called]
    return Decision(
        action=Action.ABORT,
        seen=seen,
        changes=tuple(changes),
        before=before,
        expected=msgspec.structs.replace(
            moved(before, rollout, 0 if before.count else None, held=held and not lift),
            aborted=True,
            full=False,
        ),
        aborts=aborts,
        ends=() if status.abort else runs_under_way(rollout),
        muted=muted_runs(uncalled, rollout, config),
        notes=tuple(notes),
    )


def retry(seen: Seen) -> Decision:
    """The change that starts an aborted update again, from its first step, with the same version.

    Raises NothingToDo, NotObserved, Refused.
    """
    rollout = seen.rollout
    status = rollout.status
    must_be_alive(seen)
    must_be_valid(seen)
    must_be_observed(seen)
    if not status.abort:
        if status.phase == "Degraded":
            raise Refused(
                "not retried: it is degraded, but it was not aborted",
                subject=str(seen.ref),
                hint="abort and retry starts it again; its message says what holds it up",
            )
        raise NothingToDo("nothing to retry: it is not aborted", subject=str(seen.ref))
    if is_fully_promoted(rollout):
        raise NothingToDo("nothing to retry: its version is fully promoted", subject=str(seen.ref))
    if status.promote_full:
        raise Refused(
            "not retried: it is being promoted in full",
            subject=str(seen.ref),
            hint="abort calls that off",
        )
    if status.aborted_at is None:
        raise NotObserved(
            "its abort was asked for, and the controller has not carried it out yet",
            subject=str(seen.ref),
            hint="try again in a moment",
        )
    notes = [Note.SAME_VERSION]
    if rollout.spec.paused:
        notes.append(Note.STAYS_HELD)
    first = plugin_runs(rollout).get(0)
    if first is not None and first.phase == "Error" and first.abort is None:
        notes.append(Note.KEEPS_RECORDS)
    before = position(rollout)
    saw = (*template_seen(seen), "/status/abort", "/status/promoteFull")
    return Decision(
        action=Action.RETRY,
        seen=seen,
        changes=(patch(seen, "status", add("/status/abort", False), saw=saw),),
        before=before,
        expected=msgspec.structs.replace(
            moved(before, rollout, 0 if before.count else None), aborted=False
        ),
        notes=tuple(notes),
    )


# --- pause, resume ------------------------------------------------------------------------------


def pause(seen: Seen) -> Decision:
    """The change that holds a rollout where it is. Raises NothingToDo, Refused."""
    rollout = seen.rollout
    must_be_alive(seen)
    if rollout.spec.paused:
        raise NothingToDo("nothing to do: it is held by a person already", subject=str(seen.ref))
    notes = []
    if is_observed(rollout) and is_fully_promoted(rollout):
        notes.append(Note.NOTHING_UNDER_WAY)
    keepers = keepers_of(seen.raw, "spec", "paused")
    before = position(rollout)
    return Decision(
        action=Action.PAUSE,
        seen=seen,
        changes=(patch(seen, "", add("/spec/paused", True), saw=("/spec/paused",)),),
        before=before,
        expected=msgspec.structs.replace(before, held=True),
        notes=(*notes, *kept_note(keepers)),
        keepers=keepers,
    )


def resume(seen: Seen) -> Decision:
    """The change that lifts the hold by a person, and skips nothing.

    Raises NothingToDo, and Refused for a rollout that a step, not a person, has paused.
    """
    rollout = seen.rollout
    must_be_alive(seen)
    if not rollout.spec.paused:
        if rollout.status.pause_conditions:
            reasons = ", ".join(condition.reason for condition in rollout.status.pause_conditions)
            raise Refused(
                f"not resumed: no person holds it, it pauses by itself ({reasons})",
                subject=str(seen.ref),
                hint="promote moves it past that",
            )
        raise NothingToDo("nothing to do: no person holds it", subject=str(seen.ref))
    notes = []
    keepers = keepers_of(seen.raw, "spec", "paused")
    before = position(rollout)
    if isinstance(before.step, Pause) and before.step.duration is not None:
        notes.append(Note.TIMED_PAUSE_RUNS)
    return Decision(
        action=Action.RESUME,
        seen=seen,
        changes=(unpause(seen),),
        before=before,
        expected=msgspec.structs.replace(before, held=False),
        notes=(*notes, *kept_note(keepers)),
        keepers=keepers,
    )


# --- after a precondition failed ----------------------------------------------------------------


def same_meaning(decided: Decision, fresh: Decision) -> bool:
    """Whether `fresh`, decided anew after a precondition failed, is what the person meant.

    Scaling, or a controller that wrote something unrelated, changes nothing. "Stop it" and "hold
    it" mean the same at whatever step; a full promotion does as long as it skips nothing more than
    was said; promoting a step does only from the same place.
    """
    if decided.action is not fresh.action:
        return False
    old, new = decided.seen.rollout, fresh.seen.rollout
    if old.metadata.uid != new.metadata.uid:
        return False
    if decided.action in (Action.PAUSE, Action.RESUME):
        return True
    if old.status.current_pod_hash != new.status.current_pod_hash:
        return False
    if decided.action is Action.ABORT:
        return True
    if old.status.abort != new.status.abort or decided.notes != fresh.notes:
        return False
    if decided.action is Action.PROMOTE_FULL:
        said = {entry.index for entry in decided.skips}
        return {entry.index for entry in fresh.skips} <= said
    return (
        decided.before.index == fresh.before.index
        and decided.reasons == fresh.reasons
        and decided.seen.at("/status/pauseConditions") == fresh.seen.at("/status/pauseConditions")
        and bool(decided.skips) == bool(fresh.skips)
    )
