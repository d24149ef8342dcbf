"""What holds of routed traffic whatever people do, and Experiments that get a share of it."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from rolloutctl.sandbox.controller import traffic
from support.controlled import PLACE
from support.routed import HASH, Routed

Obj = dict[str, Any]

STEPS: tuple[Obj, ...] = (
    {"setCanaryScale": {"replicas": 2}},
    {"setWeight": 10},
    {"pause": {}},
    {"setCanaryScale": {"matchTrafficWeight": True}},
    {"setWeight": 40},
    {"pause": {"duration": "30s"}},
    {"setWeight": 80},
    {"pause": {}},
)


def move(story: Routed, dice: random.Random) -> str:
    """Do one of the things people do; what it was."""
    version = f"demo:v{dice.randint(1, 4)}"
    moves: dict[str, Any] = {
        "promote": story.promote,
        "skip": story.skip,
        "abort": story.abort,
        "retry": story.retry,
        "promote --full": story.promote_full,
        version: lambda: story.image(version),
        "wait": lambda: story.wait(dice.choice((5, 20, 40))),
        "hold": lambda: story.patch({"spec": {"paused": dice.random() < 0.3}}),
    }
    name = dice.choice(list(moves))
    moves[name]()
    return name


def available(story: Routed) -> dict[str, int]:
    """Pod template hash to the pods that are ready."""
    return {
        each["metadata"]["labels"][HASH]: each["status"].get("availableReplicas", 0)
        for each in story.client.list("replicasets", PLACE)[0]
    }


@pytest.mark.parametrize("dynamic", [False, True], ids=["whole", "dynamic"])
@pytest.mark.parametrize("seed", range(6))
def test_traffic_goes_where_pods_are(seed: int, dynamic: bool) -> None:
    dice = random.Random(seed)
    delay = dice.choice((0, 7))
    canary = {"dynamicStableScale": dynamic}
    story = Routed(*STEPS, replicas=5, canary=canary, pod_ready_delay=delay)
    done = []
    for _ in range(25):
        done.append(move(story, dice))
        shares = story.shares()
        assert sum(shares.values()) == 100, done
        assert story.weights == (shares["canary"], shares["stable"]), done
        weights = story.status["canary"]["weights"]
        pods = available(story)
        for which in ("canary", "stable"):
            share, hashed = weights[which]["weight"], weights[which]["podTemplateHash"]
            assert share == 0 or pods.get(hashed, 0) > 0, (which, done)
            selected = story.client.get("services", which, PLACE)["spec"]["selector"][HASH]
            assert share == 0 or selected == hashed, (which, done)
        least = 5 * weights["stable"]["weight"] // 100
        assert pods[weights["stable"]["podTemplateHash"]] >= least, done


def context(phase: str = "Running", index: int = 1) -> Any:
    """A rollout at the step after its Experiment of two templates, one with a weight."""
    templates: list[Obj] = [{"name": "trial", "weight": 5}, {"name": "control"}]
    steps: list[Obj] = [{"experiment": {"templates": templates}}, {"pause": {}}, {"setWeight": 9}]
    rollout: Obj = {
        "metadata": {"name": "demo", "namespace": PLACE},
        "spec": {"strategy": {"canary": {"steps": steps}}},
        "status": {"currentStepIndex": index, "canary": {"currentExperiment": "e"}},
    }
    statuses = [
        {"name": each["name"], "serviceName": f"e-{each['name']}", "podTemplateHash": "abc"}
        for each in templates
    ]
    found = {"status": {"phase": phase, "templateStatuses": statuses}}
    return SimpleNamespace(
        rollout=rollout,
        status=rollout["status"],
        fully_promoted=False,
        promote_full=False,
        pausing=SimpleNamespace(aborted=False),
        cluster=SimpleNamespace(experiments=SimpleNamespace(get=lambda place, name: found)),
    )


def test_templates_of_a_running_experiment_with_a_weight_get_it() -> None:
    found = context()
    wanted = [{"weight": 5, "serviceName": "e-trial", "podTemplateHash": "abc"}]
    assert traffic.experiment_weights(found) == wanted


@pytest.mark.parametrize(
    ("phase", "index", "flag"),
    [("Pending", 1, ""), ("Successful", 1, ""), ("Running", 3, ""), ("Running", 1, "promote_full")],
)
def test_nothing_else_does(phase: str, index: int, flag: str) -> None:
    found = context(phase, index)
    if flag:
        setattr(found, flag, True)
    assert traffic.experiment_weights(found) == []
