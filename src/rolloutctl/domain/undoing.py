"""Going back to the template of an earlier revision: which one, how it differs, what follows.

Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd/undo (which revision); rollout/canary.go,
rollout/bluegreen.go and utils/conditions for what is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from rolloutctl.domain.cluster import (
    DEPLOYMENTS,
    POD_TEMPLATES,
    REPLICA_SETS,
    ROLLOUTS,
    Change,
    Kind,
    Unreadable,
)
from rolloutctl.domain.decision import (
    Action,
    Decision,
    Note,
    NothingToDo,
    Refused,
    Seen,
    position,
)
from rolloutctl.domain.gitops import Keeper, keepers
from rolloutctl.domain.guards import moved, must_be_alive, must_be_observed, must_be_valid
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.revisions import Revision, number_of, numbered, with_hash
from rolloutctl.domain.runs import runs_under_way
from rolloutctl.domain.services import workload as workload_name
from rolloutctl.domain.status import is_fully_promoted, is_observed
from rolloutctl.domain.templates import Edit, edits, same
from rolloutctl.domain.wire import Json, Rollout
from rolloutctl.errors import ClusterError, NotFound

TEMPLATES = {
    ("apps", "Deployment"): (DEPLOYMENTS, "/spec/template"),
    ("apps", "ReplicaSet"): (REPLICA_SETS, "/spec/template"),
    ("", "PodTemplate"): (POD_TEMPLATES, "/template"),
}
"""What a workloadRef can name, by group and kind, and where it holds its template."""

_MOST_NAMED = 12


class Holder(msgspec.Struct, frozen=True):
    """The object that holds the pod template, as it was read, and the pointer to the template."""

    kind: Kind
    namespace: str
    name: str
    raw: Json
    pointer: str

    @property
    def template(self) -> Json:
        """Raises ClusterError where there is none that is an object."""
        found: Any = self.raw
        for part in self.pointer.split("/")[1:]:
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise ClusterError(
                f"{self.kind.kind} {self.name} has no pod template",
                subject=f"{self.namespace}/{self.name}",
            )
        return found

    @property
    def uid(self) -> Any:
        """None where it has none."""
        metadata = self.raw.get("metadata")
        return metadata.get("uid") if isinstance(metadata, dict) else None


class Undo(msgspec.Struct, frozen=True):
    """`revision`: the number of the present version, 0 if it is not known. `edits` lead from its
    template to the one of `target`. `workload`: what holds the template ("Deployment/checkout"),
    "" for the rollout itself. `stable`: the number of the stable version, 0 if it is not known.
    `keepers`: what manages the object that is changed."""

    revision: int
    target: Revision
    edits: tuple[Edit, ...]
    before: Json
    workload: str
    stable: int
    keepers: tuple[Keeper, ...]


def own_template(seen: Seen) -> Holder:
    """The rollout as the holder of its own template."""
    return Holder(ROLLOUTS, seen.ref.namespace, seen.ref.name, seen.raw, "/spec/template")


def referenced(seen: Seen) -> tuple[Kind, str] | None:
    """The kind of the workload that holds the template and the pointer to it there; None where the
    rollout holds it itself. Raises Refused for a kind that holds none as far as is known."""
    found = seen.rollout.spec.workload_ref
    if found is None:
        return None
    group = found.api_version.rpartition("/")[0]
    known = TEMPLATES.get((group, found.kind))
    if known is None:
        raise Refused(
            f"not undone: its template is held by {workload_name(seen.rollout)}"
            f" ({found.api_version or 'no apiVersion'}), and where is not known",
            subject=str(seen.ref),
            hint="change the template there",
        )
    return known


def undo(
    seen: Seen,
    history: Sequence[Revision],
    holder: Holder,
    *,
    now: datetime,
    to_revision: int | None = None,
    unreadable: Sequence[Unreadable] = (),
) -> Decision:
    """The change that brings back the template of a revision; None: the one before the present.

    `history` as `revisions` gives it, `unreadable` the ReplicaSets that may be missing in it, `now`
    is the server's time. Raises NothingToDo (it is the
    present template), Refused, NotObserved, NotFound (there is no such revision; names those there
    are), ClusterError (there is no template).
    """
    rollout = seen.rollout
    must_be_alive(seen)
    invalid = _is_invalid(seen)
    if not invalid and not _is_first_deployment(rollout):
        must_be_observed(seen)
    present = holder.template
    target = _target(seen, history, unreadable, present, to_revision, invalid=invalid)
    own = rollout.spec.workload_ref is None
    if own and not invalid:
        # The controller has seen this template, so its hash says it for certain.
        equal = target.hash == rollout.status.current_pod_hash
    else:
        equal = same(present, target.template)
    if equal:
        raise NothingToDo(
            f"nothing to undo: its template is the one of revision {target.number} already",
            subject=str(seen.ref),
        )
    current = None if invalid else with_hash(history, rollout.status.current_pod_hash)
    stable = with_hash(history, rollout.status.stable_rs)
    skips = _skips(rollout, history, target, now)
    running = running_plugins(rollout)
    found = Undo(
        revision=current.number if current is not None else number_of(rollout),
        target=target,
        edits=edits(present, target.template),
        before=present,
        workload=workload_name(rollout),
        stable=stable.number if stable is not None else 0,
        keepers=keepers(holder.raw),
    )
    before = position(rollout)
    past = skips is not None and skips is not Note.SKIPS_STILL_UP
    index = None if not before.count else before.count if past else 0
    return Decision(
        action=Action.UNDO,
        seen=seen,
        changes=(_change(holder, target.template, seen),),
        before=before,
        expected=msgspec.structs.replace(
            moved(before, rollout, index), aborted=False, full=False, promoted=False, run=None
        ),
        leaves=running,
        ends=runs_under_way(rollout),
        notes=tuple(_notes(rollout, found, skips, running)),
        undo=found,
    )


def same_undo(decided: Decision, fresh: Decision) -> bool:
    """Whether both bring back the same version from the same template, with the same to follow."""
    old, new = decided.undo, fresh.undo
    return (
        old is not None
        and new is not None
        and old.target.hash == new.target.hash
        and same(old.target.template, new.target.template)
        and same(old.before, new.before)
        and decided.notes == fresh.notes
    )


def in_window(rollout: Rollout, history: Sequence[Revision], target: Revision) -> bool:
    """Whether the controller skips the steps on the way back to this version.

    It does when it is older than the stable one, and fewer than `rollbackWindow.revisions` others
    were made in between.
    Source: argo-rollouts, rollout/sync.go (isRollbackWithinWindow).
    """
    window = rollout.spec.rollback_window
    stable = with_hash(history, rollout.status.stable_rs)
    if window is None or window.revisions <= 0 or stable is None:
        return False
    start, end = target.created, stable.created
    if start is None or end is None or start >= end:
        return False
    between = [one for one in history if one.created is not None and start < one.created < end]
    return len(between) < window.revisions


# ------------------------------------------------------------------------------------------------


def _is_invalid(seen: Seen) -> bool:
    """An invalid spec is never rolled out: the present template then has no revision."""
    try:
        must_be_valid(seen)
    except Refused:
        return True
    return False


def _is_first_deployment(rollout: Rollout) -> bool:
    """No version has become stable yet, and the controller has seen the present template."""
    status = rollout.status
    return bool(status.current_pod_hash) and not status.stable_rs and is_observed(rollout)


def _target(
    seen: Seen,
    history: Sequence[Revision],
    unreadable: Sequence[Unreadable],
    present: Json,
    to_revision: int | None,
    *,
    invalid: bool,
) -> Revision:
    if to_revision is not None:
        found = numbered(history, to_revision)
        if found is None:
            raise NotFound(
                f"it has no revision {to_revision}",
                subject=str(seen.ref),
                hint=[_known(history), *_not_read(unreadable)],
            )
        return found
    if invalid and history and not same(present, history[0].template):
        return history[0]
    if len(history) < 2:
        only = f"revision {history[0].number} is the only one" if history else "it has no revision"
        raise Refused(
            f"nothing to go back to: {only}",
            subject=str(seen.ref),
            hint=_not_read(unreadable),
        )
    if unreadable:
        raise Refused(
            "not undone: which revision is the one before is not certain",
            subject=str(seen.ref),
            hint=[*_not_read(unreadable), "--to-revision N names one"],
        )
    return history[1]


def _known(history: Sequence[Revision]) -> str:
    if not history:
        return "it has none at all: no ReplicaSet of it has a revision number"
    named = ", ".join(str(one.number) for one in history[:_MOST_NAMED])
    more = len(history) - _MOST_NAMED
    return f"it has {named}" + (f" and {more} older ones" if more > 0 else "")


def _not_read(unreadable: Sequence[Unreadable]) -> list[str]:
    return [f"ReplicaSet {one.name} cannot be read: {one.problem}" for one in unreadable[:3]]


def _skips(
    rollout: Rollout, history: Sequence[Revision], target: Revision, now: datetime
) -> Note | None:
    if target.hash and target.hash == rollout.status.stable_rs:
        return Note.SKIPS_TO_STABLE
    if in_window(rollout, history, target):
        return Note.SKIPS_IN_WINDOW
    blue_green = rollout.spec.strategy.blue_green is not None
    if blue_green and target.deadline is not None and target.deadline > now:
        return Note.SKIPS_STILL_UP
    return None


def running_plugins(rollout: Rollout) -> tuple[PluginRun, ...]:
    """The plugins at work, which the controller forgets at a new template without a word."""
    if is_fully_promoted(rollout) or rollout.status.abort:
        return ()
    return tuple(run for run in plugin_runs(rollout).values() if run.phase == "Running")


def _notes(
    rollout: Rollout, found: Undo, skips: Note | None, running: tuple[PluginRun, ...]
) -> list[Note]:
    notes: list[Note] = []
    if skips is not None:
        notes.append(skips)
    elif position(rollout).count:
        notes.append(Note.RUNS_ALL_STEPS)
    under_way = not is_fully_promoted(rollout) and bool(rollout.status.stable_rs)
    if under_way and skips is not Note.SKIPS_TO_STABLE:
        notes.append(Note.NOT_THE_STABLE_ONE)
    if rollout.status.promote_full:
        notes.append(Note.CLEARS_FULL)
    if running:
        notes.append(Note.PLUGIN_NOT_TOLD)
    if rollout.spec.paused:
        notes.append(Note.STAYS_HELD)
    if found.workload:
        notes.append(Note.CHANGES_WORKLOAD)
    if found.keepers:
        notes.append(Note.KEPT_ELSEWHERE)
    return notes


def _change(holder: Holder, template: Json, seen: Seen) -> Change:
    """One patch, which applies only while the template is the one that was seen.

    Where the rollout holds it, the versions it goes between have to be the same as well.
    """
    tests = [
        {"op": "test", "path": "/metadata/uid", "value": holder.uid},
        {"op": "test", "path": holder.pointer, "value": holder.template},
    ]
    if holder.kind is ROLLOUTS:
        tests += [
            {"op": "test", "path": pointer, "value": seen.at(pointer)}
            for pointer in ("/status/currentPodHash", "/status/stableRS")
            if seen.at(pointer) is not None
        ]
    replace = {"op": "replace", "path": holder.pointer, "value": template}
    return Change(
        kind=holder.kind,
        namespace=holder.namespace,
        name=holder.name,
        subresource="",
        operations=(*tests, replace),
    )
