"""What the controller finds wrong with metrics before it measures any.

Source: argo-rollouts, utils/analysis/factory.go (ValidateMetrics) and helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutctl.domain.durations import parse_go
from rolloutctl.domain.lint import conditions
from rolloutctl.domain.lint.finding import Path, Severity
from rolloutctl.domain.lint.reading import (
    PLACEHOLDER,
    inside,
    mapping,
    objects,
    substituted,
    text,
)
from rolloutctl.domain.wire import Json

PROVIDERS = (
    *("prometheus", "job", "web", "wavefront", "kayenta", "datadog", "newRelic", "cloudWatch"),
    *("graphite", "influxdb", "skywalking"),
)
_LIMITS = ("failureLimit", "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit")
RULES = ("dryRun", "measurementRetention")
"""The lists of rules about metrics of a spec."""


class Wrong(NamedTuple):
    """One fault, at a path below the spec."""

    rule: str
    path: Path
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


def faults(spec: Json, known: Mapping[str, str]) -> Iterator[Wrong]:
    """What is wrong with the metrics of a spec; `known` are the values its arguments have.

    A field whose value depends on an argument without one is taken as right.
    """
    seen: dict[str, int] = {}
    for index, metric in objects(spec, "metrics"):
        path = ("metrics", index)
        name = text(metric, "name")
        if name in seen:
            message = f"metrics[{index}]: duplicate name '{name}'"
            yield Wrong("duplicate-metric", (*path, "name"), message)
        seen[name] = index
        for found in _of_metric(metric, dict(known)):
            # The names of fields below a metric are told with it, as the controller does.
            message = f"metrics[{index}]: {found.message}"
            yield found._replace(path=(*path, *found.path), message=message)


def _of_metric(metric: Json, known: dict[str, str]) -> Iterator[Wrong]:
    numbers: dict[str, int | None] = {}
    for field in ("count", *_LIMITS):
        written = metric.get(field)
        numbers[field] = limit(metric, field, known)
        if isinstance(written, str) and numbers[field] is not None:
            done = substituted(written, known) or ""
            if re.fullmatch(r"[+-]?\d+", done) is None:
                yield Wrong(
                    "metric-limit",
                    (field,),
                    f'{field} "{done}" is no number, and counts as 0',
                    severity=Severity.WARNING,
                )
    count = numbers["count"]
    for field in ("failureLimit", "inconclusiveLimit"):
        found = numbers[field]
        if count is not None and found is not None and 0 < count < found:
            yield Wrong("metric-limit", (field,), f"count must be >= {field}")
    if count is not None and count > 1 and not text(metric, "interval"):
        yield Wrong("metric-interval", ("count",), "interval must be specified when count > 1")
    yield from _durations(metric, known)
    found = numbers["failureLimit"]
    if found is not None and found < -1:
        yield Wrong("metric-limit", ("failureLimit",), "failureLimit must be >= -1")
    for field in _LIMITS[1:]:
        found = numbers[field]
        if found is not None and found < 0:
            yield Wrong("metric-limit", (field,), f"{field} must be >= 0")
    yield from _providers(metric, known)
    yield from _conditions(metric)


def _durations(metric: Json, known: dict[str, str]) -> Iterator[Wrong]:
    for field, called in (("interval", "interval"), ("initialDelay", "startDelay")):
        written = substituted(metric.get(field), known)
        if not written or parse_go(written) is not None:
            continue
        yield Wrong(
            "metric-duration",
            (field,),
            f"invalid {called} string: {duration_fault(written)}",
            "durations are written as 30s, 5m, 1h30m",
        )


def duration_fault(written: str) -> str:
    """What Go says of a text that is no duration."""
    what = "missing unit in" if written.lstrip("+-").isdecimal() else "invalid"
    return f'time: {what} duration "{written}"'


def _providers(metric: Json, known: dict[str, str]) -> Iterator[Wrong]:
    given = mapping(metric, "provider")
    found = [kind for kind in PROVIDERS if given.get(kind) is not None]
    found += ["plugin"] * len(mapping(given, "plugin"))
    if not found:
        yield Wrong(
            "metric-provider",
            ("provider",),
            "no provider specified",
            f"providers are {', '.join(PROVIDERS)} and plugin",
        )
        return
    if len(found) > 1:
        yield Wrong("metric-provider", ("provider",), "multiple providers specified")
        return
    settings = mapping(given, found[0])
    check = {"web": _web, "datadog": _datadog}.get(found[0])
    for field, message in check(settings, known) if check else ():
        yield Wrong("provider-settings", ("provider", found[0], field), message)


def _web(settings: Json, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    body, document = text(settings, "body"), settings.get("jsonBody")
    method = substituted(settings.get("method"), known) if settings.get("method") else "GET"
    if body and document is not None:
        yield "jsonBody", "use either Body or JSONBody; both cannot exists for WebMetric payload"
    elif (body or document is not None) and method == "GET":
        said = "Body/JSONBody can only be used with POST or PUT WebMetric Method types"
        yield ("body" if body else "jsonBody"), said


def _datadog(settings: Json, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    query, queries = text(settings, "query"), mapping(settings, "queries")
    first = (text(settings, "apiVersion") or "v1") == "v1"
    if not query and not queries:
        said = "Must have either a query or queries. Please review the Analysis Template."
        yield "query", said
    elif query and queries:
        yield (
            "queries",
            "Cannot have both a query and queries. Please review the Analysis Template.",
        )
    elif first and not query:
        yield (
            "queries",
            "Query is empty. API Version v1 only supports using the query parameter in your"
            " Analysis Template.",
        )
    elif text(settings, "formula") and not queries:
        yield (
            "formula",
            "Formula are only valid when queries are set. Please review the Analysis Template.",
        )
    elif len(queries) > 1 and not text(settings, "formula"):
        yield "queries", "When multiple queries are provided you must include a formula."
    elif first and text(settings, "aggregator"):
        said = "Aggregator is not supported in v1. Please review the Analysis Template."
        yield "aggregator", said


def _conditions(metric: Json) -> Iterator[Wrong]:
    judged = inside(metric, "provider", "job") is None
    for field in ("successCondition", "failureCondition"):
        written = text(metric, field)
        condition = PLACEHOLDER.sub(" 1 ", written)
        fault = conditions.fault(condition)
        # A placeholder may stand for a part of a name, a text or an operator as well.
        if not written or (fault and condition != written):
            continue
        if fault:
            yield Wrong("metric-condition", (field,), f"{field} is no expression: {fault}")
        elif judged and not conditions.mentions_result(condition):
            yield Wrong(
                "metric-condition",
                (field,),
                f"{field} does not depend on the result",
                severity=Severity.WARNING,
            )


# --- numbers ------------------------------------------------------------------------------------


def limit(metric: Json, field: str, known: Mapping[str, str]) -> int | None:
    """A number that may be written as text, 0 where there is none; None if an argument without a
    value decides it."""
    found: Any = metric.get(field)
    if isinstance(found, str):
        done = substituted(found, dict(known))
        if done is None:
            return None
        return int(done) if re.fullmatch(r"[+-]?\d{1,18}", done) else 0
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def is_endless(metric: Json, known: Mapping[str, str]) -> bool:
    """Whether it is measured until somebody ends it."""
    return limit(metric, "count", known) == 0 and bool(text(metric, "interval"))


# --- rules about metrics ------------------------------------------------------------------------


def unmatched(rules: Sequence[tuple[int, Json]], names: Sequence[str]) -> Iterator[int]:
    """The indices of rules that match none of the metrics."""
    for index, rule in rules:
        if not any(_is_named(text(rule, "metricName"), name) for name in names):
            yield index


def _is_named(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False
