"""What the embedded API server holds and how fast it serves a page.

    python benchmarks/store.py [ROLLOUTS]

fills a store with rollouts of 7 KB (24,000 of them unless told otherwise) and prints the memory of
the process and the time a page of 500 takes, through the API core.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.api.messages import Request, Response
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.store import Store

_PATH = "/apis/argoproj.io/v1alpha1/rollouts"
_PADDING = "x" * 6000


def resident() -> float:
    """Memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def rollout(number: int) -> dict[str, Any]:
    """A rollout that is stored as about 7 KB."""
    name = f"service-{number:05}"
    labels = {"app": name, "team": f"team-{number % 50}", "tier": "backend"}
    env = [{"name": "PADDING", "value": f"{number:08}{_PADDING}"}]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": f"team-{number % 50}", "labels": labels},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": n} for n in range(10, 100, 10)]}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "demo:v1", "env": env}]},
            },
        },
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24_000
    store = Store()
    api = Api(store, tokens={"token": ADMIN})
    client = Client(api, "token")
    for number in range(50):
        client.create("namespaces", {"metadata": {"name": f"team-{number}"}})
    empty, started = resident(), time.perf_counter()
    for number in range(count):
        client.create("rollouts", rollout(number))
    took = time.perf_counter() - started
    size = sum(len(record.raw) for record in store.list("rollouts")[0])
    print(f"{count} rollouts of {size / count:.0f} bytes created in {took:.1f} s")
    print(f"memory: {resident():.0f} MB, {resident() - empty:.0f} MB more than empty")
    headers = {"authorization": "Bearer token"}
    times, token = [], ""
    while True:
        query = (("limit", "500"), ("continue", token)) if token else (("limit", "500"),)
        begun = time.perf_counter()
        answer = api.handle(Request("GET", _PATH, query, headers))
        times.append(time.perf_counter() - begun)
        assert isinstance(answer, Response)
        start = answer.body.find(b'"continue":"') + len(b'"continue":"')
        token = answer.body[start : answer.body.index(b'"', start)].decode()
        if not token:
            break
    shown = f"median {statistics.median(times) * 1000:.1f} ms, slowest {max(times) * 1000:.1f} ms"
    print(f"{len(times)} pages of 500: {shown}")


if __name__ == "__main__":
    main()
