"""`spec.restartAt`: pods older than that are evicted, a few at a time.

Source: argo-rollouts, rollout/restart.go.
"""

from __future__ import annotations

from rolloutctl.sandbox.client import ApiError

from . import pods
from .context import Context
from .objects import Obj, dig, moment_of, name, namespace
from .sizes import limits, pods_of

CHECK_SECONDS = 30.0


def reconcile(context: Context) -> bool:
    """Evict what may be evicted now; True if anything was, which ends the reconcile."""
    wanted = dig(context.rollout, "spec", "restartAt")
    moment = moment_of(wanted)
    if moment is None or wanted == context.restarted_at:
        return False
    wait = (moment - context.cluster.timing.now()).total_seconds()
    if wait > 0:
        # A moment on the wall's clock, so the speed of the cluster does not shorten it.
        context.again(wait * context.cluster.clock.speed)
        return False
    ordered = [context.separate_stable, context.new, *context.others]
    old: list[Obj] = []
    for each in ordered:
        if each is None:
            continue
        for pod in context.cluster.pods.owned(each):
            created = moment_of(dig(pod, "metadata", "creationTimestamp"))
            if created is not None and created < moment and not pods.is_gone(pod):
                old.append(pod)
    if not old:
        context.restarted_at = wanted
        return False
    context.again(CHECK_SECONDS)
    at_once = max(1, _unavailable(context))
    total = context.total("replicas")
    spare = context.total("availableReplicas") - (max(context.replicas, total) - at_once)
    evicted = False
    for pod in old[: max(0, min(at_once, spare))]:
        evicted |= _evict(context, pod)
    return evicted


def _unavailable(context: Context) -> int:
    if not context.is_blue_green:
        return limits(context.rollout).unavailable
    given = dig(context.rollout, "spec", "strategy", "blueGreen", "maxUnavailable")
    return min(pods_of(given, context.replicas, up=False), context.replicas)


def _evict(context: Context, pod: Obj) -> bool:
    try:
        context.cluster.client.evict(name(pod), namespace(pod))
    except ApiError as error:
        if error.status not in (404, 429):  # gone already, or a disruption budget says no
            raise
        return False
    return True
