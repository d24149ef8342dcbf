"""A server that has too much to do is asked less, by all threads; broken connections are survived.

Nothing here waits: pauses are noted, and the clock goes on by them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.domain.cluster import ROLLOUTS, Change
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, InDoubt
from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.kube.pace import IN_FLIGHT, PATIENCE, Pace
from support.scripted import Handler, Scripted, Step, drop, refuse, reply, serving, stream, thing

CHANGE = Change(ROLLOUTS, "default", "web", "status", ({"op": "test", "path": "/a", "value": 1},))
WEB = reply(200, thing("web", 7))
BUSY = refuse(429, "too many requests", "TooManyRequests", Retry_After="3")


class Rests:
    """Stands for time.sleep and the clock; remembers who slept and how long."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[tuple[str, float]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Happens once, in the middle of the first pause."""
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.naps.append((threading.current_thread().name, seconds))
            until = self.now + seconds
            meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        with self._lock:
            self.now = max(self.now, until)

    @property
    def seconds(self) -> list[float]:
        return [seconds for _, seconds in self.naps]

    def of(self, pace: Pace, *, chance: float = 0.0) -> Pace:
        pace.clock = lambda: self.now
        pace.chance = lambda: chance
        return pace


def get(cluster: KubeCluster) -> Rollout:
    return cluster.get(ROLLOUTS, "default", "web", Rollout)


def resting(script: Scripted, folder: Path) -> tuple[KubeCluster, Rests]:
    rests = Rests()
    cluster = script.cluster(folder=folder)
    cluster.transport.sleep = rests.sleep
    rests.of(cluster.transport.pace)
    return cluster, rests


def in_thread(work: Callable[[], object], name: str = "other") -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


# --- one moment for all ---------------------------------------------------------------------------


def test_a_refusal_of_one_thread_holds_back_the_others(tmp_path: Path) -> None:
    with serving(BUSY, WEB) as script:
        cluster, rests = resting(script, tmp_path)

        def another() -> None:
            in_thread(lambda: get(cluster)).join(20)

        rests.meanwhile = another
        get(cluster)
    assert rests.naps == [("MainThread", 3.0), ("other", 3.0)]
    assert len(script.asked) == 3


def test_they_do_not_come_back_in_the_same_instant() -> None:
    rests = Rests()
    pace = rests.of(Pace())
    with pace.turn(rests.sleep) as turn:
        pass
    pace.refused(turn, 4.0, 0)
    for chance in (0.0, 0.5, 1.0):
        rests.now = 0.0
        rests.of(pace, chance=chance)
        with pace.turn(rests.sleep):
            pass
    assert rests.seconds == [4.0, 4.5, 5.0]


def test_whoever_is_asleep_heeds_what_another_is_told_meanwhile() -> None:
    rests = Rests()
    pace = rests.of(Pace())
    with pace.turn(rests.sleep) as turn:
        pass
    pace.refused(turn, 3.0, 0)

    def another() -> None:
        pace.refused(turn, 8.0, 0)

    rests.meanwhile = another
    with pace.turn(rests.sleep) as later:
        assert rests.now == 8.0
    assert rests.seconds == [3.0, 5.0]
    assert later.waited == 8.0


def test_a_shorter_pause_does_not_call_anybody_back() -> None:
    rests = Rests()
    pace = rests.of(Pace())
    with pace.turn(rests.sleep) as turn:
        pass
    pace.refused(turn, 8.0, 0)
    pace.refused(turn, 1.0, 0)
    with pace.turn(rests.sleep):
        assert rests.now == 8.0


def test_a_watch_is_not_begun_while_others_wait_and_its_refusal_counts(tmp_path: Path) -> None:
    with serving(BUSY, WEB) as script:
        cluster, rests = resting(script, tmp_path)
        with cluster.transport.stream("/w", {}, silence=60.0) as answer:
            assert answer.status == 429
        assert rests.naps == []
        with cluster.transport.stream("/w", {}, silence=60.0) as answer:
            assert answer.status == 200
    assert rests.seconds == [3.0]


