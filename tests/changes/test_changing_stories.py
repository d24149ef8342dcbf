"""The commands against the embedded cluster and its controllers, in process, on a fake clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rolloutctl.domain.plugin_edit import set_disabled
from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess
from support.program import Program, Result

Step = dict[str, Any]
PAUSE: Step = {"pause": {}}


def weight(value: int) -> Step:
    return {"setWeight": value}


def plugin(**config: Any) -> Step:
    return {"plugin": {"name": "step/e2e-test", "config": config}}


def manifest(steps: Sequence[Step], image: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"canary": {"steps": list(steps)}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": f"web:{image}"}]},
            },
            **spec,
        },
    }


class Story:
    """A rollout `web` whose version v1 is deployed and v2 on its way."""

    def __init__(self, sandbox: EmbeddedCluster, program: Program) -> None:
        self.sandbox = sandbox
        self.program = program
        self.cluster = InProcess(sandbox, "default")
        program.cluster = self.cluster

    def begin(self, *steps: Step, settle: float = 5.0) -> None:
        self.sandbox.apply(manifest(steps, "v1"))
        self.sandbox.advance(5)
        self.ship("v2")
        if settle:
            self.sandbox.advance(settle)

    def ship(self, tag: str) -> None:
        image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image"}]
        image[0]["value"] = f"web:{tag}"
        self.sandbox.client.patch(
            "rollouts", "web", image, "default", content_type="application/json-patch+json"
        )

    def __call__(self, *argv: str) -> Result:
        done = self.program(*argv)
        self.sandbox.settle()
        return done

    @property
    def rollout(self) -> dict[str, Any]:
        return self.sandbox.client.get("rollouts", "web", "default")

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rollout["status"]
        return found

    def calls(self) -> list[tuple[int, str, str]]:
        records = self.status["canary"].get("stepPluginStatuses", [])
        return [(record["index"], record["operation"], record["phase"]) for record in records]


@pytest.fixture
def story(embedded: EmbeddedCluster, rolloutctl: Program) -> Story:
    return Story(embedded, rolloutctl)


def test_promote_waits_for_the_next_person(story: Story) -> None:
    story.begin(weight(25), PAUSE, weight(50), PAUSE)
    done = story("promote", "web", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "web: step 2/4 (pause) → 3/4 (set weight 50)"
    assert second.startswith("web: Paused after")
    assert "at step 4/4 (pause): it waits for a person to promote it" in second
    done = story("promote", "web", "--wait", "--timeout", "60s")
    assert "Healthy after" in done.stdout
    assert story.status["stableRS"] == story.status["currentPodHash"]


def test_a_full_promotion_terminates_the_running_plugin(story: Story) -> None:
    story.begin(plugin(**{"return": "Running", "requeue": "1h"}), weight(50), PAUSE)
    done = story("promote", "web", "--full", "--yes", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "terminated step 1 plugin step/e2e-test: Successful" in done.stdout
    assert (0, "Terminate", "Successful") in story.calls()


def test_an_abort_tells_each_plugins_outcome_in_order(story: Story) -> None:
    story.begin(plugin(), weight(25), plugin(abort={"return": "Failed"}), PAUSE)
    done = story("abort", "web", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    said = [line.strip() for line in done.stdout.splitlines()[2:]]
    assert said[0].startswith("1. aborted step 3 plugin step/e2e-test: Failed")
    assert said[1].startswith("2. aborted step 1 plugin step/e2e-test: Successful")
    assert story.status["phase"] == "Degraded"


def test_a_retry_comes_to_the_pause_again(story: Story) -> None:
    story.begin(weight(25), PAUSE)
    assert story("abort", "web", "--wait", "--timeout", "60s").exit_code is ExitCode.OK
    done = story("retry", "web", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "at step 2/2 (pause): it waits for a person" in done.stdout


def test_a_promotion_right_after_a_new_image_is_not_lost(story: Story) -> None:
    story.begin(weight(25), PAUSE, settle=0)
    done = story("promote", "web", "--full", "--yes", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "has not yet seen its newest spec, waiting" in done.stderr
    assert "Healthy after" in done.stdout
    assert story.status["stableRS"] == story.status["currentPodHash"]


def test_an_abort_of_a_full_promotion_holds(story: Story) -> None:
    story.begin(weight(25), PAUSE)
    story.ship("v3-bad")
    story.sandbox.advance(5)
    story.cluster.client.patch(
        "rollouts", "web", {"status": {"promoteFull": True}}, "default", subresource="status"
    )
    story.sandbox.advance(2)
    assert story.status["promoteFull"] is True
    done = story("abort", "web", "--wait", "--timeout", "120s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert story.status["abort"] is True
    assert not story.status.get("promoteFull")
    assert story.status["stableRS"] != story.status["currentPodHash"]


def test_held_and_resumed_without_skipping_anything(story: Story) -> None:
    story.begin(weight(25), {"pause": {"duration": "1h"}}, weight(50), PAUSE)
    done = story("pause", "web", "--wait", "--timeout", "30s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert story.status["message"] == "manually paused"
    refused = story("promote", "web")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "resume" in refused.stderr
    both = story("promote", "web", "--skip-step", "--wait", "--timeout", "60s")
    assert both.exit_code is ExitCode.OK, both.stderr
    assert "that is lifted too" in both.stderr
    assert "at step 4/4 (pause)" in both.stdout


def test_abort_of_what_is_held_says_that_pods_stay_and_resume_lets_them_go(story: Story) -> None:
    story.begin(weight(25), PAUSE)
    story("pause", "web", "--wait")
    done = story("abort", "web")
    assert "until it is resumed no pods are resized" in done.stderr
    story.sandbox.advance(30)
    assert story.status["updatedReplicas"] == 1
    done = story("abort", "web", "--resume", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert not story.status.get("updatedReplicas")


def test_resuming_what_was_aborted_says_that_it_stays_aborted(story: Story) -> None:
    story.begin(weight(25), PAUSE)
    story("pause", "web", "--wait")
    story("abort", "web")
    done = story("resume", "web")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert done.stdout == "web: held → stays aborted, its pods go back to the stable version\n"
    assert story.status["phase"] == "Degraded"


def test_the_controller_moving_on_between_looking_and_sending(story: Story) -> None:
    story.begin(weight(25), {"pause": {"duration": "20s"}}, weight(50), PAUSE, settle=3)
    assert story.status["currentStepIndex"] == 1
    story.cluster.before_apply = lambda: story.sandbox.advance(30)
    done = story("promote", "web")
    assert done.exit_code is ExitCode.CONFLICT
    assert "not promoted: meanwhile it moved from step 2 (pause 20s) to step 4" in done.stderr
    assert story.status["currentStepIndex"] == 3


def test_scaling_between_looking_and_sending_is_no_conflict(story: Story) -> None:
    story.begin(weight(25), PAUSE, weight(50), PAUSE)

    def scale() -> None:
        story.cluster.client.patch("rollouts", "web", {"spec": {"replicas": 6}}, "default")

    story.cluster.before_apply = scale
    done = story("promote", "web")
    assert done.exit_code is ExitCode.OK, done.stderr
    story.sandbox.advance(10)
    assert story.status["currentStepIndex"] == 3


def test_a_step_that_is_skipped_leaves_its_plugin_to_the_end(story: Story) -> None:
    story.begin(plugin(**{"return": "Running", "requeue": "1h"}), PAUSE)
    done = story("promote", "web", "--skip-step", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert (0, "Run", "Running") in story.calls()
    done = story("promote", "web", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert (0, "Terminate", "Successful") in story.calls()
    assert "terminated step 1 plugin step/e2e-test: Successful" in done.stdout


def test_a_plugin_that_fails_during_the_wait_ends_it_with_1(story: Story) -> None:
    story.begin(PAUSE, plugin(**{"return": "Failed"}))
    done = story("promote", "web", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.FAILED
    assert "web: aborted after" in done.stdout
    assert "step/e2e-test" in done.stdout


def test_an_aborted_version_shipped_by_force(story: Story) -> None:
    story.begin(weight(25), PAUSE)
    story("abort", "web", "--wait", "--timeout", "60s")
    done = story("promote", "web", "--full", "--force", "--yes", "--wait", "--timeout", "60s")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert story.status["stableRS"] == story.status["currentPodHash"]


def test_a_plugin_disabled_meanwhile_is_not_expected_to_abort(story: Story) -> None:
    story.begin(plugin(), weight(25), PAUSE)
    data = story.cluster.client.get("configmaps", "argo-rollouts-config", "argo-rollouts")["data"]
    text = set_disabled(data["stepPlugins"], "step/e2e-test", True)
    story.cluster.client.patch(
        "configmaps",
        "argo-rollouts-config",
        {"data": {"stepPlugins": text}},
        "argo-rollouts",
    )
    done = story("abort", "web", "--dry-run")
    assert "Abort will be called" not in done.stderr
    assert "disabled in argo-rollouts-config: its Abort is not called" in done.stderr


def test_a_skipped_plugin_step_that_is_disabled_is_called_that(story: Story) -> None:
    disabled = {"plugin": {"name": "step/e2e-test-disabled"}}
    story.begin(weight(25), PAUSE, disabled)
    done = story("promote", "web", "--full", "--dry-run")
    assert "step 3 plugin step/e2e-test-disabled (disabled in argo-rollouts-config)" in done.stderr
