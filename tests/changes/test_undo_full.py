"""`undo --full`: back, and at once to all pods, but never the version that is left."""

from __future__ import annotations

import copy
import json
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rolloutctl.domain.cluster import Change, Kind
from rolloutctl.errors import ClusterError, ExitCode
from rolloutctl.sandbox.client import JSON_PATCH
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.changing_cluster import ChangingCluster
from support.embedded import InProcess
from support.program import Program

Object = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HASH = "rollouts-pod-template-hash"
STEPS = [{"setWeight": 50}, {"pause": {}}, {"setWeight": 80}, {"pause": {}}]


def template(tag: str) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": f"web:{tag}"}]},
    }


def replica_set(number: int) -> Object:
    held = template(f"v{number}")
    held["metadata"]["labels"][HASH] = f"h{number}"
    return {
        "metadata": {
            "name": f"web-h{number}",
            "namespace": "shop",
            "uid": f"uid-h{number}",
            "labels": {"app": "web", HASH: f"h{number}"},
            "annotations": {"rollout.argoproj.io/revision": str(number)},
            "ownerReferences": [
                {"kind": "Rollout", "name": "web", "uid": "uid-web", "controller": True}
            ],
        },
        "spec": {"replicas": 0, "template": held},
    }


def web(
    number: int, *, stable: int, generation: int = 4, observed: int = 4, **status: Any
) -> Object:
    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": 4,
            "resourceVersion": "10",
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(f"v{number}"),
            "strategy": {"canary": {"steps": STEPS}},
        },
        "status": {
            "observedGeneration": "4",
            "phase": "Healthy" if number == stable else "Progressing",
            "currentPodHash": f"h{number}",
            "stableRS": f"h{stable}",
            "currentStepIndex": 4 if number == stable else 0,
            **status,
        },
    }


def turned(item: Object, number: int = 2) -> Object:
    """The rollout once the controller has turned to the version that was brought back."""
    found = copy.deepcopy(item)
    found["metadata"]["generation"] = 5
    found["spec"]["template"] = template(f"v{number}")
    found["status"].update(
        observedGeneration="5",
        currentPodHash=f"h{number}",
        phase="Progressing",
        currentStepIndex=0,
    )
    return found


def cluster(*later: Callable[[Object], Object], **status: Any) -> ChangingCluster:
    """v3 is the stable version, and `later` is what the controller makes of the rollout."""
    item = web(3, stable=3, **status)
    objects = {"rollouts": [item], "replicasets": [replica_set(n) for n in (1, 2, 3)]}
    made = [("MODIFIED", make(item)) for make in later]
    found = ChangingCluster(objects, namespace="shop", later={"rollouts": made})

    def react(stored: Object) -> None:
        if made and len(found.sent) == 1:
            final = made[-1][1]
            stored.update(
                copy.deepcopy({key: final[key] for key in ("metadata", "spec", "status")})
            )

    found.react = react
    return found


@pytest.fixture
def program(rolloutctl: Program) -> Program:
    rolloutctl.now = lambda: NOW
    return rolloutctl


def test_it_is_promoted_once_the_controller_has_turned_to_it(program: Program) -> None:
    program.cluster = found = cluster(turned)
    done = program("undo", "web", "--full", "--yes", "--reason", "INC-1")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert done.stdout.splitlines() == [
        "web: revision 3 → back to revision 2 (web:v3 → web:v2)",
        "web: step 1/4 (set weight 50) → being promoted in full, 4 steps skipped",
    ]
    first, second = found.sent
    assert first.operations[-1]["path"] == "/spec/template"
    assert second.subresource == "status"
    tests = {one["path"]: one["value"] for one in second.operations if one["op"] == "test"}
    assert tests["/status/currentPodHash"] == "h2"
    assert [message.partition(" by ")[0] for message in found.events] == ["undo", "promote-full"]


def test_what_the_controller_has_not_seen_is_not_promoted(program: Program) -> None:
    """A promotion now would ship the version that was undone."""

    def unseen(item: Object) -> Object:
        found = copy.deepcopy(item)
        found["metadata"]["generation"] = 5
        found["spec"]["template"] = template("v2")
        return found

    program.cluster = found = cluster(unseen)
    done = program("undo", "web", "--full", "--yes", "--timeout", "100ms")
    assert done.exit_code is ExitCode.TIMEOUT
    assert len(found.sent) == 1
    told = " ".join(done.stderr.split())
    assert "its template went back, but it was not promoted in full" in told
    assert "rolloutctl promote web -n shop --full goes on" in told


