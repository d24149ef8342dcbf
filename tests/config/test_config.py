"""The configuration file, the environment, and what they do to a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.cli import aliases
from rolloutctl.cli.app import root
from rolloutctl.cli.config_file import parse
from rolloutctl.cli.environment import Environment
from rolloutctl.cli.freezing import frozen
from rolloutctl.cli.run import Run
from rolloutctl.domain.decision import Action
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode, UsageError
from support.fleet_cluster import Fleet, fleet
from support.program import Program, Result

SEVERAL = """\
# mine
output = "wide"   # as I like it
request-timeout = "20s"

[contexts."prod.eu"]
read-only = true

[aliases]
ship = "promote --yes --reason shipped"

[[freeze]]
name = "weekend"
from = "Fri 16:00"
until = "Mon 08:00"
timezone = "Europe/Berlin"
namespaces = ["shop*"]
"""


class Home:
    """A user's home with a configuration, and the program run by that user."""

    def __init__(self, folder: Path, program: Program) -> None:
        self.file = folder / ".config" / "rolloutctl" / "config.toml"
        self.env = {"HOME": str(folder)}
        self.program = program
        self.cluster: Fleet = fleet("shop/web", "shop/pay")
        program.cluster = self.cluster
        program.env = self.env

    def write(self, text: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)

    def __call__(self, *argv: str, **env: str) -> Result:
        self.program.env = {**self.env, **env}
        return self.program(*argv)


@pytest.fixture
def home(tmp_path: Path, rolloutctl: Program) -> Home:
    return Home(tmp_path, rolloutctl)


def shown(done: Result) -> dict[str, Any]:
    """Settings by name as `config view -o json` gives them: (value, source)."""
    found = json.loads(done.stdout)["settings"]
    return {item["name"]: (item["value"], item["source"]) for item in found}


# --- seeing and changing ------------------------------------------------------------------------


def test_view_shows_values_and_where_they_come_from(home: Home, snapshot: Any) -> None:
    home.write(SEVERAL)
    done = home("config", "view", ROLLOUTCTL_OUTPUT="json")
    assert done.exit_code is ExitCode.OK
    assert done.stdout.replace(str(home.file), "CONFIG") == snapshot
    found = shown(home("config", "view", "-o", "json", ROLLOUTCTL_OUTPUT="json"))
    assert found["output"] == ("json", "$ROLLOUTCTL_OUTPUT")
    assert found["request-timeout"] == ("20s", "request-timeout")
    assert found["record"] == (None, None)


@pytest.mark.parametrize("form", ["json", "yaml", "jsonl"])
def test_view_as_data(home: Home, form: str, snapshot: Any) -> None:
    home.write(SEVERAL)
    done = home("config", "view", "-o", form)
    assert done.stdout.replace(str(home.file), "CONFIG") == snapshot


def test_set_keeps_the_rest_of_the_file(home: Home) -> None:
    home.write(SEVERAL)
    for key, value in (
        ("output", "yaml"),
        ("contexts.prod.eu.confirm", "always"),
        ("contexts.new.read-only", "true"),
        ("aliases.look", "get -o wide"),
    ):
        assert home("config", "set", key, value).exit_code is ExitCode.OK, (key, value)
    text = home.file.read_text()
    assert 'output = "yaml"   # as I like it' in text
    assert "# mine" in text
    values, names, _, contexts = parse(text, "config")
    assert values["output"].value == "yaml"
    assert names["look"] == "get -o wide"
    assert contexts["prod.eu"]["confirm"].value == "always"
    assert contexts["new"]["read-only"].value is True


