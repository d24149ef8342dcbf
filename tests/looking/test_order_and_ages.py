"""Rows stand in one order, and an age that nobody knows is not made up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import permutations
from typing import Any

from support.fake_cluster import FakeCluster
from support.program import Program

Obj = dict[str, Any]
Make = Callable[..., Program]


def owned(name: str, revision: int, minute: int) -> Obj:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "creationTimestamp": f"2026-03-01T12:0{minute}:00Z",
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "web"}],
        },
        "spec": {},
        "status": {"phase": "Successful"},
    }


def test_experiments_stand_in_one_order_however_they_come(given: Make) -> None:
    made = [owned("old-late", 1, 9), owned("new-early", 2, 1), owned("new-too", 2, 1)]
    shown = {
        given({"experiments": list(order)})("experiment", "list", "-o", "name").stdout
        for order in permutations(made)
    }
    assert len(shown) == 1


def test_a_job_that_has_no_start_has_no_age(given: Make) -> None:
    run = owned("web-1", 1, 0)
    run["spec"] = {"metrics": [{"name": "load", "provider": {"job": {}}}]}
    job = {"phase": "Error", "message": "no job", "metadata": {"job-name": "j"}}
    run["status"] = {
        "phase": "Error",
        "metricResults": [{"name": "load", "phase": "Error", "measurements": [job]}],
    }
    program = given({"analysisruns": [run]})
    done = program("analysis", "get", "web-1")
    assert "load" in done.stdout
    assert not re.search(r"\d{3,}(d|y)|invalid", done.stdout)
    document = json.loads(program("analysis", "get", "web-1", "-o", "json").stdout)
    (metric,) = document["metricResults"]
    (measured,) = metric["measurements"]
    assert measured["startedAt"] is None


def test_each_line_of_a_followed_list_has_its_time() -> None:
    raw: Obj = {
        "metadata": {"name": "web", "namespace": "shop", "uid": "web"},
        "spec": {},
        "status": {"phase": "Healthy"},
    }
    gone = ("DELETED", raw)
    program = Program(cluster=FakeCluster({"rollouts": [raw]}, later={"rollouts": [gone]}))
    lines = program("list", "-w").stdout.splitlines()
    assert len(lines) == 2
    assert all(re.match(r"\d\d:\d\d:\d\dZ +shop/web ", line) for line in lines)
