"""Manifests of analysis templates, and a view of the runs a rollout has made of them."""

from __future__ import annotations

from typing import Any

from .controlled import PLACE, Controlled
from .metrics import scripted

Obj = dict[str, Any]


def template(
    name: str = "check",
    *metrics: Obj,
    cluster: bool = False,
    args: list[Obj] | None = None,
    **spec: Any,
) -> Obj:
    """An AnalysisTemplate; its one metric is 1 each second, twice, where none is given."""
    metrics = metrics or (scripted(1, 1, count=2, interval="1s"),)
    found: Obj = {"metrics": list(metrics), **spec}
    if args is not None:
        found["args"] = args
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ClusterAnalysisTemplate" if cluster else "AnalysisTemplate",
        "metadata": {"name": name},
        "spec": found,
    }


def named(*names: str, **fields: Any) -> Obj:
    """An analysis of templates by their names."""
    return {"templates": [{"templateName": name} for name in names], **fields}


def runs(story: Controlled) -> list[Obj]:
    """The AnalysisRuns, in the order they were made."""
    found = story.client.list("analysisruns", PLACE)[0]
    return sorted(
        found, key=lambda run: (run["metadata"]["creationTimestamp"], run["metadata"]["name"])
    )


def said(story: Controlled) -> dict[str, str]:
    """Name of each run, without the hash of the template, to its phase."""
    found = {}
    for run in runs(story):
        hashed = run["metadata"]["labels"]["rollouts-pod-template-hash"]
        called = run["metadata"]["name"].replace(f"-{hashed}-", "-")
        found[called] = run.get("status", {}).get("phase", "")
    return found
