"""What makes the traffic routing of a canary invalid, and the objects it names.

Source: argo-rollouts, pkg/apis/rollouts/validation, and rollout/trafficrouting/istio.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .faults import internal, invalid, required
from .objects import Obj, dig, items, mapping, text
from .routers.istio import managed_routes, virtual_services_of
from .routers.routes import Routes, chosen_http, chosen_tcp, chosen_tls, host_of, routes_of, without
from .run_specs import Find
from .steps import is_kind

_STRATEGY = "spec.strategy"
_ISTIO = f"{_STRATEGY}.canary.trafficRouting.istio"
_NEED_SERVICES = ("alb", "smi", "apisix", "ambassador", "nginx", "appMesh", "traefik")
_PING_PONG = ("pingService", "pongService")
_ONE_VALUE = ("exact", "regex", "prefix")


def spec_errors(rollout: Obj, canary: Obj) -> Iterator[str]:
    """Faults of Services and routers, before those of steps."""
    routing = canary.get("trafficRouting")
    yield from _ping_pong_errors(canary, mapping(canary, "pingPong"))
    if _needs_services(canary):
        said = "Canary service and Stable service must to be set to use Traffic Routing"
        for key in ("stableService", "canaryService"):
            if not text(canary, key):
                yield invalid(f"{_STRATEGY}.{key}", "", said)
    most = dig(routing, "maxTrafficWeight")
    if most is not None and dig(routing, "nginx") is None and not dig(routing, "plugins"):
        yield invalid(
            f"{_STRATEGY}.trafficRouting.maxTrafficWeight",
            most,
            "Canary maxTrafficWeight in traffic routing only support in Nginx and Plugins",
        )


def _needs_services(canary: Obj) -> bool:
    routing = mapping(canary, "trafficRouting")
    if canary.get("pingPong") is not None:
        return False
    if routing.get("istio") is not None and dig(routing, "istio", "destinationRule") is None:
        return True
    return any(routing.get(each) is not None for each in _NEED_SERVICES)


def _ping_pong_errors(canary: Obj, ping_pong: Obj) -> Iterator[str]:
    if not ping_pong:
        return
    path = f"{_STRATEGY}.pingPong"
    for key in _PING_PONG:
        if not text(ping_pong, key):
            said = "Ping service and Pong service must to be set to use Ping-Pong feature"
            yield invalid(f"{path}.{key}", "", said)
    ping, pong = (text(ping_pong, key) for key in _PING_PONG)
    if ping == pong:
        yield invalid(
            f"{path}.pingService",
            ping,
            "This rollout uses the same service for the ping and pong services, "
            "but two different services are required.",
        )
    alb = dig(canary, "trafficRouting", "alb")
    if alb is not None and not text(alb, "rootService"):
        said = "Root service field is required for the configuration with ALB and ping-pong "
        yield invalid(f"{_STRATEGY}.trafficRouting.alb.rootService", "", f"{said}feature enabled")


def step_errors(path: str, step: Obj, canary: Obj) -> Iterator[str]:
    """Faults of one step that takes a router."""
    routing = mapping(canary, "trafficRouting")
    is_routed = canary.get("trafficRouting") is not None
    if is_kind(step, "setCanaryScale") and not is_routed:
        said = "SetCanaryScale requires TrafficRouting to be set"
        yield required(f"{_STRATEGY}.trafficRouting", said)
    for kind, errors in (("setHeaderRoute", _header_errors), ("setMirrorRoute", _mirror_errors)):
        if is_kind(step, kind):
            yield from errors(f"{path}.{kind}", mapping(step, kind), routing)
    for kind in ("setHeaderRoute", "setMirrorRoute"):
        if not is_routed or not is_kind(step, kind):
            continue
        named = text(step, kind, "name")
        if routing.get("managedRoutes") is None:
            field = "spec.strategy.canary.trafficRouting.managedRoutes"
            said = f"Rollout has missing field '{field}'"
            yield required(f"{_STRATEGY}.trafficRouting.managedRoutes", said)
        elif all(text(each, "name") != named for each in items(routing, "managedRoutes")):
            said = "Steps define a route that does not exist in "
            said += "spec.strategy.canary.trafficRouting.managedRoutes"
            yield invalid(f"{path}.{kind}", named, said)


def _header_errors(path: str, step: Obj, routing: Obj) -> Iterator[str]:
    if not any(routing.get(each) for each in ("istio", "alb", "apisix", "plugins")):
        said = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix"
        yield invalid(path, text(step, "name"), said)
        return
    for index, match in enumerate(items(step, "match")):
        value, where = mapping(match, "headerValue"), f"{path}.match[{index}]"
        if routing.get("alb") is not None and value:
            if not value.get("exact") or value.get("regex") or value.get("prefix"):
                said = "SetHeaderRoute match value invalid. ALB supports 'exact' value only"
                yield invalid(where, value, said)
        else:
            yield from _value_errors(where, value)


def _mirror_errors(path: str, step: Obj, routing: Obj) -> Iterator[str]:
    if not any(routing.get(each) for each in ("istio", "plugins")):
        said = "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins"
        yield invalid(path, text(step, "name"), said)
    for index, match in enumerate(items(step, "match")):
        for key in ("method", "path"):
            if dig(match, key) is not None:
                yield from _value_errors(f"{path}.match[{index}]", mapping(match, key))


def _value_errors(path: str, value: Obj) -> Iterator[str]:
    given = sum(1 for key in _ONE_VALUE if value.get(key))
    if given == 0:
        said = "StringMatch value missed, match value must have one of the following: "
        yield invalid(path, value or None, f"{said}exact, regex, prefix")
    elif given > 1:
        said = "StringMatch match value must have exactly one of the following: "
        yield invalid(path, value, f"{said}exact, regex, prefix")


def reference_errors(rollout: Obj, find: Find) -> Iterator[str]:
    """Faults of the VirtualServices; a missing DestinationRule is found when it is written."""
    istio = dig(rollout, "spec", "strategy", "canary", "trafficRouting", "istio")
    if istio is None:
        return
    several = bool(items(istio, "virtualServices"))
    if several == (dig(istio, "virtualService") is not None):
        yield internal(_ISTIO, "either VirtualService or VirtualServices must be configured")
        return
    path = f"{_ISTIO}.{'virtualServices' if several else 'virtualService'}.name"
    for named in virtual_services_of(rollout):
        wanted = text(named, "name")
        short = wanted.partition(".")[0]
        found = find("virtualservices", wanted)
        if found is None:
            said = f'virtualservices.networking.istio.io "{short}" not found'
            yield invalid(path, short, said)
        else:
            yield from _virtual_service_errors(rollout, path, short, named, found)


def _virtual_service_errors(
    rollout: Obj, path: str, short: str, named: Obj, found: Obj
) -> Iterator[str]:
    http, tls, tcp = (routes_of(found, kind) for kind in ("http", "tls", "tcp"))
    if not (http or tls or tcp):
        said = "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"
        yield invalid(path, short, said)
    managed = managed_routes(rollout)
    for kind, routes, choose, key in (
        ("HTTP", http, chosen_http, "routes"),
        ("TLS", tls, chosen_tls, "tlsRoutes"),
        ("TCP", tcp, chosen_tcp, "tcpRoutes"),
    ):
        if routes:
            own = without(routes, managed) if kind == "HTTP" else routes
            said = _routes_error(rollout, own, choose, items(named, key), kind, key)
            if said:
                said = f"Istio VirtualService has invalid {kind} routes. Error: {said}"
                yield invalid(path, short, said)


def _routes_error(
    rollout: Obj, routes: Routes, choose: Any, wanted: list[Any], kind: str, key: str
) -> str:
    try:
        places = choose(routes, wanted)
    except LookupError as error:
        return str(error)
    for at in places:
        said = _destinations_error(rollout, routes[at])
        if said:
            return said
    if not wanted and len(routes) > 1:
        return (
            f"spec.{kind.lower()}[] should be set in VirtualService and it must have exactly one "
            f"route when omitting spec.strategy.canary.trafficRouting.istio.virtualService.{key}"
        )
    return ""


def _destinations_error(rollout: Obj, route: Obj) -> str:
    canary = mapping(rollout, "spec", "strategy", "canary")
    rule = mapping(canary, "trafficRouting", "istio", "destinationRule")
    destinations = items(route, "route")
    if rule:
        present = {text(each, "destination", "subset") for each in destinations}
        for which in ("canary", "stable"):
            subset = text(rule, f"{which}SubsetName")
            if subset not in present:
                return f"{which.title()} DestinationRule subset '{subset}' not found in route"
        return ""
    hosts = {host_of(each) for each in destinations if isinstance(each, dict)}
    ping_pong = mapping(canary, "pingPong")
    wanted = (
        (("Ping", text(ping_pong, "pingService")), ("Pong", text(ping_pong, "pongService")))
        if ping_pong
        else (("Canary", text(canary, "canaryService")), ("Stable", text(canary, "stableService")))
    )
    for which, service in wanted:
        if service not in hosts:
            return f"{which} Service '{service}' not found in route"
    return ""
