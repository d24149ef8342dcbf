"""Provider `sandbox/values`: the values its settings list, for rehearsals without a server.

    provider:
      plugin:
        sandbox/values:
          values: [0.99, 0.4, "error: no data", null]

The n-th measurement has the n-th value, and all after the last one have the last. A text that
begins with "error: " is a measurement that did not work. `result` in a condition is the value as
JSON has it. The API has it in place of a metric plugin, so a template with it is a valid one.
"""

from __future__ import annotations

from rolloutctl.sandbox.analysis.values import as_read, marshalled
from rolloutctl.sandbox.controller.objects import Obj, items, mapping

from .base import Measured, MeasurementError, assessed

NAME = "sandbox/values"
_ERROR = "error: "


def measure(metric: Obj, taken: int) -> Measured:
    """The value after those already taken. Raises MeasurementError."""
    name, settings = next(iter(mapping(metric, "provider", "plugin").items()))
    if name != NAME:
        raise MeasurementError(f"the sandbox has no implementation of the metric plugin {name}")
    values = items(settings, "values")
    if not values:
        raise MeasurementError(f"{NAME} has no values")
    value = as_read(values[min(taken, len(values) - 1)])
    if isinstance(value, str) and value.startswith(_ERROR):
        raise MeasurementError(value.removeprefix(_ERROR))
    return assessed(value, marshalled(value), metric)
