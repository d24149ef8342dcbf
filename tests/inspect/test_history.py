"""`history` and `diff`: what became of each version, and how they differ."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.domain.audit import Audit, Regarding, event
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode
from support.fake_cluster import FakeCluster
from support.program import Program, Result
from support.recorded import trace

Object = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HASH = "rollouts-pod-template-hash"
ABOUT = Regarding("argoproj.io/v1alpha1", "Rollout", Ref("shop", "web"), "uid-web")


def stamp(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(tag: str, **container: Any) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": f"shop/web:{tag}", **container}]},
    }


def rollout(tag: str = "v4", **status: Any) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": 4,
            "annotations": {"rollout.argoproj.io/revision": "4"},
            "managedFields": [
                {
                    "manager": "argocd-controller",
                    "operation": "Update",
                    "fieldsV1": {"f:spec": {"f:template": {".": {}}}},
                }
            ],
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(tag),
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
        },
        "status": {
            "observedGeneration": "4",
            "phase": "Paused",
            "message": "CanaryPauseStep",
            "currentPodHash": "h4",
            "stableRS": "h1",
            "currentStepIndex": 1,
            **status,
        },
    }


def replica_set(number: int, tag: str, created: float, *, cause: str = "") -> Object:
    held = template(tag)
    held["metadata"]["labels"][HASH] = f"h{number}"
    held["spec"]["restartPolicy"] = "Always"
    notes = {"rollout.argoproj.io/revision": str(number)}
    if cause:
        notes["kubernetes.io/change-cause"] = cause
    return {
        "metadata": {
            "name": f"web-h{number}",
            "namespace": "shop",
            "uid": f"uid-h{number}",
            "creationTimestamp": stamp(created),
            "labels": {"app": "web", HASH: f"h{number}"},
            "annotations": notes,
            "ownerReferences": [
                {"kind": "Rollout", "name": "web", "uid": "uid-web", "controller": True}
            ],
        },
        "spec": {"replicas": 0, "template": held},
    }


def told(reason: str, message: str, at: float) -> Object:
    return {
        "metadata": {"name": f"web.{int((NOW.timestamp() + at) * 1e9):x}", "namespace": "shop"},
        "involvedObject": {"kind": "Rollout", "name": "web", "uid": "uid-web"},
        "type": "Normal",
        "reason": reason,
        "message": message,
        "lastTimestamp": stamp(at),
    }


def ours(action: str, at: float, **said: Any) -> Object:
    return event(ABOUT, Audit(action, "ann", **said), now=NOW + timedelta(seconds=at))


EVENTS = [
    told("RolloutUpdated", "Rollout updated to revision 1", -4000),
    told("RolloutCompleted", "Rollout completed update to revision 1 (h1): Initial deploy", -3990),
    ours("set-image", -2001, reason="CHG-2", before="shop/web:v1", after="shop/web:v2"),
    told("RolloutUpdated", "Rollout updated to revision 2", -2000),
    told("RolloutStepCompleted", "Rollout step 1/2 completed (setWeight: 50)", -1990),
    told(
        "RolloutAborted",
        "Rollout aborted update to revision 2: Step Plugin 2 (a/gate) failed: red",
        -1900,
    ),
    told("RolloutUpdated", "Rollout updated to revision 3", -1000),
    told("RolloutStepCompleted", "Rollout step 1/2 completed (setWeight: 50)", -990),
    told("RolloutUpdated", "Rollout updated to revision 4", -500),
    told("RolloutStepCompleted", "Rollout step 1/2 completed (setWeight: 50)", -490),
]
SETS = [
    replica_set(1, "v1", -4000, cause="first"),
    replica_set(2, "v2", -2000),
    replica_set(3, "v3", -1000),
    replica_set(4, "v4", -500),
]
RUN = {
    "metadata": {
        "name": "web-h3-3",
        "namespace": "shop",
        "labels": {HASH: "h3"},
        "annotations": {"rollout.argoproj.io/revision": "3"},
        "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "uid-web"}],
    },
    "status": {"phase": "Successful"},
}


def cluster(
    item: Object | None = None, *, events: Iterable[Object] = EVENTS, **more: Any
) -> FakeCluster:
    objects = {
        "rollouts": [item or rollout()],
        "replicasets": SETS,
        "events": list(events),
        "analysisruns": [RUN],
    }
    return FakeCluster({**objects, **more.pop("objects", {})}, namespace="shop", **more)


def run(program: Program, found: FakeCluster, *argv: str) -> Result:
    program.cluster = found
    program.now = lambda: NOW
    program.columns = 160
    return program(*argv)


def by_number(done: Result) -> dict[int, Any]:
    return {one["revision"]: one for one in json.loads(done.stdout)["revisions"]}


# --- history ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "wide", "json", "yaml", "jsonl", "name"])
def test_formats(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    done = run(rolloutctl, cluster(), "history", "web", *output)
    assert (done.exit_code, done.stderr) == (ExitCode.OK, "")
    assert done.stdout == snapshot


@pytest.mark.parametrize("form", ["text", "json"])
def test_one_revision_in_full(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    done = run(rolloutctl, cluster(), "history", "web", "--revision", "3", *output)
    assert done.exit_code is ExitCode.OK
    assert done.stdout == snapshot


def test_how_each_ended(rolloutctl: Program) -> None:
    found = by_number(run(rolloutctl, cluster(), "history", "web", "-o", "json"))
    outcomes = {number: one["outcome"] for number, one in found.items()}
    assert outcomes == {1: "initial", 2: "aborted", 3: "superseded", 4: "under-way"}
    assert found[2]["detail"] == "Step Plugin 2 (a/gate) failed: red"
    assert (found[2]["changedBy"]["by"], found[2]["changedBy"]["reason"]) == ("ann", "CHG-2")
    assert found[2]["tookSeconds"] == 100
    assert (found[2]["stepsDone"], found[2]["steps"]) == (1, 2)
    assert found[1]["changeCause"] == "first"
    assert found[4]["writtenBy"] == "argocd-controller"
    assert [one["name"] for one in found[3]["analysisRuns"]] == ["web-h3-3"]


def test_without_events_only_what_the_rollout_says_is_told(rolloutctl: Program) -> None:
    done = run(rolloutctl, cluster(events=()), "history", "web", "-o", "json")
    outcomes = {number: one["outcome"] for number, one in by_number(done).items()}
    assert outcomes == {1: "stable", 2: None, 3: None, 4: "under-way"}
    done = run(rolloutctl, cluster(forbidden=("events",)), "history", "web")
    assert done.exit_code is ExitCode.OK
    assert "events could not be read, so some of this is not known" in done.stderr


@pytest.mark.parametrize(
    ("status", "events", "outcome"),
    [
        ({"stableRS": "h4", "currentStepIndex": 2}, [], "stable"),
        (
            {"stableRS": "h4", "currentStepIndex": 2},
            [
                told(
                    "RolloutCompleted",
                    "Rollout completed update to revision 4 (h4): Full promotion requested",
                    -10,
                )
            ],
            "promoted-in-full",
        ),
        (
            {"stableRS": "h4", "currentStepIndex": 2},
            [
                told(
                    "RolloutCompleted",
                    "Rollout completed update to revision 4 (h4): Completed all 2 canary steps",
                    -10,
                )
            ],
            "promoted",
        ),
        ({"abort": True, "abortedAt": stamp(-10), "phase": "Degraded"}, [], "aborted"),
        # It was retried: what an older event says does not hold any more.
        (
            {},
            [
                told("RolloutAborted", "Rollout aborted update to revision 4", -100),
                ours("retry", -90),
            ],
            "under-way",
        ),
    ],
)
def test_the_rollout_itself_wins_over_older_events(
    rolloutctl: Program, status: Object, events: list[Object], outcome: str
) -> None:
    found = cluster(rollout(**status), events=[*EVENTS, *events])
    done = run(rolloutctl, found, "history", "web", "-o", "json")
    assert by_number(done)[4]["outcome"] == outcome


def test_who_aborted_is_told_also_without_the_controllers_events(rolloutctl: Program) -> None:
    status: Any = {"abort": True, "abortedAt": stamp(-10), "phase": "Degraded"}
    events = [
        ours("set-image", -501, after="shop/web:v4", reason="CHG-4"),
        ours("abort", -11, reason="INC-9"),
    ]
    done = run(rolloutctl, cluster(rollout(**status), events=events), "history", "web")
    (row,) = [line for line in done.stdout.splitlines() if line.lstrip().startswith("4 ")]
    assert "aborted by ann (INC-9)" in row
    assert "set-image by ann (CHG-4)" in row
    late = [ours("abort", -3000, reason="INC-1")]
    done = run(rolloutctl, cluster(rollout(**status), events=late), "history", "web")
    assert "INC-1" not in done.stdout


@pytest.mark.parametrize("name", ["canary-pause-promote", "plugin-failed-aborts"])
def test_recorded_stories(rolloutctl: Program, name: str) -> None:
    """The last recorded state with its recorded events: the newest one's end is told."""
    latest: dict[str, dict[str, Object]] = {}
    for entry in trace(name)["watch"]:
        item = entry["object"]
        item["metadata"].setdefault("namespace", "shop")
        latest.setdefault(entry["kind"], {})[item["metadata"]["name"]] = item
    objects = {kind: list(items.values()) for kind, items in latest.items()}
    (item,) = objects["rollouts"]
    found = FakeCluster(objects, namespace=item["metadata"]["namespace"])
    done = run(rolloutctl, found, "history", item["metadata"]["name"], "-o", "json")
    known = json.loads(done.stdout)["revisions"]
    wanted = {"canary-pause-promote": "promoted", "plugin-failed-aborts": "aborted"}
    assert known[0]["outcome"] == wanted[name]
    assert known[-1]["outcome"] == "initial"


