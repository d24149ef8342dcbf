"""Moments of the recorded stories (tests/traces/data), as the cluster stood at that time."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_DATA = Path(__file__).parent.parent / "traces" / "data"


class Moment(NamedTuple):
    """The objects by plural, and the time it was."""

    objects: dict[str, list[dict[str, Any]]]
    now: datetime
    namespace: str


@cache
def trace(name: str) -> dict[str, Any]:
    """A recorded story, as the README of the traces describes it."""
    for path in (_DATA / f"{name}.json.gz", *_DATA.glob(f"*/{name}.json.gz")):
        if path.exists():
            loaded: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
            return loaded
    pytest.fail(f"no recorded story {name} in {_DATA}")


def moment(
    name: str,
    when: Callable[[Mapping[str, Any]], bool] | None = None,
    *,
    after: float = 10.0,
    namespace: str = "shop",
    pods: bool = True,
    events: bool = False,
) -> Moment:
    """The first moment at which `when(rollout)` holds (None: the end), seen `after` seconds later.

    The recordings have no pods; each ReplicaSet gets as many as it reports, ready ones first.
    With `events`, what was said until then is there too.
    """
    story = trace(name)
    objects: dict[tuple[str, str], dict[str, Any]] = {}
    reached = 0.0
    started: datetime | None = None
    for event in story["watch"]:
        item = event["object"]
        if event["kind"] == "events" and not events:
            continue
        if event["kind"] == "rollouts" and started is None:
            started = _time(item["metadata"]["creationTimestamp"])
        key = (event["kind"], item["metadata"]["name"])
        if event["type"] == "DELETED":
            objects.pop(key, None)
        else:
            objects[key] = item
        reached = event["t"]
        if event["kind"] == "rollouts" and when is not None and when(item):
            break
    else:
        if when is not None:
            pytest.fail(f"the moment looked for never comes in {name}")
        for plural, items in story["final"].items():
            for item in items if events or plural != "events" else ():
                objects[(plural, item["metadata"]["name"])] = item
    assert started is not None
    found: dict[str, list[dict[str, Any]]] = {}
    for (plural, _), item in sorted(objects.items()):
        own = copy.deepcopy(item)
        own["metadata"]["namespace"] = namespace
        found.setdefault(plural, []).append(own)
    if pods:
        found["pods"] = [
            pod for owner in found.get("replicasets", ()) for pod in _pods(owner, namespace)
        ]
    return Moment(found, started + timedelta(seconds=round(reached) + after), namespace)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _pods(owner: Mapping[str, Any], namespace: str) -> list[dict[str, Any]]:
    metadata, template = owner["metadata"], owner["spec"]["template"]
    count = owner["status"].get("replicas", 0)
    ready = owner["status"].get("readyReplicas", 0)
    bad = "bad" in template["spec"]["containers"][0]["image"]
    result = []
    for index in range(count):
        works = index < ready
        state: dict[str, Any] = {"running": {"startedAt": metadata["creationTimestamp"]}}
        if not works:
            reason = "ImagePullBackOff" if bad else "ContainerCreating"
            state = {"waiting": {"reason": reason, "message": "Back-off pulling image"}}
        result.append(
            {
                "metadata": {
                    "name": f"{metadata['name']}-{'bcdfghjklm'[index % 10]}{index:04d}",
                    "namespace": namespace,
                    "uid": f"pod-{metadata['name']}-{index}",
                    "creationTimestamp": metadata["creationTimestamp"],
                    "labels": template["metadata"]["labels"],
                    "ownerReferences": [
                        {
                            "apiVersion": "apps/v1",
                            "kind": "ReplicaSet",
                            "name": metadata["name"],
                            "uid": metadata["uid"],
                            "controller": True,
                        }
                    ],
                },
                "spec": {"containers": template["spec"]["containers"]},
                "status": {
                    "phase": "Running" if works else "Pending",
                    "conditions": [{"type": "Ready", "status": "True" if works else "False"}],
                    "containerStatuses": [
                        {"name": "app", "ready": works, "restartCount": 0, "state": state}
                    ],
                },
            }
        )
    return result
