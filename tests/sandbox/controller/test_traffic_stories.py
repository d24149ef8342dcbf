"""What becomes of a canary whose traffic a router splits: weights, Services, pods."""

from __future__ import annotations

from typing import Any

import pytest

from support.controlled import PLACE, plugin
from support.routed import HASH, ISTIO, MANAGED_BY, Routed, route, service, virtual_service

PAUSE: dict[str, Any] = {"pause": {}}
NGINX: dict[str, Any] = {"nginx": {"stableIngress": "demo"}}
RECORDED: dict[str, dict[str, Any]] = {
    **NGINX,
    "alb": {"ingress": "demo", "servicePort": 80},
    "smi": {},
    "traefik": {"weightedTraefikServiceName": "demo"},
    "apisix": {},
    "plugins": {"acme/router": {"at": "edge"}},
}
"""Routers without an object of their own here, with what they have to say."""


def weight(percent: int) -> dict[str, Any]:
    return {"setWeight": percent}


def scale(**how: Any) -> dict[str, Any]:
    return {"setCanaryScale": how}


def test_a_routed_canary_from_start_to_end() -> None:
    story = Routed(weight(20), PAUSE, replicas=5)
    assert story.weights == (0, 100)
    assert (story.selected("stable"), story.selected("canary")) == (1, 1)
    story.image("demo:v2")
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.sizes == {1: 5, 2: 1}, "the stable pods stay"
    assert story.weights == (20, 80)
    assert story.shares() == {"stable": 80, "canary": 20}
    assert (story.selected("stable"), story.selected("canary")) == (1, 2)
    story.promote()
    assert story.phase == ("Healthy", "")
    assert story.weights == (0, 100), "all traffic to stable, which is the new version"
    assert (story.selected("stable"), story.selected("canary")) == (2, 2)
    assert story.sizes == {1: 5, 2: 5}
    story.wait(31)
    assert story.sizes == {2: 5}


def test_the_weights_of_the_status_name_services_and_pods() -> None:
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    weights = story.status["canary"]["weights"]
    named = {
        key: (each["serviceName"], story.revisions[each["podTemplateHash"]])
        for key, each in weights.items()
    }
    assert named == {"canary": ("canary", 2), "stable": ("stable", 1)}
    assert "verified" not in weights, "Istio verifies nothing"


def test_no_weight_is_written_before_the_stable_pods_are_there() -> None:
    story = Routed(weight(20), PAUSE, pod_ready_delay=20)
    assert story.weights == (0, 100)
    late = Routed(weight(20), PAUSE, spec={"minReadySeconds": 40})
    assert late.weights is None
    assert late.selected("stable") is None, "nor is a Service taken over"
    late.wait(41)
    assert late.weights == (0, 100)
    assert late.selected("stable") == 1


def test_weight_follows_pods() -> None:
    story = Routed(weight(20), weight(60), PAUSE, replicas=5, pod_ready_delay=10)
    story.image("demo:v2")
    assert story.sizes == {1: 5, 2: 1}
    assert story.weights == (0, 100), "its pod is not ready"
    story.wait(10)
    assert story.sizes == {1: 5, 2: 3}
    assert story.weights == (20, 80), "the weight of the step before, until the sizes are reached"
    story.wait(10)
    assert story.weights == (60, 40)


def test_weights_are_written_only_when_they_change() -> None:
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    before = story.client.get("virtualservices", "demo", PLACE)["metadata"]["resourceVersion"]
    story.wait(2000)
    after = story.client.get("virtualservices", "demo", PLACE)["metadata"]["resourceVersion"]
    assert before == after
    assert story.events("Updated VirtualService") == [
        "VirtualService `demo` set to desiredWeight '20'"
    ]


def test_a_weight_somebody_else_wrote_is_put_right_at_once() -> None:
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    found = story.client.get("virtualservices", "demo", PLACE)
    found["spec"]["http"] = [route()]
    story.client.update("virtualservices", found)
    story.cluster.settle()
    assert story.shares() == {"stable": 80, "canary": 20}


def test_events_about_weights() -> None:
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    assert story.events("TrafficWeightUpdated") == [
        "Traffic weight updated to 0",
        # Trap: only the hashes changed, and the sentence ends there.
        "Traffic weight updated ",
        "Traffic weight updated from 0 to 20",
    ]


def test_old_pods_live_on_though_the_rollout_is_healthy() -> None:
    """Trap: phase Healthy comes at the promotion, the condition when the old pods are gone."""
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    story.promote()
    assert story.phase == ("Healthy", "")
    assert story.condition("Healthy") == ("False", "RolloutHealthy")
    assert story.deadline(1) is not None
    story.wait(31)
    assert story.condition("Healthy") == ("True", "RolloutHealthy")


