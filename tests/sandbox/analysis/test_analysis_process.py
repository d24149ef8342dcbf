"""AnalysisRuns of a sandbox process: real threads, real requests, its speed."""

from __future__ import annotations

import json
from typing import Any

import urllib3

from support.answering import Answering
from support.metrics import scripted, values
from support.sandboxes import SandboxProcess

Obj = dict[str, Any]
FINAL = ("Successful", "Failed", "Error", "Inconclusive")


def ended(sandbox: SandboxProcess, *metrics: Obj) -> Obj:
    """The status a run with these metrics ends with."""
    client, place = sandbox.client, sandbox.namespace()
    client.create("namespaces", {"metadata": {"name": place}})
    created = client.create(
        "analysisruns",
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisRun",
            "metadata": {"name": "run", "namespace": place},
            "spec": {"metrics": list(metrics)},
        },
        place,
    )
    version = created["metadata"]["resourceVersion"]
    path = client.path("analysisruns", place)
    url = f"{client.url}{path}?watch=true&resourceVersion={version}&timeoutSeconds=60"
    headers = {"Authorization": f"Bearer {sandbox.record.token}"}
    with urllib3.PoolManager(retries=False, timeout=60.0) as pool:
        answer = pool.request("GET", url, headers=headers, preload_content=False)
        try:
            for line in answer:
                status: Obj = json.loads(line)["object"].get("status") or {}
                if status.get("phase") in FINAL:
                    return status
        finally:
            answer.close()
    raise AssertionError("the run did not end")


def test_a_run_asks_a_server_and_ends(sandbox_process: SandboxProcess, site: Answering) -> None:
    rates = iter([b'{"rate": 0.99}', b'{"rate": 0.97}', b'{"rate": 0.4}'])
    site.answer = lambda asked: (200, next(rates))
    settings = {"url": f"{site.url}/rate", "jsonPath": "{$.rate}", "timeoutSeconds": 5}
    status = ended(
        sandbox_process,
        {
            "name": "rate",
            "interval": "4s",
            "count": 5,
            "provider": {"web": settings},
            "successCondition": "result >= 0.95",
        },
        scripted(1, 0.95, interval="2s"),
    )
    assert status["message"] == 'Metric "rate" assessed Failed due to failed (1) > failureLimit (0)'
    rate, scripts = status["metricResults"]
    assert values(rate) == ["0.99", "0.97", "0.4"]
    assert scripts["phase"] == "Successful"
    assert len(site.asked) == 3


def test_a_job_runs_and_ends(sandbox_process: SandboxProcess) -> None:
    containers = [{"name": "smoke", "image": "smoke:v1"}]
    template = {"spec": {"restartPolicy": "Never", "containers": containers}}
    provider = {"job": {"spec": {"template": template}}}
    assert ended(sandbox_process, {"name": "smoke", "provider": provider})["phase"] == "Successful"
