"""Our short schemas know every field of Argo Rollouts' own definitions, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.sandbox.api.openapi import described
from rolloutctl.sandbox.api.schemas import CUSTOM

DEFINITIONS = Path(__file__).parents[4] / "shared" / "crds"
KEPT = "x-kubernetes-preserve-unknown-fields"

WIDER = {"job.spec"}
"""Where ours says more than the definitions: a Job's specification of a newer server."""


def definition(name: str) -> dict[str, Any]:
    path = DEFINITIONS / f"{name}-crd.yaml"
    if not path.exists():
        pytest.skip("the definitions of Argo Rollouts are not beside the checkout")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(path.read_text(), Loader=loader)["spec"]["versions"][0]
    schema: dict[str, Any] = found["schema"]["openAPIV3Schema"]
    return schema


def differences(theirs: dict[str, Any], ours: dict[str, Any], path: str) -> Iterator[str]:
    """What a client would see otherwise: unknown fields, requirements, merging, types."""
    if ours.get(KEPT) or theirs.get(KEPT):
        return
    for mark in ("x-kubernetes-list-map-keys", "x-kubernetes-map-type", "type"):
        if mark == "type" and "x-kubernetes-int-or-string" in theirs:
            continue
        if theirs.get(mark) != ours.get(mark):
            yield f"{path} {mark}: {theirs.get(mark)}, ours {ours.get(mark)}"
    known, mine = theirs.get("properties", {}), ours.get("properties", {})
    wider = any(path.endswith(place) for place in WIDER)
    for name in known.keys() - mine.keys():
        if not ours.get("additionalProperties"):
            yield f"{path}.{name} is not known"
    if known and not wider:
        yield from (f"{path}.{name} is invented" for name in mine.keys() - known.keys())
        for name in set(theirs.get("required", ())) ^ set(ours.get("required", ())):
            yield f"{path}.{name} required"
    for name in known.keys() & mine.keys():
        yield from differences(known[name], mine[name], f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        left, right = theirs.get(inner), ours.get(inner)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from differences(left, right, path)


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("Rollout", "rollout", "spec"),
        ("Rollout", "rollout", "status"),
        ("AnalysisTemplate", "analysis-template", "spec"),
        ("ClusterAnalysisTemplate", "cluster-analysis-template", "spec"),
        ("AnalysisRun", "analysis-run", "spec"),
        ("AnalysisRun", "analysis-run", "status"),
        ("Experiment", "experiment", "spec"),
        ("Experiment", "experiment", "status"),
    ],
)
def test_our_schema_says_what_the_definition_says(kind: str, name: str, part: str) -> None:
    theirs = definition(name)["properties"][part]
    ours = described(CUSTOM[kind], kind)["properties"][part]
    assert sorted(differences(theirs, ours, part)) == []