def test_a_delay_of_its_own_before_old_pods_go() -> None:
    story = Routed(weight(20), PAUSE, canary={"scaleDownDelaySeconds": 300})
    story.image("demo:v2")
    story.promote()
    story.wait(295)
    assert story.sizes == {1: 4, 2: 4}
    story.wait(6)
    assert story.sizes == {2: 4}


def test_no_delay_means_that_old_pods_stay() -> None:
    """Trap: with 0 no deadline is written, and nothing else says when they may go."""
    story = Routed(weight(20), PAUSE, canary={"scaleDownDelaySeconds": 0})
    story.image("demo:v2")
    story.promote()
    story.wait(5000)
    assert story.sizes == {1: 4, 2: 4}
    assert story.deadline(1) is None


def test_only_so_many_old_versions_are_kept() -> None:
    limits = {"scaleDownDelaySeconds": 600, "scaleDownDelayRevisionLimit": 1}
    story = Routed(weight(20), canary=limits)
    story.image("demo:v2")
    story.image("demo:v3")
    assert story.sizes == {2: 4, 3: 4}


def test_the_progress_deadline_does_not_count_while_old_pods_wait() -> None:
    patience = {"progressDeadlineSeconds": 20}
    story = Routed(weight(20), spec=patience, canary={"scaleDownDelaySeconds": 100})
    story.image("demo:v2")
    story.wait(90)
    assert story.phase == ("Healthy", "")
    assert story.sizes == {1: 4, 2: 4}


def test_an_abort_takes_the_traffic_first_and_the_pods_later() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.abort()
    assert story.phase == ("Degraded", "RolloutAborted: Rollout aborted update to revision 2")
    assert story.shares() == {"stable": 100, "canary": 0}
    assert story.weights == (0, 100)
    canary = story.status["canary"]["weights"]["canary"]
    assert story.revisions[canary["podTemplateHash"]] == 2, "it keeps the canary's hash"
    assert story.selected("canary") == 1, "though its Service points at stable"
    assert story.sizes == {1: 4, 2: 2}
    story.wait(31)
    assert story.sizes == {1: 4}
    assert story.deadline(2) is not None, "the annotation stays"


def test_a_retry_takes_the_deadline_away() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.abort()
    assert story.deadline(2) is not None
    story.retry()
    assert story.deadline(2) is None
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.shares() == {"stable": 50, "canary": 50}
    story.wait(60)
    assert story.sizes == {1: 4, 2: 2}


def test_an_aborted_canary_told_to_stay_goes_at_once() -> None:
    """Trap: documented as "do not scale down", but its size then follows from weight 0."""
    story = Routed(weight(50), PAUSE, canary={"abortScaleDownDelaySeconds": 0})
    story.image("demo:v2")
    story.abort()
    assert story.sizes == {1: 4}
    assert story.deadline(2) is None


def test_an_aborted_canary_stays_where_its_first_step_says_so() -> None:
    steps = (scale(replicas=3), weight(50), PAUSE)
    story = Routed(*steps, canary={"abortScaleDownDelaySeconds": 0})
    story.image("demo:v2")
    story.abort()
    story.wait(600)
    assert story.sizes == {1: 4, 2: 3}
    assert story.weights == (0, 100)


def test_an_abort_while_paused_by_a_person_moves_traffic_and_no_pods() -> None:
    """Trap: index 0, Degraded and weight 0, but pods are not resized until it is unpaused."""
    story = Routed(weight(50), PAUSE, canary={"abortScaleDownDelaySeconds": 5})
    story.image("demo:v2")
    story.patch({"spec": {"paused": True}})
    story.abort()
    assert story.phase[0] == "Degraded"
    assert story.weights == (0, 100)
    story.wait(60)
    assert story.sizes == {1: 4, 2: 2}
    story.patch({"spec": {"paused": False}})
    story.wait(6)
    assert story.sizes == {1: 4}


def test_the_delay_of_an_abort_begins_when_the_stable_pods_are_complete() -> None:
    story = Routed(weight(50), PAUSE, pod_ready_delay=10)
    story.image("demo:v2")
    story.wait(10)
    story.lose(1, pods=1)
    story.abort()
    assert story.deadline(2) is None
    story.wait(10)
    assert story.deadline(2) is not None
    assert story.sizes == {1: 4, 2: 2}


def test_a_canary_that_lost_all_its_pods_gets_no_traffic() -> None:
    story = Routed(weight(25), weight(50), PAUSE, pod_ready_delay=10)
    story.image("demo:v2")
    story.wait(20)
    assert story.weights == (50, 50)
    story.lose(2, pods=1)
    assert story.weights == (50, 50), "the weight of a step before stays"
    story.lose(2, pods=2)
    assert story.weights == (0, 100)
    story.wait(10)
    assert story.weights == (50, 50)