def test_the_first_setting_makes_the_file_and_unset_takes_it_out(home: Home) -> None:
    assert home("config", "set", "output", "wide").exit_code is ExitCode.OK
    assert home.file.read_text() == 'output = "wide"\n'
    assert str(home.file) in home("config", "path").stdout
    assert home("config", "unset", "output").exit_code is ExitCode.OK
    assert home.file.read_text() == ""
    assert "not set" in home("config", "unset", "aliases.none").stderr


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("outptu", "wide", "did you mean output?"),
        ("output", "xml", "one of json, yaml, jsonl, name, wide"),
        ("timeout", "soon", "a duration"),
        ("read-only", "maybe", "true or false"),
        ("contexts.prod.outptu", "json", "is no setting of a context"),
        ("freeze.name", "x", "rolloutctl config path"),
        ("aliases.get", "list", "has the name of a command"),
        ("aliases.-x", "promote", "which would never be reached"),
        ("aliases.go", "fly", "does not begin with a command"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_written(
    home: Home, key: str, value: str, said: str
) -> None:
    done = home("config", "set", key, value)
    assert done.exit_code is ExitCode.USAGE
    assert said in done.stderr
    assert not home.file.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("read-onyl = true", "did you mean read-only?"),
        ('output = "xml"', "output is not one of"),
        ("output = ", "is no TOML"),
        ("[contexts.prod]\nrecrd = true", "contexts.prod.recrd"),
        ("contexts = 1", "contexts is not a table"),
        ("aliases = 1", "aliases is not a table"),
        ("freeze = 1", "freeze is not a list"),
        ('[aliases]\nx = "get \'"', "aliases.x cannot be read"),
        ('[[freeze]]\nfrom = "Fri 16:00"', "freeze[1].until is not a time"),
        ('[[freeze]]\nfrom = "Fri 25:00"\nuntil = "Mon 08:00"', "freeze[1].from is not a time"),
        ('[[freeze]]\nfrom = "Friday 16:00"\nuntil = 2026-01-01', "freeze[1].until is not"),
        (
            '[[freeze]]\nfrom = "Fri 16:00"\nuntil = 2026-01-01T00:00:00Z',
            "both a date, or both of every week",
        ),
        (
            "[[freeze]]\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z",
            "ends before it begins",
        ),
        ('[[freeze]]\nfrom = "Fri 16:00"\nuntil = "Fri 16:00"', "at the same time"),
        (
            '[[freeze]]\nfrom = "Fri 16:00"\nuntil = "Mon 08:00"\ntimezone = "Mars/Olympus"',
            "freeze[1].timezone is not a time zone",
        ),
        ('[[freeze]]\nuntill = "Mon 08:00"', "did you mean until?"),
    ],
)
def test_a_mistake_in_the_file_stops_every_command(home: Home, text: str, said: str) -> None:
    home.write(text)
    done = home("promote", "web")
    assert done.exit_code is ExitCode.USAGE
    assert said in done.stderr
    assert home.cluster.sent == []


def test_a_mistaken_file_can_be_mended_with_the_tool(home: Home) -> None:
    home.write('outptu = "wide"\n')
    assert home("config", "path").exit_code is ExitCode.OK
    assert home("version").exit_code is ExitCode.OK
    assert "did you mean output?" in home("config", "view").stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"ROLLOUTCTL_READ_ONLY": "maybe"}, 'ROLLOUTCTL_READ_ONLY="maybe" is not true or false'),
        ({"ROLLOUTCTL_CONFIG": "/nowhere/config.toml"}, "there is no configuration file"),
    ],
)
def test_a_mistaken_variable_is_an_error(home: Home, env: dict[str, str], said: str) -> None:
    done = home("get", **env)
    assert done.exit_code is ExitCode.USAGE
    assert said in done.stderr


def test_no_file_at_all_can_be_asked_for(home: Home) -> None:
    home.write("nonsense")
    assert home("get", ROLLOUTCTL_CONFIG="").exit_code is ExitCode.OK


# --- what settings do ---------------------------------------------------------------------------


def test_the_order_in_which_settings_win(home: Home) -> None:
    home.write('output = "json"\n[contexts.test]\noutput = "yaml"\n')
    assert home("get", "web").stdout.startswith("apiVersion:")
    assert home("get", "web", ROLLOUTCTL_OUTPUT="name").stdout == "rollout.argoproj.io/web\n"
    assert home("get", "web", "-o", "jsonl", ROLLOUTCTL_OUTPUT="name").stdout.startswith("{")
    home.write('output = "json"\n[contexts.other]\noutput = "yaml"\n')
    assert home("get", "web").stdout.startswith("{\n")


def test_a_default_format_is_for_what_shows_things(home: Home) -> None:
    home.write('output = "json"\n')
    done = home("promote", "web")
    assert done.stdout == "web: step 2/4 (pause) → 3/4 (set weight 80)\n"


def test_no_event_where_none_is_wanted(home: Home) -> None:
    home.write("record = false\n")
    home("promote", "web")
    assert home.cluster.created == []
    home("promote", "pay", "--record")
    assert len(home.cluster.created) == 1


@pytest.mark.parametrize(
    ("setting", "command", "asked"),
    [
        ("normal", "promote", True),
        ("risky", "promote", False),
        ("always", "promote", True),
        ("normal", "abort", False),
        ("always", "abort", True),
    ],
)
def test_when_a_terminal_is_asked(home: Home, setting: str, command: str, asked: bool) -> None:
    home.write(f'confirm = "{setting}"\n')
    home.program.terminal = True
    home.program.stdin = "n\n"
    done = home(command, "web")
    assert ("[y/N]" in done.stderr) is asked
    assert (home.cluster.sent == []) is asked


