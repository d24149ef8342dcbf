"""Every recorded AnalysisRun, run again: the same states, measurements, sentences and events."""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.metrics import Analysed
from support.recorded import trace

Obj = dict[str, Any]
DATA = Path(__file__).parents[2] / "traces" / "data"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("*.json.gz"))
LONGEST = 30


def recorded_run(name: str) -> Obj | None:
    found = trace(name)["final"].get("analysisruns") or []
    return found[0] if found else None


RECORDED = [name for name in NAMES if recorded_run(name) is not None]


def written(name: str) -> list[Obj]:
    """The statuses the controller of the recording wrote, one after the other."""
    seen: list[Obj] = []
    for event in trace(name)["watch"]:
        status = event["object"].get("status") or {}
        if event["kind"] == "analysisruns" and status.get("phase") and status not in seen:
            seen.append(status)
    return seen


def said(name: str) -> list[str]:
    events = [event["object"] for event in trace(name)["watch"] if event["kind"] == "events"]
    return [
        f"{each['type']} {each['reason']} {each['message']}"
        for each in events
        if each["involvedObject"]["kind"] == "AnalysisRun"
    ]


def without_chance(status: Obj) -> Obj:
    """Without times and the uid in a Job's name; a Job is not looked at as often here and there."""
    status = copy.deepcopy(status)
    for key in ("startedAt", "completedAt"):
        status.pop(key, None)
    for result in status.get("metricResults", []):
        for measurement in result["measurements"]:
            for key in ("startedAt", "finishedAt", "resumeAt"):
                measurement.pop(key, None)
            if "metadata" in measurement:
                named = measurement["metadata"]["job-name"]
                measurement["metadata"] = {"job-name": named.partition(".")[2]}
    return status


def lasting(status: Obj) -> list[float]:
    """Seconds from the start to each measurement."""
    start = datetime.fromisoformat(status["startedAt"])
    measured = [each for result in status["metricResults"] for each in result["measurements"]]
    return [
        (datetime.fromisoformat(each["startedAt"]) - start).total_seconds() for each in measured
    ]


def run_again(name: str) -> tuple[Analysed, list[Obj]]:
    """The recorded specification in a new cluster, terminated when it was; the statuses written."""
    run = recorded_run(name)
    assert run is not None
    terminated = run["spec"].pop("terminate", False)
    measured = len(run["status"]["metricResults"][0]["measurements"])
    analysed = Analysed()
    version = analysed.client.list("analysisruns", "shop")[1]
    watch = analysed.client.watch("analysisruns", "shop", resource_version=version)
    analysed.start(*run["spec"].pop("metrics"), **run["spec"])
    for _ in range(LONGEST):
        status = analysed.after(1)
        if terminated and len(status["metricResults"][0]["measurements"]) == measured:
            analysed.terminate()
            terminated = False
        if status.get("completedAt"):
            break
    seen: list[Obj] = []
    for _, found in watch.poll():
        status = found.get("status") or {}
        if status and status not in seen:
            seen.append(status)
    return analysed, seen


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recordings are read once for all tests; these change what they take of them."""
    real = trace

    def copied(name: str) -> Any:
        return copy.deepcopy(real(name))

    monkeypatch.setitem(globals(), "trace", copied)


def test_there_are_recordings() -> None:
    assert len(RECORDED) >= 9


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_run_ends_the_same_way(name: str) -> None:
    real = recorded_run(name)
    assert real is not None
    analysed, _ = run_again(name)
    assert without_chance(analysed.status()) == without_chance(real["status"])
    assert lasting(analysed.status()) == lasting(real["status"])


@pytest.mark.parametrize("name", [name for name in RECORDED if "-job-" not in name])
def test_a_recorded_run_passes_through_the_same_states(name: str) -> None:
    _, seen = run_again(name)
    assert [without_chance(each) for each in seen] == [
        without_chance(each) for each in written(name)
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_run_says_the_same(name: str) -> None:
    # The recorder of the recordings reads kinds side by side, so their order is not kept.
    analysed, _ = run_again(name)
    assert sorted(analysed.events()) == sorted(said(name))


@pytest.mark.parametrize("name", [name for name in RECORDED if "-job-" in name])
def test_the_job_of_a_recorded_run_says_the_same(name: str) -> None:
    analysed, _ = run_again(name)
    (job,) = analysed.objects("jobs")
    about = job["metadata"]["name"]

    def bare(line: str, named: str) -> str:
        line = line.replace(named, "JOB")
        return line[: line.index("JOB-")] if "JOB-" in line else line

    events = [event["object"] for event in trace(name)["watch"] if event["kind"] == "events"]
    real = [each for each in events if each["involvedObject"]["kind"] == "Job"]
    assert [bare(line, about) for line in analysed.events(about)] == [
        bare(f"{each['type']} {each['reason']} {each['message']}", each["involvedObject"]["name"])
        for each in real
    ]