def test_nothing_changes_while_too_few_stable_pods_are_there() -> None:
    story = Routed(weight(25), PAUSE, weight(50), PAUSE, pod_ready_delay=10)
    story.image("demo:v2")
    story.wait(10)
    assert story.weights == (25, 75)
    story.lose(1, pods=3)
    story.abort()
    assert story.weights == (25, 75), "one stable pod cannot bear all traffic"
    story.wait(10)
    assert story.weights == (0, 100)


def test_a_full_promotion_leaves_the_weight_until_all_pods_are_there() -> None:
    story = Routed(weight(20), PAUSE, pod_ready_delay=10)
    story.image("demo:v2")
    story.wait(10)
    story.promote_full()
    assert story.sizes == {1: 4, 2: 4}
    assert story.weights == (20, 80)
    story.wait(10)
    assert story.phase == ("Healthy", "")
    assert story.weights == (0, 100)
    assert story.selected("stable") == 2


def test_a_template_replaced_meanwhile_loses_its_pods_when_nothing_refers_to_them() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.image("demo:v3")
    assert story.sizes == {1: 4, 3: 2}
    assert story.shares() == {"stable": 50, "canary": 50}
    assert story.selected("canary") == 3


def test_what_a_service_still_selects_keeps_its_pods() -> None:
    story = Routed(weight(50), PAUSE, pod_ready_delay=10)
    story.image("demo:v2")
    story.wait(10)
    story.image("demo:v3")
    assert story.sizes == {1: 4, 2: 2, 3: 2}
    assert story.selected("canary") == 2
    assert story.weights == (0, 100), "its version has no pod that is ready"
    story.wait(10)
    assert story.sizes == {1: 4, 3: 2}
    assert story.selected("canary") == 3
    assert story.weights == (50, 50)


def test_the_last_weights_of_an_update_one_after_the_other() -> None:
    story = Routed(weight(20), PAUSE)
    story.image("demo:v2")
    version = story.rollout["metadata"]["resourceVersion"]
    watch = story.client.watch("rollouts", PLACE, resource_version=version)
    story.promote()
    seen: list[dict[str, int]] = []
    for _, found in watch.poll():
        weights = found["status"]["canary"]["weights"]
        each = {
            f"{key} {story.revisions[found['podTemplateHash']]}": found["weight"]
            for key, found in weights.items()
        }
        if each not in seen[-1:]:
            seen.append(each)
    assert seen == [
        {"canary 2": 20, "stable 1": 80},
        {"canary 2": 100, "stable 1": 0},
        {"canary 2": 0, "stable 2": 100},
    ]


def test_back_to_the_stable_template_puts_all_traffic_there() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.image("demo:v1")
    assert story.phase == ("Healthy", "")
    assert story.weights == (0, 100)
    assert (story.selected("stable"), story.selected("canary")) == (3, 3)
    story.wait(31)
    assert story.sizes == {3: 4}


def test_a_canary_without_steps_gets_the_traffic_when_it_is_complete() -> None:
    story = Routed(pod_ready_delay=10)
    story.image("demo:v2")
    assert story.weights == (0, 100)
    story.wait(10)
    assert story.phase == ("Healthy", "")
    assert story.selected("stable") == 2


def test_a_plugin_comes_after_the_weight() -> None:
    story = Routed(weight(20), plugin({"return": "Running"}), PAUSE)
    story.image("demo:v2")
    assert story.step == 1
    assert story.weights == (20, 80)


def test_scaling_at_a_pause_keeps_the_weight() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.patch({"spec": {"replicas": 10}})
    assert story.sizes == {1: 10, 2: 5}
    assert story.weights == (50, 50)


def test_a_service_is_taken_over_only_when_all_pods_behind_it_are_ready() -> None:
    story = Routed(weight(50), PAUSE, routing=NGINX, pod_ready_delay=10)
    story.make(service("other"))
    story.patch({"spec": {"replicas": 6, "strategy": {"canary": {"stableService": "other"}}}})
    assert story.selected("other") is None, "two of its six pods are not ready"
    assert story.selected("stable") is None, "the one before is let go"
    found = story.client.get("services", "stable", PLACE)
    assert MANAGED_BY not in (found["metadata"].get("annotations") or {})
    story.wait(10)
    assert story.selected("other") == 1


def test_a_managed_service_is_switched_when_one_pod_can_serve() -> None:
    story = Routed(weight(50), PAUSE, replicas=4, pod_ready_delay=10)
    story.image("demo:v2")
    assert story.selected("canary") == 1, "no pod of the canary is ready"
    story.wait(10)
    assert story.selected("canary") == 2