def test_an_alias_stands_for_a_command_line(home: Home) -> None:
    home.write(SEVERAL)
    done = home("-n", "shop", "ship", "web")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert home.cluster.events[0].endswith("(reason: shipped)")


@pytest.mark.parametrize(
    ("argv", "result"),
    [
        (["ship", "web"], ["promote", "--wait", "web"]),
        (["-n", "ship", "ship"], ["-n", "ship", "promote", "--wait"]),
        (["get", "ship"], ["get", "ship"]),
        (["--", "ship"], ["--", "ship"]),
        ([], []),
    ],
)
def test_where_an_alias_counts(argv: list[str], result: list[str]) -> None:
    assert aliases.expanded(argv, {"ship": "promote --wait"}) == result


def test_every_option_before_a_command_takes_its_value_with_it() -> None:
    """A value taken for the command would leave the alias behind it as it stands."""
    for parameter in root().params:
        word = [] if parameter.is_flag else ["ship"]
        for option in parameter.opts:
            argv = [option, *word, "ship", "web"]
            found = aliases.expanded(argv, {"ship": "promote --wait"})
            assert found == [option, *word, "promote", "--wait", "web"], option


# --- read-only ----------------------------------------------------------------------------------

CHANGES = (
    ("promote", "web"),
    ("promote", "web", "--full", "--yes"),
    ("promote", "--group", "team=a", "--yes"),
    ("abort", "web"),
    ("retry", "web"),
    ("pause", "web"),
    ("resume", "web"),
    ("restart", "web"),
    ("undo", "web", "--yes"),
    ("abort", "-l", "team=a", "--yes"),
    ("plugins", "disable", "a/b", "--yes", "--reason", "x"),
)


@pytest.mark.parametrize("argv", CHANGES, ids=" ".join)
def test_nothing_can_be_changed_where_it_is_read_only(home: Home, argv: tuple[str, ...]) -> None:
    done = home(*argv, "--read-only")
    assert done.exit_code is ExitCode.USAGE
    assert "nothing is changed: it is read-only (--read-only)" in done.stderr
    assert (home.cluster.sent, home.cluster.created) == ([], [])


@pytest.mark.parametrize(
    ("text", "env", "why"),
    [
        ("read-only = true", {}, "read-only"),
        ("", {"ROLLOUTCTL_READ_ONLY": "1"}, "$ROLLOUTCTL_READ_ONLY"),
        ("[contexts.test]\nread-only = true", {}, "contexts.test.read-only"),
        ("read-only = true", {"ROLLOUTCTL_READ_ONLY": "false"}, "read-only"),
        ("read-only = true\n[contexts.test]\nread-only = false", {}, "read-only"),
    ],
)
def test_whoever_says_read_only_wins(home: Home, text: str, env: dict[str, str], why: str) -> None:
    home.write(text)
    done = home("abort", "web", **env)
    assert f"it is read-only ({why})" in done.stderr
    assert home.cluster.sent == []


def test_another_contexts_read_only_does_not_count(home: Home) -> None:
    home.write("[contexts.other]\nread-only = true")
    assert home("abort", "web").exit_code is ExitCode.OK


def test_looking_and_trying_go_on(home: Home) -> None:
    assert home("get", "web", "--read-only").exit_code is ExitCode.OK
    assert home("list", "--read-only").exit_code is ExitCode.OK
    assert home("promote", "web", "--dry-run", "--read-only").exit_code is ExitCode.OK
    assert home("promote", "web", "--dry-run=server", "--read-only").exit_code is ExitCode.OK
    assert (home.cluster.sent, len(home.cluster.tried)) == ([], 1)


def test_a_read_only_cluster_hands_on_only_what_it_knows_to_read(home: Home) -> None:
    from rolloutctl.actions.read_only import read_only

    closed: Any = read_only(home.cluster, "a test")
    assert closed.name == "test"
    with pytest.raises(UsageError, match="read-only"):
        closed.delete("anything")


# --- freezes ------------------------------------------------------------------------------------

FREEZE = """\
[[freeze]]
name = "launch"
from = 2020-01-01T00:00:00Z
until = 2100-01-01T00:00:00Z
contexts = ["te*"]
namespaces = ["shop"]
"""


