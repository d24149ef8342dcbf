"""A metric, and what somebody said, within a sentence."""

from __future__ import annotations

from rolloutctl.domain.explain.facts import MetricEvidence
from rolloutctl.render.text import safe

MESSAGE = 300
"""Characters of a message inside a sentence; the evidence has it whole."""


def quoted(message: str, limit: int = MESSAGE) -> str:
    """': "message"', "" for none."""
    text = safe(message, limit)
    return f': "{text}"' if text else ""


def metric_story(metric: MetricEvidence) -> str:
    """What a metric measured and what was wanted, within a sentence."""
    name = f"metric {safe(metric.name, 100)}"
    last = metric.measurements[-1] if metric.measurements else None
    if metric.phase == "Error" or (last is not None and last.phase == "Error"):
        message = (last.message if last is not None else "") or metric.message
        return f"{name} could not be measured{quoted(message)}"
    if last is None:
        return f"{name} {safe(metric.phase, 40) or 'was not measured yet'}"
    if not last.value:
        what = f"{safe(metric.provider, 60)} " if metric.provider else ""
        return f"{name} ended {safe(last.phase, 40)} ({what}{safe(metric.query, 120)})".replace(
            " ()", ""
        )
    return f"{name} is {safe(last.value, 60)}, {_wanted(metric)}"


def _wanted(metric: MetricEvidence) -> str:
    parts = []
    if metric.success_condition:
        parts.append(f"wanted is {safe(metric.success_condition, 160)}")
    if metric.failure_condition:
        parts.append(f"a failure is {safe(metric.failure_condition, 160)}")
    return ", ".join(parts) or "any value would do"