def test_a_deleted_rollout_lets_its_services_go() -> None:
    story = Routed(weight(50), PAUSE)
    story.image("demo:v2")
    story.client.delete("rollouts", "demo", PLACE)
    story.cluster.settle()
    for name in ("stable", "canary"):
        found = story.client.get("services", name, PLACE)
        assert HASH not in found["spec"]["selector"]
        assert MANAGED_BY not in (found["metadata"].get("annotations") or {})


def test_a_rollout_made_again_keeps_its_services() -> None:
    story = Routed(weight(50), PAUSE)
    made = story.rollout
    story.client.delete("rollouts", "demo", PLACE)
    metadata = {"name": "demo", "namespace": PLACE}
    story.client.create("rollouts", {**made, "metadata": metadata, "status": {}}, PLACE)
    story.cluster.settle()
    assert story.selected("stable") == 1


def test_routing_taken_out_takes_the_weights_out() -> None:
    story = Routed(weight(50), PAUSE)
    assert story.weights == (0, 100)
    story.patch({"spec": {"strategy": {"canary": {"trafficRouting": None}}}})
    assert story.weights is None


def test_services_work_without_routing_too() -> None:
    objects = (service("stable"), service("canary"))
    story = Routed(weight(50), PAUSE, objects=objects, canary={"trafficRouting": None})
    story.image("demo:v2")
    assert (story.selected("stable"), story.selected("canary")) == (1, 2)
    story.abort()
    assert story.selected("canary") == 1


@pytest.mark.parametrize("router", RECORDED)
def test_a_router_that_is_not_simulated_has_its_weights_recorded(router: str) -> None:
    story = Routed(weight(20), PAUSE, routing={router: RECORDED[router]})
    story.image("demo:v2")
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.weights == (20, 80)
    named = "router plugin acme/router" if router == "plugins" else f"{router} router"
    said = f"rollout {PLACE}/demo: not simulated: the {named}: weights are only recorded"
    assert story.log.count(said) == 1


def test_several_routers_one_after_the_other() -> None:
    story = Routed(weight(20), PAUSE, routing={**ISTIO, **NGINX})
    story.image("demo:v2")
    assert story.weights == (20, 80)
    assert story.shares() == {"stable": 80, "canary": 20}
    assert any("nginx router" in line for line in story.log)


def test_weights_out_of_a_thousand() -> None:
    routing = {**NGINX, "maxTrafficWeight": 1000}
    story = Routed(weight(5), PAUSE, weight(500), PAUSE, routing=routing, replicas=10)
    assert story.weights == (0, 1000)
    story.image("demo:v2")
    assert story.weights == (5, 995)
    assert story.sizes == {1: 10, 2: 1}
    story.promote()
    assert story.weights == (500, 500)
    assert story.sizes == {1: 10, 2: 5}
    story.promote()
    assert story.phase == ("Healthy", "")


def test_a_scale_of_its_own_until_a_step_lets_it_follow_the_weight() -> None:
    steps = (
        scale(replicas=3),
        weight(10),
        PAUSE,
        scale(matchTrafficWeight=True),
        weight(50),
        PAUSE,
    )
    story = Routed(*steps)
    story.image("demo:v2")
    assert (story.sizes, story.weights) == ({1: 4, 2: 3}, (10, 90))
    story.promote()
    assert (story.sizes, story.weights) == ({1: 4, 2: 2}, (50, 50))


def test_ping_and_pong_take_turns() -> None:
    ping_pong = {"pingPong": {"pingService": "ping", "pongService": "pong"}}
    shared = route("primary", *({"destination": {"host": h}} for h in ("ping", "pong")))
    objects = (service("ping"), service("pong"), virtual_service(shared))
    none = {"stableService": None, "canaryService": None}
    story = Routed(weight(20), PAUSE, objects=objects, canary={**ping_pong, **none})
    assert story.status["canary"]["stablePingPong"] == "ping"
    assert story.selected("ping") == 1
    story.image("demo:v2")
    assert (story.selected("ping"), story.selected("pong")) == (1, 2)
    assert story.shares() == {"ping": 80, "pong": 20}
    story.promote()
    assert story.status["canary"]["stablePingPong"] == "pong"
    assert story.shares() == {"ping": 0, "pong": 100}
    story.image("demo:v3")
    assert (story.selected("ping"), story.selected("pong")) == (3, 2)
    assert story.shares() == {"ping": 20, "pong": 80}


def test_a_virtual_service_of_another_namespace() -> None:
    routing = {"istio": {"virtualService": {"name": "demo.mesh", "routes": ["primary"]}}}
    objects = (service("stable"), service("canary"), virtual_service(route(), place="mesh"))
    story = Routed(weight(20), PAUSE, routing=routing, objects=objects)
    story.image("demo:v2")
    assert story.shares(place="mesh") == {"stable": 80, "canary": 20}
