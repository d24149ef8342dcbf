"""A real Prometheus server, a page it scrapes, and AnalysisRuns that ask it in PromQL."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from rolloutctl.sandbox.analysis.requests import fetch_http
from rolloutctl.sandbox.clock import FakeClock
from support.answering import Answering
from support.metrics import PLACE, Analysed, values

PATIENCE = 60.0
RATE = 'sum(requests_total{code="200"}) / sum(requests_total)'


def a_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def page(good: int, bad: int) -> bytes:
    return (
        "# TYPE requests_total counter\n"
        f'requests_total{{code="200"}} {good}\n'
        f'requests_total{{code="500"}} {bad}\n'
    ).encode()


@pytest.fixture
def prometheus(tmp_path: Path, site: Answering) -> Iterator[str]:
    """The address of a server that scrapes the site five times a second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus on PATH (Debian: apt-get install prometheus)")
    job = {"job_name": "page", "static_configs": [{"targets": [site.url.removeprefix("http://")]}]}
    settings = {"global": {"scrape_interval": "200ms"}, "scrape_configs": [job]}
    (tmp_path / "prometheus.yml").write_text(json.dumps(settings))
    address = f"127.0.0.1:{a_port()}"
    arguments = [
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log)
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def await_value(address: str, query: str, wanted: Callable[[float], bool]) -> None:
    """Until the server answers a value that is wanted."""
    found: object = None
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with urlopen(f"{address}/api/v1/query?query={quote(query)}", timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError as error:
            found = error
        if isinstance(found, list) and found and wanted(float(found[0]["value"][1])):
            return
        # The server tells nobody that it has scraped.
        time.sleep(0.1)
    pytest.fail(f"Prometheus never answered what was awaited, but {found}")


def template(address: str) -> dict[str, Any]:
    metric = {
        "name": "success-rate",
        "provider": {"prometheus": {"address": "{{args.address}}", "query": RATE}},
        "successCondition": "result[0] >= {{args.limit}}",
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "success-rate", "namespace": PLACE},
        "spec": {
            "args": [{"name": "address", "value": address}, {"name": "limit", "value": "0.95"}],
            "metrics": [metric],
        },
    }


def measured(manifest: dict[str, Any]) -> Analysed:
    """A run of the template on a cluster where it is as late as it is for the server."""
    analysed = Analysed(web=fetch_http, clock=FakeClock(datetime.now(UTC)))
    spec = analysed.client.create("analysistemplates", manifest, PLACE)["spec"]
    analysed.start(*spec["metrics"], args=spec["args"])
    return analysed


def test_a_run_succeeds_and_then_fails_on_a_real_query(site: Answering, prometheus: str) -> None:
    site.answer = lambda asked: (200, page(99, 1), {"Content-Type": "text/plain; version=0.0.4"})
    await_value(prometheus, RATE, lambda rate: rate > 0.95)
    analysed = measured(template(prometheus))
    assert analysed.phase() == ("Successful", "")
    result = analysed.result("success-rate")
    assert values(result) == ["[0.99]"]
    assert result["metadata"] == {"ResolvedPrometheusQuery": RATE}

    site.answer = lambda asked: (200, page(60, 40), {"Content-Type": "text/plain; version=0.0.4"})
    await_value(prometheus, RATE, lambda rate: rate < 0.95)
    analysed = measured(template(prometheus))
    said = 'Metric "success-rate" assessed Failed due to failed (1) > failureLimit (0)'
    assert analysed.phase() == ("Failed", said)
    assert values(analysed.result("success-rate")) == ["[0.6]"]


def test_a_query_the_server_does_not_understand(site: Answering, prometheus: str) -> None:
    site.answer = lambda asked: (200, page(1, 0), {"Content-Type": "text/plain; version=0.0.4"})
    await_value(prometheus, "vector(1)", lambda one: one == 1)  # it answers
    analysed = Analysed(web=fetch_http)
    settings = {"address": prometheus, "query": "sum("}
    metric = {"name": "a", "provider": {"prometheus": settings}, "consecutiveErrorLimit": 0}
    analysed.start(metric)
    assert analysed.phase()[0] == "Error"
    message = analysed.result("a")["message"]
    assert message.startswith('bad_data: invalid parameter "query": ')
    assert "parse error" in message
