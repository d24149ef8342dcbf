"""Where traffic can go besides the weights: blue-green's Services, and routes added by steps."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutctl.domain.facts import BlueGreenFacts, PingPongFacts, RouteFacts, ServiceFacts, Stage
from rolloutctl.domain.runs import is_under_way
from rolloutctl.domain.status import desired_replicas, is_fully_promoted
from rolloutctl.domain.steps import current_index
from rolloutctl.domain.wire import CanaryStep, Rollout


def blue_green_facts(r: Rollout, revisions: Mapping[str, int]) -> BlueGreenFacts | None:
    """The Services with what they select; `revisions` by pod template hash. None for a canary.

    Source: argo-rollouts, rollout/bluegreen.go, rollout/service.go.
    """
    strategy, status = r.spec.strategy.blue_green, r.status
    if strategy is None:
        return None

    def service(name: str, hash: str) -> ServiceFacts:
        return ServiceFacts(name, hash, revisions.get(hash) if hash else None)

    active, count = status.blue_green.active_selector, strategy.preview_replica_count
    ahead = not is_fully_promoted(r) and active != status.current_pod_hash
    small = (
        count is not None
        and count < desired_replicas(r)
        and ahead
        and not (status.blue_green.scale_up_preview_check_point or status.promote_full)
    )
    return BlueGreenFacts(
        active=service(strategy.active_service, active),
        preview=service(strategy.preview_service, status.blue_green.preview_selector)
        if strategy.preview_service
        else None,
        stage=stage(r),
        preview_replicas=count if small else None,
        astray=status.abort and bool(active) and active != status.stable_rs,
    )


def stage(r: Rollout) -> Stage | None:
    """How far a blue-green update has come; None without one, or when it is aborted."""
    strategy, status = r.spec.strategy.blue_green, r.status
    if strategy is None or not status.stable_rs or is_fully_promoted(r) or status.abort:
        return None
    own = status.blue_green
    if own.active_selector and own.active_selector == status.current_pod_hash:
        analysed = is_under_way(own.post_promotion_analysis_run_status)
        return Stage.POST_PROMOTION if analysed else Stage.SWITCHED
    if is_under_way(own.pre_promotion_analysis_run_status):
        return Stage.PRE_PROMOTION
    reasons = {condition.reason for condition in status.pause_conditions or ()}
    return Stage.PAUSED if "BlueGreenPause" in reasons else Stage.PREVIEW


def ping_pong_facts(r: Rollout) -> PingPongFacts | None:
    """None where no two Services take turns.

    Before the first promotion, which makes ping the stable one, it is pong.
    Source: argo-rollouts, rollout/trafficrouting/service_helper.go.
    """
    canary = r.spec.strategy.canary
    if canary is None or canary.ping_pong is None:
        return None
    ping, pong = canary.ping_pong.ping_service, canary.ping_pong.pong_service
    if r.status.canary.stable_ping_pong == "ping":
        return PingPongFacts("ping", ping, pong)
    return PingPongFacts("pong", pong, ping)


def routes_in_force(r: Rollout, canary_available: int) -> tuple[RouteFacts, ...]:
    """The header and mirror routes that the steps so far left, in the order they were added.

    They go with an abort, a promotion, and while the canary has no available pod.
    Source: argo-rollouts, rollout/trafficrouting.go.
    """
    canary, status = r.spec.strategy.canary, r.status
    if canary is None or not canary.traffic_routing or not canary_available:
        return ()
    if not status.stable_rs or is_fully_promoted(r) or status.abort or status.promote_full:
        return ()
    found: dict[str, RouteFacts] = {}
    for step in (canary.steps or [])[: current_index(r) + 1]:
        route = _route(step)
        if route is None:
            continue
        found.pop(route.name, None)
        if route.match:
            found[route.name] = route
    return tuple(found.values())


def workload(r: Rollout) -> str:
    """What holds the pod template, "" where the rollout has its own."""
    found = r.spec.workload_ref
    return "" if found is None else "/".join(part for part in (found.kind, found.name) if part)


# ------------------------------------------------------------------------------------------------


def _route(step: CanaryStep) -> RouteFacts | None:
    if step.set_header_route is not None:
        header = step.set_header_route
        return RouteFacts("header", header.name, tuple(header.match or ()))
    if step.set_mirror_route is not None:
        mirror = step.set_mirror_route
        return RouteFacts("mirror", mirror.name, tuple(mirror.match or ()), mirror.percentage)
    return None
