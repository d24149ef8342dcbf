"""Provider `web`: a value of the JSON document a URL answers.

Source: argo-rollouts, metricproviders/webmetric/webmetric.go.
"""

from __future__ import annotations

import json
from typing import Any

from rolloutctl.sandbox.analysis.requests import HttpRequest
from rolloutctl.sandbox.analysis.values import marshalled, parsed
from rolloutctl.sandbox.controller.objects import Obj, mapping, number, text

from . import jsonpath
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

TIMEOUT = 10


def prepare(metric: Obj, means: Means) -> Call:
    """Raises MeasurementError."""
    settings = mapping(metric, "provider", "web")
    refuse_authentication(settings)
    request = _request(settings)
    find = jsonpath.compiled(text(settings, "jsonPath") or "{$}")

    def measure() -> Measured:
        answer = asked(means.fetch, request)
        if not 200 <= answer.status < 300:
            raise MeasurementError(f"received non 2xx response code: {answer.status}")
        try:
            document = parsed(answer.body)
        except (ValueError, RecursionError):
            # What is no JSON is a value nobody judges.
            return Measured("Successful", answer.body.decode("utf-8", "replace"))
        result: Any = find(document)
        return assessed(result, marshalled(result), metric)

    return measure


def _request(settings: Obj) -> HttpRequest:
    method = text(settings, "method") or "GET"
    body, document = text(settings, "body"), settings.get("jsonBody")
    if body and document is not None:
        raise MeasurementError(
            "use either Body or JSONBody; both cannot exists for WebMetric payload"
        )
    if (body or document is not None) and method == "GET":
        raise MeasurementError(
            "Body/JSONBody can only be used with POST or PUT WebMetric Method types"
        )
    headers = headers_of(settings)
    sent = body.encode() if body else None
    if document is not None:
        headers["Content-Type"] = "application/json"
        sent = json.dumps(document, separators=(",", ":")).encode()
    timeout = number(settings, "timeoutSeconds")
    return HttpRequest(
        method,
        text(settings, "url"),
        headers,
        sent,
        timeout=float(timeout if timeout > 0 else TIMEOUT),
        insecure=settings.get("insecure") is True,
    )
