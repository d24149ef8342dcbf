"""Which version blue-green's Services select, and which routes the steps left in force."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rolloutctl.domain.facts import Stage
from rolloutctl.domain.services import blue_green_facts, routes_in_force, stage, workload
from rolloutctl.domain.wire import Rollout
from support.recorded_states import states

HEADER = {"name": "beta", "match": [{"headerName": "X-Beta", "headerValue": {"exact": "yes"}}]}
MIRROR = {"name": "copy", "match": [{"path": {"prefix": "/api"}}], "percentage": 20}
STEPS = [
    {"setHeaderRoute": HEADER},
    {"setMirrorRoute": MIRROR},
    {"pause": {}},
    {"setHeaderRoute": {"name": "beta"}},
    {"setMirrorRoute": {"name": "copy"}},
]


def canary(index: int, **status: Any) -> Rollout:
    own = {"stableRS": "old", "currentPodHash": "new", "currentStepIndex": index, **status}
    strategy = {"canary": {"steps": STEPS, "trafficRouting": {"istio": {}}}}
    return _rollout({"strategy": strategy}, own)


def blue_green(spec: dict[str, Any], **status: Any) -> Rollout:
    own = {"stableRS": "old", "currentPodHash": "new", **status}
    strategy = {"activeService": "live", "previewService": "next", **spec}
    return _rollout({"replicas": 4, "strategy": {"blueGreen": strategy}}, own)


def _rollout(spec: dict[str, Any], status: dict[str, Any]) -> Rollout:
    raw = {"metadata": {"name": "demo"}, "spec": spec, "status": status}
    return msgspec.json.decode(json.dumps(raw), type=Rollout)


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (0, ["beta"]),
        (1, ["beta", "copy"]),
        (2, ["beta", "copy"]),
        (3, ["copy"]),
        (4, []),
        (5, []),
    ],
)
def test_routes_stay_until_a_step_without_a_match_takes_them_away(
    index: int, names: list[str]
) -> None:
    assert [route.name for route in routes_in_force(canary(index), 1)] == names


def test_a_mirror_has_its_share_and_a_header_route_its_match() -> None:
    header, mirror = routes_in_force(canary(2), 1)
    assert (header.kind, header.match[0]["headerName"]) == ("header", "X-Beta")
    assert (mirror.kind, mirror.percentage) == ("mirror", 20)


@pytest.mark.parametrize(
    "status",
    [{"abort": True}, {"promoteFull": True}, {"stableRS": "new"}, {"stableRS": ""}],
    ids=["aborted", "promoted in full", "promoted", "first version"],
)
def test_routes_go_with_the_update(status: dict[str, Any]) -> None:
    assert routes_in_force(canary(2, **status), 1) == ()


def test_there_is_no_route_to_a_canary_without_pods() -> None:
    assert routes_in_force(canary(2), 0) == ()


def test_routes_are_those_of_the_virtual_service_at_a_pause() -> None:
    paused = [
        state
        for state in states("istio-header-route")
        if state.status.get("phase") == "Paused" and "virtualservices" in state.objects
    ]
    first = paused[0]
    (service,) = first.objects["virtualservices"].values()
    managed = [route["name"] for route in service["spec"]["http"] if route["name"] != "primary"]
    assert [route.name for route in first.picture.routes] == managed == ["beta"]


PAUSE = {"pauseConditions": [{"reason": "BlueGreenPause", "startTime": "2026-11-22T22:00:00Z"}]}
ACTIVE_OLD = {"activeSelector": "old", "previewSelector": "new"}
ACTIVE_NEW = {"activeSelector": "new", "previewSelector": "new"}


def running(which: str) -> dict[str, Any]:
    return {f"{which}PromotionAnalysisRunStatus": {"name": "run", "status": "Running"}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"blueGreen": ACTIVE_OLD}, Stage.PREVIEW),
        ({"blueGreen": ACTIVE_OLD, **PAUSE}, Stage.PAUSED),
        ({"blueGreen": {**ACTIVE_OLD, **running("pre")}}, Stage.PRE_PROMOTION),
        ({"blueGreen": ACTIVE_NEW}, Stage.SWITCHED),
        ({"blueGreen": {**ACTIVE_NEW, **running("post")}}, Stage.POST_PROMOTION),
        ({"blueGreen": ACTIVE_NEW, "stableRS": "new"}, None),
        ({"blueGreen": ACTIVE_NEW, "abort": True}, None),
        ({"blueGreen": ACTIVE_OLD, "stableRS": ""}, None),
    ],
)
def test_how_far_a_blue_green_update_has_come(
    status: dict[str, Any], expected: Stage | None
) -> None:
    assert stage(blue_green({}, **status)) is expected


def test_after_an_abort_the_active_service_may_still_be_on_the_aborted_version() -> None:
    facts = blue_green_facts(blue_green({}, blueGreen=ACTIVE_NEW, abort=True), {"new": 2})
    assert facts is not None
    assert facts.astray
    assert (facts.active.name, facts.active.revision) == ("live", 2)
    back = blue_green_facts(blue_green({}, blueGreen=ACTIVE_OLD, abort=True), {"old": 1})
    assert back is not None
    assert not back.astray


def test_a_small_preview_is_small_only_before_the_switch() -> None:
    def few(**status: Any) -> int | None:
        facts = blue_green_facts(blue_green({"previewReplicaCount": 1}, **status), {})
        assert facts is not None
        return facts.preview_replicas

    assert few(blueGreen=ACTIVE_OLD) == 1
    assert few(blueGreen={**ACTIVE_OLD, "scaleUpPreviewCheckPoint": True}) is None
    assert few(blueGreen=ACTIVE_OLD, promoteFull=True) is None
    assert few(blueGreen=ACTIVE_NEW) is None


def test_the_workload_is_named_by_kind_and_name() -> None:
    named = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}}
    assert workload(_rollout(named, {})) == "Deployment/shop"
    assert workload(_rollout({}, {})) == ""
