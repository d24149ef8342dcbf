"""`promote --group` as a user sees it: what it says, what it refuses, how it ends."""

from __future__ import annotations

import json

import pytest

from changes.test_lockstep import THREE, Group
from rolloutctl.errors import ExitCode
from support.program import Program, Result


@pytest.fixture
def group() -> Group:
    return Group(a=THREE, b=THREE)


def promote(group: Group, *argv: str, stdin: str = "", terminal: bool = False) -> Result:
    program = Program(cluster=group.cluster, stdin=stdin, terminal=terminal)
    return program("promote", *argv)


def test_the_members_are_shown_and_go_to_the_end(group: Group) -> None:
    done = promote(group, "--group", "release=42", "--yes")
    assert done.exit_code is ExitCode.OK
    lines = done.stdout.splitlines()
    assert lines[0] == "default/a: step 2/6 (pause) → 3/6 (set weight 40)"
    assert lines[-1] == "done: 2 rollouts promoted together in 3 rounds"
    assert len(lines) == 7
    table = done.stderr.splitlines()[:3]
    assert table[0].split() == ["NAMESPACE", "NAME", "STATUS", "STEP", "IN", "THE", "GROUP"]
    assert table[1].split()[:3] == ["default", "a", "Paused"]
    assert "waits for its promotion" in table[1]


def test_a_person_is_asked(group: Group) -> None:
    done = promote(group, "--group", "release=42", stdin="n\n", terminal=True)
    assert done.exit_code is ExitCode.FAILED
    assert "Promote 2 rollouts step by step together, and abort all if one fails?" in done.stderr
    assert group.status("a")["currentStepIndex"] == 1
    refused = promote(group, "--group", "release=42")
    assert refused.exit_code is ExitCode.USAGE
    assert "--yes" in refused.stderr


def test_a_dry_run_shows_and_sends_nothing(group: Group) -> None:
    done = promote(group, "--group", "release=42", "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert "waits for its promotion" in done.stderr
    assert group.status("a")["currentStepIndex"] == 1


def test_one_failed_already(group: Group) -> None:
    group.abort("b")
    group.sandbox.advance(5)
    done = promote(group, "--group", "release=42", "--yes")
    assert done.exit_code is ExitCode.FAILED
    assert "the group does not set out: default/b failed already" in done.stderr
    assert group.status("a")["currentStepIndex"] == 1


def test_all_are_aborted_and_each_is_told(group: Group) -> None:
    group.cluster.before_apply = lambda: group.abort("b")
    done = promote(group, "--group", "release=42", "--yes", "-o", "json")
    assert done.exit_code is ExitCode.FAILED
    told = json.loads(done.stdout)
    assert (told["kind"], told["end"], told["failed"]) == ("GroupChange", "aborted", ["default/b"])
    assert told["exitCode"] == 1
    aborts = [item["name"] for item in told["sent"] if item["action"] == "abort"]
    assert aborts == ["a"]
    group.sandbox.settle()
    assert group.status("a")["abort"] is True


def test_the_time_is_up(group: Group) -> None:
    group.patch("b", {"op": "add", "path": "/spec/paused", "value": True})
    done = promote(group, "--group", "release=42", "--yes", "--timeout", "5s")
    assert done.exit_code is ExitCode.TIMEOUT
    assert done.stdout.splitlines() == [
        "the time is up: nothing was aborted",
        "  default/a: waits for its promotion, step 2/6 (pause)",
        "  default/b: waits for a person, step 2/6 (pause)",
    ]


def test_nobody_has_the_label(group: Group) -> None:
    done = promote(group, "--group", "release=43", "--yes")
    assert done.exit_code is ExitCode.FAILED
    assert "no rollouts with labels release=43 in namespace default" in done.stderr
    done = promote(group, "--group", "release=43", "--yes", "--allow-empty")
    assert done.exit_code is ExitCode.OK


@pytest.mark.parametrize(
    "argv",
    [
        ("a", "--group", "release=42"),
        ("--group", "release=42", "-l", "x=y"),
        ("--group", "release=42", "--full"),
        ("--group", "release=42", "--batch", "3"),
        ("--group", "release=42", "-o", "name"),
        ("a", "--once"),
    ],
)
def test_what_does_not_go_with_a_group(group: Group, argv: tuple[str, ...]) -> None:
    done = promote(group, *argv, "--yes")
    assert done.exit_code is ExitCode.USAGE
    assert group.status("a")["currentStepIndex"] == 1
