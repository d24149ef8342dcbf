"""The picture's parts against the recordings: versions, Services, weights, runs, experiments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from rolloutctl.domain.facts import AnalysisFacts, ReplicaSetFacts
from rolloutctl.domain.steps import current_index
from support.recorded import trace
from support.recorded_states import STORIES, Raw, State, final, states, told

HASH = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
ISTIO = [name for name in STORIES if name.startswith("istio-")]


def everything(story: str) -> Iterator[State]:
    yield from states(story)
    yield final(story)


def owned(state: State, plural: str) -> dict[str, Raw]:
    """The objects the rollout controls, by name."""
    uid = state.raw["metadata"]["uid"]
    return {
        name: raw
        for name, raw in state.objects.get(plural, {}).items()
        if any(r["uid"] == uid for r in raw["metadata"].get("ownerReferences", ()))
    }


def distinct(values: Iterable[Any]) -> list[Any]:
    """The values one after the other, each run of equal ones once."""
    found: list[Any] = []
    for value in values:
        if not found or found[-1] != value:
            found.append(value)
    return found


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_the_tree_is_the_recorded_replica_sets(story: str) -> None:
    for state in everything(story):
        raws = owned(state, "replicasets")
        facts = state.picture.replica_sets
        assert {entry.name for entry in facts} == set(raws)
        assert [entry.revision for entry in facts] == sorted(
            (int(raw["metadata"]["annotations"][REVISION]) for raw in raws.values()), reverse=True
        )
        for entry in facts:
            _agrees(entry, raws[entry.name])
            assert entry.role == _roles(state, entry.hash)


def _agrees(entry: ReplicaSetFacts, raw: Raw) -> None:
    status, metadata = raw.get("status", {}), raw["metadata"]
    assert entry.hash == metadata["labels"][HASH]
    assert entry.revision == int(metadata["annotations"][REVISION])
    assert entry.desired == raw["spec"].get("replicas", 0)
    assert (entry.current, entry.ready, entry.available) == tuple(
        status.get(key, 0) for key in ("replicas", "readyReplicas", "availableReplicas")
    )
    containers = raw["spec"]["template"]["spec"]["containers"]
    assert entry.images == tuple(container["image"] for container in containers)
    deadline = metadata["annotations"].get("scale-down-deadline")
    told_deadline = entry.scale_down_deadline
    stamp = told_deadline.strftime("%Y-%m-%dT%H:%M:%SZ") if told_deadline is not None else None
    assert stamp == (deadline or None)
    settled = status.get("observedGeneration", 0) >= metadata["generation"]
    if not settled or entry.available < entry.desired:
        assert entry.state == "Progressing"
    else:
        assert entry.state == ("Healthy" if entry.desired else "ScaledDown")


def _roles(state: State, hash: str) -> set[str]:
    status = state.status
    found = {"stable"} if hash == status.get("stableRS") else set()
    blue_green = status.get("blueGreen", {})
    if "blueGreen" in state.raw["spec"]["strategy"]:
        if hash == blue_green.get("activeSelector"):
            found.add("active")
        elif hash == blue_green.get("previewSelector"):
            found.add("preview")
    elif not found and hash == status.get("currentPodHash"):
        found.add("canary")
    return found


@pytest.mark.parametrize("story", STORIES)
def test_revisions_and_images_are_those_of_the_versions_named(story: str) -> None:
    for state in states(story):
        by_hash = {entry.hash: entry for entry in state.picture.replica_sets}
        current = by_hash.get(state.status.get("currentPodHash", ""))
        stable = by_hash.get(state.status.get("stableRS", ""))
        facts = state.picture
        assert facts.stable_revision == (stable.revision if stable is not None else None)
        if current is not None and facts.status.observed:
            assert facts.revision == current.revision
            assert facts.images_to == current.images
        updating = stable is not None and not (
            facts.status.fully_promoted and facts.status.observed
        )
        assert facts.images_from == (stable.images if stable is not None and updating else ())


@pytest.mark.parametrize("story", STORIES)
def test_what_is_there_at_the_end(story: str) -> None:
    end = final(story)
    facts = end.picture
    if not facts.replica_sets:
        assert facts.status.phase == "Degraded"
        assert "InvalidSpec" in facts.status.message
        return
    assert facts.revision == facts.replica_sets[0].revision
    assert facts.replica_sets[0].hash == end.status["currentPodHash"]
    assert sum(entry.current for entry in facts.replica_sets) == end.status.get("replicas", 0)
    if facts.status.fully_promoted:
        assert (facts.stable_revision, facts.images_from) == (facts.revision, ())
    else:
        assert facts.stable_revision is not None
        assert facts.stable_revision < facts.revision
        assert facts.images_from not in {(), facts.images_to}


# --- Services and weights -----------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_services_select_the_parts_the_picture_names(story: str) -> None:
    """The status follows the Services within a write, so it agrees once nothing moves."""
    end = final(story)
    selected = {
        name: service["spec"]["selector"].get(HASH)
        for name, service in end.objects.get("services", {}).items()
    }
    by_part = {part: facts.hash for facts in end.picture.replica_sets for part in facts.role}
    strategy = end.raw["spec"]["strategy"]
    if "blueGreen" in strategy:
        assert by_part["active"] == selected[strategy["blueGreen"]["activeService"]]
        preview = selected[strategy["blueGreen"]["previewService"]]
        assert by_part.get("preview", by_part["active"]) == preview
    elif "stableService" in strategy["canary"]:
        assert by_part["stable"] == selected[strategy["canary"]["stableService"]]
        canary = selected[strategy["canary"]["canaryService"]]
        # Nothing is sent to the canary of an aborted rollout: both Services select the stable one.
        assert canary == by_part["stable"]


def _canary_weight(virtual_service: Raw, canary: str) -> int | None:
    """The canary's weight in the routes that split, by the Service's name or the subset's."""
    for route in virtual_service["spec"].get("http", []):
        if route.get("match"):
            continue  # a header route: all of what matches
        for destination in route["route"]:
            target = destination["destination"]
            if canary in {target.get("subset"), target["host"].split(".")[0]}:
                weight: int = destination.get("weight", 0)
                return weight
    return None


