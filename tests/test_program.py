"""The boundary around every command: options, errors, exit codes, streams."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import typer

from rolloutctl.cli import app, main
from rolloutctl.cli.aliases import first_word
from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.environment import Environment, program_name
from rolloutctl.cli.helping import named
from rolloutctl.cli.options import dry_run, duration
from rolloutctl.cli.run import Common, Run
from rolloutctl.errors import Conflict, ExitCode
from support.fake_cluster import FakeCluster
from support.program import Program


def given(monkeypatch: pytest.MonkeyPatch, function: object) -> None:
    """Puts a command "try" into the tree for this test."""
    import types

    tried = new_app()
    command(tried)(function)  # type: ignore[arg-type]
    module = types.ModuleType("rolloutctl.cli.commands.tried")
    module.app = tried  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(app.COMMANDS, "try", app.Entry("tried", "Try."))


@pytest.mark.parametrize(
    "argv",
    [
        ("-n", "shop", "--context", "prod", "try"),
        ("try", "-n", "shop", "--context", "prod"),
        ("-n", "other", "try", "-n", "shop", "--context=prod"),
        ("--context", "prod", "try", "--namespace", "shop"),
    ],
)
def test_common_options_work_before_and_after_the_command(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    seen: list[Common] = []

    def attempt(ctx: typer.Context) -> None:
        seen.append(Run.of(ctx).common)

    given(monkeypatch, attempt)
    assert rolloutctl(*argv).exit_code == ExitCode.OK
    assert seen == [Common(namespace="shop", context=["prod"])]


def test_whom_to_act_as_reaches_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def connect(**given: Any) -> FakeCluster:
        asked.append(given)
        return FakeCluster({})

    environment = Environment.in_memory(connect=connect)
    line = "--as ann --as-group dev get --as-group qa --as-group ops --as-uid 7"
    assert main.main(line.split(), environment) == ExitCode.OK
    (given,) = asked
    said = (given["impersonate"], given["as_groups"], given["as_uid"])
    assert said == ("ann", ["qa", "ops"], "7")


def test_a_word_behind_a_common_option_is_no_command() -> None:
    """Every common option with a value has to be known, or its value is taken for an alias."""
    values = {
        name
        for option in app.root().params
        for name in option.opts
        if not option.is_flag and option.param_type_name == "option"
    }
    assert "--as" in values
    assert {name for name in values if first_word([name, "x", "get"]) != 2} == set()


def test_an_error_says_what_happened_and_what_next_on_stderr(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(ctx: typer.Context) -> None:
        raise Conflict("checkout changed", hint="look again\nthen try again")

    given(monkeypatch, attempt)
    result = rolloutctl("try")
    assert result.exit_code == ExitCode.CONFLICT
    assert result.stdout == ""
    assert result.stderr == "✗ checkout changed\n  look again\n  then try again\n"


def test_no_traceback_reaches_a_user_unless_asked_for(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(ctx: typer.Context) -> None:
        raise ZeroDivisionError("oh")

    given(monkeypatch, attempt)
    result = rolloutctl("try")
    assert result.exit_code == ExitCode.FAILED
    assert "internal error: ZeroDivisionError: oh" in result.stderr
    assert "Traceback" not in result.stderr
    rolloutctl.env = {"ROLLOUTCTL_DEBUG": "1"}
    assert "Traceback" in rolloutctl("try").stderr


def test_ctrl_c_ends_with_130(rolloutctl: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(ctx: typer.Context) -> None:
        raise KeyboardInterrupt

    given(monkeypatch, attempt)
    assert rolloutctl("try").exit_code == ExitCode.INTERRUPTED


def test_an_exit_code_returned_by_a_command_is_the_programs(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(ctx: typer.Context) -> ExitCode:
        return ExitCode.TIMEOUT

    given(monkeypatch, attempt)
    assert rolloutctl("try").exit_code == ExitCode.TIMEOUT


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("nonsense",), "nonsense"),
        (("get", "--nonsense"), "--nonsense"),
        (("version", "too", "many"), "too"),
        (("get", "--request-timeout", "soon"), "soon"),
        (("completion", "tcsh"), "tcsh"),
    ],
)
def test_a_wrong_command_line_is_named_and_ends_with_2(
    rolloutctl: Program, argv: tuple[str, ...], says: str
) -> None:
    result = rolloutctl(*argv)
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (("promot", "checkout"), "promote"),
        (("-n", "shop", "stats"), "status"),
        (("plugins", "lst"), "list"),
    ],
)
def test_what_is_mistyped_is_answered_with_what_is_near(
    rolloutctl: Program, argv: tuple[str, ...], near: str
) -> None:
    result = rolloutctl(*argv)
    assert result.exit_code == ExitCode.USAGE
    assert f"did you mean {near}" in result.stderr.lower().replace("'", "")


def test_a_mistyped_option_is_answered_with_those_that_are_near(rolloutctl: Program) -> None:
    result = rolloutctl("get", "--namespce", "x")
    assert result.exit_code == ExitCode.USAGE
    assert "--all-namespaces, --namespace" in result.stderr


def test_help_speaks_of_names_and_not_of_types(rolloutctl: Program) -> None:
    assert "Usage: rolloutctl status [OPTIONS] NAME\n" in rolloutctl("status", "-h").stdout
    shown = rolloutctl("get", "--help").stdout
    assert "Usage: rolloutctl get [OPTIONS] [NAME]...\n" in shown
    assert "<" not in shown


def test_a_group_shows_each_command_with_its_whole_line(rolloutctl: Program) -> None:
    shown = rolloutctl("plugins", "--help")
    assert shown.exit_code == ExitCode.OK
    assert "..." not in shown.stdout.partition("Commands:")[2]
    assert rolloutctl("plugins").exit_code == ExitCode.USAGE


def test_a_question_without_a_terminal_asks_for_yes(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(ctx: typer.Context, yes: bool = False) -> None:
        run = Run.of(ctx)
        run.out(str(run.confirm("Go on?", yes=yes)))

    given(monkeypatch, attempt)
    refused = rolloutctl("try")
    assert refused.exit_code == ExitCode.USAGE
    assert "--yes" in refused.stderr
    assert rolloutctl("try", "--yes").stdout == "True\n"
    rolloutctl.terminal = True
    rolloutctl.stdin = "y\n"
    assert rolloutctl("try").stdout == "True\n"
    rolloutctl.stdin = "\n"
    assert rolloutctl("try").stdout == "False\n"


def test_something_hard_to_take_back_needs_its_name_typed(
    rolloutctl: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(ctx: typer.Context) -> None:
        run = Run.of(ctx)
        run.out(str(run.confirm("Go on?", yes=False, typed="acme/gate")))

    given(monkeypatch, attempt)
    rolloutctl.terminal = True
    rolloutctl.stdin = "y\n"
    assert rolloutctl("try").stdout == "False\n"
    rolloutctl.stdin = "acme/gate\n"
    assert rolloutctl("try").stdout == "True\n"


def test_colour_is_for_terminals_and_can_be_refused() -> None:
    plain = Environment.in_memory()
    assert not plain.colour(plain.stdout)
    terminal = Environment.in_memory(terminal=True)
    assert terminal.colour(terminal.stdout)
    assert not terminal.colour(terminal.stdout, wanted=False)
    refused = Environment.in_memory(terminal=True, env={"NO_COLOR": "1"})
    assert not refused.colour(refused.stdout)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("30s", 30),
        ("1m30s", 90),
        ("2h", 7200),
        ("500ms", 0.5),
        ("1.5m", 90),
        ("1d", 86400),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x", "m", "1m 30s", "-3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration(text)


def test_a_bare_dry_run_is_the_clients() -> None:
    assert app.arguments(["promote", "--dry-run", "a"]) == ["promote", "--dry-run=client", "a"]
    assert app.arguments(["promote", "--", "--dry-run"]) == ["promote", "--", "--dry-run"]
    assert dry_run("server") == "server"
    with pytest.raises(typer.BadParameter):
        dry_run("maybe")


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = (
        "import sys; from rolloutctl.cli.main import run;"
        "sys.argv = ['rolloutctl', 'completion', 'bash']; run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert errors == b""


def test_main_needs_no_arguments_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["rolloutctl", "version"])
    environment = Environment.in_memory()
    assert main.main(None, environment) == ExitCode.OK
    assert environment.stdout.getvalue().startswith("rolloutctl ")  # type: ignore[attr-defined]


# --- called by kubectl --------------------------------------------------------------------------


def called_by_kubectl(*argv: str) -> tuple[int, str, str]:
    environment = Environment.in_memory(connect=lambda **_: FakeCluster({}), columns=200)
    environment = replace(environment, program="kubectl rolloutctl")
    code = main.main(list(argv), environment)
    return code, environment.stdout.getvalue(), environment.stderr.getvalue()  # type: ignore


def test_help_names_the_program_as_it_was_called() -> None:
    for words in ((), ("list",), ("analysis", "get")):
        code, shown, _ = called_by_kubectl(*words, "--help")
        assert code == ExitCode.OK
        assert " ".join(["Usage: kubectl rolloutctl", *words]) in shown
        # Nothing that a reader would copy has the other name.
        assert not re.search(r"(?m)^ +rolloutctl ", shown)
    assert "  kubectl rolloutctl list -A\n" in called_by_kubectl("list", "--help")[1]


def test_hints_name_the_program_as_it_was_called() -> None:
    code, _, said = called_by_kubectl("list", "--nonsense")
    assert code == ExitCode.USAGE
    assert "  kubectl rolloutctl list --help shows how\n" in said
    assert "  kubectl rolloutctl --help lists them\n" in called_by_kubectl("nonsense")[2]


def test_only_what_is_typed_gets_the_other_name() -> None:
    said = "rolloutctl sandbox up; see rolloutctl, or kubectl rolloutctl get and x/rolloutctl y"
    assert named(said, "rolloutctl") == said
    assert named(said, "kubectl rolloutctl") == f"kubectl {said}"


@pytest.mark.parametrize(
    ("called", "program"),
    [
        ("/usr/bin/kubectl-rolloutctl", "kubectl rolloutctl"),
        (r"C:\krew\kubectl-rolloutctl.exe", "kubectl rolloutctl"),
        ("/usr/bin/rolloutctl", "rolloutctl"),
        ("-c", "rolloutctl"),
        ("/x/__main__.py", "rolloutctl"),
    ],
)
def test_the_name_it_is_called_by(called: str, program: str) -> None:
    assert program_name(called) == program
