"""Provider `datadog`: queries of both versions of its API, at the address of its Secret.

Source: argo-rollouts, metricproviders/datadog/datadog.go.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from rolloutctl.sandbox.analysis.arguments import decoded
from rolloutctl.sandbox.analysis.requests import HttpAnswer, HttpRequest
from rolloutctl.sandbox.analysis.values import float_text, marshalled, parsed
from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.controller.config import NAMESPACE
from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, text
from rolloutctl.sandbox.durations import parse_duration

from .base import Call, Means, Measured, MeasurementError, asked, assessed

SECRET = "datadog"
ADDRESS = "https://api.datadoghq.com"
TIMEOUT = 10.0
INTERVAL = 300


def prepare(run: Obj, metric: Obj, means: Means) -> Call:
    """Raises MeasurementError."""
    settings = mapping(metric, "provider", "datadog")
    address, headers = _credentials(settings, text(run, "metadata", "namespace"), means)
    _check(settings)
    interval = parse_duration(text(settings, "interval") or f"{INTERVAL}s")
    if interval is None:
        raise MeasurementError(f'time: invalid duration "{text(settings, "interval")}"')
    now = int(means.now().timestamp())
    version = 2 if text(settings, "apiVersion") == "v2" else 1
    ask = _scalar_request if version == 2 else _query_request
    request = ask(settings, address, headers, now - int(interval), now)

    def measure() -> Measured:
        document = _document(asked(means.fetch, request))
        return _of_scalar(document, metric) if version == 2 else _of_series(document, metric)

    return measure


def _credentials(settings: Obj, place: str, means: Means) -> tuple[str, dict[str, str]]:
    named = text(settings, "secretRef", "name")
    namespaced = dig(settings, "secretRef", "namespaced") is True
    if namespaced and not named:
        raise MeasurementError("secret name is required for namespaced credentials")
    try:
        found = means.client.get("secrets", named or SECRET, place if namespaced else NAMESPACE)
    except ApiError:
        found = {}
    data = {key: decoded(value) for key, value in mapping(found, "data").items()}
    if not data.get("api-key") or not data.get("app-key"):
        raise MeasurementError("failed to find the credentials for datadog metrics provider")
    headers = {
        "Content-Type": "application/json",
        "DD-API-KEY": data["api-key"],
        "DD-APPLICATION-KEY": data["app-key"],
    }
    return data.get("address") or ADDRESS, headers


def _check(settings: Obj) -> None:
    query, queries = text(settings, "query"), mapping(settings, "queries")
    is_first = text(settings, "apiVersion") != "v2"
    if not query and not queries:
        raise MeasurementError(
            "Must have either a query or queries. Please review the Analysis Template."
        )
    if query and queries:
        raise MeasurementError(
            "Cannot have both a query and queries. Please review the Analysis Template."
        )
    if is_first and not query:
        raise MeasurementError(
            "Query is empty. API Version v1 only supports using the query parameter in your "
            "Analysis Template."
        )
    if text(settings, "formula") and not queries:
        raise MeasurementError(
            "Formula are only valid when queries are set. Please review the Analysis Template."
        )
    if len(queries) > 1 and not text(settings, "formula"):
        raise MeasurementError("When multiple queries are provided you must include a formula.")
    if is_first and text(settings, "aggregator"):
        raise MeasurementError(
            "Aggregator is not supported in v1. Please review the Analysis Template."
        )


def _query_request(
    settings: Obj, address: str, headers: dict[str, str], start: int, end: int
) -> HttpRequest:
    asked_for = urlencode({"from": start, "query": text(settings, "query"), "to": end})
    return HttpRequest("GET", f"{address}/api/v1/query?{asked_for}", headers, timeout=TIMEOUT)


def _scalar_request(
    settings: Obj, address: str, headers: dict[str, str], start: int, end: int
) -> HttpRequest:
    queries = mapping(settings, "queries") or {"query": text(settings, "query")}
    formula = text(settings, "formula")
    attributes = {
        "from": start * 1000,
        "to": end * 1000,
        "queries": [
            {
                "aggregator": text(settings, "aggregator") or "last",
                "data_source": "metrics",
                "name": name,
                "query": query,
            }
            for name, query in queries.items()
        ],
        "formulas": [{"formula": formula}] if formula else [],
    }
    body = json.dumps({"data": {"attributes": attributes, "type": "scalar_request"}}).encode()
    return HttpRequest("POST", f"{address}/api/v2/query/scalar", headers, body, timeout=TIMEOUT)


def _document(answer: HttpAnswer) -> Any:
    said = answer.body.decode("utf-8", "replace")
    if answer.status in (401, 403):
        raise MeasurementError(
            f"received authentication error response code: {answer.status} {said}"
        )
    if answer.status != 200:
        raise MeasurementError(f"received non 2xx response code: {answer.status} {said}")
    try:
        return parsed(answer.body)
    except (ValueError, RecursionError) as error:
        raise MeasurementError(f"Could not parse JSON body: {error}") from error


def _of_series(document: Any, metric: Obj) -> Measured:
    series = items(document, "series")
    points = items(series[0], "pointlist") if series else []
    if not points:
        return assessed(None, marshalled(series), metric)
    if not isinstance(points[-1], list) or len(points[-1]) != 2:
        raise MeasurementError("Datapoint does not have 2 values")
    value = points[-1][1]
    if value is None:
        value = 0.0
    if not isinstance(value, float):
        raise MeasurementError("Could not parse JSON body: a point is no number")
    return assessed(value, float_text(value), metric)


def _of_scalar(document: Any, metric: Obj) -> Measured:
    errors = dig(document, "data", "errors")
    if errors:
        raise MeasurementError(f"There were errors in your query: {errors}")
    columns = items(document, "data", "attributes", "columns")
    numbers = [each for each in columns if (text(each, "type") or "number") == "number"]
    values = [each for each in items(numbers[0] if numbers else None, "values") if each is not None]
    for each in values:
        if not isinstance(each, float):
            raise MeasurementError(f"could not parse numeric value {marshalled(each)}")
    if not values:
        return assessed(None, "[]", metric)
    if any(text(each, "type") == "group" for each in columns):
        return assessed(values, f"[{','.join(map(float_text, values))}]", metric)
    return assessed(values[0], float_text(values[0]), metric)
