"""What a metric's specification says: how often, and how much may go wrong.

Source: argo-rollouts, utils/analysis/factory.go and helpers.go.
"""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.controller.objects import Obj, items, mapping, number, text
from rolloutctl.sandbox.durations import parse_duration

from .patterns import PatternError, search

PROVIDERS = (
    "prometheus",
    "job",
    "web",
    "wavefront",
    "kayenta",
    "datadog",
    "newRelic",
    "cloudWatch",
    "graphite",
    "influxdb",
    "skywalking",
)
CONSECUTIVE_ERRORS = 4
KEPT = 10
"""Measurements of a metric in the status, unless a rule says otherwise."""
NO_LIMIT = -1


class InvalidMetrics(Exception):
    """The specification of a run cannot be followed; the text says why."""


def limit(metric: Obj, field: str, default: int = 0) -> int:
    """A number that may be written as text, since it may hold a placeholder."""
    found = metric.get(field)
    if isinstance(found, str):
        sign, digits = (-1, found[1:]) if found.startswith("-") else (1, found)
        return sign * int(digits) if digits.isdecimal() and len(digits) < 10 else 0
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def effective_count(metric: Obj) -> int | None:
    """How many measurements there will be, None without an end."""
    count = limit(metric, "count")
    if count == 0:
        return None if text(metric, "interval") else 1
    return count


def seconds(metric: Obj, field: str) -> float | None:
    """`interval` or `initialDelay`, None where it is not set. Raises InvalidMetrics."""
    written = text(metric, field)
    if not written:
        return None
    found = parse_duration(written)
    if found is None:
        what = "missing unit in" if written.lstrip("+-").isdecimal() else "invalid"
        called = "startDelay" if field == "initialDelay" else field
        raise InvalidMetrics(f'invalid {called} string: time: {what} duration "{written}"')
    return found


def provider_of(metric: Obj) -> tuple[str, Any]:
    """The one provider: its kind and its settings, by name for a plugin. Raises InvalidMetrics."""
    given = mapping(metric, "provider")
    found = [(kind, given[kind]) for kind in PROVIDERS if given.get(kind) is not None]
    found += [("plugin", {name: each}) for name, each in mapping(given, "plugin").items()]
    if not found:
        raise InvalidMetrics("no provider specified")
    if len(found) > 1:
        raise InvalidMetrics("multiple providers specified")
    return found[0]


def check(metrics: list[Obj]) -> None:
    """Raises InvalidMetrics with what is wrong with the first metric that cannot be measured."""
    if not metrics:
        raise InvalidMetrics("no metrics specified")
    names: set[str] = set()
    for at, metric in enumerate(metrics):
        called = text(metric, "name")
        if called in names:
            raise InvalidMetrics(f"metrics[{at}]: duplicate name '{called}'")
        names.add(called)
        try:
            _check(metric)
        except InvalidMetrics as error:
            raise InvalidMetrics(f"metrics[{at}]: {error}") from None


def _check(metric: Obj) -> None:
    count = limit(metric, "count")
    for field in ("failureLimit", "inconclusiveLimit"):
        if 0 < count < limit(metric, field):
            raise InvalidMetrics(f"count must be >= {field}")
    if count > 1 and not text(metric, "interval"):
        raise InvalidMetrics("interval must be specified when count > 1")
    seconds(metric, "interval")
    seconds(metric, "initialDelay")
    if limit(metric, "failureLimit") < NO_LIMIT:
        raise InvalidMetrics(f"failureLimit must be >= {NO_LIMIT}")
    for field in ("inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit"):
        if limit(metric, field) < 0:
            raise InvalidMetrics(f"{field} must be >= 0")
    provider_of(metric)


def dry_runs(run: Obj, metrics: list[Obj]) -> set[str]:
    """The metrics that are measured without consequence. Raises InvalidMetrics."""
    return set(_matched(run, "dryRun", metrics))


def retentions(run: Obj, metrics: list[Obj]) -> dict[str, int]:
    """How many measurements of a metric are kept, where a rule says so. Raises InvalidMetrics."""
    found = _matched(run, "measurementRetention", metrics)
    kept = {name: number(rule, "limit") for name, rule in found.items()}
    return {name: most for name, most in kept.items() if most > 0}


def _matched(run: Obj, field: str, metrics: list[Obj]) -> dict[str, Obj]:
    found: dict[str, Obj] = {}
    for at, rule in enumerate(items(run, "spec", field)):
        matched = [each for each in metrics if _is_named(rule, text(each, "name"))]
        if not matched:
            raise InvalidMetrics(f"{field}[{at}]: Rule didn't match any metric name(s)")
        found.update({text(each, "name"): rule for each in matched})
    return found


def _is_named(rule: Obj, name: str) -> bool:
    try:
        return search(text(rule, "metricName"), name)
    except PatternError:
        return False
