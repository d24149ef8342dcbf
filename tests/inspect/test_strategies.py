"""The pages of blue-green, Istio, analyses, experiments and workloadRef at recorded moments."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.render.text import width
from rolloutctl.render.theme import to_ascii
from support.recorded import Moment, moment
from support.screens import paused, program
from support.shapes import problems

Rollout = Mapping[str, Any]
When = Callable[[Rollout], bool] | None


def _status(r: Rollout) -> Mapping[str, Any]:
    found: Mapping[str, Any] = r.get("status", {})
    return found


def _analysed(which: str) -> Callable[[Rollout], bool]:
    return lambda r: which in _status(r).get("blueGreen", {})


def _aborted(r: Rollout) -> bool:
    return bool(_status(r).get("abortedAt"))


def _updating_at(index: int) -> Callable[[Rollout], bool]:
    return lambda r: (
        _status(r).get("currentStepIndex") == index
        and _status(r).get("stableRS", "") not in ("", _status(r).get("currentPodHash"))
    )


def _workload_not_observed(r: Rollout) -> bool:
    seen = _status(r).get("workloadObservedGeneration")
    said = r["metadata"].get("annotations", {}).get("rollout.argoproj.io/workload-generation")
    return seen is not None and seen != said


def _experimenting(r: Rollout) -> bool:
    return bool(_status(r).get("canary", {}).get("currentExperiment"))


PAGES: dict[str, tuple[str, When, float]] = {
    "preview awaits a person": ("bluegreen-promote", paused, 10),
    "preview counts down": ("bluegreen-auto", paused, 1),
    "preview with few pods": ("bluegreen-preview-replicas", paused, 10),
    "pre-promotion analysis": (
        "bluegreen-prepromotion-failure",
        _analysed("prePromotionAnalysisRunStatus"),
        1,
    ),
    "post-promotion analysis": (
        "bluegreen-postpromotion-failure",
        _analysed("postPromotionAnalysisRunStatus"),
        1,
    ),
    "aborted after the switch": ("bluegreen-postpromotion-failure", _aborted, 1),
    "preview pods with a deadline": ("bluegreen-prepromotion-failure", None, 10),
    "header route": ("istio-header-route", _updating_at(2), 5),
    "header route removed": ("istio-header-route", _updating_at(4), 5),
    "canary scale": ("istio-canary-scale", _updating_at(2), 5),
    "background analysis": ("analysis-background-success", _updating_at(2), 3),
    "experiment": ("experiment-step", _experimenting, 1),
    "workload not observed": ("workloadref", _workload_not_observed, 1),
    "workload": ("workloadref", paused, 5),
}


def _page(name: str) -> Moment:
    story, when, after = PAGES[name]
    return moment(story, when, after=after)


def _get(found: Moment, *argv: str, **settings: Any) -> str:
    shown = program(found, **settings)("get", "demo", *argv)
    assert shown.exit_code == 0, shown.stderr
    return str(shown.stdout)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_in_80_columns_without_colour(name: str, snapshot: SnapshotAssertion) -> None:
    shown = _get(_page(name), "--no-color", terminal=True, columns=80)
    assert max(map(width, shown.splitlines())) <= 80
    assert shown == snapshot


@pytest.mark.parametrize("name", PAGES)
def test_the_row(name: str, snapshot: SnapshotAssertion) -> None:
    assert program(_page(name))("list").stdout == snapshot


@pytest.mark.parametrize("name", PAGES)
def test_the_one_line(name: str, snapshot: SnapshotAssertion) -> None:
    assert program(_page(name))("status", "demo").stdout == snapshot


def _document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_get(_page(name), "-o", "json"))
    return found


def test_the_document_says_where_the_services_are() -> None:
    found = _document("aborted after the switch")["rollout"]["blueGreen"]
    assert found["astray"] is True
    assert found["active"]["revision"] == 2
    assert found["stage"] is None
    few = _document("preview with few pods")["rollout"]["blueGreen"]
    assert (few["stage"], few["previewReplicas"]) == ("preview-paused", 1)
    assert (few["active"]["revision"], few["preview"]["revision"]) == (1, 2)


def test_the_document_says_when_the_countdown_ends() -> None:
    assert _document("preview counts down")["rollout"]["endsAt"] is not None
    assert _document("preview awaits a person")["rollout"]["endsAt"] is None


def test_the_document_names_the_routes_in_force() -> None:
    (route,) = _document("header route")["rollout"]["routes"]
    assert (route["kind"], route["name"]) == ("header", "beta")
    assert route["match"][0]["headerName"] == "X-Beta"
    assert _document("header route removed")["rollout"]["routes"] == []


def test_the_document_says_what_an_action_ends() -> None:
    actions = {item["action"]: item for item in _document("experiment")["nextActions"]}
    (run,) = actions["abort"]["ends"]
    assert (run["kind"], run["type"]) == ("Experiment", "Step")
    switch = {item["action"]: item for item in _document("preview awaits a person")["nextActions"]}
    assert switch["promote"]["switches"] == "active"
    assert switch["abort"]["switches"] is None


def test_the_document_says_how_long_an_experiment_lasts() -> None:
    (trial,) = _document("experiment")["experiments"]
    assert trial["durationSeconds"] == 8
    assert trial["ends"] is not None
    assert "duration" not in trial


def test_conditions_and_limits_of_a_metric_are_told() -> None:
    (run,) = _document("post-promotion analysis")["analysisRuns"]
    (metric,) = run["metrics"]
    assert metric["successCondition"] == "result >= 0.95"
    assert (metric["failureLimit"], metric["countLimit"]) == (1, 3)


def test_no_image_is_claimed_while_the_workload_is_not_observed() -> None:
    found = _document("workload not observed")["rollout"]
    assert found["workload"] == "Deployment/demo-d"
    assert found["images"]["to"] == []
    assert _document("workload")["rollout"]["images"] == {"from": ["demo:v1"], "to": ["demo:v2"]}


@pytest.mark.parametrize("name", PAGES)
def test_every_symbol_has_a_form_in_ascii(name: str) -> None:
    shown = _get(_page(name), "--no-color", terminal=True, columns=80)
    assert "?" not in to_ascii(shown)


def _ping_pong(stable: str) -> Moment:
    """The paused canary with two Services that take turns."""
    found = moment("canary-pause-promote", paused)
    (rollout,) = found.objects["rollouts"]
    canary = rollout["spec"]["strategy"]["canary"]
    canary["pingPong"] = {"pingService": "demo-ping", "pongService": "demo-pong"}
    rollout["status"].setdefault("canary", {})["stablePingPong"] = stable
    return found


@pytest.mark.parametrize(
    ("status", "stable", "other"),
    [("ping", "ping", "pong"), ("pong", "pong", "ping"), ("", "pong", "ping")],
)
def test_which_of_ping_and_pong_is_stable(status: str, stable: str, other: str) -> None:
    """Source: argo-rollouts, rollout/trafficrouting/service_helper.go."""
    found = _ping_pong(status)
    shown = _get(found, "--no-color")
    assert (
        f"Services  stable is {stable} (demo-{stable})   canary is {other} (demo-{other})" in shown
    )
    said = json.loads(_get(found, "-o", "json"))["rollout"]
    assert said["pingPong"] == {
        "stable": stable,
        "stableService": f"demo-{stable}",
        "canaryService": f"demo-{other}",
    }
    assert problems(json.loads(_get(found, "-o", "json")), "Rollout") == []


def test_ping_and_pong_cannot_break_the_page() -> None:
    found = _ping_pong("\x1b[31mping")
    ping_pong = found.objects["rollouts"][0]["spec"]["strategy"]["canary"]["pingPong"]
    ping_pong["pongService"] = "\x1b[2Jevil\nname"
    shown = _get(found, "--no-color")
    assert "stable is pong (evil name)" in shown
    assert "\x1b" not in shown
    ping_pong.clear()
    assert "stable is pong   canary is ping" in _get(found, "--no-color")


def test_without_ping_and_pong_nothing_is_said_of_them() -> None:
    assert (
        json.loads(_get(moment("canary-pause-promote", paused), "-o", "json"))["rollout"][
            "pingPong"
        ]
        is None
    )
