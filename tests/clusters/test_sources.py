"""Reading from several clusters at once."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from rolloutctl.cli import sources
from rolloutctl.cli.run import Run
from rolloutctl.cli.sources import NoneAnswered, Source, each
from rolloutctl.errors import ExitCode, Forbidden, RolloutctlError, Unreachable
from support.clusters import Clusters, cluster

PATIENCE = 30.0


def run_on(*contexts: str) -> Run:
    run = Run(Clusters({name: cluster() for name in contexts}).environment())
    run.common.context = contexts
    return run


def test_what_all_find_comes_in_the_order_of_the_contexts() -> None:
    later = threading.Event()

    def work(source: Source) -> Iterator[int]:
        if source.label == "a":
            assert later.wait(PATIENCE)
        yield from (1, 2)
        if source.label == "b":
            later.set()

    found = [(source.label, item) for source, item in each(run_on("a", "b", "c"), work)]
    assert found == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1), ("c", 2)]


def test_the_first_is_handed_out_while_it_is_still_read() -> None:
    taken = threading.Event()

    def work(source: Source) -> Iterator[str]:
        yield "first"
        if source.label == "a":
            assert taken.wait(PATIENCE)
        yield "second"

    found = each(run_on("a", "b"), work)
    assert next(found)[1] == "first"
    taken.set()
    assert [item for _, item in found] == ["second", "first", "second"]


def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "AT_ONCE", 2)
    both = threading.Barrier(2)
    lock = threading.Lock()
    now = most = 0

    def work(source: Source) -> Iterator[str]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if source.label in "ab":
            both.wait(PATIENCE)
        with lock:
            now -= 1
        yield source.label

    assert [item for _, item in each(run_on(*"abcdef"), work)] == list("abcdef")
    assert most == 2


def test_what_comes_early_is_kept_only_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_AHEAD", 10)
    full = threading.Event()
    begun: list[int] = []

    def work(source: Source) -> Iterator[int]:
        if source.label == "a":
            assert full.wait(PATIENCE)
            yield -1
            return
        for number in range(100):
            begun.append(number)
            if number == 10:
                full.set()
            yield number

    found = each(run_on("a", "b"), work)
    assert next(found)[1] == -1
    assert len(begun) <= 11
    assert [item for _, item in found] == list(range(100))


def test_whoever_stops_taking_lets_the_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_AHEAD", 1)
    ended = threading.Event()

    def work(source: Source) -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            if source.label == "b":
                ended.set()

    found = each(run_on("a", "b"), work)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert ended.wait(PATIENCE)


def test_one_that_fails_half_way_keeps_what_it_gave() -> None:
    run = run_on("a", "b")

    def work(source: Source) -> Iterator[int]:
        yield 1
        if source.label == "a":
            raise Unreachable("gone")
        yield 2

    assert [(source.label, item) for source, item in each(run, work)] == [
        ("a", 1),
        ("b", 1),
        ("b", 2),
    ]
    assert [(broken.label, broken.error.message) for broken in run.broken] == [("a", "gone")]


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((Unreachable("x"), Unreachable("y")), ExitCode.CLUSTER),
        ((Unreachable("x"), Forbidden("y")), ExitCode.CLUSTER),
        ((Unreachable("x"), RolloutctlError("y")), ExitCode.FAILED),
    ],
)
def test_all_fail(errors: tuple[RolloutctlError, ...], code: ExitCode) -> None:
    run = run_on("a", "b")

    def work(source: Source) -> Iterator[int]:
        raise errors["ab".index(source.label)]
        yield 0

    with pytest.raises(NoneAnswered) as raised:
        list(each(run, work))
    assert raised.value.exit_code == code
    assert len(run.broken) == 2


def test_the_only_cluster_fails_as_ever() -> None:
    def work(_: Source) -> Iterator[int]:
        raise Unreachable("gone")
        yield 0

    run = run_on("a")
    with pytest.raises(Unreachable):
        list(each(run, work))
    assert not run.broken


def test_a_mistake_of_ours_in_a_thread_is_not_swallowed() -> None:
    def work(source: Source) -> Iterator[int]:
        yield 1
        if source.label == "b":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(each(run_on("a", "b"), work))


def test_a_cluster_is_opened_in_its_own_thread() -> None:
    clusters = Clusters({"a": cluster(), "b": Unreachable("its certificate is missing")})
    run = Run(clusters.environment())
    run.common.all_contexts = True
    found = [(s.label, item) for s, item in each(run, lambda s: [s.cluster.namespace])]
    assert found == [("a", "shop")]
    assert [broken.label for broken in run.broken] == ["b"]


def test_a_person_is_told_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_PATIENCE", 0.0)
    said = threading.Event()

    class Heard(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            if "waiting for slow" in text:
                said.set()
            return super().write(text)

    def work(source: Source) -> Iterator[int]:
        assert source.label == "quick" or said.wait(PATIENCE)
        yield 1

    run = run_on("quick", "slow")
    run.environment.stderr = Heard()
    assert len(list(each(run, work))) == 2
    assert run.environment.stderr.getvalue().endswith("\r\x1b[K")
