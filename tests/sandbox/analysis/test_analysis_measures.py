"""Measurements in threads: rounds, what is dropped, and a cluster that goes on meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rolloutctl.sandbox.analysis.measures import AtOnce, InThreads, Measures
from rolloutctl.sandbox.analysis.providers.base import Measured, MeasurementError
from rolloutctl.sandbox.analysis.requests import HttpAnswer, HttpRequest
from rolloutctl.sandbox.clock import SystemClock
from support.metrics import PLACE, Analysed, scripted, web

GOOD = Measured("Successful", "1")
PATIENCE = 20.0


def await_that(what: Callable[[], bool], woken: threading.Event) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert woken.wait(max(0.0, end - time.monotonic())), "it never came"
        woken.clear()


def test_a_round_is_there_when_all_of_it_is() -> None:
    woken, first, second = threading.Event(), threading.Event(), threading.Event()
    measures = InThreads(woken.set)

    def after(event: threading.Event) -> Measured:
        event.wait(PATIENCE)
        return GOOD

    measures.start("a", {"x": lambda: after(first), "y": lambda: after(second)})
    assert measures.busy("a")
    assert measures.finished() == []
    first.set()
    assert woken.wait(PATIENCE)
    woken.clear()
    assert measures.finished() == []
    assert measures.take("a") is None
    second.set()
    await_that(lambda: measures.finished() == ["a"], woken)
    assert measures.take("a") == {"x": GOOD, "y": GOOD}
    assert not measures.busy("a")
    assert measures.take("a") is None


@pytest.mark.parametrize("measures", [AtOnce(), InThreads(lambda: None)])
def test_a_round_of_nothing_is_there_at_once(measures: Measures) -> None:
    measures.start("a", {})
    assert measures.take("a") == {}


def test_what_was_dropped_does_not_come_back() -> None:
    woken, go, begun = threading.Event(), threading.Event(), threading.Event()
    measures = InThreads(woken.set, threads=1)

    def slow() -> Measured:
        begun.set()
        go.wait(PATIENCE)
        return Measured("Failed")

    measures.start("a", {"x": slow})
    assert begun.wait(PATIENCE)
    measures.start("b", {"x": lambda: pytest.fail("nobody waits for it")})
    measures.drop("b")
    measures.drop("a")
    measures.start("a", {"x": lambda: GOOD})
    go.set()
    await_that(lambda: measures.finished() == ["a"], woken)
    assert measures.take("a") == {"x": GOOD}
    assert measures.finished() == []


@pytest.mark.parametrize("measures", [AtOnce(), InThreads(lambda: None)])
def test_what_goes_wrong_is_a_measurement(measures: Measures) -> None:
    def refused() -> Measured:
        raise MeasurementError("no")

    def broken() -> Measured:
        raise ZeroDivisionError("oh")

    measures.start("a", {"x": refused, "y": broken})
    end = time.monotonic() + PATIENCE
    while measures.finished() != ["a"] and isinstance(measures, InThreads):
        assert time.monotonic() < end
    assert measures.take("a") == {
        "x": Measured("Error", message="no"),
        "y": Measured("Error", message="ZeroDivisionError: oh"),
    }


class Slow:
    """A server that answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, request: HttpRequest) -> HttpAnswer:
        self.asked.set()
        self.may_answer.wait(PATIENCE)
        return HttpAnswer(200, b'{"value": 0.99}')


@pytest.fixture
def slow() -> Iterator[Slow]:
    found = Slow()
    yield found
    found.may_answer.set()


class Running:
    """A cluster whose control loops run in a thread, as in the process."""

    def __init__(self, slow: Slow) -> None:
        self.analysed = Analysed(web=slow, clock=SystemClock(speed=20))
        self.stop = threading.Event()
        self.controllers = self.analysed.cluster.controllers
        self.thread = threading.Thread(target=self.controllers.run_forever, args=(self.stop,))

    def __enter__(self) -> Analysed:
        self.thread.start()
        return self.analysed

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.controllers.wake()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def create(analysed: Analysed, name: str, metric: dict[str, object]) -> None:
    described = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": {"metrics": [metric]},
    }
    analysed.client.create("analysisruns", described, PLACE)


def becomes(analysed: Analysed, name: str, phase: str) -> None:
    changed = threading.Event()
    silence = analysed.client.on_change(changed.set)
    try:
        await_that(lambda: analysed.phase(name)[0] == phase, changed)
    finally:
        silence()


def test_the_cluster_goes_on_while_a_server_is_slow(slow: Slow) -> None:
    with Running(slow) as analysed:
        create(analysed, "slow", web())
        assert slow.asked.wait(PATIENCE)
        create(analysed, "quick", scripted(1))
        becomes(analysed, "quick", "Successful")
        assert analysed.status("slow") == {}
        slow.may_answer.set()
        becomes(analysed, "slow", "Successful")


def test_a_run_that_is_told_to_end_does_not_wait_for_its_server(slow: Slow) -> None:
    with Running(slow) as analysed:
        create(analysed, "run", web())
        assert slow.asked.wait(PATIENCE)
        body = {"spec": {"terminate": True}}
        analysed.client.patch("analysisruns", "run", body, PLACE)
        becomes(analysed, "run", "Successful")
        slow.may_answer.set()
        create(analysed, "after", scripted(1))
        becomes(analysed, "after", "Successful")
        assert analysed.phase() == ("Successful", "Run Terminated")
        assert "metricResults" not in analysed.status()


def test_a_run_that_is_deleted_and_made_again_measures_anew(slow: Slow) -> None:
    with Running(slow) as analysed:
        create(analysed, "run", web())
        assert slow.asked.wait(PATIENCE)
        slow.asked.clear()
        analysed.client.delete("analysisruns", "run", PLACE)
        create(analysed, "run", web())
        assert slow.asked.wait(PATIENCE)
        slow.may_answer.set()
        becomes(analysed, "run", "Successful")
        assert analysed.result("success-rate")["count"] == 1
