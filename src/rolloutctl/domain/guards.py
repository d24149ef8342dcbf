"""What every change of a rollout checks first, and the parts they share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from rolloutctl.domain.cluster import Change
from rolloutctl.domain.decision import Note, NotObserved, Position, Refused, Seen, add, patch
from rolloutctl.domain.gitops import Keeper
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.services import workload
from rolloutctl.domain.status import is_generation_observed, is_observed
from rolloutctl.domain.steps import StepProgress, current_index, progress, steps_of
from rolloutctl.domain.wire import Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration


def must_be_alive(seen: Seen) -> None:
    if seen.rollout.metadata.deletion_timestamp is not None:
        raise Refused("it is being deleted", subject=str(seen.ref))


def must_be_valid(seen: Seen) -> None:
    """With an invalid spec the controller does nothing until it is mended.

    Source: argo-rollouts, rollout/controller.go (getRolloutValidationErrors).
    """
    if not is_observed(seen.rollout):
        return
    for condition in seen.rollout.status.conditions or ():
        if condition.type == "InvalidSpec" and condition.status != "False":
            raise Refused(
                f"the controller does nothing with it while its spec is invalid:"
                f" {condition.message}",
                subject=str(seen.ref),
                hint="correct the spec first",
            )


def must_be_observed(seen: Seen) -> None:
    """Whatever is sent before the controller has seen the present template is lost.

    Source: argo-rollouts, rollout/sync.go (resetRolloutStatus on a new template or new steps).
    """
    rollout = seen.rollout
    if not rollout.status.observed_generation or not rollout.status.current_pod_hash:
        raise NotObserved(
            "no controller has looked at it yet",
            subject=str(seen.ref),
            hint="is an Argo Rollouts controller running here?",
        )
    if not is_observed(rollout):
        held = workload(rollout) if is_generation_observed(rollout) else ""
        what = f"the newest template of {held}" if held else "its newest spec"
        raise NotObserved(
            f"the controller has not yet seen {what}",
            subject=str(seen.ref),
            hint="what is sent before that would be lost",
        )
    if not rollout.status.stable_rs:
        raise NotObserved(
            "its first deployment is just starting",
            subject=str(seen.ref),
            hint="a first deployment runs no steps",
        )


def kept_note(keepers: tuple[Keeper, ...]) -> tuple[Note, ...]:
    """The note that the change will be taken back, where it will."""
    return (Note.KEPT_ELSEWHERE,) if keepers else ()


def unpause(seen: Seen) -> Change:
    return patch(seen, "", add("/spec/paused", False), saw=("/spec/paused",))


def muted_runs(
    runs: Iterable[PluginRun], rollout: Rollout, config: PluginConfiguration | None
) -> tuple[PluginRun, ...]:
    """The same runs, with what argo-rollouts-config says of their plugins."""
    known = plugin_runs(rollout, config)
    return tuple(known.get(run.index, run) for run in runs)


def steps_ahead(
    rollout: Rollout, config: PluginConfiguration | None = None
) -> tuple[StepProgress, ...]:
    """The current step, if it is one, and those after it."""
    index = current_index(rollout)
    return tuple(entry for entry in progress(rollout, config) if entry.index >= index)


def moved(
    before: Position, rollout: Rollout, index: int | None, *, held: bool | None = None
) -> Position:
    """`before`, at another step."""
    steps = steps_of(rollout)
    return msgspec.structs.replace(
        before,
        index=index,
        step=steps[index] if index is not None and index < len(steps) else None,
        run=plugin_runs(rollout).get(index) if index is not None else None,
        held=before.held if held is None else held,
    )
