"""Analysis runs and experiments of the version now rolled out, with what they measured."""

from __future__ import annotations

import math
from datetime import datetime

from rolloutctl.domain.facts import AnalysisFacts, ExperimentFacts
from rolloutctl.domain.tree import MetricFacts, RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.spark import spark
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap

_VALUES = 8
"""Measurements of a metric that are shown, the latest."""
_TYPES = {
    "Step": "step",
    "Background": "background",
    "PrePromotion": "pre-promotion",
    "PostPromotion": "post-promotion",
}
_ENDED = frozenset({"Successful", "Failed", "Error", "Inconclusive"})


def lines(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """The analysis runs and experiments of the version now rolled out."""
    runs = [run for run in picture.analysis_runs if run.current]
    trials = [trial for trial in picture.experiments if trial.current]
    if not runs and not trials:
        return []
    result = [line(Span("Analysis" if not trials else "Analysis and experiments", "strong"))]
    for run in runs:
        kind = _TYPES.get(run.type, "analysis")
        step = f"step {run.step_index + 1}" if run.step_index is not None else kind
        head = [Span(f"  {safe(run.name)}"), Span(step), words.plugin_phase(run.phase or "Pending")]
        message = Span(safe(run.message, words.MESSAGE))
        result += wrap(join([*head, message], "  "), surface.room, indent=6)
        for metric in run.metrics:
            result += wrap(_metric(metric), surface.room, indent=8)
            judged = "; ".join(_judged(metric))
            if judged:
                result += wrap(line(Span(f"      {judged}", "dim")), surface.room, indent=8)
    for trial in trials:
        step = f"step {trial.step_index + 1}" if trial.step_index is not None else ""
        head = [
            Span(f"  experiment {safe(trial.name)}"),
            Span(step),
            words.plugin_phase(trial.phase or "Pending"),
            *_lasts(trial, surface),
            Span(safe(trial.message, words.MESSAGE)),
        ]
        result += wrap(join(head, "  "), surface.room, indent=6)
        for item in trial.replica_sets:
            ready = f"{item.ready}/{item.desired} ready"
            result.append(line(f"    {safe(item.name)}  {ready}"))
    return result


def run_block(run: AnalysisFacts, surface: Surface) -> tuple[list[Line], list[Line]]:
    """An analysis run whatever version it is of: the lines about it, and those of its metrics with
    their latest values drawn."""
    kind = _TYPES.get(run.type, "analysis")
    head = [
        Span(safe(run.name), "strong"),
        Span(f"step {run.step_index + 1}" if run.step_index is not None else kind),
        Span(f"revision {run.revision}" if run.revision else "", "dim"),
        words.plugin_phase(run.phase or "Pending"),
        Span(_age(run.started_at or run.created, surface), "dim"),
        Span(safe(run.message, words.MESSAGE)),
    ]
    below: list[Line] = []
    for metric in run.metrics:
        below += wrap(_metric(metric), surface.room, indent=8)
        drawn = spark([_number(value) for value in metric.values], surface)
        if drawn:
            below.append(line("      ", Span(drawn, "accent")))
        below += [
            each
            for judged in _judged(metric)
            for each in wrap(line(Span(f"      {judged}", "dim")), surface.room, indent=8)
        ]
    return wrap(join(head, "  "), surface.room, indent=4), below


def trial_block(trial: ExperimentFacts, surface: Surface) -> tuple[list[Line], list[Line]]:
    """An experiment: the lines about it, and those of its ReplicaSets."""
    head = [
        Span(f"experiment {safe(trial.name)}", "strong"),
        Span(f"step {trial.step_index + 1}" if trial.step_index is not None else ""),
        Span(f"revision {trial.revision}" if trial.revision else "", "dim"),
        words.plugin_phase(trial.phase or "Pending"),
        *_lasts(trial, surface),
        Span(safe(trial.message, words.MESSAGE)),
    ]
    below = [
        line(f"    {safe(item.name)}  {item.ready}/{item.desired} ready")
        for item in trial.replica_sets
    ]
    return wrap(join(head, "  "), surface.room, indent=4), below


def _age(moment: datetime | None, surface: Surface) -> str:
    return f"{words.age(moment, surface.now)} old" if moment is not None else ""


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _metric(metric: MetricFacts) -> Line:
    counts = [
        f"{count} {word}"
        for count, word in (
            (metric.successful, "successful"),
            (metric.failed, "failed"),
            (metric.inconclusive, "inconclusive"),
            (metric.error, "error"),
        )
        if count
    ]
    if counts and metric.count_limit is not None:
        counts[-1] += f" of {safe(str(metric.count_limit), 20)} measurements"
    return join(
        [
            Span(f"    metric {safe(metric.name)}"),
            words.plugin_phase(metric.phase or "Pending"),
            Span("dry run" if metric.dry_run else "", "dim"),
            Span(" ".join(safe(value, 20) for value in metric.values[-_VALUES:])),
            Span(", ".join(counts), "dim"),
            Span(safe(metric.message, 300)),
        ],
        "  ",
    )


def _judged(metric: MetricFacts) -> list[str]:
    """What a metric's values are held against, and how many may be bad."""
    result = []
    if metric.success_condition:
        result.append(f"wants {safe(metric.success_condition, 600)}")
    if metric.failure_condition:
        result.append(f"fails if {safe(metric.failure_condition, 600)}")
    limits = [
        f"{safe(str(limit), 60)} {word}"
        for limit, word in (
            (metric.failure_limit, "failed"),
            (metric.inconclusive_limit, "inconclusive"),
            (metric.consecutive_error_limit, "errors in a row"),
        )
        if limit is not None
    ]
    if limits:
        result.append(f"allows {', '.join(limits)}")
    return result


def _lasts(trial: ExperimentFacts, surface: Surface) -> list[Span]:
    """How long an experiment is to last and when it ends; nothing where it says neither."""
    if trial.phase in _ENDED:
        return []
    if trial.duration is None:
        return [Span("without a duration: it ends with its analyses", "dim")]
    length = words.elapsed(trial.duration)
    if trial.ends is None:
        return [Span(f"{length} once its pods are available", "dim")]
    left = trial.ends - surface.now
    if left.total_seconds() <= 0:
        return [Span(f"its {length} are over", "dim")]
    return [
        Span(f"{words.elapsed(left)} of {length} left", "accent"),
        Span(f"until {words.clock(trial.ends, surface.now)}", "dim"),
    ]