@pytest.mark.parametrize("command", ["promote", "retry", "restart"])
def test_nothing_is_shipped_in_a_freeze(home: Home, command: str) -> None:
    home.write(FREEZE)
    if command == "retry":
        aborted = {"abort": True, "abortedAt": "2026-03-01T12:00:00Z", "phase": "Degraded"}
        home.cluster.rollout_of("web")["status"].update(aborted)
    done = home(command, "web", "--yes")
    assert "frozen until Fri 2100-01-01 00:00 UTC: launch" in done.stderr
    assert "--override-freeze --reason TEXT" in done.stderr
    assert done.exit_code is ExitCode.CONFLICT
    assert home.cluster.sent == []


def test_which_actions_a_freeze_stops(home: Home) -> None:
    home.write(FREEZE)
    run = Run(Environment.in_memory(env=home.env, connect=lambda **_: home.cluster))
    ref = Ref("shop", "web")
    free = {action for action in Action if not frozen(run, action, [ref])}
    assert {Action.ABORT, Action.PAUSE} <= free
    assert free.isdisjoint(
        {
            *(Action.PROMOTE, Action.PROMOTE_FULL, Action.RETRY, Action.RESUME),
            *(Action.UNDO, Action.SET_IMAGE, Action.RESTART),
        }
    )


def test_a_held_update_does_not_go_on_in_a_freeze(home: Home) -> None:
    home.write(FREEZE)
    home.cluster.rollout_of("web")["spec"]["paused"] = True
    done = home("resume", "web")
    assert done.exit_code is ExitCode.CONFLICT
    assert "frozen until" in done.stderr
    assert home.cluster.sent == []
    done = home("resume", "web", "--override-freeze", "--reason", "INC-4711")
    assert done.exit_code is ExitCode.OK
    assert len(home.cluster.sent) == 1


@pytest.mark.parametrize("status", [{"abort": True}, {"currentPodHash": "stable"}], ids=str)
def test_what_ships_nothing_may_be_resumed_in_a_freeze(home: Home, status: dict[str, Any]) -> None:
    """An abort of what is held takes no pods away until it is resumed."""
    home.write(FREEZE)
    held = home.cluster.rollout_of("web")
    held["spec"]["paused"] = True
    held["status"].update({"stableRS": "stable", **status})
    assert home("resume", "web").exit_code is ExitCode.OK
    assert len(home.cluster.sent) == 1


@pytest.mark.parametrize("command", ["abort", "pause"])
def test_stopping_is_never_frozen(home: Home, command: str) -> None:
    home.write(FREEZE)
    assert home(command, "web").exit_code is ExitCode.OK


def test_who_says_why_ships_all_the_same(home: Home) -> None:
    home.write(FREEZE)
    done = home("promote", "web", "--override-freeze", "--reason", "INC-4711")
    assert done.exit_code is ExitCode.OK
    assert "launch, overridden" in done.stderr
    assert home.cluster.events[0].endswith("(reason: INC-4711)")


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_overriding_without_a_word_is_refused(home: Home, reason: tuple[str, ...]) -> None:
    done = home("promote", "web", "--override-freeze", *reason)
    assert done.exit_code is ExitCode.USAGE
    assert "--override-freeze needs --reason" in done.stderr


def test_of_many_only_those_that_are_frozen_stay(home: Home) -> None:
    home.cluster = home.program.cluster = fleet("shop/web", "mall/pay")
    home.write(FREEZE)
    done = home("promote", "-A", "-l", "team=a", "--yes")
    assert done.exit_code is ExitCode.FAILED
    assert [change.name for change in home.cluster.sent] == ["pay"]


def test_a_group_does_not_set_out_in_a_freeze(home: Home) -> None:
    home.write(FREEZE)
    done = home("promote", "--group", "team=a", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert home.cluster.sent == []
    done = home("promote", "--group", "team=a", "--once", "--yes", "--override-freeze")
    assert (done.exit_code, "needs --reason" in done.stderr) == (ExitCode.USAGE, True)
    words = ("--yes", "--override-freeze", "--reason", "INC-4711", "--timeout", "10ms")
    done = home("promote", "--group", "team=a", "--once", *words)
    assert "launch, overridden" in done.stderr
    assert len(home.cluster.sent) == 2


@pytest.mark.parametrize("which", [("web",), ("--group", "team=a")], ids=" ".join)
def test_a_trial_in_a_freeze_says_so(home: Home, which: tuple[str, ...]) -> None:
    home.write(FREEZE)
    done = home("promote", *which, "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert "frozen until" in done.stderr