@pytest.mark.parametrize("story", ISTIO)
def test_weights_are_those_of_the_virtual_service_one_after_the_other(story: str) -> None:
    end = final(story).picture
    istio = end.rollout.spec.strategy.canary
    assert istio is not None
    routing = (istio.traffic_routing or {})["istio"]
    name = routing.get("destinationRule", {}).get("canarySubsetName") or istio.canary_service
    objects = [e["object"] for e in trace(story)["watch"] if e["kind"] == "virtualservices"]
    assert {raw["metadata"]["name"] for raw in objects} == set(end.weights.routes)
    assert end.weights.router == "istio"
    written = distinct(_canary_weight(raw, name) for raw in objects)
    assert None not in written
    shown = distinct(state.picture.weights.set for state in states(story))
    assert [weight for weight in shown if weight is not None] == written


@pytest.mark.parametrize("story", STORIES)
def test_weights_are_those_of_the_status(story: str) -> None:
    for state in everything(story):
        recorded = state.status.get("canary", {}).get("weights")
        weights = state.picture.weights
        if recorded is None:
            assert weights.set is weights.stable is weights.verified is None
            continue
        assert (weights.set, weights.stable) == tuple(
            recorded[part].get("weight", 0) for part in ("canary", "stable")
        )
        if not state.picture.status.fully_promoted:
            assert weights.actual == weights.set


@pytest.mark.parametrize("story", STORIES)
def test_the_desired_weight_is_that_of_the_latest_step(story: str) -> None:
    for state in states(story):
        weights, r = state.picture.weights, state.rollout
        if state.picture.strategy != "canary":
            assert weights.desired is weights.actual is None
            continue
        steps = state.raw["spec"]["strategy"]["canary"].get("steps", [])
        passed = steps[: current_index(r) + 1]
        asked = [step["setWeight"] for step in passed if "setWeight" in step]
        if state.status.get("abort"):
            assert weights.desired == 0
        elif current_index(r) == len(steps):
            assert weights.desired == 100
        else:
            assert weights.desired == (asked[-1] if asked else 0)
        assert weights.actual is not None
        assert 0 <= weights.actual <= 100


