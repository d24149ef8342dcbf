"""What the time went into, as it is measured and as `--timings` says it."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from rolloutctl.cli.timings import process_age
from rolloutctl.domain.cluster import ROLLOUTS, Timings
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Forbidden
from rolloutctl.kube.timings import Stopwatch
from rolloutctl.render.theme import one_line
from rolloutctl.render.views.timings import timings_lines
from support.program import Program
from support.scripted import listing, refuse, reply, serving, thing, write_kubeconfig


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_stage_inside_another_counts_once() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    with stopwatch.stage("wait"):
        clock.now += 2
        with stopwatch.stage("connect"):
            clock.now += 5
        clock.now += 1
    clock.now += 100
    with stopwatch.stage("decode"):
        clock.now += 4
    found = stopwatch.read()
    assert (found.connect, found.wait, found.decode, found.busy) == (5, 3, 4, 12)


def test_a_stage_that_fails_is_counted() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    with pytest.raises(OSError), stopwatch.stage("wait"):
        clock.now += 3
        raise OSError
    with stopwatch.stage("decode"):
        clock.now += 1
    assert (stopwatch.read().wait, stopwatch.read().busy) == (3, 4)


def test_what_two_threads_do_at_once_went_by_once() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with stopwatch.stage("wait"):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with stopwatch.stage("decode"):
        clock.now += 3
    clock.now += 2
    assert stopwatch.read().busy == 5  # The other one is still at it.
    leave.set()
    thread.join()
    clock.now += 100
    found = stopwatch.read()
    assert (found.decode, found.wait, found.busy) == (3, 5, 5)


def test_a_cluster_measures_its_requests(tmp_path: Path) -> None:
    page = listing([thing("a", 1)], 3)
    with serving(reply(200, page), refuse(403, "no"), reply(200, thing("web", 7))) as script:
        cluster = script.cluster(folder=tmp_path)
        assert cluster.timings() == Timings()
        list(cluster.pages(ROLLOUTS, None, Rollout))
        found = cluster.timings()
        assert (found.requests, found.received) == (1, len(json.dumps(page).encode()))
        assert min(found.connect, found.wait, found.decode) > 0
        assert found.busy == pytest.approx(found.connect + found.wait + found.decode)
        with pytest.raises(Forbidden):
            cluster.get(ROLLOUTS, "default", "web", Rollout)
        cluster.get(ROLLOUTS, "default", "web", Rollout)
        after = cluster.timings()
    assert after.requests == 3
    assert after.decode > found.decode


def test_a_connection_is_paid_once(tmp_path: Path) -> None:
    with serving(reply(200, thing("web", 7))) as script:
        cluster = script.cluster(folder=tmp_path)
        cluster.get(ROLLOUTS, "default", "web", Rollout)
        first = cluster.timings().connect
        cluster.get(ROLLOUTS, "default", "web", Rollout)
    assert cluster.timings().connect == first


def test_what_a_watch_reads_is_counted(tmp_path: Path) -> None:
    with serving(reply(200, b"x" * 5000)) as script:
        transport = script.cluster(folder=tmp_path).transport
        with transport.stream("/w", {}, silence=5.0) as answer:
            answer.read()
    found = transport.stopwatch.read()
    assert (found.requests, found.received) == (1, 5000)


# --- the option -----------------------------------------------------------------------------------

SAYS = re.compile(
    r"^timings: connect \d+ ms · wait \d+ ms \(1 request, \d+ B\) · decode \d+ ms"
    r" · render and the rest \d+ ms · total \d+ ms$",
    re.MULTILINE,
)


@pytest.mark.parametrize("argv", [("--timings", "list"), ("list", "--timings")])
def test_any_command_says_it_on_stderr(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with serving(reply(200, listing([thing("web", 1)], 3))) as script:
        config = write_kubeconfig(tmp_path / "config", script.url)
        done = Program(env={"KUBECONFIG": str(config)})(*argv)
    assert done.exit_code == 0
    assert SAYS.search(done.stderr), done.stderr
    assert "timings" not in done.stdout


def test_it_is_the_last_word_after_an_error(tmp_path: Path) -> None:
    with serving(refuse(403, "no")) as script:
        config = write_kubeconfig(tmp_path / "config", script.url)
        done = Program(env={"KUBECONFIG": str(config)})("list", "--timings")
    assert done.exit_code == 3
    assert SAYS.match(done.stderr.splitlines()[-1]), done.stderr


def test_a_command_without_a_cluster_has_a_total(rolloutctl: Program) -> None:
    done = rolloutctl("version", "--timings")
    assert re.fullmatch(r"timings: the rest \d+ ms · total \d+ ms\n", done.stderr)


def test_it_is_said_after_an_interrupt(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("rolloutctl.cli.commands.version.installed", interrupted)
    done = rolloutctl("version", "--timings")
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-1].startswith("timings: ")


def test_several_clusters_are_told_apart(tmp_path: Path) -> None:
    with serving(reply(200, listing([thing("web", 1)], 3))) as script:
        first = write_kubeconfig(tmp_path / "config", script.url)
        second = tmp_path / "other"
        second.write_text(first.read_text().replace("test", "b"))
        program = Program(env={"KUBECONFIG": f"{first}:{second}"})
        done = program("list", "--all-contexts", "--timings")
    lines = done.stderr.splitlines()[-3:]
    assert [each.partition(":")[0] for each in lines] == [
        "timings of b",
        "timings of test",
        "timings",
    ]
    assert re.fullmatch(r"timings: total \d+ ms", lines[2])


def test_nothing_is_said_unasked(rolloutctl: Program) -> None:
    assert "timings" not in rolloutctl("version").stderr


def said(clusters: dict[str, Timings], start: float | None, total: float) -> list[str]:
    return [
        one_line(line, colour=False) for line in timings_lines(clusters, start=start, total=total)
    ]


def test_the_parts_and_the_rest_are_the_total() -> None:
    spent = Timings(0.009, 0.041, 0.002, busy=0.052, requests=3, received=12_300)
    assert said({"a": spent}, 0.096, 0.159) == [
        "timings: start 96 ms · connect 9 ms · wait 41 ms (3 requests, 12 KB) · decode 2 ms"
        " · render and the rest 11 ms · total 159 ms"
    ]


def test_requests_at_once_are_said_to_be() -> None:
    spent = Timings(0, 12.0, 1.0, busy=7.0, requests=50, received=2_345_678)
    assert said({"a": spent}, None, 7.5) == [
        "timings: connect 0 ms · wait 12.0 s (50 requests, 2.3 MB, several at once)"
        " · decode 1,000 ms · render and the rest 500 ms · total 7,500 ms"
    ]


def test_a_name_of_a_cluster_cannot_mislead() -> None:
    found = said({"a\x1b[2J\nb": Timings(), "b": Timings()}, None, 1.0)
    assert "\x1b" not in "".join(found)
    assert len(found) == 3


def test_the_age_of_a_process_is_not_negative() -> None:
    age = process_age()
    if age is None:
        pytest.skip("this system does not say when a process began")
    assert age > 0
