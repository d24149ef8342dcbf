"""Nothing a cluster returns may break, colour or mislead an explanation."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from rolloutctl.errors import ExitCode
from rolloutctl.render.text import width
from support.explained import When, at, experimenting, paused
from support.recorded import Moment
from support.screens import program

EVIL = (
    "\x1b[31mred\x1b]0;title\x07\x1b[2J\n\r\nNothing is wrong\t"
    '[bold]x[/bold]\u202egnp\u200b\x9b31m\x00 spec.a: Invalid value: "\n'
)
HUGE = EVIL + "A long story. " * 80_000
MISLEADING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]")
STORIES: dict[str, When | None] = {
    "analysis-step-failure": None,
    "analysis-error": None,
    "plugin-error-deadline": None,
    "plugin-failed-aborts": None,
    "plugin-unknown": None,
    "canary-bad-image-deadline": None,
    "invalid-spec": None,
    "experiment-step": experimenting,
    "istio-canary": paused,
}
_KEPT = frozenset(
    {
        "name", "namespace", "uid", "kind", "apiVersion", "type", "reason", "status", "phase",
        "operation", "rollouts-pod-template-hash", "currentPodHash", "stableRS", "rollout-type",
        "observedGeneration", "rollout.argoproj.io/revision", "step-index", "resourceVersion",
        "app", "stepPlugins", "podTemplateHash",
    }
)  # fmt: skip
"""What ties the objects together; everything else is text that somebody chose."""


def poisoned(value: Any, evil: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: poisoned(item, evil, name) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, evil, key) for item in value]
    moment = key.endswith(("Time", "At", "Timestamp"))
    if not isinstance(value, str) or key in _KEPT or moment or key == "backoff":
        return value
    return f"{value} {evil}" if key in {"message", "image", "value"} else evil


def hostile(story: str, evil: str) -> Moment:
    found = at(story, STORIES[story])
    for plural, items in found.objects.items():
        if plural != "configmaps":
            found.objects[plural] = [poisoned(copy.deepcopy(item), evil) for item in items]
    for item in found.objects["rollouts"]:
        steps = item["spec"]["strategy"].get("canary", {}).get("steps", [])
        for step in steps:
            if "pause" in step:
                step["pause"] = {}
    return found


@pytest.mark.parametrize("evil", [EVIL, HUGE], ids=["escapes", "1 MB"])
@pytest.mark.parametrize("story", STORIES)
def test_text_stays_text(story: str, evil: str) -> None:
    found = hostile(story, evil)
    started = time.monotonic()
    result = program(found)("explain", "demo")
    assert time.monotonic() - started < 10
    assert result.exit_code == ExitCode.OK
    assert len(result.stdout) < 200_000
    for text in (result.stdout, result.stderr):
        assert not MISLEADING.search(text)
        assert not any(line.startswith("Nothing is wrong") for line in text.splitlines())
    assert "red" in result.stdout


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("story", STORIES)
def test_a_terminal_gets_only_our_own_colours(story: str, columns: int) -> None:
    shown = program(hostile(story, EVIL), terminal=True, columns=columns)("explain", "demo").stdout
    bare = re.sub(r"\x1b\[(?:0|2|32|36|33|1|1;31|1;33)m", "", shown)
    assert not MISLEADING.search(bare)
    assert max(width(line) for line in bare.splitlines()) <= columns


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("output", ["json", "yaml", "jsonl"])
def test_documents_obey_nothing(story: str, output: str) -> None:
    result = program(hostile(story, EVIL))("explain", "demo", "-o", output)
    assert result.exit_code == ExitCode.OK
    assert not MISLEADING.search(result.stdout)
    if output == "json":
        assert EVIL in "".join(_strings(json.loads(result.stdout)))


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _without_status(item: dict[str, Any]) -> None:
    item["status"] = {}


def _far_index(item: dict[str, Any]) -> None:
    item["status"]["currentStepIndex"] = 99


def _odd_records(item: dict[str, Any]) -> None:
    records = [{}, {"index": 77, "operation": "Dance"}, {"index": -1, "operation": "Run"}]
    item["status"].setdefault("canary", {})["stepPluginStatuses"] = records


def _odd_pauses(item: dict[str, Any]) -> None:
    item["status"].update({"phase": "Paused", "pauseConditions": [{}, {"reason": "What?"}]})


def _aborted_without_more(item: dict[str, Any]) -> None:
    item["status"] = {"abort": True, "abortedAt": "2026-01-01T00:00:00Z", "phase": "Degraded"}


def _no_strategy(item: dict[str, Any]) -> None:
    item["spec"]["strategy"] = {}


def _endless_deadline(item: dict[str, Any]) -> None:
    item["spec"]["progressDeadlineSeconds"] = 2**62


def _unknown_phase(item: dict[str, Any]) -> None:
    item["status"]["phase"] = "Sideways"


@pytest.mark.parametrize("story", [*STORIES, "bluegreen-promote"])
@pytest.mark.parametrize(
    "change",
    [
        _without_status,
        _far_index,
        _odd_records,
        _odd_pauses,
        _aborted_without_more,
        _no_strategy,
        _endless_deadline,
        _unknown_phase,
    ],
)
def test_odd_or_missing_fields_are_explained_as_far_as_they_go(
    story: str, change: Callable[[dict[str, Any]], None]
) -> None:
    found = at(story, STORIES.get(story))
    change(found.objects["rollouts"][0])
    run = program(found, terminal=True, columns=80)
    for argv in (("explain", "demo"), ("explain", "demo", "-o", "json")):
        result = run(*argv)
        assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
        assert result.stdout


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"metrics": []},
        {"metrics": [{"name": "success-rate", "provider": {"web": "odd"}}]},
        {"metrics": [{"name": "other", "provider": {"x": {}, "y": {}}, "count": "{{args.x}}"}]},
        {"args": [{}], "metrics": [{}]},
    ],
)
def test_odd_runs_are_explained_as_far_as_they_go(spec: dict[str, Any]) -> None:
    found = at("analysis-step-failure")
    found.objects["analysisruns"][0]["spec"] = spec
    shown = program(found)("explain", "demo")
    assert (shown.exit_code, shown.stderr) == (ExitCode.OK, "")
    assert "step 3 of 3 (analysis bad) failed: metric success-rate is 0.4" in shown.stdout
