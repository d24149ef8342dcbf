"""What the measurements of a run amount to: phase of a metric, of the run, and why.

Source: argo-rollouts, analysis/analysis.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rolloutctl.sandbox.controller.objects import Obj, dig, items, number, text

from .expressions import holds
from .metrics import CONSECUTIVE_ERRORS, NO_LIMIT, effective_count, limit

FINAL = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
_FROM_BEST = ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")
_BAD = frozenset({"Failed", "Error", "Inconclusive"})
TERMINATED = "Run Terminated"

Tell = Callable[[str, str, str], None]
"""(type, reason, message) of an event about the run."""


def judged(result: Any, metric: Obj) -> str:
    """The phase of one measurement with this result. Raises ExpressionError.

    Source: argo-rollouts, utils/evaluate/evaluate.go.
    """
    success, failure = text(metric, "successCondition"), text(metric, "failureCondition")
    succeeded = bool(success) and holds(success, result)
    failed = bool(failure) and holds(failure, result)
    if success and not failure:
        failed = not succeeded
    elif not success:
        succeeded = not failed
    if failed:
        return "Failed"
    return "Successful" if succeeded else "Inconclusive"


def result_of(status: Obj, metric: str) -> Obj | None:
    """The entry of a metric in `metricResults`."""
    for each in items(status, "metricResults"):
        if text(each, "name") == metric:
            found: Obj = each
            return found
    return None


def last_measurement(result: Obj | None) -> Obj | None:
    found = items(result, "measurements")
    return found[-1] if found else None


def is_terminating(run: Obj) -> bool:
    """Whether nothing new is measured: told so, or a metric ended badly."""
    if dig(run, "spec", "terminate") is True:
        return True
    results = items(run, "status", "metricResults")
    return any(text(each, "phase") in _BAD and not each.get("dryRun") for each in results)


def count_in(result: Obj, phase: str) -> None:
    """Count a measurement that has ended."""
    field = phase.lower()
    result[field] = number(result, field) + 1
    if phase == "Error":
        result["consecutiveError"] = number(result, "consecutiveError") + 1
    else:
        result["count"] = number(result, "count") + 1
        result.pop("consecutiveError", None)
    if phase == "Successful":
        result["consecutiveSuccess"] = number(result, "consecutiveSuccess") + 1
    else:
        result.pop("consecutiveSuccess", None)


def exceeded(metric: Obj, result: Obj) -> tuple[str, str]:
    """The phase too many bad measurements lead to and why; ("", "") within the limits."""
    phase = why = ""
    most = limit(metric, "failureLimit")
    if most != NO_LIMIT and number(result, "failed") > most:
        phase, why = "Failed", f"failed ({number(result, 'failed')}) > failureLimit ({most})"
    most, found = limit(metric, "inconclusiveLimit"), number(result, "inconclusive")
    if found > most:
        phase, why = "Inconclusive", f"inconclusive ({found}) > inconclusiveLimit ({most})"
    most = limit(metric, "consecutiveErrorLimit", CONSECUTIVE_ERRORS)
    found = number(result, "consecutiveError")
    if found > most:
        phase, why = "Error", f"consecutiveErrors ({found}) > consecutiveErrorLimit ({most})"
    return phase, why


def metric_phase(metric: Obj, result: Obj, terminating: bool) -> str:
    if text(result, "phase") in FINAL:
        return text(result, "phase")
    last = last_measurement(result)
    if last is None:
        return "Successful" if terminating else "Pending"
    if text(last, "phase") not in FINAL:
        return "Running"
    phase, _ = exceeded(metric, result)
    if phase:
        return phase
    wanted = limit(metric, "consecutiveSuccessLimit")
    if wanted and number(result, "consecutiveSuccess") >= wanted:
        return "Successful"
    count = effective_count(metric)
    if count is not None and number(result, "count") >= count:
        if not wanted:
            return "Successful"
        return "Failed" if limit(metric, "failureLimit") == NO_LIMIT else "Inconclusive"
    return "Successful" if terminating else "Running"


def is_worse(phase: str, than: str) -> bool:
    return _FROM_BEST.index(phase) > _FROM_BEST.index(than)


@dataclass(slots=True)
class _Worst:
    phase: str = ""
    message: str = ""


def assess(run: Obj, status: Obj, metrics: list[Obj], dry_run: set[str], tell: Tell) -> None:
    """Bring `status`, a copy that holds all measurements, up to date: phases, message, summaries.

    `startedAt` is there. `completedAt` is left to the caller.
    """
    terminating = is_terminating({**run, "status": status})
    worst = _Worst(message=TERMINATED if dig(run, "spec", "terminate") is True else "")
    summaries: dict[bool, Obj] = {False: {}, True: {}}
    all_done = True
    for metric in metrics:
        is_dry = text(metric, "name") in dry_run
        summary = summaries[is_dry]
        summary["count"] = number(summary, "count") + 1
        result = result_of(status, text(metric, "name"))
        phase = _assess_metric(metric, result, terminating, tell) if result else ""
        if result is None or phase not in FINAL:
            all_done = False
            continue
        summary[phase.lower()] = number(summary, phase.lower()) + 1
        _remember(worst, metric, result, is_dry)
    status["runSummary"], status["dryRunSummary"] = summaries[False], summaries[True]
    if terminating:
        phase, message = worst.phase or "Successful", worst.message
    elif not all_done or not worst.phase:
        phase, message = "Running", ""
    else:
        phase, message = worst.phase, worst.message
    if phase != text(status, "phase"):
        status["phase"] = phase
        _put(status, "message", message)


def _assess_metric(metric: Obj, result: Obj, terminating: bool, tell: Tell) -> str:
    phase = metric_phase(metric, result, terminating)
    if phase != text(result, "phase"):
        if phase in FINAL:
            said = f"Metric '{text(metric, 'name')}' Completed. Result: {phase}"
            tell(event_type(phase), f"Metric{phase}", said)
        last = last_measurement(result)
        if last is not None:
            _put(result, "message", text(last, "message"))
        result["phase"] = phase
    return phase


def _remember(worst: _Worst, metric: Obj, result: Obj, is_dry: bool) -> None:
    """A dry run never makes anything worse, and says of itself what it came to."""
    phase = text(result, "phase")
    _, why = exceeded(metric, result)
    if is_dry:
        worst.phase = worst.phase or "Successful"
        if why:
            result["message"] = f"Metric assessed {phase} due to {why}"
    elif not worst.phase or is_worse(phase, worst.phase):
        worst.phase = phase
        if why:
            worst.message = f'Metric "{text(metric, "name")}" assessed {phase} due to {why}'
            if text(result, "message"):
                worst.message += f': "Error Message: {text(result, "message")}"'


def event_type(phase: str) -> str:
    return "Warning" if phase in ("Failed", "Error") else "Normal"


def _put(into: Obj, field: str, value: str) -> None:
    if value:
        into[field] = value
    else:
        into.pop(field, None)
