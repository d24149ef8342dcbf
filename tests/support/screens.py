"""The moments whose screens are pinned, by the name a person would give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from support.fake_cluster import FakeCluster
from support.program import Program
from support.recorded import Moment, moment

Rollout = Mapping[str, Any]

CONFIGURATION = {
    "metadata": {"name": "argo-rollouts-config", "namespace": "argo-rollouts"},
    "data": {
        "stepPlugins": "- name: step/e2e-test\n  location: file:///plugins/e2e-test\n"
        "- name: step/e2e-test-disabled\n  location: file:///plugins/e2e-test\n  disabled: true\n"
    },
}


def _status(rollout: Rollout) -> dict[str, Any]:
    found: dict[str, Any] = rollout.get("status", {})
    return found


def paused(rollout: Rollout) -> bool:
    return bool(_status(rollout).get("pauseConditions"))


def plugin_running(rollout: Rollout) -> bool:
    records = _status(rollout).get("canary", {}).get("stepPluginStatuses", [])
    return any(record.get("phase") == "Running" for record in records)


def aborted(rollout: Rollout) -> bool:
    return bool(_status(rollout).get("abortedAt"))


def experimenting(rollout: Rollout) -> bool:
    return bool(_status(rollout).get("canary", {}).get("currentExperiment"))


SCREENS: dict[str, tuple[str, Callable[[Rollout], bool] | None]] = {
    "paused canary": ("canary-pause-promote", paused),
    "plugin running": ("plugin-running-abort", plugin_running),
    "plugin aborted while running": ("plugin-running-abort", None),
    "plugin failed and aborted": ("plugin-failed-aborts", None),
    "plugin disabled": ("plugin-disabled", None),
    "plugin not configured": ("plugin-unknown", None),
    "plugin terminated by a full promotion": ("plugin-promote-full-terminates", None),
    "plugin held by a person": ("plugin-paused-by-user", plugin_running),
    "bad image": ("canary-bad-image-deadline", None),
    "blue-green": ("bluegreen-promote", paused),
    "istio": ("istio-canary", paused),
    "healthy": ("canary-pause-promote", None),
    "invalid spec": ("invalid-spec", None),
    "analysis failed": ("analysis-step-failure", aborted),
    "experiment": ("experiment-step", experimenting),
}


def screen(name: str) -> Moment:
    """The objects of that moment, with the plugin configuration beside them."""
    story, when = SCREENS[name]
    found = moment(story, when)
    found.objects["configmaps"] = [CONFIGURATION]
    return found


def program(found: Moment, **settings: Any) -> Program:
    """The program on a cluster in which it is that moment."""
    return Program(cluster=FakeCluster(found.objects), now=lambda: found.now, **settings)
