"""What a person could do next, and what would come of it.

Facts for a view; the decisions and patches themselves are made in `rolloutctl.domain.changes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rolloutctl.domain.facts import ActionName, NextAction
from rolloutctl.domain.plugins import Availability, will_abort, will_terminate
from rolloutctl.domain.promoting import (
    INCONCLUSIVE,
    analysis_ahead,
    counts_down,
    ended_by_leaving,
    index_after_pause,
    passes_inconclusive,
    steps_skipped,
)
from rolloutctl.domain.runs import runs_under_way
from rolloutctl.domain.status import Status
from rolloutctl.domain.steps import StepProgress, current_index
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
    if status.aborted and not status.promoting_fully:
        if r.status.aborted_at is not None:  # else it is not carried out yet
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
        switches=_switched(r, r.status.stable_rs),
        ends=() if status.aborted else runs_under_way(r),
    )


def _promote(
    r: Rollout, steps: Sequence[StepProgress], revision: int | None
) -> Iterator[NextAction]:
    reasons = {condition.reason for condition in r.status.pause_conditions or ()}
    if not reasons and r.status.controller_pause:
        return  # promoted a moment ago
    again = bool(reasons & INCONCLUSIVE) and not passes_inconclusive(r)
    blue_green = r.spec.strategy.blue_green
    if blue_green is not None:
        if not reasons:
            return
        # With automatic promotion, lifting the pause only restarts its countdown: in full, then.
        at_once = counts_down(r) and reasons == {"BlueGreenPause"}
        yield NextAction(
            ActionName.PROMOTE,
            to_revision=revision,
            completes=at_once or (not again and blue_green.post_promotion_analysis is None),
            switches="" if again else _switched(r, r.status.current_pod_hash),
            analysis_again=again,
            skips_analysis=at_once and analysis_ahead(r),
            ends=runs_under_way(r) if at_once else (),
        )
        return
    index = current_index(r)
    if index >= len(steps):
        return
    target = index_after_pause(r) if reasons else index + 1
    passes_over: list[int] = []
    while index < target < len(steps) and _is_disabled(steps[target]):
        passes_over.append(target)
        target += 1
    yield NextAction(
        ActionName.PROMOTE,
        to_index=target,
        to_step=steps[target].step if target < len(steps) else None,
        passes_over=tuple(passes_over),
        skips=() if reasons else (index,),
        to_revision=revision,
        completes=target >= len(steps),
        analysis_again=again,
        ends=() if reasons else ended_by_leaving(r),
    )


def _promote_full(
    r: Rollout,
    steps: Sequence[StepProgress],
    config: PluginConfiguration | None,
    revision: int | None,
) -> NextAction:
    return NextAction(
        ActionName.PROMOTE_FULL,
        to_index=len(steps) if steps else None,
        skips=tuple(entry.index for entry in steps_skipped(r, config)),
        terminates=will_terminate(r, config),
        to_revision=revision,
        completes=True,
        needs_force=r.status.abort,
        switches=_switched(r, r.status.current_pod_hash),
        skips_analysis=analysis_ahead(r),
        ends=() if r.status.abort else runs_under_way(r),
    )


def _switched(r: Rollout, hash: str) -> str:
    """The active Service, if it selects another version than this one; "" if not."""
    blue_green = r.spec.strategy.blue_green
    active = r.status.blue_green.active_selector
    return blue_green.active_service if blue_green is not None and active not in {"", hash} else ""


def _is_disabled(entry: StepProgress) -> bool:
    return entry.plugin is not None and entry.plugin.availability is Availability.DISABLED
