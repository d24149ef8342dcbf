"""Many changes at once: bounded, in batches, each sent once, and stopped cleanly."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rolloutctl.actions import bulk, promotion
from rolloutctl.actions.bulk import Pace, Sending
from rolloutctl.actions.crew import Crew
from rolloutctl.actions.promotion import Intent, LeftOut
from rolloutctl.domain import changes
from rolloutctl.domain.cluster import Change, Kind
from rolloutctl.domain.decision import Action, Decision, NothingToDo, NotObserved, Seen
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Did, Result
from rolloutctl.errors import Forbidden, NotFound
from support.fleet_cluster import Fleet, fleet, numbered

PROMOTE = Intent(Action.PROMOTE)


def decisions(cluster: Fleet, names: Sequence[str]) -> list[Decision]:
    planned = bulk.plan_all(cluster, [Ref("shop", name) for name in names], PROMOTE)
    found = [one.decision for one in planned]
    assert None not in found
    return [one for one in found if one is not None]


def sending(cluster: Fleet, names: Sequence[str], pace: Pace, **more: Any) -> Sending:
    return Sending(cluster, decisions(cluster, names), PROMOTE, pace, **more)


def dids(results: Sequence[Result]) -> dict[str, Did]:
    return {item.ref.name: item.did for item in results}


# --- planning -----------------------------------------------------------------------------------


def test_all_are_planned_in_their_order_each_once() -> None:
    names = numbered(20)
    cluster = fleet(*names[:-1])
    asked = [Ref("shop", name) for name in [*names, names[0], names[3]]]
    told: list[int] = []
    planned = bulk.plan_all(cluster, asked, PROMOTE, at_once=6, progress=told.append)
    assert [one.ref.name for one in planned] == names
    assert [one.error is None for one in planned] == [True] * 19 + [False]
    assert isinstance(planned[-1].error, NotFound)
    assert told == list(range(1, 21))
    assert cluster.tally == {}


def test_waiting_for_the_controller_is_told_in_the_thread_that_asked() -> None:
    cluster = fleet("web")
    cluster.rollout["metadata"]["generation"] = 99
    told: list[tuple[Ref, str]] = []

    def waiting(ref: Ref, reason: NotObserved) -> None:
        told.append((ref, threading.current_thread().name))

    (one,) = bulk.plan_all(cluster, [Ref("shop", "web")], PROMOTE, timeout=0.01, waiting=waiting)
    assert one.error is not None and "nothing was sent" in one.error.message
    assert told == [(Ref("shop", "web"), threading.current_thread().name)]


# --- pace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 4, 16])
def test_never_more_in_flight_than_asked_for_and_no_fewer_where_it_pays(at_once: int) -> None:
    first = threading.Barrier(at_once)
    passed = 0

    def gate(change: Change) -> None:
        nonlocal passed
        passed += 1
        if passed <= at_once:
            first.wait(timeout=20)  # breaks, and fails the test, if so many never come together

    cluster = fleet(*numbered(48), gate=gate)
    results = sending(cluster, numbered(48), Pace(at_once)).run()
    assert cluster.most == at_once
    assert [item.did for item in results] == [Did.CHANGED] * 48
    assert set(cluster.tally.values()) == {1}


def test_three_hundred_are_each_sent_once_also_when_listed_twice() -> None:
    names = numbered(300)
    cluster = fleet(*names)
    found = decisions(cluster, names)
    told: list[Result] = []
    run = Sending(cluster, [*found, *found], PROMOTE, Pace(32), report=told.append)
    assert len(run.run()) == 300
    assert len(told) == 300
    assert len(cluster.sent) == 300
    assert set(cluster.tally.values()) == {1}


def test_a_batch_begins_when_the_one_before_is_settled() -> None:
    names = numbered(10)
    cluster = fleet(*names)
    log: list[Any] = []

    def settle(results: list[Result]) -> bool:
        log.append([item.ref.name for item in results])
        return True

    run = sending(
        cluster,
        names,
        Pace(3, batch=4),
        begins=lambda number, count: log.append((number, count, len(cluster.sent))),
        settle=settle,
    )
    run.run()
    assert [entry for entry in log if isinstance(entry, tuple)] == [(1, 3, 0), (2, 3, 4), (3, 3, 8)]
    assert [entry for entry in log if isinstance(entry, list)] == [
        names[:4],
        names[4:8],
        names[8:],
    ]


def test_no_batch_after_one_that_did_not_settle() -> None:
    cluster = fleet(*numbered(6))
    results = sending(cluster, numbered(6), Pace(2, batch=2), settle=lambda results: False).run()
    assert [item.did for item in results] == [Did.CHANGED] * 2 + [Did.NOT_DONE] * 4
    assert len(cluster.sent) == 2


def test_the_rest_between_batches_is_cut_short_by_a_stop() -> None:
    cluster = fleet(*numbered(4))
    run: Sending

    def settle(results: list[Result]) -> bool:
        threading.Thread(target=run.stop).start()
        return True

    run = sending(cluster, numbered(4), Pace(2, batch=2, rest=3600), settle=settle)
    results = run.run()
    assert [item.did for item in results] == [Did.CHANGED] * 2 + [Did.NOT_DONE] * 2
    assert run.stopped


# --- failures -----------------------------------------------------------------------------------


def refuse(*names: str) -> Callable[[Change], None]:
    def gate(change: Change) -> None:
        if change.name in names:
            raise Forbidden("not allowed")

    return gate


def test_a_failure_keeps_no_other_back() -> None:
    cluster = fleet(*numbered(9), gate=refuse("web-002"))
    results = sending(cluster, numbered(9), Pace(3)).run()
    assert [item.did for item in results].count(Did.CHANGED) == 8
    assert dids(results)["web-002"] is Did.FAILED


def test_stop_on_failure_lets_end_what_is_in_flight() -> None:
    failing = threading.Event()
    cluster: Fleet

    def gate(change: Change) -> None:
        if change.name == "web-001":
            cluster.until_flying(3)
            failing.set()
            raise Forbidden("not allowed")
        if change.name in ("web-000", "web-002"):
            assert failing.wait(20)

    cluster = fleet(*numbered(9), gate=gate)
    told: list[Result] = []
    pace = Pace(3, stop_on_failure=True)
    results = sending(cluster, numbered(9), pace, report=told.append).run()
    found = dids(results)
    assert found["web-001"] is Did.FAILED
    # The two beside it were begun; how they are told does not depend on who was first.
    begun = {name for name, did in found.items() if did is not Did.NOT_DONE}
    assert {"web-000", "web-001", "web-002"} <= begun
    assert len(begun) <= 5
    assert len(told) == 9


def test_one_after_the_other_a_failure_is_the_last_that_was_begun() -> None:
    cluster = fleet(*numbered(5), gate=refuse("web-002"))
    results = sending(cluster, numbered(5), Pace(1, stop_on_failure=True)).run()
    assert [item.did for item in results] == [
        Did.CHANGED,
        Did.CHANGED,
        Did.FAILED,
        Did.NOT_DONE,
        Did.NOT_DONE,
    ]


def test_a_lost_answer_is_neither_done_nor_failed() -> None:
    cluster = fleet("made", "not-made", lost=["made"], dropped=["not-made"])
    results = sending(cluster, ["made", "not-made"], Pace(1)).run()
    assert [item.did for item in results] == [Did.UNKNOWN, Did.UNKNOWN]
    assert cluster.tally == {Ref("shop", "made"): 1}


def test_a_fault_of_ours_is_told_of_the_one_it_hit() -> None:
    def gate(change: Change) -> None:
        if change.name == "web-001":
            raise ZeroDivisionError("oops")

    cluster = fleet(*numbered(3), gate=gate)
    results = sending(cluster, numbered(3), Pace(2)).run()
    assert dids(results) == {
        "web-000": Did.CHANGED,
        "web-001": Did.UNKNOWN,
        "web-002": Did.CHANGED,
    }
    assert "ZeroDivisionError" in str(results[1].error)


# --- what happens meanwhile ---------------------------------------------------------------------


def moved(item: dict[str, Any]) -> None:
    item["status"].pop("pauseConditions")
    item["status"]["currentStepIndex"] = 2


def test_what_moved_meanwhile_is_not_promoted_twice() -> None:
    cluster = fleet("one", "two", intrusions=[moved])
    results = sending(cluster, ["one", "two"], Pace(1)).run()
    assert [item.did for item in results] == [Did.FAILED, Did.CHANGED]
    assert cluster.tally == {Ref("shop", "two"): 1}


def left_its_phase(seen: Seen) -> None:
    if not seen.rollout.status.pause_conditions:
        raise LeftOut("left alone: it is Progressing meanwhile")


@pytest.mark.parametrize("when", ["before", "during"])
def test_what_is_no_longer_what_was_asked_for_is_left_alone(when: str) -> None:
    cluster = fleet("one", "two", intrusions=[moved] if when == "during" else [])
    found = decisions(cluster, ["one", "two"])
    if when == "before":
        moved(cluster.rollout_of("one"))
    checks = {one.ref: left_its_phase for one in found}
    results = Sending(cluster, found, PROMOTE, Pace(1), checks=checks).run()
    assert [item.did for item in results] == [Did.NOTHING, Did.CHANGED]
    assert "left alone" in str(results[0].error)
    assert cluster.tally == {Ref("shop", "two"): 1}


def test_a_check_is_asked_when_it_is_planned_too() -> None:
    cluster = fleet("one")
    moved(cluster.rollout)
    ref = Ref("shop", "one")
    (one,) = bulk.plan_all(cluster, [ref], PROMOTE, checks={ref: left_its_phase})
    assert isinstance(one.error, LeftOut) and isinstance(one.error, NothingToDo)


# --- stopping -----------------------------------------------------------------------------------


def test_a_stop_waits_for_what_is_in_flight_and_begins_nothing_more() -> None:
    go = threading.Event()

    def gate(change: Change) -> None:
        assert go.wait(20)

    cluster = fleet(*numbered(9), gate=gate)
    waited: list[int] = []

    def waits(count: int) -> None:
        waited.append(count)
        go.set()

    run = sending(cluster, numbered(9), Pace(3), waits=waits)

    def stop() -> None:
        cluster.until_flying(3)
        run.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    results = run.run()
    stopper.join()
    assert waited == [3]
    assert [item.did for item in results] == [Did.CHANGED] * 3 + [Did.NOT_DONE] * 6
    assert len(cluster.sent) == 3


@pytest.mark.parametrize("how", ["patience", "again"])
def test_an_answer_that_does_not_come_is_given_up_as_not_known(how: str) -> None:
    go = threading.Event()

    def gate(change: Change) -> None:
        if change.name == "web-001":
            assert go.wait(20)

    cluster = fleet(*numbered(4), gate=gate)
    run: Sending
    run = sending(
        cluster,
        numbered(4),
        Pace(1),
        patience=0.01 if how == "patience" else 3600,
        waits=lambda count: run.stop(at_once=True) if how == "again" else None,
    )

    def stop() -> None:
        _until(lambda: Ref("shop", "web-001") in run.begun)
        run.stop()

    stopper = threading.Thread(target=stop)
    stopper.start()
    results = run.run()
    stopper.join()
    go.set()
    assert [item.did for item in results] == [
        Did.CHANGED,
        Did.UNKNOWN,
        Did.NOT_DONE,
        Did.NOT_DONE,
    ]
    assert "not known" in str(results[1].error)


def test_a_change_that_was_made_is_done_while_its_event_is_still_being_written() -> None:
    go = threading.Event()
    cluster = fleet(*numbered(2))
    run: Sending

    def record(decision: Decision) -> None:
        run.stop()
        assert go.wait(20)

    found = decisions(cluster, numbered(2))
    run = Sending(cluster, found, replace(PROMOTE, record=record), Pace(1), patience=0.01)
    results = run.run()
    go.set()
    assert [item.did for item in results] == [Did.CHANGED, Did.NOT_DONE]
    assert results[0].decision is not None and results[0].error is None


def _until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does and tells nobody."""
    tick = threading.Event()
    for _ in range(4000):
        if holds():
            return
        tick.wait(0.005)
    raise AssertionError("it never came true")


