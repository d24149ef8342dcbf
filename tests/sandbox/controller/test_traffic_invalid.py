"""What makes traffic routing invalid, in the controller's words."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.controller import invalid
from support.routed import (
    ISTIO,
    SUBSETS,
    Routed,
    destination_rule,
    route,
    service,
    to,
    virtual_service,
)

Obj = dict[str, Any]

SERVICES: Obj = {"stableService": "stable", "canaryService": "canary"}
ROUTES = "spec.strategy.canary.trafficRouting.managedRoutes"
STRATEGY = "spec.strategy"
BETA: Obj = {"name": "beta", "match": [{"headerName": "X", "headerValue": {"exact": "yes"}}]}
ONE_OF = "exact, regex, prefix"


def rollout(*steps: Obj, **canary: Any) -> Obj:
    labels = {"app": "demo"}
    spec = {"containers": [{"name": "app", "image": "demo:v1"}]}
    return {
        "metadata": {"name": "demo", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
            "strategy": {"canary": {"steps": list(steps), **canary}},
        },
    }


def header(**value: str) -> Obj:
    match = [{"headerName": "X", "headerValue": value}]
    return {"setHeaderRoute": {"name": "beta", "match": match}}


def managed(**more: Any) -> Obj:
    return {**ISTIO, "managedRoutes": [{"name": "beta"}], **more}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(rollout(trafficRouting=ISTIO, **SERVICES), None, id="good"),
        pytest.param(rollout(trafficRouting=SUBSETS), None, id="subsets need no Services"),
        pytest.param(rollout(trafficRouting={"plugins": {"a/b": {}}}), None, id="nor do plugins"),
        pytest.param(
            rollout(trafficRouting=ISTIO, canaryService="canary"),
            f'{STRATEGY}.stableService: Invalid value: "": '
            "Canary service and Stable service must to be set to use Traffic Routing",
            id="no stable Service",
        ),
        pytest.param(
            rollout(trafficRouting={"nginx": {}}, stableService="stable"),
            f'{STRATEGY}.canaryService: Invalid value: "": '
            "Canary service and Stable service must to be set to use Traffic Routing",
            id="no canary Service",
        ),
        pytest.param(
            rollout(trafficRouting={**ISTIO, "maxTrafficWeight": 1000}, **SERVICES),
            f"{STRATEGY}.trafficRouting.maxTrafficWeight: Invalid value: 1000: "
            "Canary maxTrafficWeight in traffic routing only support in Nginx and Plugins",
            id="Istio counts to a hundred",
        ),
        pytest.param(
            rollout(
                {"setWeight": 1001},
                trafficRouting={"nginx": {}, "maxTrafficWeight": 1000},
                **SERVICES,
            ),
            f"{STRATEGY}.steps[0].setWeight: Invalid value: 1001: "
            "SetWeight needs to be between 0 and 1000",
            id="more than all",
        ),
        pytest.param(
            rollout(
                trafficRouting=ISTIO, dynamicStableScale=True, scaleDownDelaySeconds=5, **SERVICES
            ),
            f"{STRATEGY}.dynamicStableScale: Invalid value: true: "
            "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
            id="dynamic with a delay",
        ),
        pytest.param(
            rollout(trafficRouting=ISTIO, pingPong={"pingService": "ping", "pongService": ""}),
            f'{STRATEGY}.pingPong.pongService: Invalid value: "": '
            "Ping service and Pong service must to be set to use Ping-Pong feature",
            id="ping without pong",
        ),
        pytest.param(
            rollout(trafficRouting=ISTIO, pingPong={"pingService": "a", "pongService": "a"}),
            f'{STRATEGY}.pingPong.pingService: Invalid value: "a": This rollout uses the same '
            "service for the ping and pong services, but two different services are required.",
            id="ping is pong",
        ),
        pytest.param(
            rollout({"setHeaderRoute": BETA}),
            f'{STRATEGY}.steps[0].setHeaderRoute: Invalid value: "beta": '
            "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
            id="header route without routing",
        ),
        pytest.param(
            rollout({"setHeaderRoute": BETA}, trafficRouting={"nginx": {}}, **SERVICES),
            f'{STRATEGY}.steps[0].setHeaderRoute: Invalid value: "beta": '
            "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix",
            id="header route of nginx",
        ),
        pytest.param(
            rollout({"setMirrorRoute": {"name": "m"}}, trafficRouting={"alb": {}}, **SERVICES),
            f'{STRATEGY}.steps[0].setMirrorRoute: Invalid value: "m": '
            "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins",
            id="mirror of ALB",
        ),
        pytest.param(
            rollout({"setHeaderRoute": BETA}, trafficRouting=ISTIO, **SERVICES),
            f"{STRATEGY}.trafficRouting.managedRoutes: Required value: "
            f"Rollout has missing field '{ROUTES}'",
            id="no managed routes",
        ),
        pytest.param(
            rollout({"setHeaderRoute": {"name": "x"}}, trafficRouting=managed(), **SERVICES),
            f'{STRATEGY}.steps[0].setHeaderRoute: Invalid value: "x": '
            f"Steps define a route that does not exist in {ROUTES}",
            id="route not managed",
        ),
        pytest.param(
            rollout(header(), trafficRouting=managed(), **SERVICES),
            f"{STRATEGY}.steps[0].setHeaderRoute.match[0]: Invalid value: null: StringMatch "
            f"value missed, match value must have one of the following: {ONE_OF}",
            id="match without value",
        ),
        pytest.param(
            rollout(header(exact="a", prefix="b"), trafficRouting=managed(), **SERVICES),
            f"{STRATEGY}.steps[0].setHeaderRoute.match[0]: Invalid value: "
            '{"exact":"a","prefix":"b"}: StringMatch match value must have exactly one of the '
            f"following: {ONE_OF}",
            id="match with two values",
        ),
        pytest.param(
            rollout(header(regex="a"), trafficRouting=managed(alb={}), **SERVICES),
            f"{STRATEGY}.steps[0].setHeaderRoute.match[0]: Invalid value: "
            '{"regex":"a"}: '
            "SetHeaderRoute match value invalid. ALB supports 'exact' value only",
            id="ALB compares whole values",
        ),
    ],
)
def test_the_first_fault_of_the_spec(found: Obj, wanted: str | None) -> None:
    assert invalid.spec_error(found) == wanted


def error(found: Obj, *objects: Obj) -> str | None:
    """The first fault of what `found` names, where `objects` and its Services are there."""
    known = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    kinds = {"virtualservices": "VirtualService", "services": "Service"}

    def find(plural: str, name: str) -> Obj | None:
        named = known.get((kinds.get(plural, ""), name))
        return service(name) if plural == "services" else named

    return invalid.reference_error(found, find)


NAMED = "spec.strategy.canary.trafficRouting.istio.virtualService.name"


@pytest.mark.parametrize(
    ("objects", "routing", "detail"),
    [
        ((), ISTIO, 'virtualservices.networking.istio.io "demo" not found'),
        (
            (virtual_service(route("other")),),
            ISTIO,
            "Istio VirtualService has invalid HTTP routes. Error: "
            "HTTP Route 'primary' is not found in the defined Virtual Service.",
        ),
        (
            (virtual_service(route("primary", to("stable", 100))),),
            ISTIO,
            "Istio VirtualService has invalid HTTP routes. Error: "
            "Canary Service 'canary' not found in route",
        ),
        (
            (virtual_service(route("primary", to("canary", 100))),),
            ISTIO,
            "Istio VirtualService has invalid HTTP routes. Error: "
            "Stable Service 'stable' not found in route",
        ),
        (
            (virtual_service(route()), destination_rule("canary", "stable")),
            SUBSETS,
            "Istio VirtualService has invalid HTTP routes. Error: "
            "Canary DestinationRule subset 'canary' not found in route",
        ),
        (
            (virtual_service(tcp=[{"match": [{"port": 1}], "route": [to("stable", 100)]}]),),
            {"istio": {"virtualService": {"name": "demo", "tcpRoutes": [{"port": 2}]}}},
            "Istio VirtualService has invalid TCP routes. Error: "
            "No matching TCP routes found in the defined Virtual Service.",
        ),
        (
            (virtual_service(),),
            ISTIO,
            "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService",
        ),
    ],
)
def test_the_first_fault_of_a_virtual_service(
    objects: tuple[Obj, ...], routing: Obj, detail: str
) -> None:
    found = rollout(trafficRouting=routing, **SERVICES)
    assert error(found, *objects) == f'{NAMED}: Invalid value: "demo": {detail}'


def test_without_a_name_two_routes_are_one_too_many() -> None:
    routing = {"istio": {"virtualService": {"name": "demo"}}}
    objects = virtual_service(route(""), route("b"))
    found = error(rollout(trafficRouting=routing, **SERVICES), objects) or ""
    assert "it must have exactly one route when omitting" in found


@pytest.mark.parametrize("istio", [{}, {**ISTIO["istio"], "virtualServices": [{"name": "a"}]}])
def test_either_one_or_several_virtual_services(istio: Obj) -> None:
    found = error(rollout(trafficRouting={"istio": istio}, **SERVICES))
    path = "spec.strategy.canary.trafficRouting.istio"
    said = "either VirtualService or VirtualServices must be configured"
    assert found == f"{path}: Internal error: {said}"


def test_a_good_one_is_good() -> None:
    assert error(rollout(trafficRouting=ISTIO, **SERVICES), virtual_service(route())) is None


def test_ping_and_pong_have_to_be_there() -> None:
    ping_pong = {"pingService": "ping", "pongService": "pong"}
    found = rollout(trafficRouting=ISTIO, pingPong=ping_pong)
    path = "spec.strategy.canary.pingPong.pingService"
    said = invalid.reference_error(found, lambda plural, name: None)
    assert said == f'{path}: Invalid value: "ping": service "ping" not found'


def test_the_rollout_says_so_and_goes_on_when_it_is_mended() -> None:
    objects = (service("stable"), service("canary"), virtual_service(route("other")))
    story = Routed({"setWeight": 20}, objects=objects)
    assert story.phase[0] == "Degraded"
    assert "HTTP Route 'primary' is not found" in story.phase[1]
    found = story.client.get("virtualservices", "demo", "shop")
    found["spec"]["http"] = [route("primary")]
    story.client.update("virtualservices", found)
    story.cluster.settle()
    assert story.phase == ("Healthy", "")
