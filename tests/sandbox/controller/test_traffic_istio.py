"""Istio's objects as the simulated controller writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rolloutctl.sandbox.controller.routers.routes import (
    Split,
    chosen_http,
    chosen_tcp,
    chosen_tls,
    in_order,
    weighed,
)
from support.controlled import PLACE
from support.routed import (
    HASH,
    ISTIO,
    MANAGED_BY,
    SUBSETS,
    Routed,
    by_subset,
    destination_rule,
    route,
    service,
    to,
    virtual_service,
)

Obj = dict[str, Any]

PAUSE: Obj = {"pause": {}}
SERVICES = (service("stable"), service("canary"))
BETA: Obj = {
    "name": "beta",
    "match": [{"headerName": "X-Beta", "headerValue": {"exact": "yes"}}],
}
COPY: Obj = {
    "name": "copy",
    "percentage": 35,
    "match": [{"method": {"exact": "GET"}, "path": {"prefix": "/"}}],
}


def weight(percent: int) -> Obj:
    return {"setWeight": percent}


def managed(*names: str) -> Obj:
    return {**ISTIO, "managedRoutes": [{"name": each} for each in names]}


def subsets(story: Routed) -> dict[str, int | None]:
    """Subset to the revision it selects."""
    found = story.client.get("destinationrules", "demo", PLACE)["spec"]["subsets"]
    return {each["name"]: story.revisions.get(each["labels"].get(HASH, "")) for each in found}


class TestVirtualServices:
    def test_only_weights_of_the_named_route_change(self) -> None:
        own = {**route("primary"), "retries": {"attempts": 3}, "timeout": "5s"}
        other = route("other", to("elsewhere", 60), to("stable", 40))
        objects = (*SERVICES, virtual_service(other, own))
        story = Routed(weight(20), PAUSE, objects=objects)
        story.image("demo:v2")
        shared = [to("stable", 80), to("canary", 20)]
        assert story.http() == [other, {**own, "route": shared}]

    def test_without_a_name_it_is_the_only_route(self) -> None:
        routing = {"istio": {"virtualService": {"name": "demo"}}}
        objects = (*SERVICES, virtual_service(route("whatever")))
        story = Routed(weight(20), PAUSE, routing=routing, objects=objects)
        story.image("demo:v2")
        assert story.shares() == {"stable": 80, "canary": 20}

    def test_several_virtual_services(self) -> None:
        named = [{"name": "one", "routes": ["primary"]}, {"name": "two", "routes": ["second"]}]
        objects = (
            *SERVICES,
            virtual_service(route("primary"), name="one"),
            virtual_service(route("primary"), route("second"), name="two"),
        )
        routing = {"istio": {"virtualServices": named}}
        story = Routed(weight(20), PAUSE, routing=routing, objects=objects)
        story.image("demo:v2")
        assert story.shares(name="one") == {"stable": 80, "canary": 20}
        assert story.shares(0, "two") == {"stable": 100, "canary": 0}
        assert story.shares(1, "two") == {"stable": 80, "canary": 20}
        assert len(story.events("Updated VirtualService")) == 2

    def test_hosts_are_services_with_or_without_their_domain(self) -> None:
        shared = route("primary", to("stable.shop.svc.cluster.local", 100), to("canary.shop", 0))
        story = Routed(weight(20), PAUSE, objects=(*SERVICES, virtual_service(shared)))
        story.image("demo:v2")
        assert story.shares() == {"stable.shop.svc.cluster.local": 80, "canary.shop": 20}

    def test_tls_and_tcp_routes(self) -> None:
        shared = [to("stable", 100), to("canary", 0)]
        tls = [
            {"match": [{"port": 3000, "sniHosts": ["a.example"]}], "route": shared},
            {"match": [{"port": 3001, "sniHosts": ["b.example"]}], "route": shared},
        ]
        tcp = [{"match": [{"port": 3306}], "route": shared}]
        wanted = {
            "name": "demo",
            "tlsRoutes": [{"port": 3001, "sniHosts": ["b.example"]}],
            "tcpRoutes": [{"port": 3306}],
        }
        objects = (*SERVICES, virtual_service(tls=tls, tcp=tcp))
        routing = {"istio": {"virtualService": wanted}}
        story = Routed(weight(20), PAUSE, routing=routing, objects=objects)
        story.image("demo:v2")
        spec = story.client.get("virtualservices", "demo", PLACE)["spec"]
        weights = [
            [each["weight"] for each in one["route"]] for one in (*spec["tls"], *spec["tcp"])
        ]
        assert weights == [[100, 0], [80, 20], [80, 20]]

    def test_one_that_goes_meanwhile_makes_the_rollout_invalid_until_it_is_back(self) -> None:
        story = Routed(weight(20), PAUSE)
        found = story.client.get("virtualservices", "demo", PLACE)
        story.client.delete("virtualservices", "demo", PLACE)
        story.cluster.settle()
        assert story.phase[0] == "Degraded"
        assert story.phase[1].endswith('virtualservices.networking.istio.io "demo" not found')
        story.make(virtual_service(*found["spec"]["http"]))
        assert story.phase == ("Healthy", "")


class TestDestinationRules:
    def test_subsets_follow_the_versions(self) -> None:
        story = Routed(weight(30), PAUSE, routing=SUBSETS, objects=by_subset())
        assert subsets(story) == {"canary": 1, "stable": 1}
        story.image("demo:v2")
        assert subsets(story) == {"canary": 2, "stable": 1}
        assert story.shares() == {"stable": 70, "canary": 30}
        found = story.client.get("destinationrules", "demo", PLACE)
        assert found["metadata"]["annotations"][MANAGED_BY] == "demo"
        story.promote()
        assert subsets(story) == {"canary": 2, "stable": 2}
        assert "serviceName" not in story.status["canary"]["weights"]["canary"]

    def test_without_services_they_wait_for_the_pods(self) -> None:
        story = Routed(
            weight(30), PAUSE, routing=SUBSETS, objects=by_subset(), spec={"minReadySeconds": 10}
        )
        assert subsets(story) == {"canary": None, "stable": None}
        assert story.weights is None
        story.wait(11)
        assert subsets(story) == {"canary": 1, "stable": 1}
        assert story.weights == (0, 100)

    def test_other_subsets_are_dropped(self) -> None:
        shared, _ = by_subset()
        objects = (shared, destination_rule("canary", "old", "stable"))
        story = Routed(weight(30), PAUSE, routing=SUBSETS, objects=objects)
        assert list(subsets(story)) == ["canary", "stable"]

    def test_a_subset_somebody_else_weighs_is_left_alone(self) -> None:
        routing = copy.deepcopy(SUBSETS)
        routing["istio"]["destinationRule"]["additionalSubsetNames"] = ["vip"]
        shared = (to("demo", 90, "stable"), to("demo", 0, "canary"), to("demo", 10, "vip"))
        objects = (
            virtual_service(route("primary", *shared)),
            destination_rule("canary", "stable"),
        )
        story = Routed(weight(30), PAUSE, routing=routing, objects=objects)
        story.image("demo:v2")
        assert story.shares() == {"stable": 60, "canary": 30, "vip": 10}

    def test_one_that_is_missing_is_told_and_waited_for(self) -> None:
        shared, rule = by_subset()
        story = Routed(weight(30), PAUSE, routing=SUBSETS, objects=(shared,))
        assert story.weights is None
        story.wait(10)
        assert story.events("DestinationRuleNotFound") == ["DestinationRule `demo` not found"]
        story.make(rule)
        assert story.weights == (0, 100)

    def test_a_rollout_that_goes_leaves_it_as_it_was(self) -> None:
        story = Routed(weight(30), PAUSE, routing=SUBSETS, objects=by_subset())
        story.client.delete("rollouts", "demo", PLACE)
        story.cluster.settle()
        found = story.client.get("destinationrules", "demo", PLACE)
        assert found["spec"] == destination_rule("canary", "stable")["spec"]
        assert MANAGED_BY not in (found["metadata"].get("annotations") or {})


class TestManagedRoutes:
    def test_a_header_route_goes_to_the_canary_until_a_step_without_match(self) -> None:
        steps = (weight(20), {"setHeaderRoute": BETA}, PAUSE, {"setHeaderRoute": {"name": "beta"}})
        story = Routed(*steps, PAUSE, routing=managed("beta"))
        story.image("demo:v2")
        assert story.http()[0] == {
            "name": "beta",
            "match": [{"headers": {"X-Beta": {"exact": "yes"}}}],
            "route": [{"destination": {"host": "canary"}, "weight": 100}],
        }
        assert story.shares() == {"stable": 80, "canary": 20}
        story.promote()
        assert story.names_of_routes == ["primary"]

    def test_it_stays_through_later_steps_and_goes_with_the_promotion(self) -> None:
        steps = (weight(20), {"setHeaderRoute": BETA}, weight(50), PAUSE)
        story = Routed(*steps, routing=managed("beta"))
        story.image("demo:v2")
        assert story.names_of_routes == ["beta", "primary"]
        assert story.shares() == {"stable": 50, "canary": 50}
        story.promote()
        assert story.names_of_routes == ["primary"]

    def test_a_mirror_copies_requests_and_answers_as_the_others_do(self) -> None:
        steps = (weight(20), {"setMirrorRoute": COPY}, weight(40), PAUSE)
        story = Routed(*steps, routing=managed("copy"))
        story.image("demo:v2")
        assert story.http()[0] == {
            "name": "copy",
            "match": [{"method": {"exact": "GET"}, "uri": {"prefix": "/"}}],
            "route": [to("stable", 60), to("canary", 40)],
            "mirror": {"host": "canary"},
            "mirrorPercentage": {"value": 35},
        }
        assert story.shares() == {"stable": 60, "canary": 40}

    def test_all_that_matches_is_mirrored_unless_a_step_says_less(self) -> None:
        step = {key: value for key, value in COPY.items() if key != "percentage"}
        story = Routed(weight(20), {"setMirrorRoute": step}, PAUSE, routing=managed("copy"))
        story.image("demo:v2")
        assert story.http()[0]["mirrorPercentage"] == {"value": 100}

    def test_their_order_is_that_of_the_list_whatever_that_of_the_steps(self) -> None:
        steps = ({"setHeaderRoute": BETA}, {"setMirrorRoute": COPY})
        story = Routed(weight(20), *steps, PAUSE, routing=managed("copy", "beta"))
        story.image("demo:v2")
        assert story.names_of_routes == ["copy", "beta", "primary"]

    def test_one_set_before_there_are_pods_is_gone_again(self) -> None:
        """Without an available pod of the canary all managed routes are removed."""
        story = Routed({"setHeaderRoute": BETA}, weight(20), PAUSE, routing=managed("beta"))
        story.image("demo:v2")
        assert story.step == 2
        assert story.names_of_routes == ["primary"]

    @pytest.mark.parametrize("end", ["abort", "promote_full"])
    def test_an_abort_or_a_full_promotion_takes_all_away(self, end: str) -> None:
        steps = ({"setHeaderRoute": BETA}, {"setMirrorRoute": COPY})
        story = Routed(weight(20), *steps, PAUSE, routing=managed("copy", "beta"))
        story.image("demo:v2")
        getattr(story, end)()
        assert story.names_of_routes == ["primary"]

    def test_the_route_of_a_subset_names_host_port_and_subset(self) -> None:
        def at(subset: str, share: int) -> Obj:
            destination = {"host": "demo", "subset": subset, "port": {"number": 8080}}
            return {"destination": destination, "weight": share}

        shared = virtual_service(route("primary", at("stable", 100), at("canary", 0)))
        routing = {**SUBSETS, "managedRoutes": [{"name": "beta"}]}
        objects = (shared, destination_rule("canary", "stable"))
        story = Routed(
            weight(20), {"setHeaderRoute": BETA}, PAUSE, routing=routing, objects=objects
        )
        story.image("demo:v2")
        assert story.http()[0]["route"] == [at("canary", 100)]

    def test_events(self) -> None:
        steps = ({"setHeaderRoute": BETA}, {"setMirrorRoute": COPY})
        story = Routed(weight(20), *steps, PAUSE, routing=managed("copy", "beta"))
        story.wait(1000)  # the recorder says so much at once, and then waits
        story.image("demo:v2")
        told = story.events("Updated VirtualService")
        assert "VirtualService `demo` removed all managed routes." in told
        assert "VirtualService `demo` set to desiredWeight '20'" in told
        assert "VirtualService `demo` set headerRoute 'beta'" in told


SPLIT = Split("canary", "stable", "", "", 20)


@pytest.mark.parametrize(
    ("given", "split", "wanted"),
    [
        pytest.param(
            [to("stable", 100), to("canary", 0)],
            SPLIT,
            [to("stable", 80), to("canary", 20)],
            id="two",
        ),
        pytest.param(
            [to("stable", 90), to("old", 10), to("canary", 0)],
            SPLIT,
            [to("stable", 80), to("canary", 20)],
            id="foreign-with-weight",
        ),
        pytest.param(
            [to("stable", 100), to("old", 0), to("canary", 0)],
            SPLIT,
            [to("stable", 80), to("old", 0), to("canary", 20)],
            id="foreign-without-weight",
        ),
        pytest.param(
            [to("stable", 100), to("canary", 0)],
            Split("canary", "stable", "", "", 20, {"trial": 5}),
            [to("stable", 75), to("canary", 20), to("trial", 5)],
            id="experiment-comes",
        ),
        pytest.param(
            [to("stable", 75), to("canary", 20), to("trial", 5)],
            SPLIT,
            [to("stable", 80), to("canary", 20)],
            id="experiment-goes",
        ),
    ],
)
def test_weights_of_one_route(given: list[Obj], split: Split, wanted: list[Obj]) -> None:
    before = copy.deepcopy(given)
    assert weighed({"route": given}, split) == {"route": wanted}
    assert given == before, "what the cache holds is not touched"


@pytest.mark.parametrize(
    ("names", "asked", "wanted"),
    [
        (["a", "b"], ["b"], [1]),
        (["a", "b"], ["b", "a"], [1, 0]),
        (["a"], [], [0]),
        (["a", "", "b", ""], [], [1]),
        (["a", "b"], [], []),
    ],
)
def test_which_http_routes_are_weighed(
    names: list[str], asked: list[str], wanted: list[int]
) -> None:
    assert chosen_http([route(each) for each in names], asked) == wanted


def test_a_route_nobody_has_is_named() -> None:
    with pytest.raises(LookupError, match="HTTP Route 'x' is not found in the defined"):
        chosen_http([route("a")], ["x"])
    with pytest.raises(LookupError, match="No matching TLS routes"):
        chosen_tls([{"match": [{"port": 1}]}], [{"port": 2}])
    with pytest.raises(LookupError, match="No matching TCP routes"):
        chosen_tcp([{"match": [{"port": 1}]}], [{"port": 2}])


def test_the_order_of_managed_routes() -> None:
    given = [route("own"), route("b"), route(""), route("a")]
    assert [each.get("name") for each in in_order(given, ["a", "b", "c"])] == [
        "a",
        "b",
        "own",
        None,
    ]
