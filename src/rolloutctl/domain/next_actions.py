"""What a person could do next, and what would come of it.

Facts for a view; the decisions and patches themselves are made in `rolloutctl.domain.changes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rolloutctl.domain.facts import ActionName, NextAction
from rolloutctl.domain.plugins import Availability, will_abort, will_terminate
from rolloutctl.domain.status import Status
from rolloutctl.domain.steps import Pause, StepProgress, current_index, pause_started
from rolloutctl.domain.wire import Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration


def next_actions(
    r: Rollout,
    status: Status,
    steps: Sequence[StepProgress],
    *,
    config: PluginConfiguration | None = None,
    revision: int | None = None,
    stable_revision: int | None = None,
) -> tuple[NextAction, ...]:
    """The actions that make sense now; none while the controller has not observed the spec.

    Source: argo-rollouts, section "Actions of a client".
    """
    if not status.observed:
        return ()
    return tuple(_actions(r, status, steps, config, revision or None, stable_revision))


# ------------------------------------------------------------------------------------------------


def _actions(
    r: Rollout,
    status: Status,
    steps: Sequence[StepProgress],
    config: PluginConfiguration | None,
    revision: int | None,
    stable_revision: int | None,
) -> Iterator[NextAction]:
    index = current_index(r)
    if r.spec.paused:
        yield NextAction(
            ActionName.RESUME,
            to_index=index if steps else None,
            to_step=steps[index].step if index < len(steps) else None,
        )
    if status.fully_promoted or not r.status.stable_rs:
        return
    if status.aborted:
        yield NextAction(
            ActionName.RETRY,
            to_index=0 if steps else None,
            to_step=steps[0].step if steps else None,
        )
        yield _promote_full(r, steps, config, revision)
        return
    if not status.promoting_fully:
        if not r.spec.paused:
            yield from _promote(r, steps, revision)
        yield _promote_full(r, steps, config, revision)
    yield NextAction(
        ActionName.ABORT,
        to_index=0 if steps else None,
        aborts=will_abort(r, config),
        to_revision=stable_revision,
    )


def _promote(
    r: Rollout, steps: Sequence[StepProgress], revision: int | None
) -> Iterator[NextAction]:
    blue_green = r.spec.strategy.blue_green
    if blue_green is not None:
        held = any(c.reason == "BlueGreenPause" for c in r.status.pause_conditions or ())
        # With automatic promotion, clearing the pause only restarts its countdown.
        if held and blue_green.auto_promotion_enabled is False:
            yield NextAction(ActionName.PROMOTE, to_revision=revision, completes=True)
        return
    index = current_index(r)
    if index >= len(steps):
        return
    passes_over: list[int] = []
    target = index + 1
    while target < len(steps) and _is_disabled(steps[target]):
        passes_over.append(target)
        target += 1
    yield NextAction(
        ActionName.PROMOTE,
        to_index=target,
        to_step=steps[target].step if target < len(steps) else None,
        passes_over=tuple(passes_over),
        skips=() if _at_pause(r, steps) else (index,),
        to_revision=revision,
        completes=target >= len(steps),
    )


def _promote_full(
    r: Rollout,
    steps: Sequence[StepProgress],
    config: PluginConfiguration | None,
    revision: int | None,
) -> NextAction:
    first = current_index(r) + (1 if _at_pause(r, steps) else 0)
    return NextAction(
        ActionName.PROMOTE_FULL,
        to_index=len(steps) if steps else None,
        skips=tuple(range(first, len(steps))),
        terminates=will_terminate(r, config),
        to_revision=revision,
        completes=True,
        needs_force=r.status.abort,
    )


def _at_pause(r: Rollout, steps: Sequence[StepProgress]) -> bool:
    """The current step is a pause that has begun: leaving it skips nothing."""
    index = current_index(r)
    return (
        index < len(steps)
        and isinstance(steps[index].step, Pause)
        and pause_started(r) is not None
        and not r.status.abort
    )


def _is_disabled(entry: StepProgress) -> bool:
    return entry.plugin is not None and entry.plugin.availability is Availability.DISABLED
