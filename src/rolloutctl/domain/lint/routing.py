"""Traffic routing of canaries: what the controller refuses, before it looks at other objects.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.lint.finding import Finding, Manifest, Path
from rolloutctl.domain.lint.reading import inside, mapping, objects, text
from rolloutctl.domain.lint.rollouts import CANARY, SAID
from rolloutctl.domain.lint.wording import invalid
from rolloutctl.domain.wire import Json

_WITH_SERVICES = ("alb", "smi", "apisix", "ambassador", "nginx", "appMesh", "traefik")
_MATCHES = ("exact", "regex", "prefix")


def routing_faults(manifest: Manifest, canary: Json) -> Iterator[Finding]:
    """Services that have to be named, and limits only some routers have."""
    yield from _ping_pong(manifest, canary)
    if _needs_services(canary):
        said = "Canary service and Stable service must to be set to use Traffic Routing"
        for key in ("stableService", "canaryService"):
            if not text(canary, key):
                yield invalid(manifest, (*CANARY, key), f"{SAID}.{key}", "", said)
    routing = mapping(canary, "trafficRouting")
    most = routing.get("maxTrafficWeight")
    if most is not None and routing.get("nginx") is None and not routing.get("plugins"):
        said = "Canary maxTrafficWeight in traffic routing only support in Nginx and Plugins"
        where = (*CANARY, "trafficRouting", "maxTrafficWeight")
        yield invalid(manifest, where, f"{SAID}.trafficRouting.maxTrafficWeight", most, said)


def _needs_services(canary: Json) -> bool:
    routing = mapping(canary, "trafficRouting")
    if canary.get("pingPong") is not None:
        return False
    if routing.get("istio") is not None and inside(routing, "istio", "destinationRule") is None:
        return True
    return any(routing.get(router) is not None for router in _WITH_SERVICES)


def _ping_pong(manifest: Manifest, canary: Json) -> Iterator[Finding]:
    found = mapping(canary, "pingPong")
    if not found:
        return
    here, place = (*CANARY, "pingPong"), f"{SAID}.pingPong"
    for key in ("pingService", "pongService"):
        if not text(found, key):
            said = "Ping service and Pong service must to be set to use Ping-Pong feature"
            yield invalid(manifest, (*here, key), f"{place}.{key}", "", said)
    ping = text(found, "pingService")
    if ping == text(found, "pongService"):
        said = (
            "This rollout uses the same service for the ping and pong services, but two different"
            " services are required."
        )
        yield invalid(manifest, (*here, "pingService"), f"{place}.pingService", ping, said)
    alb = inside(canary, "trafficRouting", "alb")
    if alb is not None and not text(alb, "rootService"):
        said = (
            "Root service field is required for the configuration with ALB and ping-pong feature"
            " enabled"
        )
        where = (*CANARY, "trafficRouting", "alb", "rootService")
        yield invalid(manifest, where, f"{SAID}.trafficRouting.alb.rootService", "", said)


def header_route(
    manifest: Manifest, path: Path, said: str, step: Json, routing: Json
) -> Iterator[Finding]:
    """A step that sends what has a header to the canary."""
    here, place = (*path, "setHeaderRoute"), f"{said}.setHeaderRoute"
    if not any(routing.get(router) for router in ("istio", "alb", "apisix", "plugins")):
        detail = "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix"
        yield invalid(manifest, here, place, text(step, "setHeaderRoute", "name"), detail)
        return
    for index, match in objects(step, "setHeaderRoute", "match"):
        value = mapping(match, "headerValue")
        where, spot = (*here, "match", index), f"{place}.match[{index}]"
        exact = value.get("exact") and not (value.get("regex") or value.get("prefix"))
        if routing.get("alb") is not None and value:
            if not exact:
                detail = "SetHeaderRoute match value invalid. ALB supports 'exact' value only"
                yield invalid(manifest, where, spot, value, detail)
        else:
            yield from _one_match(manifest, where, spot, value)


def mirror_route(
    manifest: Manifest, path: Path, said: str, step: Json, routing: Json
) -> Iterator[Finding]:
    """A step that copies traffic to the canary."""
    here, place = (*path, "setMirrorRoute"), f"{said}.setMirrorRoute"
    if not any(routing.get(router) for router in ("istio", "plugins")):
        detail = "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins"
        yield invalid(manifest, here, place, text(step, "setMirrorRoute", "name"), detail)
    for index, match in objects(step, "setMirrorRoute", "match"):
        for key in ("method", "path"):
            if match.get(key) is not None:
                where, spot = (*here, "match", index, key), f"{place}.match[{index}]"
                yield from _one_match(manifest, where, spot, mapping(match, key))


def _one_match(manifest: Manifest, path: Path, said: str, value: Json) -> Iterator[Finding]:
    given = sum(1 for key in _MATCHES if value.get(key))
    if not given:
        detail = (
            "StringMatch value missed, match value must have one of the following: exact, regex,"
            " prefix"
        )
        yield invalid(manifest, path, said, value or None, detail)
    elif given > 1:
        detail = (
            "StringMatch match value must have exactly one of the following: exact, regex, prefix"
        )
        yield invalid(manifest, path, said, value, detail)
