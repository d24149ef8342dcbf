"""Analysis runs and experiments as evidence: what was asked, what was measured, what decided.

Source: argo-rollouts, analysis/analysis.go, utils/analysis and utils/experiment.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rolloutctl.domain.durations import later, parse_go
from rolloutctl.domain.explain.facts import (
    ExperimentEvidence,
    Limit,
    Measured,
    MetricEvidence,
    RunEvidence,
    TemplateEvidence,
)
from rolloutctl.domain.facts import AnalysisFacts, ExperimentFacts
from rolloutctl.domain.wire import IntOrString, Measurement
from rolloutctl.domain.wire_details import (
    AnalysisRunDetails,
    ExperimentDetails,
    Metric,
    MetricResultDetails,
)

BAD = frozenset({"Failed", "Error"})
UNFINISHED = frozenset({"", "Pending", "Running"})

_PLACEHOLDER = re.compile(r"\{\{\s*args\.([^{}\s]+)\s*\}\}")
_COMPARISON = re.compile(
    r"(?:asFloat\()?result(?:\[0\])?\)? *(?:<|<=|>|>=|==) *(-?\d{1,15}(?:\.\d{1,15})?)", re.ASCII
)
_LIMITS = (
    # The later one overrides the earlier: an error says more than a failure before it.
    (Limit.FAILURE, "failed", "failure_limit", 0),
    (Limit.INCONCLUSIVE, "inconclusive", "inconclusive_limit", 0),
    (Limit.ERROR, "consecutive_error", "consecutive_error_limit", 4),
)
_DECIDED = {Limit.FAILURE: "Failed", Limit.INCONCLUSIVE: "Inconclusive", Limit.ERROR: "Error"}
_LONGEST = 200
"""Characters of a value that may still be a number, or a list of one."""


def run_evidence(run: AnalysisRunDetails, facts: AnalysisFacts | None = None) -> RunEvidence:
    """One run with its metrics, those that decided first; `facts` if a rollout owns it."""
    args = {entry.name: entry.value for entry in run.spec.args or () if entry.value is not None}
    specs = {metric.name: metric for metric in run.spec.metrics or ()}
    results = {result.name: result for result in run.status.metric_results or ()}
    names = dict.fromkeys([*specs, *results])
    metrics = [_metric(name, specs.get(name), results.get(name), args) for name in names]
    return RunEvidence(
        name=run.metadata.name,
        type=facts.type if facts is not None else "",
        phase=run.status.phase,
        message=run.status.message,
        step_index=facts.step_index if facts is not None else None,
        created=run.metadata.creation_timestamp,
        started_at=run.status.started_at,
        completed_at=run.status.completed_at,
        terminated=run.spec.terminate,
        metrics=tuple(sorted(metrics, key=_weight)),
    )


def experiment_evidence(
    experiment: ExperimentDetails,
    facts: ExperimentFacts,
    runs: Iterable[AnalysisRunDetails] = (),
) -> ExperimentEvidence:
    """One experiment with the analysis runs of it that were read."""
    status = experiment.status
    known = {run.metadata.name: run for run in runs}
    found: list[RunEvidence] = []
    for entry in status.analysis_runs or ():
        run = known.get(entry.analysis_run)
        if run is not None:
            found.append(run_evidence(run))
        else:
            name = entry.analysis_run or entry.name
            found.append(RunEvidence(name, "", entry.phase, entry.message))
    finished = status.phase not in UNFINISHED
    return ExperimentEvidence(
        name=facts.name,
        phase=status.phase,
        message=status.message,
        step_index=facts.step_index,
        created=facts.created,
        available_at=status.available_at,
        ends=None if finished else later(status.available_at, parse_go(experiment.spec.duration)),
        terminated=experiment.spec.terminate,
        templates=tuple(
            TemplateEvidence(
                entry.name, entry.status, entry.message, entry.replicas, entry.available_replicas
            )
            for entry in status.template_statuses or ()
        ),
        runs=tuple(sorted(found, key=lambda run: run.phase not in BAD)),
    )


def filled_in(text: str, args: Mapping[str, str]) -> str:
    """`text` with each `{{args.NAME}}` replaced by its value, where that is known.

    A value out of a Secret is not: its placeholder stays.
    """
    return _PLACEHOLDER.sub(lambda found: args.get(found[1], found[0]), text)


def number(value: str) -> float | None:
    """The one number a measurement is: "0.4", "[0.4]"; None for anything else."""
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if isinstance(found, list) and len(found) == 1:
        (found,) = found
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return float(found) if math.isfinite(found) else None
    except OverflowError:
        return None


# ------------------------------------------------------------------------------------------------


def _metric(
    name: str,
    spec: Metric | None,
    result: MetricResultDetails | None,
    args: Mapping[str, str],
) -> MetricEvidence:
    spec = spec or Metric()
    result = result or MetricResultDetails()
    provider, query, address = _asked(spec.provider or {}, args)
    limits = {
        field: _count(getattr(spec, field), args, default) for _, _, field, default in _LIMITS
    }
    return MetricEvidence(
        name=name,
        phase=result.phase,
        message=result.message,
        provider=provider,
        query=query,
        address=address,
        success_condition=filled_in(spec.success_condition, args),
        failure_condition=filled_in(spec.failure_condition, args),
        interval=filled_in(spec.interval, args),
        count_limit=_effective_count(spec, args),
        **limits,
        count=result.count,
        successful=result.successful,
        failed=result.failed,
        inconclusive=result.inconclusive,
        error=result.error,
        consecutive_error=result.consecutive_error,
        dry_run=result.dry_run,
        passed=_passed(result, limits),
        threshold=_threshold(spec, args),
        measurements=tuple(map(_measured, result.measurements or ())),
    )


def _passed(result: MetricResultDetails, limits: Mapping[str, int | None]) -> Limit | None:
    for limit, counter, field, _ in reversed(_LIMITS):
        allowed = limits[field]
        if result.phase != _DECIDED[limit] or allowed is None or allowed < 0:
            continue
        if getattr(result, counter) > allowed:
            return limit
    return None


def _threshold(spec: Metric, args: Mapping[str, str]) -> float | None:
    for condition in (spec.success_condition, spec.failure_condition):
        found = _COMPARISON.fullmatch(filled_in(condition, args).strip())
        if found is not None:
            return float(found[1])
    return None


def _measured(item: Measurement) -> Measured:
    return Measured(
        value=item.value,
        phase=item.phase,
        number=number(item.value),
        message=item.message,
        at=item.finished_at or item.started_at,
    )


def _count(value: IntOrString | None, args: Mapping[str, str], default: int) -> int | None:
    """A limit as a number; None where it is none."""
    if value is None:
        return default
    text = filled_in(value, args).strip() if isinstance(value, str) else str(value)
    return int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else None


def _effective_count(spec: Metric, args: Mapping[str, str]) -> int | None:
    """How many measurements are taken; None: as long as the run goes on.

    Source: argo-rollouts, pkg/apis/rollouts/v1alpha1 (EffectiveCount).
    """
    return _count(spec.count, args, 0) or (None if spec.interval else 1)


def _asked(provider: Mapping[str, Any], args: Mapping[str, str]) -> tuple[str, str, str]:
    """Kind of provider, what it is asked, and where. Headers and credentials are left out."""
    for kind, settings in provider.items():
        if not isinstance(settings, Mapping):
            continue
        if kind == "plugin":
            name = next(iter(settings), "")
            return f"plugin {name}", "", ""
        address = _text(settings.get("address"))
        return kind, filled_in(_query(kind, settings), args), filled_in(address, args)
    return "", "", ""


def _query(kind: str, settings: Mapping[str, Any]) -> str:
    if kind == "web":
        method = _text(settings.get("method"))
        path = _text(settings.get("jsonPath"))
        return " ".join(part for part in (method, _text(settings.get("url")), path) if part)
    if kind == "job":
        return ", ".join(_images(settings))
    if kind == "datadog":
        queries = settings.get("queries")
        if isinstance(queries, Mapping):
            named = ", ".join(f"{name}: {_text(text)}" for name, text in queries.items())
            formula = _text(settings.get("formula"))
            return f"{formula} ({named})" if formula else named
    if kind == "cloudWatch":
        return ", ".join(_cloud_watch(settings.get("metricDataQueries")))
    if kind == "kayenta":
        return _text(settings.get("canaryConfigName"))
    return _text(settings.get("query"))


def _cloud_watch(queries: Any) -> Iterable[str]:
    for entry in queries if isinstance(queries, list) else ():
        if not isinstance(entry, Mapping):
            continue
        expression = _text(entry.get("expression"))
        stat = entry.get("metricStat")
        metric = stat.get("metric") if isinstance(stat, Mapping) else None
        if isinstance(metric, Mapping):
            expression = expression or _text(metric.get("metricName"))
        if expression:
            yield expression


def _images(settings: Mapping[str, Any]) -> Iterable[str]:
    spec: Any = settings
    for key in ("spec", "template", "spec", "containers"):
        spec = spec.get(key) if isinstance(spec, Mapping) else None
    for container in spec if isinstance(spec, list) else ():
        image = container.get("image") if isinstance(container, Mapping) else None
        if isinstance(image, str) and image:
            yield image


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _weight(metric: MetricEvidence) -> tuple[bool, bool]:
    """What ended the run first; what was only tried last."""
    return (metric.dry_run, metric.phase not in BAD and metric.phase != "Inconclusive")
