"""One module a provider of metrics; `start` begins a measurement with the one a metric names."""

from __future__ import annotations

from rolloutctl.sandbox.analysis.metrics import InvalidMetrics, provider_of
from rolloutctl.sandbox.controller.objects import Obj

from .base import Call, Means, Measured, MeasurementError


def start(run: Obj, metric: Obj, taken: int, means: Means) -> Call | Measured:
    """Measure `metric`, whose arguments are resolved, for the `taken`+1st time.

    What takes time comes as a call that only needs to be made.
    """
    try:
        kind, settings = provider_of(metric)
        return _started(kind, run, {**metric, "provider": {kind: settings}}, taken, means)
    except (InvalidMetrics, MeasurementError) as error:
        return Measured("Error", message=str(error))
    except Exception as error:
        # A setting nobody thought of is an error of its metric, not of the cluster.
        return Measured("Error", message=f"{type(error).__name__}: {error}")


def metadata(metric: Obj) -> dict[str, str]:
    """What the result of the metric says of how it was measured."""
    query = metric.get("provider", {}).get("prometheus", {}).get("query")
    return {"ResolvedPrometheusQuery": query} if isinstance(query, str) and query else {}


def _started(kind: str, run: Obj, metric: Obj, taken: int, means: Means) -> Call | Measured:
    if kind == "web":
        from . import web

        return web.prepare(metric, means)
    if kind == "prometheus":
        from . import prometheus

        return prometheus.prepare(metric, means)
    if kind == "datadog":
        from . import datadog

        return datadog.prepare(run, metric, means)
    if kind == "job":
        from . import job

        return job.start(run, metric, taken, means)
    if kind == "plugin":
        from . import scripted

        return scripted.measure(metric, taken)
    raise MeasurementError(f"the sandbox has no provider {kind}")
