"""What is found wrong with analyses and experiments, and that the controller says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.domain.lint import conditions
from rolloutctl.domain.lint.analysis_checks import ANALYSIS_CHECKS
from rolloutctl.domain.lint.finding import Finding, Manifest, Severity
from rolloutctl.sandbox.analysis.arguments import STANDS_FOR_SECRET, Unresolved, resolved
from rolloutctl.sandbox.analysis.expressions import ExpressionError, _tree
from rolloutctl.sandbox.analysis.metrics import InvalidMetrics, check, dry_runs, retentions
from rolloutctl.sandbox.controller.faults import invalid
from rolloutctl.sandbox.controller.invalid_analysis import faults
from rolloutctl.sandbox.experiments.invalid import fault
from support.linted import made, manifests

HERE = Path(__file__).parent
KINDS = ("AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun", "Experiment", "Rollout")
FILES = [file for part in ("bad", "good") for file in sorted((HERE / part).glob("*.yaml"))]


def found(objects: Sequence[Manifest]) -> Iterator[Finding]:
    for manifest in objects:
        for each in ANALYSIS_CHECKS:
            yield from each(manifest, objects)


def parsed(file: Path) -> list[Manifest]:
    """The objects of a file of the corpus, none where it is no YAML of objects."""
    try:
        return [each for each in manifests(file.read_text()) if each.kind in KINDS]
    except (yaml.YAMLError, AttributeError):
        return []


# --- as the controller says it ------------------------------------------------------------------


def said(objects: Sequence[Manifest]) -> list[str]:
    return [each.message for each in found(objects) if each.severity is Severity.ERROR]


def refusal(run: Any) -> str:
    """What the sandbox's controller says of a run, or of a template that were one; "" nothing."""
    known = {
        each["name"]: each.get("value", STANDS_FOR_SECRET) for each in run["spec"].get("args") or ()
    }
    try:
        metrics = [resolved(each, known) for each in run["spec"].get("metrics") or ()]
        check(metrics)
        dry_runs(run, metrics)
        retentions(run, metrics)
    except (InvalidMetrics, Unresolved) as error:
        return str(error)
    return ""


def among(objects: Sequence[Manifest]) -> Callable[[str, str], Any]:
    """How the controller finds the templates."""
    kinds = {"analysistemplates": KINDS[0], "clusteranalysistemplates": KINDS[1]}
    known = {(each.kind, each.name): each.data for each in objects}
    return lambda plural, name: known.get((kinds[plural], name))


def test_the_controller_refuses_the_same_with_the_same_words() -> None:
    """Of every template, run, experiment and analysis of a rollout in the corpus."""
    lost, refused = [], 0
    for file in FILES:
        objects = parsed(file)
        for each in objects:
            spec = each.at("spec")
            if not isinstance(spec, dict):
                continue
            if each.kind == "Rollout":
                messages = [invalid(*one) for one in faults(each.data, among(objects))]
            elif each.kind == "Experiment":
                messages = [one] if (one := fault(each.data)) else []
            elif each.kind != "AnalysisRun" and (len(objects) > 1 or spec.get("templates")):
                continue  # a template with others is refused where they are used together
            else:
                messages = [one] if (one := refusal(each.data)) else []
            ours = [one.message for check in ANALYSIS_CHECKS for one in check(each, objects)]
            lost += [(file.name, one) for one in messages if one not in ours]
            refused += len(messages)
    assert lost == []
    assert refused >= 25


LIMIT = st.one_of(st.none(), st.integers(-3, 6), st.sampled_from(["-1", "0", "3", "many"]))
METRIC = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b"]),
        "provider": st.sampled_from(
            [
                {"web": {"url": "http://shop"}},
                {"web": {"url": "http://shop"}, "job": {}},
                {"plugin": {"a/b": {}}},
                {"plugin": {"a/b": {}, "c/d": {}}},
                {},
            ]
        ),
    },
    optional={
        "interval": st.sampled_from(["10s", "10", "", "1h30m", "-5s", "soon", ".5m"]),
        "initialDelay": st.sampled_from(["10s", "10", "", "soon"]),
        **dict.fromkeys(("count", "failureLimit", "inconclusiveLimit"), LIMIT),
        **dict.fromkeys(("consecutiveErrorLimit", "consecutiveSuccessLimit"), LIMIT),
    },
)


@given(st.lists(METRIC, max_size=3), st.lists(st.sampled_from(["a", "b$", "c", "a("]), max_size=2))
@settings(max_examples=150)
def test_any_run_is_refused_if_and_only_if_the_controller_refuses_it(
    metrics: list[Any], rules: list[str]
) -> None:
    run = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {"name": "run"},
        "spec": {"metrics": metrics, "dryRun": [{"metricName": each} for each in rules]},
    }
    messages = said(made(run))
    refused = refusal(run)
    assert bool(messages) == bool(refused), (messages, refused)
    assert not refused or refused in messages


