"""One reconcile of one Rollout, in the controller's order.

Source: argo-rollouts, rollout/controller.go, context.go and canary.go.
"""

from __future__ import annotations

from . import (
    bluegreen,
    canary,
    canary_status,
    claims,
    ephemeral,
    invalid,
    restart,
    revisions,
    rollbacks,
    rollout_analysis,
    rollout_experiments,
    services,
    status,
    traffic,
    workloads,
)
from .cluster import Cluster
from .conditions import condition, find, of_status, put
from .context import Context
from .objects import Obj, dig, name, namespace, number, text
from .pausing import STEP_PAUSE, pause_condition
from .step_plugins import Calls, Resolve
from .steps import current_step, is_kind, pause_seconds

RESYNC_SECONDS = 900.0
MISSING_SECONDS = 10.0
"""Until what a rollout refers to is looked for again."""


class Rollouts:
    """The Argo Rollouts controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def reconcile(self, place: str, named: str, resolve: Resolve) -> None:
        """Bring the Rollout one step on; at most one canary step is passed."""
        rollout = self._cluster.rollouts.get(place, named)
        if rollout is None or "deletionTimestamp" in rollout["metadata"]:
            return
        self._cluster.later(("rollout", place, named), RESYNC_SECONDS)
        try:
            workload = workloads.resolve(self._cluster, rollout)
        except workloads.Unresolved as unresolved:
            self._cluster.later(("rollout", place, named), workloads.RETRY_SECONDS)
            self._invalid(rollout, str(unresolved))
            return
        if workload is not None:
            rollout = workloads.note_generation(self._cluster, rollout, workload)
        whole = workloads.resolved(rollout, workload)
        error = invalid.spec_error(whole)
        if error is None:
            error = invalid.reference_error(
                whole, lambda plural, wanted: self._cluster.referred(plural, place, wanted)
            )
            if error is not None:
                self._cluster.later(("rollout", place, named), MISSING_SECONDS)
        if error is not None:
            self._invalid(rollout, error)
            return
        claims.claim(self._cluster, whole)
        context = Context(self._cluster, rollout, workload)
        if not self._prepare(context):
            return
        strategy = "blueGreen" if context.is_blue_green else "canary"
        if dig(rollout, "spec", "strategy", strategy, "antiAffinity") is not None:
            self._cluster.leaves_out(rollout, "antiAffinity, there is but one node")
        if context.is_blue_green:
            bluegreen.reconcile(context)
        else:
            self._canary(context, resolve)
        workloads.scale_down(context)

    def _prepare(self, context: Context) -> bool:
        """Have a new ReplicaSet with its revision; False if the reconcile ends with that."""
        rollout = context.rollout
        if dig(rollout, "spec", "replicas") is None:
            written = self._cluster.client.patch(
                "rollouts", name(rollout), {"spec": {"replicas": 1}}, namespace(rollout)
            )
            self._cluster.rollouts.put(written)
            return False
        if context.new is None:
            revisions.create(context)
            return False
        if context.fully_promoted and context.pausing.aborted:
            context.pausing.remove_abort()
        revisions.synchronise(context)
        return not self._follow_pauses(context)

    def _canary(self, context: Context, resolve: Resolve) -> None:
        if canary.is_scaling_event(context):
            canary.resize(context)
            status.resized(context)
            return
        if status.changed(context):
            canary_status.synchronise(context)
            return
        if restart.reconcile(context):
            return
        ephemeral.reconcile(context)
        revisions.clean_up(context)
        services.reconcile(context)
        self._skip_what_a_promotion_skips(context)
        traffic.reconcile(context)
        rollout_experiments.reconcile(context)
        rollout_analysis.reconcile(context)
        if (
            not context.pausing.is_inconclusive_now
            and not canary.resize(context)
            and not self._pause(context)
        ):
            self._call_plugins(context, resolve)
        canary_status.synchronise(context)

    def _skip_what_a_promotion_skips(self, context: Context) -> None:
        if context.promote_full or rollbacks.in_window(context):
            context.pausing.remove_abort()

    def _follow_pauses(self, context: Context) -> bool:
        """Progressing and Paused follow pause, resume and retry; True if that was written."""
        rollout = context.rollout
        generation = str(number(rollout, "metadata", "generation"))
        if dig(rollout, "status", "observedGeneration") != generation:
            return False
        conditions = of_status(context.status)
        at = self._cluster.timing.stamp()
        progressing, paused = find(conditions, "Progressing"), find(conditions, "Paused")
        reason = text(progressing, "reason")
        is_paused = bool(context.status.get("pauseConditions"))
        is_paused = is_paused or dig(rollout, "spec", "paused") is True
        new: list[Obj] = []
        if reason == "RolloutAborted":
            if dig(rollout, "status", "abort") is not True:
                said = "Retrying Rollout after abort"
                new.append(condition("Progressing", "Unknown", "RolloutRetry", said, at))
        else:
            if is_paused != (reason == "RolloutPaused") and not (
                is_paused and context.fully_promoted
            ):
                what = "RolloutPaused" if is_paused else "RolloutResumed"
                said = "Rollout is paused" if is_paused else "Rollout is resumed"
                new.append(condition("Progressing", "Unknown", what, said, at))
            if is_paused != (text(paused, "status") == "True"):
                said = "Rollout is paused"
                new.append(condition("Paused", str(is_paused), "RolloutPaused", said, at))
        changed = [put(conditions, each) for each in new]
        if not any(changed):
            return False
        self._cluster.timing.stamped(rollout["metadata"]["uid"], "progress", at)
        written = context.status_copy()
        written["conditions"] = conditions
        status.write(context, written, None)
        return True

    def _pause(self, context: Context) -> bool:
        """Enter or stay in the pause of the current step; True while in it."""
        step = current_step(context.rollout)
        if dig(context.rollout, "spec", "paused") is True or not is_kind(step, "pause"):
            return False
        if context.pausing.aborted or context.promote_full:
            return False
        assert step is not None
        current = pause_condition(context.rollout, STEP_PAUSE)
        if current is None:
            if dig(context.rollout, "status", "controllerPause") is not True:
                context.pausing.add(STEP_PAUSE)
            return True
        seconds = pause_seconds(step["pause"])
        if seconds is not None:
            left = seconds - context.pausing.waited(current)
            if left < RESYNC_SECONDS:
                # It is over only when more than the duration has passed.
                context.again(max(0.0, left) + 0.001)
        return True

    def _call_plugins(self, context: Context, resolve: Resolve) -> None:
        uid, timing = context.rollout["metadata"]["uid"], self._cluster.timing
        calls = Calls(
            context.rollout,
            resolve=resolve,
            now=timing.now(),
            elapsed=lambda what, since: timing.elapsed(uid, what, since),
        )
        context.plugins = calls.round
        if context.promote_full or context.fully_promoted:
            calls.terminate()
        elif context.pausing.aborted:
            calls.abort()
        else:
            calls.proceed()
        for kind, reason, message in calls.round.events:
            context.event(kind, reason, message)
        for run in calls.round.called:
            timing.stamped(uid, f"plugin {run['index']}", run["updatedAt"])
        if calls.round.abort_cause is not None:
            context.pausing.abort(calls.round.abort_cause)
        if calls.round.again_in is not None:
            context.again(calls.round.again_in)

    def _invalid(self, rollout: Obj, error: str) -> None:
        context = Context(self._cluster, rollout)
        written = context.status_copy()
        conditions = of_status(written)
        at = self._cluster.timing.stamp()
        said = invalid.message(rollout, error)
        put(conditions, condition("InvalidSpec", "True", "InvalidSpec", said, at))
        written["conditions"] = conditions
        status.write(context, written, None)
