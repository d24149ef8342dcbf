"""promote and its kin on many rollouts, as a person or a pipeline types them."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.cli import run as cli_run
from rolloutctl.domain.cluster import Change, Kind
from rolloutctl.errors import ExitCode, Forbidden
from support.fleet_cluster import Fleet, fleet, numbered
from support.program import Program, Result
from support.scripted import write_kubeconfig

ACROSS = ["mall/cart", "shop/pay", "shop/web"]


@pytest.fixture
def three(rolloutctl: Program) -> Fleet:
    """Three rollouts of two namespaces, each at a pause."""
    cluster = fleet(*ACROSS)
    rolloutctl.cluster = cluster
    return cluster


def many(rolloutctl: Program, count: int, **settings: Any) -> Fleet:
    cluster = fleet(*numbered(count), **settings)
    rolloutctl.cluster = cluster
    return cluster


def changed(cluster: Fleet) -> list[str]:
    """What was changed, each of it once."""
    assert set(cluster.tally.values()) <= {1}
    return sorted(str(ref) for ref in cluster.tally)


def lines(done: Result) -> list[Any]:
    return [json.loads(text) for text in done.stdout.splitlines()]


# --- selecting ----------------------------------------------------------------------------------


def test_a_selection_of_all_namespaces_shows_them(rolloutctl: Program, three: Fleet) -> None:
    done = rolloutctl("promote", "-A", "-l", "team=a", "--yes")
    assert done.exit_code is ExitCode.OK
    assert sorted(done.stdout.splitlines()) == [
        f"{name}: step 2/4 (pause) → 3/4 (set weight 80)" for name in ACROSS
    ]
    assert re.search(r"^3 promoted in \d+s$", done.stderr, re.M)
    assert changed(three) == ACROSS


@pytest.mark.parametrize(
    "argv",
    [
        ("-l", "team=a"),
        ("--phase", "paused,degraded"),
        ("--awaiting",),
        ("-l", "team", "--phase", "Paused", "--awaiting"),
    ],
)
def test_within_one_namespace_names_stand_alone(
    rolloutctl: Program, three: Fleet, argv: tuple[str, ...]
) -> None:
    done = rolloutctl("promote", *argv, "-n", "shop", "--yes")
    assert sorted(text.split(":")[0] for text in done.stdout.splitlines()) == ["pay", "web"]
    assert changed(three) == ["shop/pay", "shop/web"]


def test_a_plugin_selects_those_with_a_step_of_it(rolloutctl: Program, three: Fleet) -> None:
    item = three.rollout_of("pay")
    item["spec"] = copy.deepcopy(item["spec"])
    item["spec"]["strategy"]["canary"]["steps"].append({"plugin": {"name": "a/gate"}})
    done = rolloutctl("pause", "-A", "--plugin", "gate", "-o", "name")
    assert done.stdout == "rollout.argoproj.io/pay\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("web", "-l", "team=a"), "name rollouts, or select them: not both"),
        (("web", "-f", "-"), "not both"),
        ((), "say which rollouts"),
        (("-A",), "say which rollouts"),
        (("-l", ""), "--selector is empty"),
        (("-l", " ", "--phase", "Paused"), "--selector is empty"),
        (("--phase", "Pausd"), 'no rollout has the phase "Pausd"'),
        (("web", "-A"), "cannot be named across all namespaces"),
        (("-l", "team=a", "--max-concurrent", "0"), "no number from 1 to 64"),
        (("-l", "team=a", "--max-concurrent", "65"), "no number from 1 to 64"),
        (("-l", "team=a", "--batch", "few"), "no number from 1"),
        (("-l", "team=a", "--batch-wait", "5s"), "--batch-wait goes with --batch"),
        (("-l", "team=a", "--batch", "5", "--batch-wait", "soon"), "no duration"),
        (("-f", "absent.txt"), "absent.txt cannot be read"),
        (("-l", "team=a", "--undone", "no/such/folder/x"), "--undone no/such/folder/x"),
        (("-l", "team=a", "--wait", "--dry-run"), "--wait does not go with --dry-run"),
    ],
)
def test_what_does_not_go_together_or_is_no_selection(
    rolloutctl: Program, three: Fleet, argv: tuple[str, ...], says: str
) -> None:
    done = rolloutctl("abort", *argv)
    assert done.exit_code is ExitCode.USAGE
    assert says in done.stderr
    assert three.requests == []


def test_a_selection_that_matches_nothing_says_so(rolloutctl: Program, three: Fleet) -> None:
    done = rolloutctl("promote", "-A", "-l", "team=b", "--phase", "Paused")
    assert done.exit_code is ExitCode.FAILED
    assert "no rollouts with labels team=b that match in any namespace" in done.stderr
    assert "--allow-empty" in done.stderr
    allowed = rolloutctl("promote", "-l", "team=b", "--allow-empty", "-o", "json")
    assert allowed.exit_code is ExitCode.OK
    assert "no rollouts with labels team=b in namespace shop" in allowed.stderr
    assert json.loads(allowed.stdout)["results"] == []
    empty = rolloutctl("promote", "-f", "-")
    assert empty.exit_code is ExitCode.FAILED
    assert "stdin names no rollouts" in empty.stderr


def test_what_matches_and_cannot_be_read_is_a_failure(rolloutctl: Program, three: Fleet) -> None:
    item = three.rollout_of("pay")
    item["metadata"]["name"] = "p\x1b[31may"
    item["status"] = {**item["status"], "currentStepIndex": "\x1b[2Jtwo"}
    done = rolloutctl("promote", "-A", "-l", "team=a", "--yes", "-o", "jsonl")
    assert done.exit_code is ExitCode.FAILED
    found = {entry["name"]: entry["result"] for entry in lines(done)}
    assert found == {"cart": "changed", "web": "changed", "p\x1b[31may": "failed"}
    assert "\x1b" not in done.stdout + done.stderr


# --- the plan and the question ------------------------------------------------------------------


def test_the_plan_comes_first_and_says_what_each_will_do(rolloutctl: Program, three: Fleet) -> None:
    three.rollout_of("cart")["status"].pop("pauseConditions")
    done = rolloutctl("promote", "-A", "-l", "team=a", "--dry-run")
    assert done.stderr.splitlines()[0] == "promote 2 of 3 rollouts"
    assert "  shop/pay  Paused  step 2/4 (pause) → 3/4 (set weight 80)" in done.stderr
    assert "  1 refused: " in done.stderr and "(mall/cart)" in done.stderr
    assert done.exit_code is ExitCode.FAILED
    assert three.tally == {}
    assert "2 would be promoted, 1 failed in" in done.stderr


def test_a_fleet_is_planned_group_by_group(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 40)
    for name in numbered(5):
        item = cluster.rollout_of(name)
        item["status"] = {**item["status"], "abort": True, "abortedAt": "2026-01-01T00:00:00Z"}
    done = rolloutctl("promote", "-l", "team=a", "--dry-run")
    assert done.stderr.count("\n") < 12
    assert re.search(
        r"^  35  Paused  step 2/4 .*\(web-005, web-006, web-007 and 32", done.stderr, re.M
    )
    assert re.search(
        r"^  5 refused: .* \(web-000, web-001, web-002, web-003, web-004\)", done.stderr, re.M
    )


@pytest.mark.parametrize(
    ("count", "question", "answer", "sent"),
    [
        (20, "Promote 20 rollouts? [y/N]", "y\n", 20),
        (20, "Promote 20 rollouts? [y/N]", "n\n", 0),
        (21, 'Promote 21 rollouts? Type "21":', "21\n", 21),
        (21, 'Promote 21 rollouts? Type "21":', "y\n", 0),
        (21, 'Promote 21 rollouts? Type "21":', "", 0),
    ],
)
def test_a_terminal_is_asked_and_for_many_the_number_is_typed(
    rolloutctl: Program, count: int, question: str, answer: str, sent: int
) -> None:
    cluster = many(rolloutctl, count)
    rolloutctl.terminal, rolloutctl.stdin = True, answer
    done = rolloutctl("promote", "-l", "team=a", "--no-color")
    assert question in done.stderr
    assert len(cluster.sent) == sent
    assert done.exit_code is (ExitCode.OK if sent else ExitCode.FAILED)
    if not sent:
        assert f"{count} declined in" in done.stderr
        assert done.stdout == ""


def test_one_that_is_selected_is_not_asked_about(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 1)
    assert rolloutctl("promote", "-l", "team=a").exit_code is ExitCode.OK
    assert len(cluster.sent) == 1


def test_a_full_promotion_asks_even_about_one(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 1)
    done = rolloutctl("promote", "--full", "-l", "team=a")
    assert done.exit_code is ExitCode.USAGE and "--yes" in done.stderr
    assert cluster.sent == []
    rolloutctl.terminal, rolloutctl.stdin = True, "web-000\n"
    asked = rolloutctl("promote", "--full", "-l", "team=a")
    assert 'Promote in full? Type "web-000": ' in asked.stderr
    assert len(cluster.sent) == 1


def test_without_a_terminal_many_need_yes(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 3)
    done = rolloutctl("promote", "-l", "team=a")
    assert done.exit_code is ExitCode.USAGE
    assert "--yes" in done.stderr
    assert cluster.sent == []


def test_many_names_are_asked_about_and_few_are_not(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 21)
    done = rolloutctl("promote", *numbered(21))
    assert done.exit_code is ExitCode.USAGE
    assert cluster.sent == []
    assert rolloutctl("promote", *numbered(20)).exit_code is ExitCode.OK
    assert [change.name for change in cluster.sent] == numbered(20)


def test_a_step_that_is_not_done_is_a_failure_among_many(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 3)
    item = cluster.rollout_of("web-001")
    kept = {
        k: v for k, v in item["status"].items() if k not in ("pauseConditions", "controllerPause")
    }
    item["status"] = {**kept, "currentStepIndex": 0}
    rolloutctl.terminal, rolloutctl.stdin = True, "y\n"
    done = rolloutctl("promote", "-l", "team=a", "--no-color")
    assert done.exit_code is ExitCode.FAILED
    assert "1 refused: " in done.stderr
    assert changed(cluster) == ["shop/web-000", "shop/web-002"]
    skipping = rolloutctl("promote", "web-001", "-n", "shop", "--skip-step")
    assert "skips: step 1 set weight" in skipping.stderr


# --- pace ---------------------------------------------------------------------------------------


def test_at_most_so_many_at_once(rolloutctl: Program) -> None:
    together = threading.Barrier(5)
    cluster = many(rolloutctl, 25, gate=lambda change: together.wait(20) is None)
    done = rolloutctl("promote", "-l", "team=a", "--yes", "--max-concurrent", "5")
    assert done.exit_code is ExitCode.OK
    assert cluster.most == 5
    assert len(changed(cluster)) == 25


def test_batches_are_told_and_come_one_after_the_other(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 5)
    done = rolloutctl("promote", "-l", "team=a", "--yes", "--batch", "2")
    assert re.findall(r"^batch .*$", done.stderr, re.M) == [
        "batch 1 of 3",
        "batch 2 of 3",
        "batch 3 of 3",
    ]
    assert len(changed(cluster)) == 5


def refuse(*names: str) -> Any:
    def gate(change: Change) -> None:
        if change.name in names:
            raise Forbidden("not allowed")

    return gate


def test_stop_on_failure_reports_the_rest_in_a_form_to_go_on_from(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 5, gate=refuse("web-002"))
    argv = ("promote", "-l", "team=a", "--yes", "--stop-on-failure", "--max-concurrent", "1")
    done = rolloutctl(*argv)
    assert done.exit_code is ExitCode.FAILED
    assert "✗ web-002: not allowed" in done.stderr
    assert "2 promoted, 1 failed, 2 not done in" in done.stderr
    script = done.stderr[done.stderr.index("rolloutctl promote") :]
    assert script.splitlines() == [
        "rolloutctl promote --max-concurrent 1 --stop-on-failure --yes -f - <<'END'",
        "shop/web-003",
        "shop/web-004",
        "END",
    ]
    rolloutctl.stdin = "shop/web-003\nshop/web-004\n"
    rest = rolloutctl(*script.splitlines()[0].removesuffix(" <<'END'").split()[1:])
    assert rest.exit_code is ExitCode.OK
    assert len(changed(cluster)) == 4


def test_stop_on_failure_does_not_begin_with_a_plan_that_fails(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 3)
    cluster.rollout_of("web-001")["status"]["currentStepIndex"] = "one"
    argv = ("promote", "-f", "-", "--yes", "--stop-on-failure", "-o", "jsonl")
    rolloutctl.stdin = "\n".join(numbered(3))
    done = rolloutctl(*argv)
    assert done.exit_code is ExitCode.FAILED
    assert {entry["name"]: entry["result"] for entry in lines(done)} == {
        "web-000": "not-done",
        "web-001": "failed",
        "web-002": "not-done",
    }
    assert cluster.sent == []


def test_what_left_the_phase_asked_for_is_left_alone(rolloutctl: Program) -> None:
    def moved(item: dict[str, Any]) -> None:
        item["status"].pop("pauseConditions")
        item["status"]["currentStepIndex"] = 2

    cluster = many(rolloutctl, 2, intrusions=[moved])
    done = rolloutctl("promote", "--phase", "Paused", "--yes", "--max-concurrent", "1")
    assert done.exit_code is ExitCode.OK
    assert "web-000: left alone: it no longer matches, it is Progressing" in done.stdout
    assert changed(cluster) == ["shop/web-001"]


def test_the_same_name_made_anew_is_left_alone(rolloutctl: Program) -> None:
    def anew(item: dict[str, Any]) -> None:
        item["metadata"]["uid"] = "another"

    cluster = many(rolloutctl, 1, intrusions=[anew])
    done = rolloutctl("pause", "-l", "team=a", "--yes")
    assert "deleted and made anew" in done.stdout
    assert cluster.tally == {}


# --- files --------------------------------------------------------------------------------------


def test_a_list_of_ours_is_acted_on(rolloutctl: Program, three: Fleet, tmp_path: Path) -> None:
    for form in ("json", "jsonl", "yaml"):
        path = tmp_path / form
        path.write_text(rolloutctl("list", "-A", "-o", form).stdout)
        done = rolloutctl("pause", "-f", str(path), "--dry-run", "-o", "name")
        assert sorted(done.stdout.split()) == [
            f"rollout.argoproj.io/{name}" for name in ("cart", "pay", "web")
        ]
    rolloutctl.stdin = rolloutctl("list", "-o", "name").stdout
    done = rolloutctl("pause", "-f", "-", "--yes")
    assert changed(three) == ["shop/pay", "shop/web"]


def test_filters_narrow_a_file(rolloutctl: Program, three: Fleet) -> None:
    three.rollout_of("pay")["metadata"]["labels"] = {"team": "b"}
    rolloutctl.stdin = "shop/web\nshop/pay\n"
    done = rolloutctl("pause", "-f", "-", "-l", "team=b", "--phase", "Paused")
    assert done.exit_code is ExitCode.OK
    assert changed(three) == ["shop/pay"]
    none = rolloutctl("pause", "-f", "-", "-l", "team=c")
    assert none.exit_code is ExitCode.FAILED


def test_a_name_in_a_file_that_is_not_there_is_told(rolloutctl: Program, three: Fleet) -> None:
    rolloutctl.stdin = "web\nwob\n"
    done = rolloutctl("pause", "-f", "-")
    assert done.exit_code is ExitCode.FAILED
    assert 'no rollout "wob" in namespace shop' in done.stderr
    assert changed(three) == ["shop/web"]


def test_a_report_that_is_all_done_is_no_failure(rolloutctl: Program, three: Fleet) -> None:
    report = rolloutctl("promote", "-A", "-l", "team=a", "--yes", "-o", "json").stdout
    rolloutctl.stdin = report
    again = rolloutctl("promote", "-f", "-")
    assert again.exit_code is ExitCode.OK
    assert "3 done already" in again.stderr
    assert len(changed(three)) == 3
    undone = rolloutctl("abort", "-f", "-", "--yes")
    assert undone.exit_code is ExitCode.OK
    assert "3 aborted in" in undone.stderr


@pytest.mark.parametrize("made", [True, False])
def test_a_lost_answer_is_tried_again_only_where_nothing_changed(
    rolloutctl: Program, made: bool
) -> None:
    lost = {"lost" if made else "dropped": ["web-001"]}
    cluster = many(rolloutctl, 3, **lost)
    done = rolloutctl("promote", "-l", "team=a", "--yes", "-o", "jsonl")
    assert done.exit_code is ExitCode.FAILED
    assert "? web-001: not known whether it was done" in done.stderr
    assert "2 promoted, 1 not known in" in done.stderr
    assert {entry["name"]: entry["result"] for entry in lines(done)}["web-001"] == "unknown"
    cluster.lost.clear()
    cluster.dropped.clear()
    rolloutctl.stdin = done.stdout
    again = rolloutctl("promote", "-f", "-")
    assert again.exit_code is ExitCode.OK
    assert ("it may have been done" in again.stdout) is made
    assert len(changed(cluster)) == 3


# --- formats ------------------------------------------------------------------------------------


def test_lines_come_as_it_happens(rolloutctl: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Fleet
    seen: list[int] = []
    out = cli_run.Run.out

    def noting(run: cli_run.Run, text: str) -> None:
        seen.append(len(cluster.sent))
        out(run, text)

    monkeypatch.setattr(cli_run.Run, "out", noting)
    cluster = many(rolloutctl, 4)
    done = rolloutctl("promote", "-l", "team=a", "--yes", "-o", "jsonl", "--max-concurrent", "1")
    assert seen[0] <= 2 and len(seen) == 4
    assert [entry["action"] for entry in lines(done)] == ["promote"] * 4


def test_documents_come_at_the_end(rolloutctl: Program, three: Fleet) -> None:
    done = rolloutctl("promote", "-A", "-l", "team=a", "--yes", "-o", "yaml")
    report = yaml.safe_load(done.stdout)
    assert [entry["name"] for entry in report["results"]] == ["cart", "pay", "web"]
    assert report["exitCode"] == 0


def test_failing_alike_keeps_the_exit_code(rolloutctl: Program) -> None:
    many(rolloutctl, 3, gate=refuse(*numbered(3)))
    assert rolloutctl("promote", "-l", "team=a", "--yes").exit_code is ExitCode.CLUSTER


def test_a_terminal_shows_how_far_it_is_and_takes_that_away(rolloutctl: Program) -> None:
    many(rolloutctl, 30)
    rolloutctl.terminal, rolloutctl.stdin, rolloutctl.columns = True, "30\n", 60
    done = rolloutctl("promote", "-l", "team=a", "--no-color")
    assert re.search(r"\r\x1b\[K\[#*\.*\] promote: \d+ of 30", done.stderr)
    last = done.stderr.rpartition("\x1b[K")[2]
    assert last.startswith("30 promoted in ") or "promote:" not in last
    assert all(len(part) < 60 for part in re.findall(r"\x1b\[K(\[[^\r\n]*)", done.stderr))


def test_a_reader_that_leaves_does_not_leave_half_of_it_undone(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = many(rolloutctl, 6)

    def gone(run: cli_run.Run, text: str) -> None:
        raise cli_run.ReaderGone

    monkeypatch.setattr(cli_run.Run, "out", gone)
    done = rolloutctl("promote", "-l", "team=a", "--yes")
    assert done.exit_code is ExitCode.OK
    assert len(changed(cluster)) == 6


# --- stopping -----------------------------------------------------------------------------------


def at(count: int, number: int) -> Any:
    """A gate that lets this process be signalled when so many have passed."""
    passed = 0

    def gate(change: Change) -> None:
        nonlocal passed
        passed += 1
        if passed == count:
            os.kill(os.getpid(), number)

    return gate


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["plain", "undone", "jsonl"])
def test_what_a_signal_left_undone_is_done_by_going_on(
    rolloutctl: Program, tmp_path: Path, number: int, form: str
) -> None:
    cluster = many(rolloutctl, 40, gate=at(15, number))
    path = tmp_path / "left over.txt"
    more = {"plain": (), "undone": ("--undone", str(path)), "jsonl": ("-o", "jsonl")}[form]
    done = rolloutctl("promote", "-l", "team=a", "--yes", "--max-concurrent", "4", *more)
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "what was sent stays" in done.stderr
    first = len(changed(cluster))
    assert 15 <= first < 40
    assert f"{first} promoted, {40 - first} not done in" in done.stderr
    cluster.gate = lambda change: None
    if form == "plain":
        (command,) = re.findall(r"^rolloutctl promote (.*) <<'END'$", done.stderr, re.M)
        rolloutctl.stdin = done.stderr.partition("<<'END'\n")[2].partition("END\n")[0]
        rest = rolloutctl("promote", *command.split())
    elif form == "undone":
        assert f"rolloutctl promote --max-concurrent 4 -f '{path}'" in done.stderr
        rest = rolloutctl("promote", "-f", str(path), "--yes")
    else:
        assert len(lines(done)) == 40
        assert "-f REPORT" in done.stderr
        rolloutctl.stdin = done.stdout
        rest = rolloutctl("promote", "-f", "-", "--yes")
    assert rest.exit_code is ExitCode.OK
    assert f"{40 - first} promoted in" in rest.stderr
    assert len(changed(cluster)) == 40


def test_a_second_ctrl_c_does_not_wait_for_answers(rolloutctl: Program) -> None:
    go = threading.Event()
    cluster: Fleet

    def gate(change: Change) -> None:
        if change.name == "web-001":
            cluster.until_flying(2)
            # Two of the same kind might be delivered as one; of two sent to a process at once a
            # thread may get the second, which does not wake the main one; and a signal that comes
            # just before it waits again wakes nobody. So both come to it before it may go on.
            main = threading.main_thread().ident
            assert main is not None
            turn = sys.getswitchinterval()
            sys.setswitchinterval(5.0)
            signal.pthread_kill(main, signal.SIGINT)
            signal.pthread_kill(main, signal.SIGTERM)
            sys.setswitchinterval(turn)
        assert go.wait(20)

    cluster = many(rolloutctl, 5, gate=gate)
    done = rolloutctl("promote", *numbered(5), "--max-concurrent", "2", "-o", "json")
    go.set()
    assert done.exit_code is ExitCode.INTERRUPTED
    assert [entry["result"] for entry in json.loads(done.stdout)["results"]] == [
        "unknown",
        "unknown",
        "not-done",
        "not-done",
        "not-done",
    ]


def test_ctrl_c_while_reading_sends_nothing(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 30)
    get = cluster.get_raw

    def interrupting(kind: Kind, namespace: str, name: str) -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return get(kind, namespace, name)

    cluster.get_raw = interrupting  # type: ignore[method-assign]
    done = rolloutctl("promote", "-l", "team=a", "--yes")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "before anything was sent" in done.stderr
    assert cluster.sent == []


def test_handlers_are_put_back(rolloutctl: Program) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    many(rolloutctl, 2)
    rolloutctl("promote", "-l", "team=a", "--yes")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_here_document_is_what_a_shell_reads(rolloutctl: Program, tmp_path: Path) -> None:
    many(rolloutctl, 6, gate=refuse("web-001"))
    argv = ("promote", "-l", "team=a", "--yes", "--stop-on-failure", "--max-concurrent", "1")
    config = str(write_kubeconfig(tmp_path / "my config", "https://localhost:1"))
    done = rolloutctl("--context", "test", *argv, "--kubeconfig", config, "--timeout", "90")
    script = done.stderr[done.stderr.index("rolloutctl --context") :]
    (tmp_path / "rolloutctl").write_text('#!/bin/sh\nfor one; do echo "<$one>"; done; cat\n')
    (tmp_path / "rolloutctl").chmod(0o755)
    ran = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = ran.stdout.splitlines()
    assert words[:3] == ["<--context>", "<test>", "<promote>"]
    assert words[words.index("<--kubeconfig>") + 1] == f"<{config}>"
    assert words[words.index("<--timeout>") + 1] == "<90s>"
    assert words[-4:] == [f"shop/web-{number:03}" for number in range(2, 6)]


# --- problems of many ---------------------------------------------------------------------------


def test_what_to_do_next_is_said_once_for_all_it_concerns(rolloutctl: Program) -> None:
    def gate(change: Change) -> None:
        raise Forbidden("not allowed to patch rollouts/status", hint="ask for: {verbs: [patch]}")

    many(rolloutctl, 12, gate=gate)
    done = rolloutctl("promote", "-l", "team=a", "--yes")
    assert done.stderr.count("not allowed to patch") == 12
    assert done.stderr.count("ask for: {verbs: [patch]}") == 1


def test_the_plugins_configuration_is_read_once_for_all(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 12)
    for name in numbered(12):
        item = cluster.rollout_of(name)
        item["spec"] = copy.deepcopy(item["spec"])
        item["spec"]["strategy"]["canary"]["steps"].append({"plugin": {"name": "a/gate"}})
    cluster.objects["configmaps"] = []
    one = fleet("web-000")
    one.objects = {"rollouts": [cluster.rollout_of("web-000")], "configmaps": []}
    rolloutctl.cluster = one
    rolloutctl("promote", "web-000", "--full", "--dry-run")
    alone = [request for request in one.requests if request.plural == "configmaps"]
    assert alone
    rolloutctl.cluster = cluster
    done = rolloutctl("promote", "--full", "-l", "team=a", "--dry-run")
    assert done.exit_code is ExitCode.OK
    asked = [request for request in cluster.requests if request.plural != "rollouts"]
    assert asked == list(dict.fromkeys(alone))


def test_hostile_words_stay_in_their_lines(rolloutctl: Program) -> None:
    cluster = many(rolloutctl, 2, gate=refuse("web-001"))
    for name in numbered(2):
        item = cluster.rollout_of(name)
        item["spec"] = copy.deepcopy(item["spec"])
        steps = item["spec"]["strategy"]["canary"]["steps"]
        steps[2] = {"plugin": {"name": "evil/\x1b[31m[red]x\n2 refused: y"}}
    done = rolloutctl("promote", "-l", "team=a", "--yes")
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.count("\n") == 1
    assert not re.search(r"^2 refused", done.stderr, re.M)


def test_what_lost_its_label_is_left_alone(rolloutctl: Program) -> None:
    def relabelled(item: dict[str, Any]) -> None:
        item["metadata"]["labels"] = {"team": "b", "tier": "web"}

    cluster = many(rolloutctl, 2, intrusions=[relabelled])
    cluster.gate = lambda change: relabelled(cluster.rollout_of("web-001"))
    done = rolloutctl("promote", "-l", "team in (a)", "--yes", "--max-concurrent", "1")
    assert "web-001: left alone: it lost the labels that were asked for" in done.stdout
    assert changed(cluster) == ["shop/web-000"]


def test_a_selector_that_cannot_be_read_is_told_before_anything_is_asked(
    rolloutctl: Program, three: Fleet
) -> None:
    done = rolloutctl("promote", "-l", "team in (a", "--yes")
    assert done.exit_code is ExitCode.USAGE
    assert three.requests == []
