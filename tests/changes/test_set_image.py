"""`set image`: whose image, from what to what, and what stands against it."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from rolloutctl.domain import images
from rolloutctl.domain.decision import Action, Seen
from rolloutctl.domain.endings import End, ending, shows
from rolloutctl.domain.undoing import own_template
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ExitCode, UsageError
from support.changing_cluster import ChangingCluster
from support.program import Program, Result

Object = dict[str, Any]


def pod_template(*, main: str = "web:v1", proxy: str = "envoy:1") -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "initContainers": [{"name": "migrate", "image": "web:v1"}],
            "containers": [
                {"name": "app", "image": main},
                {"name": "proxy", "image": proxy},
            ],
            "ephemeralContainers": [{"name": "debug", "image": "busybox:1"}],
        },
    }


def web(**spec: Any) -> Object:
    return {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": 3,
            "resourceVersion": "9",
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "template": pod_template(),
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
            **spec,
        },
        "status": {
            "observedGeneration": "3",
            "phase": "Healthy",
            "currentPodHash": "one",
            "stableRS": "one",
            "currentStepIndex": 2,
        },
    }


def cluster_of(rollout: Object, **more: Any) -> ChangingCluster:
    objects = {"rollouts": [rollout], **more.pop("objects", {})}
    return ChangingCluster(objects, namespace="shop", **more)


def run(program: Program, cluster: ChangingCluster, *argv: str) -> Result:
    program.cluster = cluster
    return program("set", "image", *argv)


def now(cluster: ChangingCluster) -> dict[str, str]:
    spec = cluster.rollout["spec"]["template"]["spec"]
    entries = (*spec["initContainers"], *spec["containers"], *spec["ephemeralContainers"])
    return {entry["name"]: entry["image"] for entry in entries}


# --- which containers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["app=web:v2"], {"app": "web:v2"}),
        (["app=web:v2", "proxy=envoy:2"], {"app": "web:v2", "proxy": "envoy:2"}),
        (["migrate=web:v2"], {"migrate": "web:v2"}),
        (["debug=busybox:2"], {"debug": "busybox:2"}),
        (["*=all:1"], {"app": "all:1", "proxy": "all:1"}),
        (["*=all:1", "proxy=envoy:2"], {"app": "all:1", "proxy": "envoy:2"}),
        (["app=host.example:5000/team/web:v2"], {"app": "host.example:5000/team/web:v2"}),
        (["app=web@sha256:" + "a" * 64], {"app": "web@sha256:" + "a" * 64}),
    ],
)
def test_only_what_is_named_is_changed(
    rolloutctl: Program, words: list[str], changed: dict[str, str]
) -> None:
    cluster = cluster_of(web())
    before = now(cluster)
    done = run(rolloutctl, cluster, "web", *words, "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert now(cluster) == {**before, **changed}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["web"], ExitCode.USAGE, "no image is given"),
        (["web", "app="], ExitCode.USAGE, "is given no image"),
        (["web", "=web:v2"], ExitCode.USAGE, "is not CONTAINER=IMAGE"),
        (["web", "app=Web:v2"], ExitCode.USAGE, "in lower case"),
        (["web", "app=web: v2"], ExitCode.USAGE, "cannot be an image"),
        (["web", "app=web\x1b[31m:v2"], ExitCode.USAGE, "cannot be an image"),
        (["web", "app=a:1", "app=a:2"], ExitCode.USAGE, "named twice"),
        (["app=a:1"], ExitCode.USAGE, "say which rollouts"),
        (["web", "ap=a:1"], ExitCode.NOT_FOUND, "it has app, proxy, migrate, debug"),
        (["web", "app=web:v1"], ExitCode.OK, "have these images already"),
        (["other", "app=web:v1"], ExitCode.NOT_FOUND, 'no rollout "other"'),
    ],
)
def test_what_cannot_be_or_need_not_be_done(
    rolloutctl: Program, words: list[str], code: ExitCode, said: str
) -> None:
    cluster = cluster_of(web())
    done = run(rolloutctl, cluster, *words, "--yes")
    assert done.exit_code is code
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "\x1b" not in done.stderr
    assert cluster.sent == []


@pytest.mark.parametrize(
    "text", ["app=a b", "app=/a", "app=a:", "app=a@sha256:12", "a=" + "a" * 2000]
)
def test_no_image_of_that_form(text: str) -> None:
    with pytest.raises(UsageError):
        images.parse(text)


# --- what stands against it ---------------------------------------------------------------------


def test_an_edit_of_something_else_stays(rolloutctl: Program) -> None:
    def scaled(item: Object) -> None:
        item["spec"]["replicas"] = 9

    cluster = cluster_of(web(), intrusions=[scaled])
    assert run(rolloutctl, cluster, "web", "app=web:v2", "--yes").exit_code is ExitCode.OK
    assert cluster.rollout["spec"]["replicas"] == 9
    assert now(cluster)["app"] == "web:v2"


def test_a_container_that_moved_is_found_again(rolloutctl: Program) -> None:
    def turned(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"].reverse()

    cluster = cluster_of(web(), intrusions=[turned])
    assert run(rolloutctl, cluster, "web", "app=web:v2", "--yes").exit_code is ExitCode.OK
    assert now(cluster) == {
        "migrate": "web:v1",
        "proxy": "envoy:1",
        "app": "web:v2",
        "debug": "busybox:1",
    }


def test_somebody_elses_image_is_not_overwritten(rolloutctl: Program) -> None:
    def newer(item: Object) -> None:
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v7"
        item["metadata"]["generation"] += 1

    cluster = cluster_of(web(), intrusions=[newer])
    done = run(rolloutctl, cluster, "web", "app=web:v2", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert now(cluster)["app"] == "web:v7"


@pytest.mark.parametrize(
    ("kind", "api_version", "plural", "path"),
    [
        ("Deployment", "apps/v1", "deployments", ("spec", "template")),
        ("ReplicaSet", "apps/v1", "replicasets", ("spec", "template")),
        ("PodTemplate", "v1", "podtemplates", ("template",)),
    ],
)
def test_the_workload_that_holds_the_template_is_changed(
    rolloutctl: Program, kind: str, api_version: str, plural: str, path: tuple[str, ...]
) -> None:
    held: Object = {"metadata": {"name": "base", "namespace": "shop", "uid": "uid-base"}}
    place = held.setdefault("spec", {}) if path[0] == "spec" else held
    place["template"] = pod_template()
    held.setdefault("spec", {})
    reference = {"apiVersion": api_version, "kind": kind, "name": "base"}
    rollout = web(workloadRef=reference)
    del rollout["spec"]["template"]
    cluster = cluster_of(rollout, objects={plural: [held]})
    done = run(rolloutctl, cluster, "web", "app=web:v2", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert f"its template is in {kind}/base: that is changed" in done.stderr
    (stored,) = cluster.objects[plural]
    for part in path:
        stored = stored[part]
    assert stored["spec"]["containers"][0]["image"] == "web:v2"


# --- what is said -------------------------------------------------------------------------------


def busy() -> Object:
    """A canary whose plugin runs, held by nobody, kept by Argo CD."""
    item = web()
    item["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "shop-app:x"}
    item["spec"]["strategy"]["canary"]["steps"].insert(0, {"plugin": {"name": "a/gate"}})
    record = {"index": 0, "name": "a/gate", "operation": "Run", "phase": "Running"}
    item["status"].update(
        phase="Progressing",
        currentPodHash="two",
        currentStepIndex=0,
        canary={"stepPluginStatuses": [record]},
    )
    return item


def test_what_follows_is_said_and_asked(rolloutctl: Program) -> None:
    rolloutctl.terminal = True
    rolloutctl.stdin = "n\n"
    cluster = cluster_of(busy())
    done = run(rolloutctl, cluster, "web", "app=web:v2", "--no-color")
    assert cluster.sent == []
    told = " ".join(done.stderr.split())
    for text in (
        "step 1 plugin a/gate is Running",
        "an update is under way: the new version takes its place",
        "neither Abort nor Terminate is called",
        "Argo CD manages it (application shop-app)",
        "Set it? [y/N]",
    ):
        assert text in told


@pytest.mark.parametrize("form", ["text", "json", "yaml", "jsonl", "name"])
def test_reports(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    done = run(rolloutctl, cluster_of(busy()), "web", "app=web:v2", "--yes", *output)
    assert done.exit_code is ExitCode.OK
    assert done.stdout == snapshot


def test_a_trial_shows_the_images_and_the_patch(rolloutctl: Program, snapshot: Any) -> None:
    cluster = cluster_of(web())
    done = run(rolloutctl, cluster, "web", "*=all:1", "--dry-run")
    assert done.stdout == snapshot
    assert cluster.sent == []


def test_the_event_says_from_what_to_what(rolloutctl: Program) -> None:
    cluster = cluster_of(web())
    run(rolloutctl, cluster, "web", "app=web:v2", "--yes", "--reason", "CHG-1")
    assert cluster.events == ["set-image by ann@example: web:v1 to web:v2 (reason: CHG-1)"]


def test_many_are_selected_and_the_rest_can_be_gone_on_with(rolloutctl: Program) -> None:
    item = web()
    item["metadata"]["labels"] = {"team": "a"}
    other = copy.deepcopy(item)
    other["metadata"].update(name="api", uid="uid-api")
    cluster = ChangingCluster({"rollouts": [item, other]}, namespace="shop")
    done = run(rolloutctl, cluster, "app=web:v2", "-l", "team=a", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert sorted(change.name for change in cluster.sent) == ["api", "web"]
    rolloutctl.terminal = True
    done = run(rolloutctl, cluster, "web", "app=web:v3", "-l", "team=a")
    assert (done.exit_code, "not both" in done.stderr) == (ExitCode.USAGE, True)


# --- how it ends --------------------------------------------------------------------------------


def state(item: Object, **status: Any) -> Rollout:
    found = copy.deepcopy(item)
    found["status"].update(status)
    return msgspec.json.decode(json.dumps(found), type=Rollout)


def test_how_it_ends() -> None:
    item = web()
    seen = Seen.read(json.dumps(item).encode())
    decision = images.set_images(seen, own_template(seen), [("app", "web:v2")])
    assert decision.action is Action.SET_IMAGE
    changed = copy.deepcopy(item)
    changed["spec"]["template"] = pod_template(main="web:v2")
    changed["metadata"]["generation"] = 4

    old, unseen = state(item), state(changed)
    assert not shows(decision, old)
    assert ending(decision, old, reacted=False) is None
    assert ending(decision, unseen, reacted=False) is None

    at_pause = state(
        changed,
        observedGeneration="4",
        currentPodHash="two",
        phase="Paused",
        currentStepIndex=1,
        controllerPause=True,
        pauseConditions=[{"reason": "CanaryPauseStep", "startTime": "2026-03-01T12:00:00Z"}],
    )
    assert shows(decision, at_pause)
    found = ending(decision, at_pause, reacted=True)
    assert found is not None
    assert found.end is End.WAITING

    newer = copy.deepcopy(changed)
    newer["spec"]["template"] = pod_template(main="web:v9")
    found = ending(
        decision, state(newer, observedGeneration="4", currentPodHash="three"), reacted=False
    )
    assert found is not None
    assert found.end is End.SUPERSEDED


def test_a_container_that_is_named_is_none_of_all_the_others() -> None:
    wanted = [("*", "all:1"), ("proxy", "envoy:2")]
    assert images.has_images(
        state(web(template=pod_template(main="all:1", proxy="envoy:2"))), wanted
    )
    assert not images.has_images(state(web(template=pod_template(main="all:1"))), wanted)
    assert not images.has_images(state(web(template=pod_template(proxy="envoy:2"))), wanted)
