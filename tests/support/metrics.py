"""AnalysisRuns on an embedded cluster, and the server that answered in the recordings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from rolloutctl.sandbox.analysis.requests import Fetch, HttpAnswer, HttpRequest
from rolloutctl.sandbox.clock import Clock, FakeClock
from rolloutctl.sandbox.embedded import EmbeddedCluster

Obj = dict[str, Any]
PLACE = "shop"
_ANSWERS = {"/ok": 0.99, "/bad": 0.4, "/soso": 0.7}


def recorded_web(request: HttpRequest) -> HttpAnswer:
    """As the recordings' server on port 9099; nothing listens anywhere else."""
    address = urlsplit(request.url)
    if address.port != 9099:
        raise ConnectionRefusedError("connection refused")
    value = _ANSWERS.get(address.path)
    if value is None:
        return HttpAnswer(404)
    return HttpAnswer(200, json.dumps({"value": value}).encode())


def web(path: str = "/ok", **fields: Any) -> Obj:
    """A metric that asks the recordings' server, and wants at least 0.95."""
    settings = {"url": f"http://127.0.0.1:9099{path}", "jsonPath": "{$.value}"}
    return {
        "name": "success-rate",
        "provider": {"web": settings},
        "successCondition": "result >= 0.95",
        **fields,
    }


def scripted(*values: Any, **fields: Any) -> Obj:
    """A metric with these values, which are to be above 0.9."""
    return {
        "name": "scripted",
        "provider": {"plugin": {"sandbox/values": {"values": list(values)}}},
        "successCondition": "result > 0.9",
        **fields,
    }


class Analysed:
    """A namespace for AnalysisRuns; `at` seconds have passed since its start."""

    def __init__(
        self, web: Fetch = recorded_web, clock: Clock | None = None, **options: Any
    ) -> None:
        self.clock = clock or FakeClock()
        self.log: list[str] = []
        self.cluster = EmbeddedCluster(clock=self.clock, web=web, log=self.log.append, **options)
        self.client = self.cluster.client
        self.cluster.settle()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}}
        self.client.create("namespaces", namespace)

    def start(self, *metrics: Obj, name: str = "run", **spec: Any) -> Obj:
        """Create the run and let happen what happens at once; its status."""
        run = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisRun",
            "metadata": {"name": name, "namespace": PLACE},
            "spec": {"metrics": list(metrics), **spec},
        }
        self.client.create("analysisruns", run, PLACE)
        self.cluster.settle()
        return self.status(name)

    def run(self, name: str = "run") -> Obj:
        return self.client.get("analysisruns", name, PLACE)

    def status(self, name: str = "run") -> Obj:
        found: Obj = self.run(name).get("status", {})
        return found

    def phase(self, name: str = "run") -> tuple[str, str]:
        return self.status(name).get("phase", ""), self.status(name).get("message", "")

    def result(self, metric: str, name: str = "run") -> Obj:
        for each in self.status(name).get("metricResults", []):
            if each["name"] == metric:
                found: Obj = each
                return found
        raise LookupError(metric)

    def patch(self, body: Obj, name: str = "run") -> None:
        self.client.patch("analysisruns", name, body, PLACE)
        self.cluster.settle()

    def terminate(self, name: str = "run") -> None:
        self.patch({"spec": {"terminate": True}}, name)

    def after(self, seconds: float, name: str = "run") -> Obj:
        self.cluster.advance(seconds)
        return self.status(name)

    def events(self, about: str = "run") -> list[str]:
        """ "Normal MetricSuccessful Metric 'a' …" of an object, in order."""
        found = self.client.list("events", PLACE)[0]
        found = [each for each in found if each["involvedObject"]["name"] == about]
        found.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [f"{each['type']} {each['reason']} {each['message']}" for each in found]

    def objects(self, plural: str) -> list[Obj]:
        return self.client.list(plural, PLACE)[0]


def phases(result: Obj) -> list[str]:
    """Of the measurements of a metric's result."""
    return [each["phase"] for each in result.get("measurements", [])]


def values(result: Obj) -> list[str]:
    found: Iterable[Obj] = result.get("measurements", [])
    return [each.get("value", "") for each in found]