# --- how long, and what then ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize("body", [b"slow down", b'{"kind": "Status", "code": 429}', b""])
def test_a_server_that_does_not_say_how_long_is_asked_less_and_less_often(
    tmp_path: Path, body: bytes, method: str
) -> None:
    busy = reply(429, body, media="text/plain")
    with serving(busy, busy, busy, WEB) as script:
        cluster, rests = resting(script, tmp_path)
        get(cluster) if method == "GET" else cluster.apply(CHANGE)
    assert rests.seconds == [0.25, 0.5, 1.0]
    assert [asked.method for asked in script.asked] == [method] * 4


@pytest.mark.parametrize("seconds", ["0", "1", "10", "86400"])
def test_patience_has_an_end_and_the_error_says_what_to_do(tmp_path: Path, seconds: str) -> None:
    with serving(refuse(429, "busy", Retry_After=seconds)) as script:
        cluster, rests = resting(script, tmp_path)
        with pytest.raises(ClusterError) as caught:
            get(cluster)
    assert PATIENCE / 2 < sum(rests.seconds) <= PATIENCE
    assert len(script.asked) == len(rests.naps) + 1 < 12
    assert caught.value.message == (
        "cluster test has too much to do: it refused to get rollout default/web (429)"
    )
    assert caught.value.subject == "rollout default/web"
    assert "try again later" in caught.value.hint
    assert "--max-concurrent" in caught.value.hint


def test_a_list_that_is_refused_is_named(tmp_path: Path) -> None:
    with serving(refuse(429, "busy")) as script:
        cluster, _ = resting(script, tmp_path)
        with pytest.raises(ClusterError, match="it refused to list rollouts in shop"):
            list(cluster.pages(ROLLOUTS, "shop", Rollout))


def test_who_only_waits_for_others_asks_in_the_end() -> None:
    rests = Rests()
    pace = rests.of(Pace())
    with pace.turn(rests.sleep) as turn:
        pass

    def sleep(seconds: float) -> None:
        rests.sleep(seconds)
        pace.refused(turn, 10.0, 0)

    pace.refused(turn, 10.0, 0)
    with pace.turn(sleep) as late:
        assert late.waited == PATIENCE


def test_a_storm_of_refusals_is_survived_by_all(tmp_path: Path) -> None:
    count = 20
    rests = Rests()

    def overloaded(handler: Handler) -> None:
        (BUSY if rests.now < 5 else WEB)(handler)

    with serving(overloaded) as script:
        cluster = script.cluster(folder=tmp_path)
        cluster.transport.sleep = rests.sleep
        rests.of(cluster.transport.pace)
        done: list[Rollout] = []
        threads = [in_thread(lambda: done.append(get(cluster))) for _ in range(count)]
        for thread in threads:
            thread.join(20)
    assert len(done) == count
    # Each was refused once at the most, and few of them a second time.
    assert len(script.asked) < 3 * count


def test_a_change_refused_is_sent_again_but_not_when_its_answer_is_lost(tmp_path: Path) -> None:
    with serving(BUSY, drop, WEB) as script:
        cluster, rests = resting(script, tmp_path)
        with pytest.raises(InDoubt):
            cluster.apply(CHANGE)
    assert rests.seconds == [3.0]
    assert [asked.method for asked in script.asked] == ["PATCH"] * 2


# --- how many at once -----------------------------------------------------------------------------


def test_no_more_than_the_cap_are_under_way() -> None:
    pace = Pace(3)
    entered = threading.Event()

    def fourth() -> None:
        with pace.turn(lambda seconds: None):
            entered.set()

    with ExitStack() as first, ExitStack() as others:
        first.enter_context(pace.turn(lambda seconds: None))
        others.enter_context(pace.turn(lambda seconds: None))
        others.enter_context(pace.turn(lambda seconds: None))
        with pace.turn(lambda seconds: None, counted=False):
            pass  # A watch waits for nobody.
        thread = in_thread(fourth)
        assert not entered.wait(0.05)
        first.close()
        assert entered.wait(20)
        thread.join(20)