def test_what_there_is_not(rolloutctl: Program) -> None:
    done = run(rolloutctl, cluster(), "history", "web", "--revision", "9")
    assert done.exit_code is ExitCode.NOT_FOUND
    assert "it has 4, 3, 2, 1" in done.stderr
    assert run(rolloutctl, cluster(), "history", "wob").exit_code is ExitCode.NOT_FOUND
    done = run(rolloutctl, cluster(objects={"replicasets": []}), "history", "web")
    assert (done.exit_code, done.stdout) == (ExitCode.OK, "")
    assert "it has no revision yet" in done.stderr


def test_hostile_texts_do_not_mislead(rolloutctl: Program) -> None:
    bad = ours("set-image", -2001, reason="\x1b[31mred\nline", after="shop/web:v2")
    sets = copy.deepcopy(SETS)
    sets[0]["metadata"]["annotations"]["kubernetes.io/change-cause"] = "\x1b[2J"
    found = cluster(events=[bad], objects={"replicasets": sets})
    done = run(rolloutctl, found, "history", "web")
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 5


# --- diff ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "wide", "json", "yaml", "jsonl"])
def test_diff_formats(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    done = run(rolloutctl, cluster(), "diff", "web", *output)
    assert (done.exit_code, done.stderr) == (ExitCode.OK, "")
    assert done.stdout == snapshot


@pytest.mark.parametrize(
    ("argv", "sides"),
    [
        ((), (1, 4)),
        (("--revision", "2..3"), (2, 3)),
        (("--revision", "2"), (2, 4)),
        (("--revision", "2.."), (2, 4)),
        (("--revision", "..3"), (1, 3)),
        (("--revision", "stable..2"), (1, 2)),
    ],
)
def test_which_versions_are_meant(
    rolloutctl: Program, argv: tuple[str, ...], sides: tuple[int, int]
) -> None:
    done = run(rolloutctl, cluster(), "diff", "web", *argv, "-o", "json")
    found = json.loads(done.stdout)
    assert (found["from"]["revision"], found["to"]["revision"]) == sides


def test_a_stable_version_is_compared_with_the_one_before(rolloutctl: Program) -> None:
    found = cluster(rollout(stableRS="h4"))
    done = run(rolloutctl, found, "diff", "web", "--exit-code")
    assert done.exit_code is ExitCode.FAILED
    assert done.stdout.startswith("--- revision 3\n+++ the present template (revision 4)\n")
    done = run(rolloutctl, found, "diff", "web", "--revision", "4..4", "--exit-code")
    assert (done.exit_code, done.stdout) == (ExitCode.OK, "")
    assert "no difference from revision 4 to revision 4" in done.stderr


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("--revision", "9..4"), ExitCode.NOT_FOUND, "it has 4, 3, 2, 1"),
        (("--revision", "x"), ExitCode.USAGE, '"x" is no revision'),
        (("--revision", "1", "-f", "a.yaml"), ExitCode.USAGE, "do not go together"),
        (("-f", "nowhere.yaml"), ExitCode.USAGE, "cannot be read"),
        (("-o", "name"), ExitCode.USAGE, "nothing to name"),
    ],
)
def test_what_cannot_be_compared(
    rolloutctl: Program, argv: tuple[str, ...], code: ExitCode, said: str
) -> None:
    done = run(rolloutctl, cluster(), "diff", "web", *argv)
    assert done.exit_code is code
    assert said in done.stderr


