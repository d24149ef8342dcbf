"""restart and undo against the embedded cluster and its controllers, in process."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess
from support.program import Program, Result

Step = dict[str, Any]
Object = dict[str, Any]
PAUSE: Step = {"pause": {}}
HASH = "rollouts-pod-template-hash"


def template(tag: str) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": f"web:{tag}"}]},
    }


def manifest(steps: Sequence[Step], **spec: Any) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"canary": {"steps": list(steps)}},
            "template": template("v1"),
            **spec,
        },
    }


class Story:
    """A rollout `web`, and the program in front of it, on the cluster's clock."""

    def __init__(self, sandbox: EmbeddedCluster, program: Program) -> None:
        self.sandbox = sandbox
        self.program = program
        self.cluster = InProcess(sandbox, "default")
        program.cluster = self.cluster
        program.now = sandbox.clock.now

    def begin(self, *steps: Step, settle: float = 30.0, **spec: Any) -> None:
        self.sandbox.apply(manifest(steps, **spec))
        self.sandbox.advance(settle)

    def ship(self, tag: str, settle: float = 30.0) -> None:
        self.patch("/spec/template/spec/containers/0/image", f"web:{tag}")
        self.sandbox.advance(settle)

    def patch(self, path: str, value: Any, kind: str = "rollouts", op: str = "replace") -> None:
        self.sandbox.client.patch(
            kind,
            "web",
            [{"op": op, "path": path, "value": value}],
            "default",
            content_type="application/json-patch+json",
        )

    def __call__(self, *argv: str) -> Result:
        done = self.program(*argv)
        self.sandbox.settle()
        return done

    @property
    def rollout(self) -> Object:
        return self.sandbox.client.get("rollouts", "web", "default")

    @property
    def image(self) -> str:
        image: str = self.rollout["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    @property
    def status(self) -> Object:
        found: Object = self.rollout["status"]
        return found

    def sets(self) -> list[Object]:
        return self.sandbox.client.list("replicasets", "default")[0]

    def pods(self) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.sandbox.client.list("pods", "default")[0]}


@pytest.fixture
def story(embedded: EmbeddedCluster, rolloutctl: Program) -> Story:
    return Story(embedded, rolloutctl)


# --- restart ------------------------------------------------------------------------------------


def test_a_restart_is_followed_until_every_pod_is_new(story: Story) -> None:
    story.begin()
    before = story.pods()
    done = story("restart", "web", "--wait", "--timeout", "5m")
    assert done.exit_code is ExitCode.OK, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "web: restart of 4 pods, 1 at a time"
    assert second.startswith("web: restarted after ")
    assert not before & story.pods()
    assert story.status["restartedAt"] == story.rollout["spec"]["restartAt"]
    assert story.status["availableReplicas"] == 4


