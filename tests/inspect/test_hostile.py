"""Nothing a cluster returns may break, colour or mislead what is printed."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from rolloutctl.errors import ExitCode
from rolloutctl.render.text import width
from support.fake_cluster import FakeCluster
from support.recorded import Moment
from support.screens import program, screen

EVIL = (
    "\x1b[31mred\x1b]0;title\x07\x1b[2J\n\r\nphase: Healthy\t"
    "[bold]x[/bold]\u202egnp\u200b\x9b31m\x00"
)
HUGE = EVIL + "A long story. " * 80_000
_OURS = re.compile(r"\x1b\[(?:0|2|32|36|33|1|1;31|1;33)m")


def hostile(evil: str) -> Moment:
    """A moment in which every text a client shows is `evil`."""
    found = screen("plugin failed and aborted")
    (rollout,) = found.objects["rollouts"]
    status = rollout["status"]
    status["message"] = evil
    for condition in status["conditions"]:
        condition["message"] = evil
    for record in status["canary"]["stepPluginStatuses"]:
        record["message"] = evil
        record["status"] = {evil[:50]: evil}
    rollout["metadata"]["labels"] = {"note": evil[:100]}
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = evil
    for owned in found.objects["replicasets"]:
        owned["spec"]["template"]["spec"]["containers"][0]["image"] = evil
    for pod in found.objects["pods"]:
        (container,) = pod["status"]["containerStatuses"]
        container["ready"] = False
        container["state"] = {"waiting": {"reason": evil, "message": evil}}
        pod["status"]["conditions"] = []
    return found


COMMANDS = [
    ("get", "demo"),
    ("get", "demo", "-o", "wide"),
    ("get",),
    ("list", "-A", "-o", "wide"),
    ("status", "demo"),
    ("watch", "demo"),
    ("list", "-w"),
]


@pytest.mark.parametrize("evil", [EVIL, HUGE], ids=["escapes", "1 MB"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_text_stays_text(command: tuple[str, ...], evil: str) -> None:
    started = time.monotonic()
    result = program(hostile(evil))(*command)
    assert time.monotonic() - started < 5
    assert len(result.stdout) < 100_000
    for text in (result.stdout, result.stderr):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
        assert not any(line.startswith("phase: Healthy") for line in text.splitlines())
    assert "internal error" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS[:5], ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_terminal_gets_only_our_own_colours(command: tuple[str, ...], columns: int) -> None:
    result = program(hostile(EVIL), terminal=True, columns=columns)(*command)
    bare = _OURS.sub("", result.stdout)
    assert "\x1b" not in bare and "\x9b" not in bare
    if command != ("get",):
        assert "[bold]x[/bold]" in "".join(bare.split())
    if "wide" not in command:
        assert max(width(line) for line in bare.splitlines()) <= columns


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_json_gives_back_what_the_cluster_had_without_obeying_it(output: str) -> None:
    result = program(hostile(EVIL))("get", "demo", "-o", output)
    assert json.loads(result.stdout)["rollout"]["message"] == EVIL
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", result.stdout)


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"phase": "Sideways", "message": "what is this"},
        {"phase": "Paused", "currentStepIndex": 99, "pauseConditions": [{}]},
        {"phase": "Progressing", "currentStepIndex": -3, "observedGeneration": "many"},
        {"canary": {"stepPluginStatuses": [{}, {"index": 77, "operation": "Dance"}]}},
        {"abort": True, "abortedAt": "2026-01-01T00:00:00Z"},
    ],
)
def test_odd_or_missing_fields_are_shown_as_they_are(status: dict[str, Any]) -> None:
    found = screen("plugin failed and aborted")
    (rollout,) = found.objects["rollouts"]
    rollout["status"] = status
    run = program(found)
    for command in (*COMMANDS[:5], ("get", "demo", "-o", "json"), ("list", "-o", "json")):
        result = run(*command)
        assert result.exit_code in (ExitCode.OK, ExitCode.FAILED)
        assert result.stderr == ""
        assert result.stdout


def test_one_unreadable_rollout_does_not_hide_the_others() -> None:
    found = screen("healthy")
    (good,) = found.objects["rollouts"]
    bad = json.loads(json.dumps(good))
    bad["metadata"]["name"] = "broken"
    bad["spec"]["replicas"] = "many"
    found.objects["rollouts"].append(bad)
    result = program(found)("list")
    assert result.exit_code == ExitCode.FAILED
    assert "demo" in result.stdout and "broken" not in result.stdout
    assert "shop/broken is not readable" in result.stderr


def test_a_table_of_many_streams_page_by_page() -> None:
    found = screen("healthy")
    (one,) = found.objects["rollouts"]
    many = []
    for index in range(1500):
        copied = json.loads(json.dumps(one))
        copied["metadata"]["name"] = f"demo-{index:05d}"
        many.append(copied)
    run = program(found)
    run.cluster = FakeCluster({"rollouts": many}, page_size=100)
    result = run("list")
    assert result.stdout.count("\n") == 1501
    assert len({len(line) for line in result.stdout.splitlines()}) <= 2


@pytest.mark.parametrize("command", [*COMMANDS, ("watch", "demo", "--until", "healthy")])
def test_a_phase_that_is_no_phase_is_harmless_on_both_streams(command: tuple[str, ...]) -> None:
    found = screen("paused canary")
    found.objects["rollouts"][0]["status"]["phase"] = EVIL
    result = program(found)(*command)
    for stream in (result.stdout, result.stderr):
        assert all(char.isprintable() or char == "\n" for char in stream)
        assert "\nphase: Healthy" not in stream
    assert "red" in result.stdout