def test_no_wait_is_so_long_that_a_signal_goes_unnoticed() -> None:
    """One that comes just before a wait begins does not end it: its handler runs after it."""
    waits: list[float] = []

    class Deaf(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            assert timeout is not None
            waits.append(timeout)
            if len(waits) == 2:
                self.put(None)
            return super().get(block, min(timeout, 0.001))

    crew: Crew[int, int] = Crew(lambda item: item, 1)
    crew._done = Deaf()
    assert crew.take() is None
    assert len(waits) == 2 and max(waits) <= 1
    waits.clear()
    assert crew.take(0.002) is None
    assert max(waits) <= 0.002


def test_ctrl_c_in_a_callback_accounts_for_everything() -> None:
    cluster = fleet(*numbered(5))
    told: list[Result] = []

    def report(result: Result) -> None:
        told.append(result)
        if len(told) == 2:
            raise KeyboardInterrupt

    results = sending(cluster, numbered(5), Pace(1), report=report).run()
    assert [item.did for item in results] == [Did.CHANGED] * 2 + [Did.NOT_DONE] * 3
    assert len(told) == 5


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 12),
    pace=st.builds(
        Pace, st.integers(1, 5), st.integers(0, 4), st.just(0.0), stop_on_failure=st.booleans()
    ),
    bad=st.sets(st.integers(0, 11)),
    lost=st.sets(st.integers(0, 11)),
    dropped=st.sets(st.integers(0, 11)),
    moving=st.lists(st.booleans(), max_size=6),
    stop_after=st.none() | st.integers(0, 12),
    settles=st.lists(st.booleans(), max_size=4),
)
def test_each_is_sent_at_most_once_and_has_one_result(
    count: int,
    pace: Pace,
    bad: set[int],
    lost: set[int],
    dropped: set[int],
    moving: list[bool],
    stop_after: int | None,
    settles: list[bool],
) -> None:
    names = numbered(count)
    cluster = fleet(
        *names,
        gate=refuse(*(f"web-{number:03}" for number in bad)),
        lost=[f"web-{number:03}" for number in lost],
        dropped=[f"web-{number:03}" for number in dropped],
        intrusions=[moved if one else None for one in moving],
    )
    told: list[Ref] = []
    answers = iter(settles)
    run: Sending

    def report(result: Result) -> None:
        told.append(result.ref)
        if len(told) == stop_after:
            run.stop()

    run = sending(cluster, names, pace, report=report, settle=lambda results: next(answers, True))
    results = run.run()
    assert [item.ref.name for item in results] == names
    assert sorted(ref.name for ref in told) == names
    assert set(cluster.tally.values()) <= {1}
    made = {ref.name for ref in cluster.tally}
    by = {did: {item.ref.name for item in results if item.did is did} for did in Did}
    assert by[Did.CHANGED] <= made <= by[Did.CHANGED] | by[Did.UNKNOWN]
    assert not made & (by[Did.NOT_DONE] | by[Did.FAILED] | by[Did.NOTHING])
    assert cluster.most <= pace.at_once


