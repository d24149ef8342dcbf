"""A few of the stories again, as a person at the other end of a connection lives through them."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.recorded import trace
from support.sandboxes import SPEED, SandboxProcess
from traces.replay import FINAL, PLURALS
from traces.story import Obj, Story, differences, facts, recorded

LONGEST = 20.0
"""Seconds on the wall a state is waited for."""


@pytest.mark.parametrize(
    "name",
    ["plugin-success", "plugin-abort-retry", "plugin-full-after-abort", "canary-pause-promote"],
)
def test_the_same_story_over_http(name: str, sandbox_process: SandboxProcess) -> None:
    story = trace(name)
    found = differences(recorded(story), _replay(story, sandbox_process))
    assert not found, f"\n{story['description']}\n{found}"


def _replay(story: Obj, sandbox: SandboxProcess) -> Story:
    client, namespace = sandbox.client, sandbox.namespace()
    client.create("namespaces", _namespace(namespace))
    version = client.ask("GET", client.path("rollouts", namespace))["metadata"]["resourceVersion"]
    manifests = iter(
        json.loads(json.dumps(story["manifests"]).replace(story["namespace"], namespace))
    )

    def rollout() -> Any:
        return client.get("rollouts", "demo", namespace)

    for action in story["actions"]:
        if action["action"] == "create":
            manifest = next(manifests)
            client.create(PLURALS[manifest["kind"]], manifest, namespace)
            continue
        wanted = action["after"]
        _wait(functools.partial(_in_state, rollout, wanted), action["action"])
        more = [action["subresource"]] if action.get("subresource") else []
        client.patch(action["kind"], action["name"], action["patch"], namespace, *more)
    end = facts(story["final"]["rollouts"][0])
    _wait(lambda: facts(rollout()) == end, "the end")
    last = _conditions(story["final"]["rollouts"][0])
    _wait(lambda: _conditions(rollout()) == last, "the last conditions")
    # First of all, since a running plugin is called again after some time.
    final = {plural: client.list(plural, namespace) for plural in FINAL}
    seen = {
        plural: _watched(sandbox, namespace, plural, version) for plural in ("rollouts", "events")
    }
    return Story(
        namespace,
        [found for kind, found in seen["rollouts"] if kind != "DELETED"],
        [found for kind, found in seen["events"] if kind == "ADDED"],
        final,
    )


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _in_state(get: Callable[[], Any], wanted: Obj) -> bool:
    rollout = get()
    found = facts(rollout)
    observed = (rollout.get("status") or {}).get("observedGeneration")
    return (
        observed == str(rollout["metadata"]["generation"])
        and found["phase"] == wanted["phase"]
        and found["step"] == wanted["currentStepIndex"]
        and found["abort"] == bool(wanted.get("abort"))
        and [each[:3] for each in found["plugins"]] == wanted.get("stepPluginStatuses", [])
    )


def _conditions(rollout: Obj) -> dict[str, str]:
    found = (rollout.get("status") or {}).get("conditions", [])
    return {each["type"]: f"{each['status']} {each['reason']}" for each in found}


def _wait(there: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONGEST
    while not there():
        assert time.monotonic() < end, f"never came to {what}"
        time.sleep(0.2 / SPEED)


def _watched(
    sandbox: SandboxProcess, namespace: str, plural: str, version: str
) -> list[tuple[str, Obj]]:
    """Everything that happened to these objects since `version`."""
    client = sandbox.client
    query = f"?watch=true&resourceVersion={version}&timeoutSeconds=1"
    answer = client._pool.request(
        "GET", client.url + client.path(plural, namespace) + query, headers=client._headers
    )
    events = [json.loads(line) for line in answer.data.splitlines() if line]
    return [(event["type"], event["object"]) for event in events]
