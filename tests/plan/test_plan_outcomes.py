"""The file of outcomes: what it may hold, and what is said of the rest."""

from __future__ import annotations

import pytest

from rolloutctl.errors import UsageError
from rolloutctl.sandbox.rehearsal.outcomes import (
    AnalysisOutcome,
    CallOutcome,
    Outcomes,
    PluginOutcome,
    parse,
)

WHOLE = """
acme/gate: failed
demo/jenkins-gate:
  outcome: Successful
  duration: 1m30s
  message: "job #17"
  requeue: 30
  abort: Failed
  terminate: {outcome: Error, message: gone}
5: Error
"*": {duration: 0}
analysis:
  success-rate: Failed
  latency: {outcome: Inconclusive, after: 3, duration: 10m}
"""


def test_everything_a_file_may_hold() -> None:
    found = parse(WHOLE, "o.yaml")
    assert found.plugins["acme/gate"] == PluginOutcome("Failed", given=frozenset({"outcome"}))
    gate = found.plugin(0, "demo/jenkins-gate")
    assert (gate.outcome, gate.duration, gate.message, gate.requeue) == (
        "Successful",
        90.0,
        "job #17",
        30.0,
    )
    assert gate.abort == CallOutcome("Failed")
    assert gate.terminate == CallOutcome("Error", "gone")
    assert found.analyses == {
        "success-rate": AnalysisOutcome("Failed", given=True),
        "latency": AnalysisOutcome("Inconclusive", "", 3, 600.0, given=True),
    }


def test_the_step_comes_before_the_plugin_and_that_before_all_others() -> None:
    found = parse(WHOLE, "o.yaml")
    assert found.plugin(4, "acme/gate").outcome == "Error"
    assert found.plugin(3, "acme/gate").outcome == "Failed"
    assert found.plugin(3, "acme/other").duration == 0
    assert Outcomes().plugin(3, "acme/other") == PluginOutcome()


def test_an_analysis_is_found_by_its_metric_and_by_its_template() -> None:
    found = parse("analysis: {latency: Failed, all-of-it: Error}", "o.yaml")
    assert found.analysis("latency", "all-of-it").outcome == "Failed"
    assert found.analysis("errors", "all-of-it").outcome == "Error"
    assert not found.analysis("errors", "other").given


def test_what_a_cluster_does_not_run_yields_to_the_file() -> None:
    found = parse("acme/gate: Failed\nacme/b: {duration: 5m}", "o.yaml").without(
        {"acme/gate": True, "acme/b": False, "acme/c": True}
    )
    outcomes = [found.plugin(0, name).outcome for name in ("acme/gate", "acme/b", "acme/c")]
    assert outcomes == ["Failed", "Missing", "Disabled"]


def test_an_empty_file_assumes_everything() -> None:
    assert parse("", "o.yaml") == parse("{}", "o.yaml") == Outcomes()


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("[1]", "o.yaml must be a mapping of plugins to outcomes, and is [1]", ""),
        ("a: [", "o.yaml is no YAML: line 1", ""),
        ("gate: Failed", 'o.yaml: "gate" names no plugin', "NAMESPACE/NAME"),
        ("0: Failed", "o.yaml: there is no step 0", "numbered from 1"),
        ("a/b: Nope", "o.yaml: a/b must be one of Successful, Failed, Error, Disabled", ""),
        ("a/b: 3", "o.yaml: a/b must be an outcome", ""),
        ("a/b: {outcom: Failed}", 'a/b has the key "outcom"', "did you mean outcome?"),
        ("a/b: {duration: soon}", "o.yaml: a/b.duration must be a duration", ""),
        ("a/b: {duration: -1}", "o.yaml: a/b.duration must be a duration", ""),
        ("a/b: {duration: 1d}", "a/b.duration must be a duration as 90s, 5m or 1h30m", ""),
        ("a/b: {requeue: true}", "o.yaml: a/b.requeue must be a duration", ""),
        ("a/b: {abort: Disabled}", "a/b.abort must be one of Successful, Failed, Error", ""),
        ("a/b: {message: 3}", "o.yaml: a/b.message must be a text", ""),
        ("analysis: Failed", "o.yaml: analysis must be a mapping", ""),
        ("analysis: {x: {after: -1}}", "analysis.x.after must be a number", ""),
        ("analysis: {x: Disabled}", "analysis.x must be one of Successful, Failed, Error", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text, "o.yaml")
    assert says in raised.value.message
    assert hint in raised.value.hint