def test_pods_made_a_moment_ago_are_restarted_too(story: Story) -> None:
    """The trap of the whole seconds: a pod of the same second counts as new."""
    story.begin(settle=0)
    while story.status.get("availableReplicas") != 4:
        story.sandbox.advance(0.05)
    before = story.pods()
    done = story("restart", "web", "--wait", "--timeout", "5m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert not before & story.pods()


def test_a_scheduled_restart_waits_for_its_time_and_can_be_called_off(story: Story) -> None:
    story.begin()
    before = story.pods()
    done = story("restart", "web", "--in", "10m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "set for " in done.stdout and "(in 10m" in done.stdout
    refused = story("restart", "web")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "a restart is set for " in refused.stderr and "--replace" in refused.stderr
    done = story("restart", "web", "--cancel")
    assert done.stdout == "web: its restart is called off\n"
    assert "restartAt" not in story.rollout["spec"]
    story.sandbox.advance(900)
    assert before == story.pods()
    assert story("restart", "web", "--cancel").stdout.startswith("web: nothing to cancel")


def test_a_restart_under_way_is_not_begun_again_by_mistake(story: Story) -> None:
    story.begin(minReadySeconds=10)
    story("restart", "web")
    story.sandbox.advance(2)
    refused = story("restart", "web")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "a restart is under way" in refused.stderr
    again = story("restart", "web", "--replace", "--wait", "--timeout", "5m")
    assert again.exit_code is ExitCode.OK, again.stderr
    assert "begins anew" in again.stderr


def test_the_only_pod_is_asked_about(story: Story) -> None:
    story.begin(replicas=1)
    refused = story("restart", "web")
    assert refused.exit_code is ExitCode.USAGE
    assert "it has one pod" in refused.stderr and "--yes" in refused.stderr
    assert "restartAt" not in story.rollout["spec"]
    story.program.terminal, story.program.stdin = True, "n\n"
    declined = story("restart", "web", "--no-color")
    assert declined.exit_code is ExitCode.FAILED
    assert "Restart it? [y/N]" in declined.stderr
    story.program.terminal = False
    assert story("restart", "web", "--yes").exit_code is ExitCode.OK
    assert "restartAt" in story.rollout["spec"]


def test_a_wait_for_a_restart_ends_when_a_new_version_takes_its_place(story: Story) -> None:
    story.begin()
    story.cluster.before_apply = None
    done = story("restart", "web", "--in", "1h", "--wait", "--timeout", "20s")
    assert done.exit_code is ExitCode.TIMEOUT
    assert "not done after" in done.stdout


# --- undo ---------------------------------------------------------------------------------------


def test_undo_of_an_update_under_way_goes_back_to_the_stable_version_at_once(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")
    done = story("undo", "web", "--yes", "--wait", "--timeout", "2m")
    assert done.exit_code is ExitCode.OK, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "web: revision 2 → back to revision 1 (web:v2 → web:v1)"
    assert second.startswith("web: Healthy after ")
    assert "that is the stable version: no step, pause or analysis is run" in done.stderr
    assert "- spec.containers[app].image: web:v2" in done.stderr
    assert "+ spec.containers[app].image: web:v1" in done.stderr
    assert story.image == "web:v1"
    assert len(story.sets()) == 2  # the old ReplicaSet was found again
    assert HASH not in story.rollout["spec"]["template"]["metadata"]["labels"]


def test_undo_after_completion_runs_all_steps(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")
    story("promote", "web", "--wait", "--timeout", "2m")
    done = story("undo", "web", "--yes", "--wait", "--timeout", "2m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "it goes out like a new version, through all steps" in done.stderr
    assert "it waits for a person to promote it" in done.stdout
    assert story.status["currentStepIndex"] == 1
    assert len(story.sets()) == 2


def test_undo_within_the_rollback_window_skips_the_steps(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE, rollbackWindow={"revisions": 3})
    story.ship("v2")
    story("promote", "web", "--wait", "--timeout", "2m")
    done = story("undo", "web", "--yes", "--wait", "--timeout", "2m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "that is within its rollback window" in done.stderr
    assert "Healthy after" in done.stdout
    assert story.status["stableRS"] == story.status["currentPodHash"]


def test_a_revision_that_is_not_there_is_answered_with_those_that_are(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")
    refused = story("undo", "web", "--to-revision", "7", "--yes")
    assert refused.exit_code is ExitCode.NOT_FOUND
    assert "it has no revision 7" in refused.stderr and "it has 2, 1" in refused.stderr
    same = story("undo", "web", "--to-revision", "2", "--yes")
    assert same.exit_code is ExitCode.OK
    assert same.stdout == ("web: nothing to undo: its template is the one of revision 2 already\n")
    assert story.image == "web:v2"


def test_the_first_version_has_nothing_to_go_back_to(story: Story) -> None:
    story.begin()
    refused = story("undo", "web", "--yes")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "nothing to go back to: revision 1 is the only one" in refused.stderr


def test_undo_never_overwrites_what_somebody_else_just_rolled_out(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")

    def meanwhile() -> None:
        story.ship("v3", settle=5)

    story.cluster.before_apply = meanwhile
    done = story("undo", "web", "--yes")
    assert done.exit_code is ExitCode.CONFLICT, done.stdout
    assert "not undone: meanwhile another version is being rolled out" in done.stderr
    assert story.image == "web:v3"


def test_a_scaling_in_between_does_not_keep_an_undo_back(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")
    story.cluster.before_apply = lambda: story.patch("/spec/replicas", 6)
    assert story("undo", "web", "--yes").exit_code is ExitCode.OK
    assert story.image == "web:v1" and story.rollout["spec"]["replicas"] == 6


def test_a_running_plugin_that_is_left_is_said_to_hear_nothing(story: Story) -> None:
    story.begin({"plugin": {"name": "step/e2e-test", "config": {"return": "Running"}}}, PAUSE)
    story.ship("v2")
    done = story("undo", "web", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "step 1 plugin step/e2e-test is Running" in done.stderr
    assert "neither Abort nor Terminate is called" in done.stderr


@pytest.mark.parametrize(
    ("kind", "version", "plural", "pointer"),
    [
        ("Deployment", "apps/v1", "deployments", ("spec", "template")),
        ("PodTemplate", "v1", "podtemplates", ("template",)),
    ],
)
def test_the_workload_that_holds_the_template_is_changed(
    story: Story, kind: str, version: str, plural: str, pointer: tuple[str, ...]
) -> None:
    workload: Object = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "web", "namespace": "default"},
    }
    if kind == "Deployment":
        workload["spec"] = {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template("v1"),
        }
    else:
        workload["template"] = template("v1")
    story.sandbox.apply(workload)
    rollout = copy.deepcopy(manifest([{"setWeight": 50}, PAUSE]))
    del rollout["spec"]["template"]
    rollout["spec"]["workloadRef"] = {"apiVersion": version, "kind": kind, "name": "web"}
    story.sandbox.apply(rollout)
    story.sandbox.advance(30)
    story.patch(f"/{'/'.join(pointer)}/spec/containers/0/image", "web:v2", plural)
    story.sandbox.advance(1000)  # the controller looks at each rollout every 15 minutes
    assert story.status["stableRS"] != story.status["currentPodHash"]
    done = story("undo", "web", "--yes", "--wait", "--timeout", "30m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert f"its template is in {kind}/web: that is changed" in done.stderr
    found: Any = story.sandbox.client.get(plural, "web", "default")
    for part in pointer:
        found = found[part]
    assert found["spec"]["containers"][0]["image"] == "web:v1"
    assert "template" not in story.rollout["spec"]
    assert story.status["stableRS"] == story.status["currentPodHash"]


def test_a_version_that_was_on_its_way_only_is_told_from_the_stable_one(story: Story) -> None:
    story.begin({"setWeight": 50}, PAUSE)
    story.ship("v2")
    story.ship("v3")
    done = story("undo", "web", "--dry-run")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "web: would do: revision 3 → back to revision 2 (web:v3 → web:v2)" in done.stdout
    assert "the stable version is revision 1: --to-revision 1 goes back to that" in done.stderr
    assert "PATCH rollouts/web" in done.stdout
    assert story.image == "web:v3"
