"""restart and undo as a person types them: words, documents, refusals, odd objects."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ExitCode, Forbidden
from support.changing_cluster import ChangingCluster
from support.program import Program, Result

Object = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HASH = "rollouts-pod-template-hash"


def template(tag: str, **more: Any) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": f"web:{tag}", **more}]},
    }


def held(found: Object, hash_: str) -> Object:
    """The template as a ReplicaSet holds it."""
    result = copy.deepcopy(found)
    result["metadata"]["labels"][HASH] = hash_
    result["spec"]["restartPolicy"] = "Always"
    return result


def rollout(name: str = "web", **spec: Any) -> Object:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "generation": 3,
            "resourceVersion": "10",
            "annotations": {"rollout.argoproj.io/revision": "3"},
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
            "template": template("v3", nobodyKnows=True),
            **spec,
        },
        "status": {
            "observedGeneration": "3",
            "phase": "Healthy",
            "currentPodHash": "ccc",
            "stableRS": "ccc",
            "currentStepIndex": 2,
            "replicas": 4,
            "updatedReplicas": 4,
            "availableReplicas": 4,
            "readyReplicas": 4,
        },
    }


def replica_set(hash_: str, revision: int, tag: str, owner: str = "web", **more: Any) -> Object:
    return {
        "metadata": {
            "name": f"{owner}-{hash_}",
            "namespace": "shop",
            "uid": f"uid-{owner}-{hash_}",
            "creationTimestamp": f"2026-02-{revision:02}T00:00:00Z",
            "labels": {"app": "web", HASH: hash_},
            "annotations": {"rollout.argoproj.io/revision": str(revision)},
            "ownerReferences": [
                {"kind": "Rollout", "name": owner, "uid": f"uid-{owner}", "controller": True}
            ],
        },
        "spec": {"replicas": 0, "template": held(template(tag, **more), hash_)},
    }


def history(owner: str = "web") -> list[Object]:
    return [
        replica_set("aaa", 1, "v1", owner),
        replica_set("ccc", 3, "v3", owner, nobodyKnows=True),
        replica_set("bbb", 2, "v2", owner, args=["--fast"], futureField={"kept": 1}),
    ]


def cluster(*rollouts: Object, sets: list[Object] | None = None, **more: Any) -> ChangingCluster:
    objects = {
        "rollouts": list(rollouts) or [rollout()],
        "replicasets": history() if sets is None else sets,
        **more.pop("objects", {}),
    }
    return ChangingCluster(objects, **more)


@pytest.fixture
def run(rolloutctl: Program) -> Any:
    rolloutctl.now = lambda: NOW

    def do(found: ChangingCluster, *argv: str) -> Result:
        rolloutctl.cluster = found
        return rolloutctl(*argv)

    return do


# --- undo ---------------------------------------------------------------------------------------


def test_the_template_goes_back_as_it_was_whatever_is_in_it(run: Any) -> None:
    found = cluster()
    done = run(found, "undo", "web", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert done.stdout == "web: revision 3 → back to revision 2 (web:v3 → web:v2)\n"
    wanted = held(template("v2", args=["--fast"], futureField={"kept": 1}), "bbb")
    del wanted["metadata"]["labels"][HASH]
    assert found.rollout["spec"]["template"] == wanted
    (change,) = found.sent
    tested = {op["path"] for op in change.operations if op["op"] == "test"}
    assert {"/metadata/uid", "/spec/template"} <= tested


def test_a_dry_run_shows_the_whole_difference_and_the_patch(run: Any) -> None:
    found = cluster()
    done = run(found, "undo", "web", "--dry-run")
    assert done.exit_code is ExitCode.OK and found.sent == []
    assert done.stdout.splitlines() == [
        "web: would do: revision 3 → back to revision 2 (web:v3 → web:v2)",
        "- spec.containers[app].image: web:v3",
        "+ spec.containers[app].image: web:v2",
        "- spec.containers[app].nobodyKnows: true",
        '+ spec.containers[app].args: ["--fast"]',
        '+ spec.containers[app].futureField: {"kept": 1}',
        "PATCH rollouts/web (application/json-patch+json)",
        '  {"op": "test", "path": "/metadata/uid", "value": "uid-web"}',
        '  {"op": "test", "path": "/spec/template", "value": <the template it has now>}',
        '  {"op": "test", "path": "/status/currentPodHash", "value": "ccc"}',
        '  {"op": "test", "path": "/status/stableRS", "value": "ccc"}',
        '  {"op": "replace", "path": "/spec/template", "value": <the template of that revision>}',
    ]
    server = run(found, "undo", "web", "--dry-run=server", "--yes")
    assert server.exit_code is ExitCode.OK, server.stderr
    assert "the server would accept" in server.stdout
    assert len(found.tried) == 1 and found.sent == []


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_report_names_both_versions_and_every_difference(run: Any, form: str) -> None:
    done = run(cluster(), "undo", "web", "--yes", "-o", form)
    report = json.loads(done.stdout) if form == "json" else yaml.safe_load(done.stdout)
    (result,) = report["results"]
    assert (report["action"], result["result"]) == ("undo", "changed")
    created = result["undo"]["to"].pop("created")
    assert str(created).startswith("2026-02-02")
    assert result["undo"] == {
        "from": {"revision": 3, "images": {"app": "web:v3"}},
        "to": {
            "revision": 2,
            "replicaSet": "web-bbb",
            "hash": "bbb",
            "images": {"app": "web:v2"},
        },
        "workload": None,
        "stableRevision": 3,
        "differences": [
            {
                "path": "spec.containers[app].image",
                "from": "web:v3",
                "to": "web:v2",
                "reordered": False,
            },
            {"path": "spec.containers[app].nobodyKnows", "from": True, "reordered": False},
            {"path": "spec.containers[app].args", "to": ["--fast"], "reordered": False},
            {"path": "spec.containers[app].futureField", "to": {"kept": 1}, "reordered": False},
        ],
        "managedBy": [],
    }
    assert result["notes"] == ["runs-all-steps"]
    assert [patch["kind"] for patch in result["patches"]] == ["Rollout"]
    named = run(cluster(), "undo", "web", "--yes", "-o", "name")
    assert named.stdout.split() == ["rollout.argoproj.io/web"]


def test_it_asks_and_needs_yes_where_nobody_can_be_asked(rolloutctl: Program, run: Any) -> None:
    found = cluster()
    refused = run(found, "undo", "web")
    assert refused.exit_code is ExitCode.USAGE and "--yes" in refused.stderr
    rolloutctl.terminal, rolloutctl.stdin = True, "n\n"
    declined = run(found, "undo", "web", "--no-color")
    assert declined.exit_code is ExitCode.FAILED and "Undo? [y/N]" in declined.stderr
    assert found.sent == []
    rolloutctl.stdin = "y\n"
    assert run(found, "undo", "web", "--to-revision", "1").exit_code is ExitCode.OK
    assert found.rollout["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"


@pytest.mark.parametrize("number", ["0", "-1", "one", "1.5"])
def test_what_is_no_revision_number_is_a_usage_error(run: Any, number: str) -> None:
    found = cluster()
    done = run(found, "undo", "web", f"--to-revision={number}", "--yes")
    assert done.exit_code is ExitCode.USAGE and found.requests == []


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop-web:argoproj.io/Rollout:a/b"}},
            "Argo CD manages it (application shop-web)",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "one"}}, "Argo CD manages it (application one"),
        (
            {
                "labels": {"app.kubernetes.io/instance": "two"},
                "managedFields": [{"manager": "argocd-controller"}],
            },
            "Argo CD manages it (application two)",
        ),
        (
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}},
            "Flux manages it (of apps)",
        ),
        ({"managedFields": [{"manager": "helm-controller"}]}, "Flux manages it:"),
        (
            {"annotations": {"meta.helm.sh/release-name": "web"}},
            "Helm manages it (release web): its next upgrade",
        ),
        ({"labels": {"app.kubernetes.io/instance": "x"}}, ""),
        ({"labels": None, "managedFields": [{"manager": 1}, 7]}, ""),
    ],
)
def test_who_would_take_it_back_is_said_before(run: Any, marks: Object, says: str) -> None:
    item = rollout()
    for key, value in marks.items():
        own = item["metadata"].get(key)
        item["metadata"][key] = {**own, **value} if own and value else value
    done = run(cluster(item), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    told = " ".join(done.stderr.split())
    assert says in told if says else "manages it" not in told


def test_a_changed_template_is_not_overwritten(run: Any) -> None:
    def edited(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "web:hotfix"

    found = cluster(intrusions=[edited])
    done = run(found, "undo", "web", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert "not undone: meanwhile its pod template was changed" in done.stderr
    assert found.rollout["spec"]["template"]["spec"]["containers"][0]["image"] == "web:hotfix"


def test_an_invalid_template_goes_back_to_the_last_that_ran(run: Any) -> None:
    item = rollout(template=template("broken", image=7))
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "web:broken"
    item["status"]["phase"] = "Degraded"
    item["status"]["conditions"] = [
        {"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": "no"}
    ]
    done = run(cluster(item), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "back to revision 3 (web:broken → web:v3)" in done.stdout


def test_odd_replica_sets_are_told_and_never_taken_for_revisions(run: Any) -> None:
    mistyped = replica_set("bbb", 2, "v2")
    mistyped["spec"]["template"] = "no object"
    unnumbered = replica_set("ddd", 1, "v0")
    unnumbered["metadata"]["annotations"] = {"rollout.argoproj.io/revision": "many"}
    foreign = replica_set("eee", 9, "v9", owner="other")
    empty = replica_set("fff", 8, "v8")
    del empty["spec"]["template"]
    found = cluster(sets=[*history()[:2], mistyped, unnumbered, foreign, empty])
    done = run(found, "undo", "web", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert "which revision is the one before is not certain" in done.stderr
    assert "ReplicaSet web-bbb cannot be read" in done.stderr
    assert found.sent == []
    named = run(found, "undo", "web", "--to-revision", "1", "--yes")
    assert named.exit_code is ExitCode.OK, named.stderr
    missing = run(cluster(sets=history()), "undo", "web", "--to-revision", "9", "--yes")
    assert missing.exit_code is ExitCode.NOT_FOUND and "it has 3, 2, 1" in missing.stderr


def test_no_traceback_without_a_template_or_the_right_to_see_revisions(run: Any) -> None:
    bare = rollout()
    del bare["spec"]["template"]
    done = run(cluster(bare), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.CLUSTER and "has no pod template" in done.stderr
    done = run(cluster(forbidden=["replicasets"]), "undo", "web", "--yes")
    assert done.exit_code is Forbidden("x").exit_code
    assert "not allowed to list replicasets" in done.stderr
    item = rollout(workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone"})
    del item["spec"]["template"]
    done = run(cluster(item), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.NOT_FOUND
    assert "its template is in Deployment/gone, which is not there" in done.stderr
    item["spec"]["workloadRef"] = {"apiVersion": "x/v1", "kind": "Thing", "name": "t"}
    done = run(cluster(item), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.CONFLICT and "change the template there" in done.stderr


def test_text_of_the_cluster_cannot_colour_or_break_the_screen(run: Any) -> None:
    sets = history()
    sets[2]["spec"]["template"]["spec"]["containers"][0]["image"] = "web:\x1b[31mv2\nfake: ok"
    done = run(cluster(sets=sets), "undo", "web", "--yes")
    assert done.exit_code is ExitCode.OK
    assert "\x1b" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_many_are_undone_by_selection_after_one_question(run: Any) -> None:
    items = [rollout(name) for name in ("one", "two")]
    for item in items:
        item["metadata"]["labels"] = {"team": "pay"}
    found = cluster(*items, sets=[*history("one"), *history("two")])
    done = run(found, "undo", "-l", "team=pay")
    assert done.exit_code is ExitCode.USAGE and found.sent == []
    assert "undo 2 rollouts" in done.stderr
    done = run(found, "undo", "-l", "team=pay", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert {change.name for change in found.sent} == {"one", "two"}
    images = {
        item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in found.objects["rollouts"]
    }
    assert images == {"web:v2"}


# --- restart ------------------------------------------------------------------------------------


def test_a_restart_holds_what_was_seen_and_sets_the_next_second(run: Any) -> None:
    found = cluster()
    done = run(found, "restart", "web")
    assert (done.exit_code, done.stdout) == (
        ExitCode.OK,
        "web: restart of 4 pods, 1 at a time\n",
    )
    (change,) = found.sent
    assert list(change.operations) == [
        {"op": "test", "path": "/metadata/uid", "value": "uid-web"},
        {"op": "test", "path": "/spec/restartAt", "value": None},
        {"op": "add", "path": "/spec/restartAt", "value": "2026-03-01T12:00:01Z"},
    ]


def test_a_dry_run_of_a_restart(run: Any) -> None:
    found = cluster()
    done = run(found, "restart", "web", "--at", "2026-03-01T15:00:00+02:00", "--dry-run")
    assert found.sent == []
    assert done.stdout.splitlines()[:3] == [
        "web: would do: restart of 4 pods, 1 at a time, set for 2026-03-01T13:00:00Z (in 1h)",
        "- spec.restartAt: (not set)",
        '+ spec.restartAt: "2026-03-01T13:00:00Z"',
    ]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_report_of_a_restart(run: Any, form: str) -> None:
    item = rollout(replicas=1)
    done = run(cluster(item), "restart", "web", "--in", "90s", "--yes", "-o", form)
    report = json.loads(done.stdout) if form == "json" else yaml.safe_load(done.stdout)
    (result,) = report["results"]
    restart = result["restart"]
    assert str(restart.pop("at")).replace(" ", "T").startswith("2026-03-01T12:01:30")
    assert restart == {"was": None, "pods": 1, "atOnce": 1}
    assert (result["notes"], result["undo"]) == (["only-pod"], None)


@pytest.mark.parametrize(
    "argv",
    [
        ("--in", "10m", "--at", "2026-03-01T12:00:00Z"),
        ("--in", "soon"),
        ("--in", "-5m"),
        ("--in", "400d"),
        ("--at", "12:00"),
        ("--at", "2026-03-01T12:00:00"),
        ("--at", "never"),
        ("--cancel", "--replace"),
        ("--cancel", "--wait"),
        ("--wait", "--dry-run"),
    ],
)
def test_times_that_make_no_sense(run: Any, argv: tuple[str, ...]) -> None:
    found = cluster()
    done = run(found, "restart", "web", *argv)
    assert done.exit_code is ExitCode.USAGE, done.stderr
    assert found.requests == []


def test_somebody_elses_restart_is_not_moved(run: Any) -> None:
    def asked(item: Object) -> None:
        item["spec"]["restartAt"] = "2026-03-01T13:00:00Z"

    found = cluster(intrusions=[asked])
    done = run(found, "restart", "web")
    assert done.exit_code is ExitCode.CONFLICT
    assert "meanwhile a restart of its pods was asked for" in done.stderr
    assert found.rollout["spec"]["restartAt"] == "2026-03-01T13:00:00Z"


def test_a_restart_that_is_over_or_has_no_pods(run: Any) -> None:
    item = rollout(restartAt="2026-02-01T00:00:00Z")
    item["status"]["restartedAt"] = "2026-02-01T00:00:00Z"
    assert run(cluster(item), "restart", "web").exit_code is ExitCode.OK
    gone = rollout(replicas=0)
    gone["status"]["replicas"] = 0
    done = run(cluster(gone), "restart", "web")
    assert done.stdout == "web: nothing to restart: it has no pods\n"
    item["spec"]["restartAt"] = "yesterday"
    done = run(cluster(item), "restart", "web")
    assert done.exit_code is ExitCode.CLUSTER and "form of a rollout" in done.stderr


def test_all_pods_at_once_is_asked_about(run: Any) -> None:
    item = rollout(strategy={"canary": {"maxUnavailable": "100%"}})
    done = run(cluster(item), "restart", "web")
    assert done.exit_code is ExitCode.USAGE
    assert "all go at the same time" in done.stderr


def test_a_second_restart_in_the_same_second_is_not_lost(run: Any) -> None:
    item = rollout(restartAt="2026-03-01T12:00:01Z")
    item["status"]["restartedAt"] = "2026-03-01T12:00:01Z"
    found = cluster(item)
    assert run(found, "restart", "web").exit_code is ExitCode.OK
    assert found.rollout["spec"]["restartAt"] == "2026-03-01T12:00:02Z"
    again = run(cluster(item), "restart", "web", "--at", "2026-03-01T12:00:01Z")
    assert again.stdout == (
        "web: nothing to do: the restart of pods older than 2026-03-01T12:00:01Z is over\n"
    )


# --- undo: what the controller makes of it ------------------------------------------------------


def at_step(**spec: Any) -> Object:
    """An update to revision 3 under way; revision 1 is the stable one."""
    item = rollout(**spec)
    item["status"] |= {"stableRS": "aaa", "currentStepIndex": 1, "phase": "Paused"}
    return item


def blue_green() -> Object:
    return rollout(strategy={"blueGreen": {"activeService": "web"}})


def still_up(until: str) -> list[Object]:
    sets = history()
    sets[2]["metadata"]["annotations"]["scale-down-deadline"] = until
    return sets


@pytest.mark.parametrize(
    ("item", "sets", "argv", "notes"),
    [
        (rollout(), history(), (), ["runs-all-steps"]),
        (at_step(), history(), ("--to-revision", "1"), ["skips-to-stable"]),
        (at_step(), history(), (), ["runs-all-steps", "not-the-stable-one"]),
        (
            at_step(paused=True),
            history(),
            ("--to-revision", "1"),
            ["skips-to-stable", "stays-held"],
        ),
        (rollout(rollbackWindow={"revisions": 1}), history(), (), ["skips-in-window"]),
        (
            rollout(rollbackWindow={"revisions": 1}),
            history(),
            ("--to-revision", "1"),
            ["runs-all-steps"],  # revision 2 was made in between
        ),
        (
            rollout(rollbackWindow={"revisions": 2}),
            history(),
            ("--to-revision", "1"),
            ["skips-in-window"],
        ),
        (rollout(rollbackWindow={}), history(), (), ["runs-all-steps"]),
        (blue_green(), still_up("2026-03-01T12:00:30Z"), (), ["skips-still-up"]),
        (blue_green(), still_up("2026-03-01T11:59:30Z"), (), []),
        (blue_green(), still_up("soon"), (), []),
    ],
)
def test_what_is_skipped_is_said(
    run: Any, item: Object, sets: list[Object], argv: tuple[str, ...], notes: list[str]
) -> None:
    done = run(cluster(item, sets=sets), "undo", "web", "--dry-run", "-o", "json", *argv)
    assert done.exit_code is ExitCode.OK, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["notes"] == notes
    steps = result["to"]["step"]
    if steps is not None:
        assert steps["index"] == (2 if notes[0].startswith("skips") else 0)


def of_workload() -> tuple[Object, Object]:
    item = at_step(workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "base"})
    del item["spec"]["template"]
    item["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = "2"
    item["status"]["workloadObservedGeneration"] = "2"
    deployment = {
        "metadata": {
            "name": "base",
            "namespace": "shop",
            "uid": "uid-base",
            "generation": 2,
            "labels": {"argocd.argoproj.io/instance": "base"},
        },
        "spec": {"replicas": 0, "template": template("v3", nobodyKnows=True)},
    }
    return item, deployment


def test_the_workload_is_patched_under_its_own_preconditions(run: Any) -> None:
    item, deployment = of_workload()
    found = cluster(item, objects={"deployments": [deployment]})
    done = run(found, "undo", "web", "--to-revision", "1", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "Argo CD manages it (application base)" in done.stderr  # the workload, not the rollout
    (change,) = found.sent
    assert (change.kind.plural, change.name) == ("deployments", "base")
    assert [(op["op"], op["path"]) for op in change.operations] == [
        ("test", "/metadata/uid"),
        ("test", "/spec/template"),
        ("replace", "/spec/template"),
    ]
    stored = found.objects["deployments"][0]["spec"]["template"]
    assert stored["spec"]["containers"][0]["image"] == "web:v1"


def test_a_workload_changed_meanwhile_is_not_overwritten(run: Any) -> None:
    item, deployment = of_workload()

    def edited(stored: Object) -> None:
        stored["spec"]["template"]["spec"]["containers"][0]["image"] = "web:hotfix"

    found = cluster(item, objects={"deployments": [deployment]}, intrusions=[edited])
    done = run(found, "undo", "web", "--to-revision", "1", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert "not undone: meanwhile the pod template of Deployment/base was changed" in done.stderr
    assert found.sent == []