def _name(argument: Any) -> str:
    return str(argument["name"])


TEMPLATE = st.fixed_dictionaries(
    {
        "name": st.just(""),
        "args": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["x", "y"])}, optional={"value": st.sampled_from("12")}
            ),
            max_size=2,
            unique_by=_name,
        ),
        "count": st.sampled_from([None, 0, 3, "{{args.x}}"]),
        "refers": st.sampled_from([(), ("t0",), ("t1",)]),
    }
)


@given(
    st.lists(TEMPLATE, min_size=2, max_size=2),
    st.lists(st.sampled_from(["t0", "t1", "t2"]), min_size=1, max_size=2),
    st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True),
    st.booleans(),
)
@settings(max_examples=100)
def test_any_analysis_of_a_rollout_is_refused_as_the_controller_does(
    parts: list[Any], names: list[str], given_args: list[str], background: bool
) -> None:
    templates: list[dict[str, Any]] = [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": f"t{index}"},
            "spec": {
                "args": part["args"],
                "templates": [{"templateName": name} for name in part["refers"]],
                "metrics": [
                    {
                        "name": f"m{index}",
                        "interval": "5s",
                        "provider": {"web": {"url": "http://shop"}},
                        **({} if part["count"] is None else {"count": part["count"]}),
                    }
                ],
            },
        }
        for index, part in enumerate(parts)
    ]
    analysis = {
        "templates": [{"templateName": name} for name in names],
        "args": [{"name": name, "value": "1"} for name in given_args],
    }
    canary = {"analysis": analysis} if background else {"steps": [{"analysis": analysis}]}
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"strategy": {"canary": canary}},
    }
    objects = made(rollout, *templates)
    by_name = {each["metadata"]["name"]: each for each in templates}
    refused = [invalid(*one) for one in faults(rollout, lambda plural, name: by_name.get(name))]
    findings = [one for check in ANALYSIS_CHECKS for one in check(objects[0], objects)]
    ours = {each.message for each in findings if each.rule != "ignored-argument"}
    assert bool(ours) == bool(refused), (ours, refused)
    assert set(refused) <= ours


# --- conditions ---------------------------------------------------------------------------------

BROKEN = [
    "result >",
    "> 3",
    "result > 1)",
    "(result > 1",
    "result = 1",
    "result & 1",
    "result > 1 result < 2",
    'result == "a',
    "result[0",
    "result @ 1",
    "result and",
    "or result",
    "()",
    "{result}",
]


@pytest.mark.parametrize("text", BROKEN[:-2])
def test_a_condition_that_is_no_expression_is_none_for_the_controller_either(text: str) -> None:
    assert conditions.fault(text)
    with pytest.raises(ExpressionError):
        _tree(text)


# Of words like "and" the sandbox makes names where no operator can stand.
PIECES = ["result", "1", "0.5", '"a"', ">", "==", "&&", "!", "(", ")", "[", "]", "-", ","]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(" ".join))
@settings(max_examples=200)
def test_no_condition_that_can_be_read_is_called_broken(text: str) -> None:
    try:
        _tree(text)
    except ExpressionError:
        return
    assert conditions.fault(text) == ""


# --- many ---------------------------------------------------------------------------------------


class Counted(list[Manifest]):
    """Manifests that count how often all of them are gone through."""

    walks = 0

    def __iter__(self) -> Iterator[Manifest]:
        self.walks += 1
        return super().__iter__()


def test_the_effort_for_one_manifest_does_not_grow_with_their_number() -> None:
    objects: list[Any] = []
    for index in range(30):
        name = f"t{index}"
        metric = {"name": "up", "provider": {"web": {"url": "http://{{args.host}}"}}}
        spec = {"args": [{"name": "host"}], "metrics": [metric]}
        objects.append(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AnalysisTemplate",
                "metadata": {"name": name},
                "spec": spec,
            }
        )
        step = {
            "analysis": {
                "templates": [{"templateName": name}],
                "args": [{"name": "host", "value": "shop"}],
            }
        }
        objects.append(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Rollout",
                "metadata": {"name": f"r{index}"},
                "spec": {"strategy": {"canary": {"steps": [step]}}},
            }
        )
    known = Counted(made(*objects))
    findings = [
        each for one in list(known) for check in ANALYSIS_CHECKS for each in check(one, known)
    ]
    assert findings == []
    assert known.walks < 5
