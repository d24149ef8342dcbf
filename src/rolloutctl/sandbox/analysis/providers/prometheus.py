"""Provider `prometheus`: an instant query.

Source: argo-rollouts, metricproviders/prometheus/prometheus.go, and client_golang, api.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from rolloutctl.sandbox.analysis.requests import HttpAnswer, HttpRequest
from rolloutctl.sandbox.analysis.values import float_text, parsed
from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, number, text

from .base import (
    Call,
    Means,
    Measured,
    MeasurementError,
    asked,
    assessed,
    headers_of,
    refuse_authentication,
)

TIMEOUT = 30


def prepare(metric: Obj, means: Means) -> Call:
    """Raises MeasurementError."""
    settings = mapping(metric, "provider", "prometheus")
    refuse_authentication(settings)
    if mapping(settings, "rangeQuery"):
        raise MeasurementError("the sandbox does instant queries only, no rangeQuery")
    timeout = number(settings, "timeout", default=TIMEOUT)
    if timeout < 0:
        raise MeasurementError("prometheus timeout should not be negative")
    query = {"query": text(settings, "query"), "time": f"{means.now().timestamp():.3f}"}
    request = HttpRequest(
        "POST",
        f"{_address(settings)}/api/v1/query",
        {"Content-Type": "application/x-www-form-urlencoded", **headers_of(settings)},
        urlencode(query).encode(),
        timeout=float(timeout),
        insecure=settings.get("insecure") is True,
    )

    def measure() -> Measured:
        answer = _data(asked(means.fetch, request))
        result, value = _value(answer)
        warnings = [each for each in items(answer, "warnings") if isinstance(each, str)]
        said = ", ".join(f'"{each}"' for each in warnings)
        return assessed(result, value, metric, {"warnings": said} if said else None)

    return measure


def _address(settings: Obj) -> str:
    address = text(settings, "address")
    if not address:
        raise MeasurementError("prometheus address is not configured")
    try:
        found = urlsplit(address)
    except ValueError:
        found = urlsplit("")
    if not found.scheme or not found.netloc:
        raise MeasurementError("prometheus address is not is url format")
    return address.rstrip("/")


def _data(answer: HttpAnswer) -> Obj:
    """The document of a good answer. Raises MeasurementError with what a bad one says."""
    try:
        document = parsed(answer.body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and document.get("status") == "error":
        raise MeasurementError(f"{text(document, 'errorType')}: {text(document, 'error')}")
    if not 200 <= answer.status < 300:
        side = "server" if answer.status >= 500 else "client"
        raise MeasurementError(f"{side}_error: {side} error: {answer.status}")
    if not isinstance(document, dict) or document.get("status") != "success":
        raise MeasurementError("bad_response: the answer is not one of Prometheus")
    return document


def _value(document: Obj) -> tuple[Any, str]:
    kind, found = dig(document, "data", "resultType"), dig(document, "data", "result")
    try:
        if kind == "scalar":
            scalar = float(found[1])
            return scalar, float_text(scalar)
        if kind == "vector":
            vector = [float(sample["value"][1]) for sample in found]
            return vector, f"[{','.join(map(float_text, vector))}]"
    except (IndexError, KeyError, TypeError, ValueError):
        raise MeasurementError(f"bad_response: no {kind} as Prometheus writes it") from None
    raise MeasurementError("Prometheus metric type not supported")
