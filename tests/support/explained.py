"""Recorded moments, explained: with the events said until then, and the plugin configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rolloutctl.actions.explain import Reading, read
from rolloutctl.domain.explain.commands import Command, Outcome
from rolloutctl.domain.explain.facts import Explanation
from rolloutctl.domain.refs import Ref
from support.fake_cluster import FakeCluster
from support.recorded import Moment, moment
from support.screens import CONFIGURATION

Rollout = Mapping[str, Any]
When = Callable[[Rollout], Any]
DEMO = Ref("shop", "demo")


def status(rollout: Rollout) -> dict[str, Any]:
    found: dict[str, Any] = rollout.get("status", {})
    return found


def paused(rollout: Rollout) -> bool:
    return bool(status(rollout).get("pauseConditions"))


def aborted(rollout: Rollout) -> bool:
    return bool(status(rollout).get("abortedAt"))


def plugin_running(rollout: Rollout) -> bool:
    records = status(rollout).get("canary", {}).get("stepPluginStatuses", [])
    return any(record.get("phase") == "Running" for record in records)


def plugin_error(rollout: Rollout) -> bool:
    records = status(rollout).get("canary", {}).get("stepPluginStatuses", [])
    return any(record.get("phase") == "Error" for record in records)


def held(rollout: Rollout) -> bool:
    return bool(rollout["spec"].get("paused")) and status(rollout).get("phase") == "Paused"


def analysing(rollout: Rollout) -> bool:
    run = status(rollout).get("canary", {}).get("currentStepAnalysisRunStatus") or {}
    return run.get("status") == "Running"


def experimenting(rollout: Rollout) -> bool:
    return bool(status(rollout).get("canary", {}).get("currentExperiment"))


def degraded(rollout: Rollout) -> bool:
    return status(rollout).get("phase") == "Degraded"


def at(name: str, when: When | None = None, *, after: float = 10.0) -> Moment:
    """The objects of that moment."""
    found = moment(name, when, after=after, events=True)
    found.objects["configmaps"] = [CONFIGURATION]
    return found


def reading(found: Moment, **settings: Any) -> Reading:
    return read(FakeCluster(found.objects, **settings), DEMO)


def explained(name: str, when: When | None = None) -> Explanation:
    return reading(at(name, when)).explanation


def outcome(explanation: Explanation, command: Command) -> Outcome:
    """What the explanation says of one command."""
    (found,) = (item for item in explanation.outcomes if item.command is command)
    return found
