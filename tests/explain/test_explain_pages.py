"""What `explain` prints at moments of the recorded stories, pinned; and its documents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.errors import ExitCode
from rolloutctl.render.spark import spark
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import width
from support.explained import (
    When,
    analysing,
    at,
    experimenting,
    held,
    paused,
    plugin_running,
)
from support.recorded import Moment
from support.screens import program

PAGES: dict[str, tuple[str, When | None]] = {
    "analysis failed": ("analysis-step-failure", None),
    "analysis could not measure": ("analysis-error", None),
    "background analysis failed": ("analysis-background-failure", None),
    "blue-green analysis failed": ("bluegreen-postpromotion-failure", None),
    "analysis at work": ("analysis-step-success", analysing),
    "plugin failed": ("plugin-failed-aborts", None),
    "plugin at work": ("plugin-running-abort", plugin_running),
    "plugin held by a person": ("plugin-paused-by-user", held),
    "plugin past its deadline": ("plugin-error-deadline", None),
    "plugin not configured": ("plugin-unknown", None),
    "bad image": ("canary-bad-image-deadline", None),
    "invalid spec": ("invalid-spec", None),
    "aborted by a person": ("istio-abort", None),
    "paused": ("istio-canary", paused),
    "counting down": ("bluegreen-auto", paused),
    "experiment": ("experiment-step", experimenting),
    "healthy": ("plugin-disabled", None),
}
_SGR = re.compile(r"\x1b\[[0-9;]*m")


def page(name: str) -> Moment:
    story, when = PAGES[name]
    return at(story, when, after=2.0)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_on_a_terminal_of_80_columns(name: str, snapshot: SnapshotAssertion) -> None:
    result = program(page(name), terminal=True, columns=80)("--no-color", "explain", "demo")
    assert result.exit_code == ExitCode.OK
    assert result.stderr == ""
    assert result.stdout == snapshot


@pytest.mark.parametrize("name", ["analysis failed", "bad image"])
def test_the_page_without_a_terminal(name: str, snapshot: SnapshotAssertion) -> None:
    assert program(page(name))("explain", "demo").stdout == snapshot


@pytest.mark.parametrize("name", ["analysis failed", "plugin past its deadline"])
def test_the_page_in_colour_says_the_same(name: str) -> None:
    run = program(page(name), terminal=True, columns=80)
    shown = run("explain", "demo").stdout
    assert "\x1b[" in shown
    assert _SGR.sub("", shown) == run("--no-color", "explain", "demo").stdout


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_and_no_line_is_too_wide(name: str, columns: int) -> None:
    plain = program(page(name))("explain", "demo").stdout
    shown = program(page(name), terminal=True, columns=columns)("--no-color", "explain", "demo")
    assert max(width(line) for line in shown.stdout.splitlines()) <= columns
    drawn = re.sub("[█░▁-▇]", "", shown.stdout)
    assert "".join(drawn.split()) == "".join(re.sub("[█░▁-▇]", "", plain).split())


@pytest.mark.parametrize("name", ["analysis failed", "plugin past its deadline"])
def test_the_page_in_ascii(name: str) -> None:
    from rolloutctl.render.theme import to_text
    from rolloutctl.render.views import explanation as view
    from support.explained import reading

    found = page(name)
    surface = Surface(80, unicode=False, now=found.now)
    lines = view.lines(reading(found).explanation, surface)
    text = to_text(lines, colour=False, unicode=False)
    assert text.isascii() and "?" not in text


@pytest.mark.parametrize("name", PAGES)
def test_the_first_line_and_the_answer_come_before_anything_else(name: str) -> None:
    head, answer, *_ = program(page(name))("explain", "demo").stdout.splitlines()
    assert head.startswith("demo  shop  ")
    assert answer.endswith((".", "?")) and len(answer) > 20


@pytest.mark.parametrize("name", PAGES)
def test_json_yaml_and_jsonl_hold_the_same_facts(name: str) -> None:
    run = program(page(name))
    as_json = json.loads(run("explain", "demo", "-o", "json").stdout)
    assert json.loads(run("explain", "demo", "-o", "jsonl").stdout) == as_json
    as_yaml = yaml.load(run("explain", "demo", "-o", "yaml").stdout, Loader=yaml.BaseLoader)
    assert as_yaml["causes"][0]["kind"] == as_json["causes"][0]["kind"]
    assert (as_json["apiVersion"], as_json["kind"]) == ("rolloutctl/v1", "Explanation")
    assert as_json["unavailable"] == []


@pytest.mark.parametrize("name", ["analysis failed", "plugin past its deadline", "bad image"])
def test_the_document(name: str, snapshot: SnapshotAssertion) -> None:
    assert program(page(name))("explain", "demo", "-o", "json").stdout == snapshot


@pytest.mark.parametrize("name", PAGES)
def test_every_field_is_always_there(name: str) -> None:
    """A reader need not ask which fields a cause has."""
    document = json.loads(program(page(name))("explain", "demo", "-o", "json").stdout)
    keys = {frozenset(cause) for cause in document["causes"]}
    assert len(keys) == 1
    assert len({frozenset(command) for command in document["commands"]}) == 1


def test_wide_leaves_nothing_out() -> None:
    run = program(page("analysis failed"))
    assert "earlier, -o wide shows them" in run("explain", "demo").stdout
    wide = run("explain", "demo", "-o", "wide").stdout
    assert "earlier" not in wide and "Initial deploy" in wide


def test_names_only_is_no_explanation() -> None:
    result = program(page("healthy"))("explain", "demo", "-o", "name")
    assert result.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("numbers", "line", "drawn"),
    [
        ([], None, ""),
        ([1.0], None, ""),
        ([1.0, 1.0], None, "▅▅"),
        ([0.0, 1.0], None, "▁█"),
        ([0.4, 0.4], 0.95, "▁▁"),
        ([0.99, 0.99], 0.95, "██"),
        ([1.0, None, 3.0], None, "▁ █"),
        ([-1.7e308, 1.7e308], None, "▁█"),
    ],
)
def test_a_curve_of_numbers(numbers: list[Any], line: float | None, drawn: str) -> None:
    assert spark(numbers, Surface(), line=line) == drawn