def test_another_version_that_came_meanwhile_is_not_promoted(program: Program) -> None:
    program.cluster = found = cluster(lambda item: turned(item, 9))
    done = program("undo", "web", "--full", "--yes", "-o", "json")
    assert done.exit_code is ExitCode.CONFLICT
    assert "another version came meanwhile" in done.stderr
    assert len(found.sent) == 1
    (result,) = json.loads(done.stdout)["results"]
    assert (result["result"], result["then"], result["exitCode"]) == ("changed", None, 6)


def test_back_to_the_stable_version_there_is_nothing_to_promote(program: Program) -> None:
    item = web(3, stable=2)
    back = turned(item)
    back["status"].update(phase="Healthy", currentStepIndex=4)
    objects = {"rollouts": [item], "replicasets": [replica_set(n) for n in (2, 3)]}
    found = ChangingCluster(objects, namespace="shop", later={"rollouts": [("MODIFIED", back)]})
    found.react = lambda stored: stored.update(copy.deepcopy(back))
    program.cluster = found
    done = program("undo", "web", "--full", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert done.stdout.splitlines()[1] == "web: goes there by itself, without steps"
    assert len(found.sent) == 1


def test_a_trial_says_both(program: Program) -> None:
    program.cluster = found = cluster()
    done = program("undo", "web", "--full", "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert "would do: revision 3 → back to revision 2" in done.stdout
    assert "it is promoted in full" in done.stderr
    assert found.sent == []


def test_the_document_has_both_halves(program: Program) -> None:
    program.cluster = cluster(turned)
    done = program("undo", "web", "--full", "--yes", "-o", "jsonl")
    result = json.loads(done.stdout)
    assert result["undo"]["to"]["revision"] == 2
    assert result["then"]["action"] == "promote-full"
    assert [step["number"] for step in result["then"]["skips"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("workload", [False, True], ids=["own template", "workload"])
def test_on_a_cluster(embedded: EmbeddedCluster, rolloutctl: Program, workload: bool) -> None:
    steps = [{"setWeight": 50}, {"pause": {}}]
    spec: Object = {"replicas": 2, "strategy": {"canary": {"steps": steps}}}
    labels = {"selector": {"matchLabels": {"app": "web"}}, "template": template("v1")}
    kind = "deployments" if workload else "rollouts"
    if workload:
        spec["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        head = {"apiVersion": "apps/v1", "kind": "Deployment"}
        embedded.apply({**head, "metadata": _named(), "spec": {"replicas": 0, **labels}})
    else:
        spec |= labels
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    embedded.apply({**head, "metadata": _named(), "spec": spec})
    embedded.advance(30)
    rolloutctl.cluster = InProcess(embedded, "default")
    rolloutctl.now = embedded.clock.now
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2"}]
    patch = "application/json-patch+json"
    embedded.client.patch(kind, "web", image, "default", content_type=patch)
    embedded.advance(30)
    assert rolloutctl("promote", "web", "--full", "--yes", "--wait").exit_code is ExitCode.OK
    embedded.advance(30)

    done = rolloutctl("undo", "web", "--full", "--yes", "--wait", "--timeout", "10m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "being promoted in full" in done.stdout
    assert "Healthy" in done.stdout.splitlines()[-1]
    stored = embedded.client.get(kind, "web", "default")
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"
    status = embedded.client.get("rollouts", "web", "default")["status"]
    assert status["stableRS"] == status["currentPodHash"]


def _named() -> Object:
    return {"name": "web", "namespace": "default"}


# --- several, and Ctrl-C ------------------------------------------------------------------------


class Pressed(InProcess):
    """Somebody presses Ctrl-C when `at` is next: the PATCH of one rollout, or the watch that waits
    for the controller to turn to its earlier version."""

    def __init__(self, sandbox: EmbeddedCluster, at: tuple[str, str] = ("", "")) -> None:
        super().__init__(sandbox, "default")
        self.at = at
        self.go = threading.Event()

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        answer = super().apply(change, dry_run=dry_run)
        if self.at == ("patch", change.name):
            os.kill(os.getpid(), signal.SIGINT)
        return answer

    def watch(self, kind: Kind, namespace: str | None, as_type: type[Any], **more: Any) -> Any:
        if self.at == ("watch", more.get("field_selector", "").partition("=")[2]):
            os.kill(os.getpid(), signal.SIGINT)
            assert self.go.wait(20)
            raise ClusterError("the program has ended")
        yield from super().watch(kind, namespace, as_type, **more)


def stable_second(embedded: EmbeddedCluster, *names: str) -> None:
    """Rollouts whose second version is the stable one."""
    client = embedded.client
    for name in names:
        spec = {"replicas": 2, "strategy": {"canary": {"steps": STEPS}}}
        held = template("v1")
        held["metadata"]["labels"]["app"] = name
        spec |= {"selector": {"matchLabels": {"app": name}}, "template": held}
        metadata = {"name": name, "namespace": "default"}
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
        embedded.apply({**head, "metadata": metadata, "spec": spec})
    embedded.advance(30)
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2"}
    for name in names:
        client.patch("rollouts", name, [image], "default", content_type=JSON_PATCH)
    embedded.advance(30)
    full = [{"op": "add", "path": "/status/promoteFull", "value": True}]
    for name in names:
        client.patch(
            "rollouts", name, full, "default", subresource="status", content_type=JSON_PATCH
        )
    embedded.advance(60)
    for name in names:
        status = client.get("rollouts", name, "default")["status"]
        assert status["stableRS"] == status["currentPodHash"], status


def image_and_full(embedded: EmbeddedCluster, name: str) -> tuple[str, bool]:
    """What its template runs, and whether it is all the way there."""
    embedded.advance(60)
    item = embedded.client.get("rollouts", name, "default")
    status = item["status"]
    image: str = item["spec"]["template"]["spec"]["containers"][0]["image"]
    return image, status["stableRS"] == status["currentPodHash"]


def test_several_each_go_all_the_way(embedded: EmbeddedCluster, program: Program) -> None:
    stable_second(embedded, "web", "api")
    program.cluster, program.now = Pressed(embedded), embedded.clock.now
    done = program("undo", "web", "api", "missing", "--full", "--yes", "-o", "json")
    assert done.exit_code is ExitCode.FAILED
    results = json.loads(done.stdout)["results"]
    assert [one["result"] for one in results] == ["changed", "changed", "failed"]
    assert [one["then"] and one["then"]["action"] for one in results[:2]] == ["promote-full"] * 2
    for name in ("web", "api"):
        assert image_and_full(embedded, name) == ("web:v1", True)


def test_stopped_between_its_halves_it_can_be_gone_on_with(
    embedded: EmbeddedCluster, program: Program
) -> None:
    stable_second(embedded, "web", "api")
    program.cluster = pressed = Pressed(embedded, ("watch", "api"))
    program.now = embedded.clock.now
    try:
        done = program("undo", "web", "api", "--full", "--yes", "-o", "json")
    finally:
        pressed.go.set()
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "stopped before all were promoted in full" in done.stderr
    assert "promote api -n default --full" in " ".join(done.stderr.split())
    web, api = json.loads(done.stdout)["results"]
    assert (web["result"], web["then"]["action"]) == ("changed", "promote-full")
    assert (api["result"], api["then"]) == ("changed", None)
    assert image_and_full(embedded, "web") == ("web:v1", True)
    assert image_and_full(embedded, "api") == ("web:v1", False)
    program.cluster = InProcess(embedded, "default")
    assert program("promote", "api", "--full", "--yes").exit_code is ExitCode.OK
    assert image_and_full(embedded, "api") == ("web:v1", True)


def test_stopped_in_its_first_half_it_says_what_is_half_done(
    embedded: EmbeddedCluster, program: Program
) -> None:
    stable_second(embedded, "web", "api")
    program.cluster, program.now = Pressed(embedded, ("patch", "web")), embedded.clock.now
    done = program("undo", "web", "api", "--full", "--yes")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "web: revision 2 → back to revision 1" in done.stdout
    assert "promote web -n default --full" in " ".join(done.stderr.split())
    assert image_and_full(embedded, "web") == ("web:v1", False)
    assert image_and_full(embedded, "api") == ("web:v2", True)
