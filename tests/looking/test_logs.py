"""`logs` and `analysis logs`: whose lines, in which order, and how they are told apart."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.actions.following_logs import Follower, Remark
from rolloutctl.actions.logs import Asked, RolloutPods
from rolloutctl.domain.cluster import Kind, WatchEvent
from rolloutctl.domain.decoders import converted
from rolloutctl.domain.pod_logs import LogLine, Origin, containers, read_line, runs, short_name
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Pod
from rolloutctl.errors import ExitCode, Failed, RolloutctlError, Unreachable
from support.fake_cluster import HANG, FakeCluster
from support.program import Program

Obj = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def rollout(stable: str = "aaa", current: str = "bbb", *, blue_green: bool = False) -> Obj:
    strategy: Obj = {"canary": {"steps": []}}
    status: Obj = {"stableRS": stable, "currentPodHash": current}
    if blue_green:
        strategy = {"blueGreen": {"activeService": "a"}}
        status["blueGreen"] = {"activeSelector": stable, "previewSelector": current}
    return {
        "metadata": {"name": "web", "namespace": "shop", "uid": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "strategy": strategy},
        "status": status,
    }


def pod(
    hash: str, end: str, *names: str, owner: str = "", state: Obj | None = None, **more: Any
) -> Obj:
    names = names or ("app",)
    running: Obj = {"running": {"startedAt": "2026-03-01T11:00:00Z"}}
    return {
        "metadata": {
            "name": f"web-{hash}-{end}",
            "namespace": "shop",
            "uid": f"{hash}{end}",
            "labels": {"app": "web", "rollouts-pod-template-hash": hash},
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner or f"web-{hash}"}],
            **more,
        },
        "spec": {"containers": [{"name": name} for name in names]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": name, "state": running if state is None else state} for name in names
            ],
        },
    }


def stamped(second: float, text: str) -> str:
    at = NOW + timedelta(seconds=second)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}000Z {text}"


class Logs(FakeCluster):
    """`printed` maps "pod/container" to its lines, or to what reading them raises."""

    def __init__(self, objects: dict[str, list[Obj]], printed: dict[str, Any], **more: Any) -> None:
        super().__init__(objects, **more)
        self.printed = printed
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def log_lines(self, namespace: str, name: str, **asked: Any) -> Iterator[str]:
        where = f"{name}/{asked['container']}"
        self.asked.append((where, asked))
        found = self.printed.get(where, [])
        if isinstance(found, RolloutctlError):
            raise found
        yield from found


def two_versions(**more: Any) -> Logs:
    return Logs(
        {
            "rollouts": [rollout()],
            "pods": [
                pod("aaa", "x1", "app", "proxy"),
                pod("bbb", "y1", "app", "proxy"),
                pod("ccc", "z1", "app", "proxy"),
                pod("ddd", "t1", owner="web-trial-new"),
            ],
        },
        {
            "web-aaa-x1/app": [stamped(1, "one"), stamped(4, "four")],
            "web-bbb-y1/app": [stamped(2, "two \x1b[31mred\x07"), stamped(2, ""), "no time"],
            "web-ccc-z1/app": [stamped(3, "three")],
            "web-aaa-x1/proxy": [stamped(0, "proxy")],
            "web-ddd-t1/app": [stamped(0, "an experiment's")],
        },
        **more,
    )


def program(cluster: FakeCluster, **settings: Any) -> Program:
    return Program(cluster=cluster, now=lambda: NOW, **settings)


@pytest.mark.parametrize("output", [None, "json", "yaml", "jsonl"])
def test_all_as_one_in_each_format(output: str | None, snapshot: SnapshotAssertion) -> None:
    result = program(two_versions())("logs", "web", *(["-o", output] if output else []))
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["--role", "canary"], ["canary y1[app] two", "canary y1[app]", "canary y1[app] no time"]),
        (["--role", "stable,canary", "-c", "proxy"], ["stable x1[proxy] proxy"]),
        (
            ["--role", "stable", "--all-containers"],
            ["stable x1[proxy] proxy", "stable x1[app] one"],
        ),
        (
            ["--timestamps", "--role", "stable"],
            ["stable x1[app] 2026-03-01T12:00:01.000000000Z one"],
        ),
        (["--max-pods", "1"], ["stable x1[app] one"]),
    ],
)
def test_what_is_asked_for(options: list[str], texts: list[str]) -> None:
    result = program(two_versions())("logs", "web", *options)
    assert result.exit_code == ExitCode.OK, result.stderr
    shown = [line.replace(" \x1b[31mred\x07", "").rstrip() for line in result.stdout.splitlines()]
    assert shown[: len(texts)] == texts


def test_what_the_server_is_asked() -> None:
    cluster = two_versions()
    program(cluster)("logs", "web", "--role", "stable", "--tail", "5", "--since", "2m")
    ((where, asked),) = cluster.asked
    assert where == "web-aaa-x1/app"
    assert (asked["tail"], asked["since_seconds"], asked["timestamps"]) == (5, 120.0, True)


def test_a_pod_cannot_move_the_cursor_of_a_terminal() -> None:
    shown = program(two_versions(), terminal=True)("logs", "web", "--no-color").stdout
    assert "\x1b" not in shown and "\x07" not in shown
    assert "canary y1[app] two red" in shown
    raw = program(two_versions())("logs", "web").stdout
    assert "canary y1[app] two \x1b[31mred\x07\n" in raw


def test_each_pod_keeps_its_colour() -> None:
    shown = program(two_versions(), terminal=True)("logs", "web").stdout
    colours = [line.partition("m")[0] for line in shown.splitlines() if "x1[app]" in line]
    assert len(colours) == 2 and len(set(colours)) == 1
    assert "\x1b[" not in program(two_versions(), terminal=True)("--no-color", "logs", "web").stdout


def test_blue_green_roles() -> None:
    cluster = two_versions()
    cluster.objects["rollouts"] = [rollout(blue_green=True)]
    shown = program(cluster)("logs", "web").stdout
    assert {line.split()[0] for line in shown.splitlines()} == {"active", "preview", "old"}
    assert "stable x1[app] one" in program(cluster)("logs", "web", "--role", "stable").stdout


def test_a_pod_that_has_not_started_does_not_keep_the_others_back() -> None:
    cluster = two_versions()
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    cluster.objects["pods"].append(pod("bbb", "y2", state=waiting))
    cluster.printed["web-ccc-z1/app"] = Failed('the server refuses: "app" is waiting to start')
    result = program(cluster)("logs", "web")
    assert result.exit_code == ExitCode.OK
    assert "canary y2[app] has no log yet: waiting to start: ContainerCreating" in result.stderr
    assert "old z1[app] has no log yet" in result.stderr
    assert "stable x1[app] four" in result.stdout


def test_a_log_that_breaks_is_an_error_and_the_rest_is_shown() -> None:
    cluster = two_versions()
    cluster.printed["web-ccc-z1/app"] = Unreachable("cluster test does not answer")
    result = program(cluster)("logs", "web")
    assert result.exit_code == ExitCode.CLUSTER
    assert "does not answer" in result.stderr
    assert "stable x1[app] four" in result.stdout


def test_previous_is_asked_of_those_that_were_restarted() -> None:
    cluster = two_versions()
    cluster.objects["pods"][0]["status"]["containerStatuses"][0]["restartCount"] = 2
    program(cluster)("logs", "web", "--previous")
    assert [(where, asked["previous"]) for where, asked in cluster.asked] == [
        ("web-aaa-x1/app", True)
    ]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["wbe"], ExitCode.NOT_FOUND, "did you mean web?"),
        (["web", "-c", "nope"], ExitCode.NOT_FOUND, "there are app, proxy"),
        (["web", "-c", "app", "--all-containers"], ExitCode.USAGE, "leave out one"),
        (["web", "-f", "-p"], ExitCode.USAGE, "cannot be followed"),
        (["web", "-f", "-o", "json"], ExitCode.USAGE, "-o jsonl gives"),
        (["web", "-o", "name"], ExitCode.USAGE, "-o jsonl gives"),
        (["web", "--role", "blue"], ExitCode.USAGE, "known: canary, stable, active, preview"),
        (["web", "--timeout", "1s"], ExitCode.USAGE, "--timeout needs --follow"),
        (["web", "--max-pods", "0"], ExitCode.USAGE, "at least 1"),
        (["web", "--role", "preview"], ExitCode.OK, "no pods that are preview"),
    ],
)
def test_what_is_refused(argv: list[str], code: ExitCode, said: str) -> None:
    result = program(two_versions())("logs", *argv)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


# --- following ----------------------------------------------------------------------------------


class Live(FakeCluster):
    """Watches and logs that a test goes on with, step by step. None ends one."""

    def __init__(self) -> None:
        super().__init__({"rollouts": [rollout()]})
        self.events: dict[str, queue.SimpleQueue[Any]] = {
            "rollouts": queue.SimpleQueue(),
            "pods": queue.SimpleQueue(),
        }
        self.logs: dict[str, queue.SimpleQueue[Any]] = {}
        self.opened: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._guard = threading.Lock()

    def watch(self, kind: Kind, *_: Any, **__: Any) -> Iterator[WatchEvent]:
        while (event := self.events[kind.plural].get()) is not None:
            yield event

    def log(self, name: str) -> queue.SimpleQueue[Any]:
        with self._guard:
            return self.logs.setdefault(name, queue.SimpleQueue())

    def log_lines(self, namespace: str, name: str, **asked: Any) -> Iterator[str]:
        self.opened.put((name, asked))
        log = self.log(name)
        while (line := log.get(timeout=10)) is not None:
            if isinstance(line, Exception):
                raise line
            yield line

    def say(self, plural: str, type_: str, item: Obj | None = None) -> None:
        from rolloutctl.domain.wire import Rollout

        struct: Any = {"rollouts": Rollout, "pods": Pod}[plural]
        decoded = converted(item, struct) if item is not None else None
        self.events[plural].put(WatchEvent(type_, decoded))


class Following:
    """A follower at work; `until` reads on to a line or a remark."""

    def __init__(self, cluster: Live, **asked: Any) -> None:
        self.cluster = cluster
        crowd = RolloutPods(cluster, Ref("shop", "web"))
        follower = Follower(cluster, [crowd], Asked(**asked), now=lambda: NOW)
        self._told = follower.follow(20)

    def until(self, *texts: str) -> list[str]:
        """What was told, up to where each of `texts` has come."""
        seen: list[str] = []
        for told in self._told:
            lines = [told] if isinstance(told, Remark) else told
            seen += [self._text(line) for line in lines]
            if all(any(text in line for line in seen) for text in texts):
                return seen
        pytest.fail(f"not all of {texts} came; there was {seen}")

    @staticmethod
    def _text(told: LogLine | Remark) -> str:
        if isinstance(told, Remark):
            return f"<{told.what} {told.origin.short if told.origin else told.said}>"
        return f"{told.origin.role} {told.origin.short}: {told.text}"


@pytest.fixture
def live() -> Iterator[Live]:
    cluster = Live()
    cluster.say("rollouts", "ADDED", rollout())
    cluster.say("pods", "ADDED", pod("aaa", "x1"))
    cluster.say("pods", "SYNCED")
    yield cluster
    # Threads that read on would be there at the end of the tests.
    for log in cluster.logs.values():
        log.put(None)
    for events in cluster.events.values():
        events.put(None)


def test_pods_that_come_are_picked_up_from_their_first_line_on(live: Live) -> None:
    following = Following(live, tail=1)
    live.log("web-aaa-x1").put(stamped(1, "one"))
    assert following.until("one") == ["stable x1: one"]
    assert live.opened.get()[1]["tail"] == 1
    creating = {"waiting": {"reason": "ContainerCreating"}}
    live.say("pods", "ADDED", pod("bbb", "y1", state=creating))
    assert following.until("waits") == ["<waits y1>"]
    live.say("pods", "MODIFIED", pod("bbb", "y1"))
    live.log("web-bbb-y1").put(stamped(2, "two"))
    assert following.until("two") == ["<new y1>", "canary y1: two"]
    assert live.opened.get()[1]["tail"] is None
    live.say("pods", "DELETED", pod("aaa", "x1"))
    live.log("web-aaa-x1").put(stamped(3, "the last words"))
    seen = following.until("last words", "<left x1>")
    assert sorted(seen) == ["<left x1>", "stable x1: the last words"]
    live.say("rollouts", "DELETED", rollout())
    assert following.until("deleted") == ["<deleted shop/web>"]


def test_a_log_that_breaks_is_read_on_without_repeating_lines(live: Live) -> None:
    following = Following(live)
    log = live.log("web-aaa-x1")
    log.put(stamped(1, "one"))
    log.put(Unreachable("gone"))
    following.until("broken")
    log.put(stamped(1, "one"))
    log.put(stamped(2, "two"))
    assert following.until("two") == ["stable x1: two"]
    live.opened.get()
    _, asked = live.opened.get()
    assert asked["tail"] is None and asked["since_seconds"] >= 1


def test_after_a_promotion_the_role_goes_on_with_the_new_version(live: Live) -> None:
    live.say("pods", "ADDED", pod("bbb", "y1"))
    following = Following(live, roles=frozenset({"stable"}))
    live.log("web-aaa-x1").put(stamped(1, "one"))
    following.until("one")
    live.say("rollouts", "MODIFIED", rollout(stable="bbb"))
    following.until("left")
    # It was there before: what it printed as a canary is not wanted.
    live.log("web-bbb-y1").put(stamped(-5, "before"))
    live.log("web-bbb-y1").put(stamped(5, "after"))
    seen = following.until("after")
    assert "stable y1: after" in seen and "stable y1: before" not in seen


def test_lines_of_a_burst_come_in_the_order_of_time(live: Live) -> None:
    live.log("web-aaa-x1").put(stamped(3, "three"))
    live.log("web-aaa-x1").put("still three")
    live.events["pods"].put(None)
    cluster = Live()
    cluster.say("rollouts", "ADDED", rollout())
    for end in ("x1", "x2"):
        cluster.say("pods", "ADDED", pod("aaa", end))
    cluster.say("pods", "SYNCED")
    cluster.log("web-aaa-x1").put(stamped(3, "three"))
    cluster.log("web-aaa-x1").put("still three")
    cluster.log("web-aaa-x2").put(stamped(1, "one"))
    cluster.log("web-aaa-x2").put(stamped(9, "nine"))
    seen = Following(cluster).until("nine")
    assert [line.partition(": ")[2] for line in seen] == ["one", "three", "still three", "nine"]
    for log in cluster.logs.values():
        log.put(None)


def test_more_pods_than_wanted_are_left_out(live: Live) -> None:
    live.say("pods", "ADDED", pod("aaa", "x2"))
    assert "<more x2>" in Following(live, most=1).until("more")


def test_following_ends_in_time_or_with_the_rollout() -> None:
    cluster = two_versions(later={"rollouts": [HANG], "pods": [HANG]})
    result = program(cluster)("logs", "web", "-f", "--timeout", "200ms", "--role", "stable")
    assert result.exit_code == ExitCode.TIMEOUT
    assert result.stdout == "stable x1[app] one\nstable x1[app] four\n"
    gone = two_versions(later={"rollouts": [("DELETED", rollout())], "pods": [HANG]})
    result = program(gone)("logs", "web", "-f")
    assert result.exit_code == ExitCode.OK
    assert "shop/web was deleted" in result.stderr


# --- jobs ---------------------------------------------------------------------------------------


def of_jobs() -> Logs:
    run: Obj = {
        "metadata": {"name": "smoke", "namespace": "shop", "uid": "u1"},
        "spec": {
            "metrics": [
                {"name": "it", "provider": {"job": {}}},
                {"name": "web", "provider": {"web": {}}},
            ]
        },
        "status": {"phase": "Successful"},
    }

    def of(job: str) -> Obj:
        done = {"terminated": {"exitCode": 0}}
        found = pod("x", "y", "main", state=done)
        found["metadata"] |= {"name": f"{job}-p", "uid": job, "labels": {"job-name": job}}
        return found

    return Logs(
        {"analysisruns": [run], "pods": [of("u1.it.1"), of("u1.it.2"), of("u2.it.1"), of("u1.it")]},
        {
            "u1.it.1-p/main": [stamped(1, "first")],
            "u1.it.2-p/main": [stamped(2, "second")],
            "u2.it.1-p/main": [stamped(1, "of another run")],
        },
        later={"analysisruns": [HANG], "pods": [HANG]},
    )


@pytest.mark.parametrize("options", [[], ["-f"], ["--metric", "it"]])
def test_what_the_jobs_of_a_run_print(options: list[str]) -> None:
    result = program(of_jobs())("analysis", "logs", "ar/smoke", *options)
    assert result.exit_code == ExitCode.OK
    assert result.stdout == "it 1-p[main] first\nit 2-p[main] second\n"


def test_following_the_jobs_of_a_run_that_is_over_waits_for_no_pod_that_never_started() -> None:
    cluster = of_jobs()
    stuck = cluster.objects["pods"][1]
    stuck["status"] = {  # type: ignore[index]
        "phase": "Pending",
        "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ErrImagePull"}}}],
    }
    result = program(cluster)("analysis", "logs", "smoke", "-f")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == "it 1-p[main] first\n"
    assert "it 2-p[main] has no log yet: ErrImagePull" in result.stderr


def test_lines_of_several_rollouts_say_of_which_they_are() -> None:
    cluster = two_versions()
    other = rollout()
    other["metadata"] = {"name": "api", "namespace": "shop", "uid": "api"}
    other["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    own = pod("aaa", "q1", owner="api-aaa")
    own["metadata"] |= {"name": "api-aaa-q1", "uid": "q1"}
    own["metadata"]["labels"]["app"] = "api"
    cluster.objects["rollouts"].append(other)
    cluster.objects["pods"].append(own)
    cluster.printed["api-aaa-q1/app"] = [stamped(2.5, "of the other")]
    shown = program(cluster)("logs", "web", "api", "--role", "stable").stdout.splitlines()
    assert shown == [
        "web stable x1[app] one",
        "api stable q1[app] of the other",
        "web stable x1[app] four",
    ]


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["smok"], ExitCode.NOT_FOUND, "did you mean smoke?"),
        (["smoke", "-m", "other"], ExitCode.NOT_FOUND, "it has it, web"),
        (["smoke", "-m", "web"], ExitCode.FAILED, "only jobs have logs"),
    ],
)
def test_runs_without_such_logs(argv: list[str], code: ExitCode, said: str) -> None:
    result = program(of_jobs())("analysis", "logs", *argv)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


# --- facts --------------------------------------------------------------------------------------

ORIGIN = Origin("shop", "web", "p", "app")


@pytest.mark.parametrize(
    ("line", "text", "second"),
    [
        ("2026-03-01T12:00:01.123456789Z hello  there", "hello  there", 1),
        ("2026-03-01T13:00:02+01:00 x", "x", 2),
        ("2026-03-01T12:00:03.000000000Z", "", 3),
        ("2026-03-01T12:00:01 no offset", "2026-03-01T12:00:01 no offset", None),
        ("2026-03-01 date", "2026-03-01 date", None),
        ("", "", None),
    ],
)
def test_the_time_in_front_of_a_line(line: str, text: str, second: int | None) -> None:
    found = read_line(ORIGIN, line)
    assert found.text == text
    assert (found.at.astimezone(UTC).second if found.at else None) == second


def decoded(item: Obj) -> Pod:
    return converted(item, Pod)


@pytest.mark.parametrize(
    ("state", "last", "count", "found"),
    [
        ({"running": {}}, {}, 0, (True, False, 0)),
        ({"terminated": {"exitCode": 1}}, {}, 0, (True, True, 0)),
        ({"waiting": {"reason": "PodInitializing"}}, {}, 0, (False, True, 0)),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, {"terminated": {}}, 3, (True, True, 3)),
    ],
)
def test_how_a_container_stands(
    state: Obj, last: Obj, count: int, found: tuple[bool, bool, int]
) -> None:
    item = pod("aaa", "x1", state=state)
    item["status"]["containerStatuses"][0] |= {"lastState": last, "restartCount": count}
    state_now = runs(decoded(item), "app")
    assert (state_now.began, state_now.over, state_now.number) == found


@pytest.mark.parametrize(
    ("phase", "found"),
    [("Pending", (False, False)), ("Running", (True, False)), ("Failed", (True, True))],
)
def test_a_pod_that_says_nothing_of_its_containers(phase: str, found: tuple[bool, bool]) -> None:
    state = runs(decoded({"status": {"phase": phase}}), "app")
    assert (state.began, state.over) == found


def test_which_container_is_meant() -> None:
    item = pod("aaa", "x1", "app", "proxy")
    item["spec"]["initContainers"] = [{"name": "setup"}]
    assert containers(decoded(item)) == ["app"]
    assert containers(decoded(item), every=True) == ["setup", "app", "proxy"]
    assert containers(decoded(item), "setup") == ["setup"]
    assert containers(decoded(item), "nope") == []
    item["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "proxy"}
    assert containers(decoded(item)) == ["proxy"]
    assert containers(decoded({})) == []


@pytest.mark.parametrize(
    ("name", "short"), [("web-aaa-x1", "x1"), ("web-y", "y"), ("other-1", "other-1")]
)
def test_the_end_of_a_pods_name(name: str, short: str) -> None:
    item = pod("aaa", "x1")
    item["metadata"]["name"] = name
    assert short_name(decoded(item), "web") == short
