"""What providers get and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rolloutctl.sandbox.analysis.assessment import judged
from rolloutctl.sandbox.analysis.expressions import ExpressionError
from rolloutctl.sandbox.analysis.requests import Fetch, HttpAnswer, HttpRequest, described
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.controller.objects import Obj, items, mapping, text


class MeasurementError(Exception):
    """The metric cannot be measured now; the text becomes the message of the measurement."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement says; phase Running: it goes on, and is asked for again."""

    phase: str
    value: str = ""
    message: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


Call = Callable[[], Measured]
"""Measures. Needs nothing of the cluster, so any thread can make it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a provider may use. `client` belongs to the thread of the control loops."""

    client: Client
    fetch: Fetch
    now: Callable[[], datetime]


def performed(call: Call) -> Measured:
    """What the call measures; an error is a measurement too."""
    try:
        return call()
    except MeasurementError as error:
        return Measured("Error", message=str(error))
    except Exception as error:
        # Whatever one server answers must not stop all other measurements.
        return Measured("Error", message=f"{type(error).__name__}: {error}")


def assessed(
    result: Any, value: str, metric: Obj, metadata: Mapping[str, str] | None = None
) -> Measured:
    """The measurement of `result`, written as `value`, by the conditions of the metric."""
    try:
        phase = judged(result, metric)
    except ExpressionError as error:
        return Measured("Error", message=str(error), metadata=metadata or {})
    return Measured(phase, value, metadata=metadata or {})


def asked(fetch: Fetch, request: HttpRequest) -> HttpAnswer:
    """The answer to the request. Raises MeasurementError when there is none."""
    try:
        return fetch(request)
    except OSError as error:
        raise MeasurementError(described(error, request)) from error


def headers_of(settings: Obj) -> dict[str, str]:
    """`headers`, a list of key and value."""
    given = [each for each in items(settings, "headers") if isinstance(each, dict)]
    return {text(each, "key"): text(each, "value") for each in given}


def refuse_authentication(settings: Obj) -> None:
    """Raises MeasurementError for kinds of authentication the sandbox does not do."""
    for kind, given in mapping(settings, "authentication").items():
        if isinstance(given, dict) and any(given.values()):
            raise MeasurementError(f"the sandbox does not do authentication by {kind}, use headers")
