"""Sizes of the two ReplicaSets where a router splits the traffic."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.controller import pods
from rolloutctl.sandbox.controller.routed_sizes import routed
from rolloutctl.sandbox.controller.sizes import Sizes
from support.controlled import PLACE
from support.routed import Routed

Obj = dict[str, Any]

PAUSE: Obj = {"pause": {}}


def weight(percent: int) -> Obj:
    return {"setWeight": percent}


def scale(**how: Any) -> Obj:
    return {"setCanaryScale": how}


def rollout(*steps: Obj, index: int = 0, replicas: int = 10, most: int = 0, **canary: Any) -> Obj:
    """One in the middle of an update, at the step with that index."""
    routing: Obj = {"maxTrafficWeight": most} if most else {}
    strategy = {"trafficRouting": routing, "steps": list(steps), **canary}
    return {
        "spec": {"replicas": replicas, "strategy": {"canary": strategy}},
        "status": {"stableRS": "old", "currentPodHash": "new", "currentStepIndex": index},
    }


def sizes(found: Obj, *, aborted: bool = False, weights: Obj | None = None) -> tuple[int, int]:
    got = routed(found, aborted=aborted, weights=weights or {}, alone=False)
    return got.canary, got.stable


@pytest.mark.parametrize(
    ("replicas", "percent", "canary"),
    [
        (10, 0, 0),
        (10, 1, 1),
        (10, 20, 2),
        (10, 25, 3),
        (10, 100, 10),
        (3, 50, 2),
        (1, 5, 1),
        (0, 50, 0),
    ],
)
def test_the_canary_gets_what_its_weight_needs_and_stable_stays(
    replicas: int, percent: int, canary: int
) -> None:
    assert sizes(rollout(weight(percent), replicas=replicas)) == (canary, replicas)


@pytest.mark.parametrize(
    ("steps", "index", "canary"),
    [
        ((scale(replicas=3), weight(50)), 0, 3),
        ((scale(replicas=3), weight(50)), 1, 3),
        ((scale(replicas=3), weight(50), scale(replicas=7)), 2, 7),
        ((scale(replicas=3), weight(50), scale(matchTrafficWeight=True)), 2, 5),
        ((scale(weight=25),), 0, 3),
        ((scale(weight=25), weight(50)), 1, 3),
        ((scale(replicas=0), weight(50)), 1, 0),
        ((scale(replicas=2, weight=90),), 0, 2),
        ((weight(50), scale(replicas=1)), 0, 5),
        ((scale(replicas=3), weight(50)), 2, 10),
    ],
)
def test_a_scale_holds_from_its_step_onwards(
    steps: tuple[Obj, ...], index: int, canary: int
) -> None:
    assert sizes(rollout(*steps, index=index)) == (canary, 10)


@pytest.mark.parametrize(
    ("step", "least", "replicas", "dynamic", "wanted"),
    [
        (weight(0), 2, 10, False, (0, 10)),
        (weight(5), 2, 10, False, (2, 10)),
        (weight(50), 2, 10, False, (5, 10)),
        (weight(5), 4, 3, False, (3, 3)),
        (scale(replicas=1), 2, 10, False, (1, 10)),
        (scale(replicas=1), 2, 10, True, (2, 10)),
        (weight(95), 2, 10, True, (10, 2)),
        (weight(100), 2, 10, True, (10, 0)),
    ],
)
def test_the_least_pods_of_a_replica_set(
    step: Obj, least: int, replicas: int, dynamic: bool, wanted: tuple[int, int]
) -> None:
    found = rollout(step, replicas=replicas, minPodsPerReplicaSet=least, dynamicStableScale=dynamic)
    assert sizes(found) == wanted


@pytest.mark.parametrize(
    ("percent", "recorded", "wanted"),
    [
        (20, 100, (2, 10)),
        (20, 80, (2, 8)),
        (50, 80, (5, 8)),
        (50, 50, (5, 5)),
        (20, 50, (2, 8)),
        (100, 0, (10, 0)),
        (33, 67, (4, 7)),
    ],
)
def test_stable_pods_follow_the_traffic_that_is_left_to_them(
    percent: int, recorded: int, wanted: tuple[int, int]
) -> None:
    found = rollout(weight(percent), dynamicStableScale=True)
    weights = {"canary": {"weight": 100 - recorded}, "stable": {"weight": recorded}}
    assert sizes(found, weights=weights) == wanted


def test_an_aborted_canary_keeps_what_its_traffic_needs() -> None:
    found = rollout(weight(50), dynamicStableScale=True)
    found["status"]["abort"] = True
    weights = {"canary": {"weight": 30}, "stable": {"weight": 70}}
    assert sizes(found, aborted=True, weights=weights) == (3, 10)
    assert sizes(rollout(weight(50)), aborted=True, weights=weights) == (0, 10)


def test_weights_out_of_a_thousand() -> None:
    assert sizes(rollout(weight(50), most=1000)) == (1, 10)
    assert sizes(rollout(weight(50), index=1, most=1000)) == (10, 10)


def test_alone_it_gets_all() -> None:
    found = rollout(weight(10), dynamicStableScale=True)
    assert routed(found, aborted=False, weights={}, alone=True) == Sizes(10, 0)


class TestDynamicStableScale:
    """Stories of a stable ReplicaSet that shrinks as traffic leaves it."""

    def story(self, *steps: Obj, **more: Any) -> Routed:
        strategy = {"dynamicStableScale": True, **more.pop("canary", {})}
        return Routed(*steps, replicas=10, canary=strategy, **more)

    def test_stable_pods_go_after_their_traffic(self) -> None:
        story = self.story(weight(20), PAUSE, weight(70), PAUSE)
        story.image("demo:v2")
        assert (story.sizes, story.weights) == ({1: 8, 2: 2}, (20, 80))
        story.promote()
        assert (story.sizes, story.weights) == ({1: 3, 2: 7}, (70, 30))
        story.promote()
        assert story.phase == ("Healthy", "")
        assert story.sizes == {2: 10}, "the old ones go at once"
        assert story.weights == (0, 100)

    def test_an_abort_steps_back_through_the_weights_as_stable_pods_come(self) -> None:
        story = self.story(weight(20), weight(50), weight(80), PAUSE, pod_ready_delay=10)
        story.image("demo:v2")
        story.wait(60)
        assert (story.sizes, story.weights) == ({1: 2, 2: 8}, (80, 20))
        story.abort()
        assert story.weights == (80, 20), "two stable pods bear no more"
        assert story.sizes == {1: 10, 2: 8}
        assert story.selected("canary") == 2
        story.wait(10)
        assert story.weights == (0, 100)
        assert story.sizes == {1: 10}, "and no delay follows"
        assert story.selected("canary") == 1

    def test_part_of_the_stable_pods_bears_part_of_the_traffic(self) -> None:
        story = self.story(weight(20), weight(50), weight(80), PAUSE, pod_ready_delay=10)
        story.image("demo:v2")
        story.wait(60)
        story.abort()
        seen = []
        waiting = [each for each in story.pods if not pods.is_ready(each)]
        for each in waiting:
            ready = {"status": pods.running(each, story.clock.now())}
            name = each["metadata"]["name"]
            story.client.patch("pods", name, ready, PLACE, subresource="status")
            story.cluster.settle()
            seen.append(story.weights)
        assert seen == [
            *[(80, 20)] * 2,  # 3 and 4 of 10 stable pods
            *[(50, 50)] * 3,
            *[(20, 80)] * 2,
            (0, 100),
        ]

    def test_a_delay_somebody_asked_for_is_kept(self) -> None:
        story = self.story(weight(50), PAUSE, canary={"abortScaleDownDelaySeconds": 60})
        story.image("demo:v2")
        story.abort()
        assert story.sizes == {1: 10, 2: 5}
        story.wait(61)
        assert story.sizes == {1: 10}

    def test_a_full_promotion_moves_traffic_with_the_canary_pods(self) -> None:
        story = self.story(weight(20), PAUSE, pod_ready_delay=10)
        story.image("demo:v2")
        story.wait(10)
        story.promote_full()
        assert story.weights == (20, 80)
        assert story.sizes == {1: 8, 2: 10}
        story.wait(10)
        assert story.phase == ("Healthy", "")
        assert story.weights == (0, 100)

    def test_back_to_the_stable_template_waits_for_its_pods(self) -> None:
        story = self.story(weight(80), PAUSE, pod_ready_delay=10)
        story.image("demo:v2")
        story.wait(10)
        assert (story.sizes, story.weights) == ({1: 2, 2: 8}, (80, 20))
        story.image("demo:v1")
        assert story.weights == (80, 20), "the stable pods are few"
        assert story.selected("canary") == 2
        assert story.sizes == {2: 8, 3: 10}
        story.wait(10)
        assert story.weights == (0, 100)
        assert story.sizes == {3: 10}
        assert story.selected("canary") == 3