def test_a_dry_run_of_the_server_keeps_nothing() -> None:
    cluster = fleet(*numbered(3))
    results = sending(cluster, numbered(3), Pace(2), dry_run=True).run()
    assert [item.did for item in results] == [Did.TRIED] * 3
    assert cluster.sent == [] and len(cluster.tried) == 3
    assert promotion.read(cluster, Ref("shop", "web-000")).rollout.status.pause_conditions


def test_all_together_wait_no_longer_for_the_controller_than_one() -> None:
    names = numbered(40)
    cluster = fleet(*names)
    for name in names:
        item = cluster.rollout_of(name)
        item["metadata"] = {**item["metadata"], "generation": 99}
    limits: list[float] = []
    watch = cluster.watch
    now = 0.0

    def clock() -> float:
        return now

    def waiting(kind: Kind, namespace: str | None, as_type: type[Any], **more: Any) -> Any:
        nonlocal now
        limits.append(more["timeout"])
        now += more["timeout"]
        return watch(kind, namespace, as_type, **more)

    cluster.watch = waiting  # type: ignore[method-assign]
    refs = [Ref("shop", name) for name in names]
    planned = bulk.plan_all(cluster, refs, PROMOTE, at_once=1, timeout=30.0, clock=clock)
    assert all(one.error is not None for one in planned)
    assert limits[0] == 30.0
    assert set(limits[1:]) == {1.0}


@pytest.mark.parametrize(
    "action", [Action.PROMOTE, Action.PROMOTE_FULL, Action.ABORT, Action.PAUSE]
)
def test_what_is_kept_of_a_plan_is_what_it_touches(action: Action) -> None:
    cluster = fleet("web")
    item = cluster.rollout
    item["metadata"] = {**item["metadata"], "annotations": {"note": "x" * 10_000}}
    ref, intent = Ref("shop", "web"), Intent(action)
    whole = promotion.plan(cluster, ref, intent)
    (one,) = bulk.plan_all(cluster, [ref], intent)
    assert one.decision is not None
    assert one.decision.changes == whole.changes
    assert changes.same_meaning(one.decision, whole)
    for change in whole.changes:
        for operation in change.operations:
            found = one.decision.seen.at(operation["path"])
            assert found == whole.seen.at(operation["path"])
    assert len(json.dumps(one.decision.seen.raw)) < 2_000