def test_a_manifest_is_compared_with_what_is_applied(rolloutctl: Program, tmp_path: Path) -> None:
    wanted = rollout("v5")
    del wanted["status"], wanted["metadata"]["managedFields"]
    wanted["spec"]["replicas"] = 6
    wanted["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    wanted["spec"]["template"]["metadata"]["creationTimestamp"] = None
    file = tmp_path / "web.yaml"
    file.write_text("kind: Service\nmetadata: {name: web}\n---\n" + yaml.safe_dump(wanted))
    done = run(rolloutctl, cluster(), "diff", "web", "-f", str(file), "-o", "json")
    paths = [one["path"] for one in json.loads(done.stdout)["differences"]]
    assert paths == ["replicas", "template.spec.containers[app].image"]
    rolloutctl.stdin = yaml.safe_dump({**wanted, "metadata": {"name": "other"}})
    done = run(rolloutctl, cluster(), "diff", "web", "-f", "-")
    assert done.exit_code is ExitCode.USAGE
    assert "it holds Rollout other" in done.stderr


@pytest.mark.parametrize(
    ("kind", "version", "plural"),
    [
        ("Deployment", "apps/v1", "deployments"),
        ("ReplicaSet", "apps/v1", "replicasets"),
        ("PodTemplate", "v1", "podtemplates"),
    ],
)
def test_templates_that_a_workload_holds(
    rolloutctl: Program, tmp_path: Path, kind: str, version: str, plural: str
) -> None:
    item = rollout()
    del item["spec"]["template"]
    item["spec"]["workloadRef"] = {"apiVersion": version, "kind": kind, "name": "base"}
    item["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = "1"
    item["status"]["workloadObservedGeneration"] = "1"
    held: Object = {"metadata": {"name": "base", "namespace": "shop", "generation": 1}}
    if kind == "PodTemplate":
        held["template"] = template("v4")
    else:
        held["spec"] = {"template": template("v4")}
    objects = {plural: [held] if plural != "replicasets" else [*SETS, held]}
    found = cluster(item, objects=objects)
    done = run(rolloutctl, found, "diff", "web", "-o", "json")
    document = json.loads(done.stdout)
    assert (document["from"]["revision"], document["to"]["revision"]) == (1, 4)
    newer = copy.deepcopy(held)
    place = newer if kind == "PodTemplate" else newer["spec"]
    place["template"] = template("v9")
    file = tmp_path / "base.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": version, "kind": kind, **newer}))
    done = run(rolloutctl, found, "diff", "web", "-f", str(file))
    assert "+    image: shop/web:v9" in done.stdout