def test_the_cap_holds_for_requests_and_a_place_is_given_back(tmp_path: Path) -> None:
    peak, inside = Counter[str](), [0]
    lock, full = threading.Lock(), threading.Event()

    def count(handler: Handler) -> None:
        with lock:
            inside[0] += 1
            peak["most"] = max(peak["most"], inside[0])
            if inside[0] == 2:
                full.set()
        full.wait(5)
        with lock:
            inside[0] -= 1
        WEB(handler)

    with serving(count) as script:
        cluster = script.cluster(folder=tmp_path)
        cluster.transport.pace = Pace(2)
        threads = [in_thread(lambda: get(cluster)) for _ in range(8)]
        for thread in threads:
            thread.join(20)
    assert len(script.asked) == 8
    assert peak["most"] == 2


def test_a_refusal_narrows_and_answers_widen() -> None:
    rests = Rests()
    pace = rests.of(Pace(8))
    with ExitStack() as stack:
        turns = [stack.enter_context(pace.turn(rests.sleep)) for _ in range(8)]
    rests.now = 1.0
    for turn in turns:
        pace.refused(turn, 1.0, 0)
    assert pace.room == 4, "refusals of what was under way together are one sign"
    with pace.turn(rests.sleep) as turn:
        pass
    rests.now += 1
    pace.refused(turn, 1.0, 1)
    assert pace.room == 2
    for _ in range(100):
        pace.answered()
    assert pace.room == 8


def test_a_server_that_refuses_everything_is_still_asked_one_by_one() -> None:
    rests = Rests()
    pace = rests.of(Pace())
    for _ in range(10):
        with pace.turn(rests.sleep) as turn:
            pass
        rests.now += 1
        pace.refused(turn, 1.0, 0)
    assert pace.room == 1


def test_there_is_room_for_many_changes_at_once() -> None:
    assert 20 <= IN_FLIGHT <= 64
    assert Pace().room == IN_FLIGHT


# --- connections half closed ----------------------------------------------------------------------


def test_a_body_that_breaks_off_is_asked_for_again(tmp_path: Path) -> None:
    with serving(stream(b'{"metadata": {"na', then="drop"), WEB) as script:
        cluster, _ = resting(script, tmp_path)
        assert get(cluster).metadata.name == "web"
    assert len(script.asked) == 2


def test_a_page_that_breaks_off_is_read_again_and_given_once(tmp_path: Path) -> None:
    page = b'{"metadata": {"resourceVersion": "3"}, "items": [{"metadata": {"name": "a"}}'
    whole = reply(200, page + b"]}")
    with serving(stream(page, then="drop"), whole) as script:
        cluster, _ = resting(script, tmp_path)
        (found,) = cluster.pages(ROLLOUTS, None, Rollout)
    assert [item.metadata.name for item in found.items] == ["a"]


def test_a_change_whose_answer_breaks_off_is_in_doubt(tmp_path: Path) -> None:
    with serving(stream(b'{"metadata": {"na', then="drop"), WEB) as script:
        cluster, _ = resting(script, tmp_path)
        with pytest.raises(InDoubt, match="broke the connection off"):
            cluster.apply(CHANGE)
    assert len(script.asked) == 1


def closing(step: Step, closed: threading.Event) -> Step:
    """Answers well, and then closes the connection without having said that it would."""

    def answer(handler: Any) -> None:
        step(handler)
        handler.wfile.flush()
        handler.drop()
        closed.set()

    return answer


def test_an_idle_connection_the_server_closed_is_no_error(tmp_path: Path) -> None:
    closed = threading.Event()
    with serving(closing(WEB, closed), WEB) as script:
        cluster, _ = resting(script, tmp_path)
        get(cluster)
        assert closed.wait(20)
        assert get(cluster).metadata.name == "web"
    assert len(script.asked) == 2


def test_a_change_on_a_connection_closed_meanwhile_is_sent_once(tmp_path: Path) -> None:
    closed = threading.Event()
    with serving(closing(WEB, closed), WEB) as script:
        cluster, _ = resting(script, tmp_path)
        get(cluster)
        assert closed.wait(20)
        try:
            cluster.apply(CHANGE)
        except InDoubt as error:
            # Its end had not come through when the change was sent.
            assert "not known" in error.hint
    assert [asked.method for asked in script.asked].count("PATCH") <= 1