# --- analysis runs and experiments --------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_analysis_runs_are_the_recorded_ones(story: str) -> None:
    for state in everything(story):
        raws = owned(state, "analysisruns")
        facts = state.picture.analysis_runs
        assert {entry.name for entry in facts} == set(raws)
        for entry in facts:
            raw = raws[entry.name]
            labels, status = raw["metadata"]["labels"], raw.get("status", {})
            assert entry.type == labels["rollout-type"]
            step = labels.get("step-index")
            assert entry.step_index == (None if step is None else int(step))
            assert entry.current is (labels[HASH] == state.status.get("currentPodHash"))
            assert entry.revision == int(raw["metadata"]["annotations"][REVISION])
            assert (entry.phase, entry.message) == (
                status.get("phase", ""),
                status.get("message", ""),
            )
            _metrics_agree(entry, status)


def _metrics_agree(entry: AnalysisFacts, status: Raw) -> None:
    results = {result["name"]: result for result in status.get("metricResults", [])}
    assert {metric.name for metric in entry.metrics} >= set(results)
    for metric in entry.metrics:
        raw = results.get(metric.name, {})
        for key in ("count", "successful", "failed", "inconclusive", "error"):
            assert getattr(metric, key) == raw.get(key, 0)
        assert (metric.phase, metric.message) == (raw.get("phase", ""), raw.get("message", ""))
        measured = [m["value"] for m in raw.get("measurements", []) if m.get("value")]
        assert list(metric.values) == measured


@pytest.mark.parametrize("story", STORIES)
def test_runs_in_the_status_are_runs_of_the_picture(story: str) -> None:
    """What the status says of a run is what the run says, or is about to: kinds lag each other."""
    for state in states(story):
        known = {entry.name: entry for entry in state.picture.analysis_runs}
        canary, blue_green = state.status.get("canary", {}), state.status.get("blueGreen", {})
        for key, type in (
            ("currentStepAnalysisRunStatus", "Step"),
            ("currentBackgroundAnalysisRunStatus", "Background"),
            ("prePromotionAnalysisRunStatus", "PrePromotion"),
            ("postPromotionAnalysisRunStatus", "PostPromotion"),
        ):
            reference = canary.get(key) or blue_green.get(key)
            if reference is None or reference["name"] not in known:
                continue
            entry = known[reference["name"]]
            assert entry.type == type
            if type == "Step" and not state.status.get("abort"):
                assert entry.step_index == state.status["currentStepIndex"]
    named = [event.message for event in told(story, "AnalysisRunRunning", "AnalysisRunSuccessful")]
    names = {entry.name for state in everything(story) for entry in state.picture.analysis_runs}
    for message in named:
        assert any(f"'{name}'" in message for name in names) or "transitioned" in message


@pytest.mark.parametrize("story", STORIES)
def test_experiments_are_the_recorded_ones_with_their_replica_sets(story: str) -> None:
    for state in everything(story):
        raws = owned(state, "experiments")
        facts = state.picture.experiments
        assert {entry.name for entry in facts} == set(raws)
        for entry in facts:
            raw = raws[entry.name]
            status = raw.get("status", {})
            assert entry.phase == status.get("phase", "")
            assert entry.message == status.get("message", "")
            steps = state.raw["spec"]["strategy"]["canary"]["steps"]
            assert entry.step_index is not None
            assert "experiment" in steps[entry.step_index]
            uid = raw["metadata"]["uid"]
            sets = {
                name
                for name, rs in state.objects.get("replicasets", {}).items()
                if any(r["uid"] == uid for r in rs["metadata"].get("ownerReferences", ()))
            }
            assert {rs.name for rs in entry.replica_sets} == sets
            # The experiment's pods are no version of the rollout.
            assert not sets & {rs.name for rs in state.picture.replica_sets}
