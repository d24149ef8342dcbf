"""promote, abort, retry, pause, resume as a person types them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ExitCode, Forbidden
from support.changing_cluster import ChangingCluster, cluster_at, following
from support.program import Program
from support.recorded import moment

Object = dict[str, Any]


def paused(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def running(item: Mapping[str, Any]) -> bool:
    records = item.get("status", {}).get("canary", {}).get("stepPluginStatuses") or []
    return any(record.get("phase") == "Running" for record in records)


def aborted(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("abortedAt"))


@pytest.fixture
def at(rolloutctl: Program) -> Callable[..., ChangingCluster]:
    """Puts the program in front of a recorded moment."""

    def put(
        name: str,
        when: Callable[[Mapping[str, Any]], bool] | None,
        *,
        then: bool = False,
        **more: Any,
    ) -> ChangingCluster:
        cluster = cluster_at(moment(name, when), **more)
        if then and when is not None:
            cluster.later["rollouts"] = following(name, when)
        rolloutctl.cluster = cluster
        return cluster

    return put


At = Callable[..., ChangingCluster]


# --- promote ------------------------------------------------------------------------------------


def test_promote_says_which_step_it_left_and_which_comes(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    done = rolloutctl("promote", "demo")
    assert done.exit_code is ExitCode.OK
    assert done.stdout == "demo: step 2/4 (pause) → 3/4 (set weight 80)\n"
    assert len(cluster.sent) == 1


def test_nothing_to_do_is_said_as_such(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", None)
    for argv, says in (
        (("promote",), "nothing to promote"),
        (("promote", "--full", "--yes"), "nothing to promote"),
        (("abort",), "nothing to abort"),
        (("retry",), "nothing to retry"),
        (("resume",), "nothing to do"),
    ):
        done = rolloutctl(*argv, "demo")
        assert done.exit_code is ExitCode.OK
        assert done.stdout.startswith(f"demo: {says}")
    assert cluster.sent == []


def test_a_running_plugin_is_not_skipped_without_a_word(rolloutctl: Program, at: At) -> None:
    cluster = at("plugin-promote-full-terminates", running)
    refused = rolloutctl("promote", "demo", "--yes")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "step 2 of 3 (plugin step/e2e-test, Running) is not done" in refused.stderr
    assert "--skip-step" in refused.stderr
    assert cluster.sent == []
    done = rolloutctl("promote", "demo", "--skip-step")
    assert done.exit_code is ExitCode.OK
    assert done.stdout == "demo: step 2/3 (plugin step/e2e-test) → 3/3 (pause), skipped\n"
    assert "stays Running until the promotion" in done.stderr


@pytest.mark.parametrize(("answer", "sent", "code"), [("y\n", 1, 0), ("n\n", 0, 1), ("", 0, 1)])
def test_a_terminal_is_asked_by_name_what_to_skip(
    rolloutctl: Program, at: At, answer: str, sent: int, code: int
) -> None:
    cluster = at("plugin-promote-full-terminates", running)
    rolloutctl.terminal, rolloutctl.stdin = True, answer
    done = rolloutctl("promote", "demo", "--no-color")
    assert "Skip step 2 plugin step/e2e-test (Running)? [y/N]" in done.stderr
    assert len(cluster.sent) == sent
    assert done.exit_code == code


def test_what_a_person_holds_is_left_to_resume(rolloutctl: Program, at: At) -> None:
    at("plugin-paused-by-user", lambda item: bool(item["spec"].get("paused")) and held(item))
    refused = rolloutctl("promote", "demo")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "resume" in refused.stderr


def held(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("phase") == "Paused")


def test_a_conflict_says_what_happened_meanwhile(rolloutctl: Program, at: At) -> None:
    def moved(item: Object) -> None:
        item["status"].pop("pauseConditions")
        item["status"]["currentStepIndex"] = 2

    at("canary-pause-promote", paused, intrusions=[moved])
    done = rolloutctl("promote", "demo")
    assert done.exit_code is ExitCode.CONFLICT
    assert done.stdout == ""
    assert "not promoted: meanwhile it moved from step 2 (pause) to step 3" in done.stderr


# --- promote --full -----------------------------------------------------------------------------


def test_full_without_a_terminal_needs_yes(rolloutctl: Program, at: At) -> None:
    cluster = at("plugin-promote-full-terminates", running)
    done = rolloutctl("promote", "demo", "--full")
    assert done.exit_code is ExitCode.USAGE
    assert "--yes" in done.stderr
    assert cluster.sent == []


def test_full_on_a_terminal_says_what_it_skips_and_terminates(rolloutctl: Program, at: At) -> None:
    cluster = at("plugin-promote-full-terminates", running, then=True)
    rolloutctl.terminal, rolloutctl.stdin = True, "y\n"
    done = rolloutctl("promote", "demo", "--full", "--wait", "--timeout", "30s", "--no-color")
    assert done.exit_code is ExitCode.OK
    assert "demo (shop): Progressing at step 2/3 (plugin step/e2e-test)" in done.stderr
    assert "full promotion skips: step 2 plugin step/e2e-test (Running), step 3" in done.stderr
    assert "the controller will call its Terminate" in done.stderr
    assert "Promote in full? [y/N]" in done.stderr
    assert "► terminated step 2 plugin step/e2e-test: Successful" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "demo: step 2/3 (plugin step/e2e-test) → being promoted in full, 2 steps skipped"
    )
    assert lines[1].startswith("demo: Healthy after ")
    assert lines[2] == "  terminated step 2 plugin step/e2e-test: Successful"
    assert len(cluster.sent) == 1


def test_full_of_an_aborted_rollout_needs_force(rolloutctl: Program, at: At) -> None:
    cluster = at("plugin-full-after-abort", aborted, then=True)
    refused = rolloutctl("promote", "demo", "--full", "--yes")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "--force" in refused.stderr
    done = rolloutctl("promote", "demo", "--full", "--yes", "--force", "--wait", "--timeout", "9s")
    assert done.exit_code is ExitCode.OK
    assert "this ships the version that was aborted" in done.stderr
    assert len(cluster.sent) == 1


@pytest.mark.parametrize("argv", [("--force",), ("--full", "--skip-step"), ("--wait", "--dry-run")])
def test_options_that_do_not_go_together(
    rolloutctl: Program, at: At, argv: tuple[str, ...]
) -> None:
    cluster = at("canary-pause-promote", paused)
    assert rolloutctl("promote", "demo", *argv).exit_code is ExitCode.USAGE
    assert cluster.requests == []


# --- abort, retry, pause, resume ----------------------------------------------------------------


def test_abort_reports_its_calls_in_order(rolloutctl: Program, at: At) -> None:
    at("plugin-running-abort", running, then=True)
    done = rolloutctl("abort", "demo", "--wait", "--timeout", "30s")
    assert done.exit_code is ExitCode.OK
    lines = done.stdout.splitlines()
    assert lines[0].startswith("demo: step 3/3 (plugin step/e2e-test) → aborted")
    assert lines[1].startswith("demo: aborted, back on the stable version after ")
    assert lines[2:] == [
        "  1. aborted step 3 plugin step/e2e-test: Successful",
        "  2. aborted step 1 plugin step/e2e-test: Successful",
    ]
    assert "Abort will be called for: step 3 plugin step/e2e-test, step 1 plugin" in done.stderr


def test_abort_calls_a_full_promotion_off(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-full", lambda item: bool(item.get("status", {}).get("promoteFull")))
    done = rolloutctl("abort", "demo")
    assert done.exit_code is ExitCode.OK
    assert "the full promotion under way is called off" in done.stderr
    assert cluster.rollout["status"]["abort"] is True
    assert "promoteFull" not in cluster.rollout["status"]


def test_retry_says_where_it_starts(rolloutctl: Program, at: At) -> None:
    cluster = at("plugin-abort-retry", aborted)
    done = rolloutctl("retry", "demo")
    assert done.exit_code is ExitCode.OK
    assert done.stdout.startswith("demo: aborted → step 1/")
    assert "with the same version" in done.stdout
    assert cluster.rollout["status"]["abort"] is False


def test_pause_and_resume(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    done = rolloutctl("pause", "ro/demo")
    assert done.stdout == "demo: step 2/4 (pause) → held there until it is resumed\n"
    assert cluster.rollout["spec"]["paused"] is True
    again = rolloutctl("pause", "demo")
    assert again.exit_code is ExitCode.OK
    assert "already" in again.stdout
    done = rolloutctl("resume", "rollout/demo")
    assert done.stdout == "demo: held → goes on at step 2/4 (pause)\n"
    refused = rolloutctl("resume", "demo")
    assert refused.exit_code is ExitCode.CONFLICT
    assert "promote moves it past that" in refused.stderr


def test_a_timeout_has_its_own_exit_code(rolloutctl: Program, at: At) -> None:
    at("canary-pause-promote", paused)
    done = rolloutctl("promote", "demo", "--wait", "--timeout", "1s")
    assert done.exit_code is ExitCode.TIMEOUT
    assert "demo: not done after" in done.stdout


def test_a_degraded_end_has_exit_code_1(rolloutctl: Program, at: At) -> None:
    def first(item: Mapping[str, Any]) -> bool:
        status = item.get("status", {})
        return bool(status.get("stableRS")) and status["currentPodHash"] != status["stableRS"]

    at("plugin-failed-aborts", first, then=True)
    done = rolloutctl("promote", "demo", "--skip-step", "--wait", "--timeout", "9s")
    assert done.exit_code is ExitCode.FAILED
    assert "aborted after" in done.stdout and "Step Plugin" in done.stdout


def test_a_deleted_rollout_ends_the_wait(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    cluster.later["rollouts"] = [("DELETED", cluster.rollout)]
    done = rolloutctl("promote", "demo", "--wait")
    assert done.exit_code is ExitCode.NOT_FOUND


def test_ctrl_c_ends_the_wait_and_not_what_was_sent(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused, later={"rollouts": [KeyboardInterrupt()]})
    done = rolloutctl("promote", "demo", "--wait", "-o", "json")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "what was sent stays" in done.stderr
    assert json.loads(done.stdout)["results"][0]["result"] == "changed"
    assert len(cluster.sent) == 1


# --- dry runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "field"),
    [
        (("promote",), "- status.pauseConditions: "),
        (("promote", "--full"), "+ status.promoteFull: true"),
        (("abort",), "+ status.abort: true"),
        (("pause",), "+ spec.paused: true"),
    ],
)
def test_a_dry_run_shows_the_diff_and_the_patch_and_sends_nothing(
    rolloutctl: Program, at: At, argv: tuple[str, ...], field: str
) -> None:
    cluster = at("canary-pause-promote", paused)
    done = rolloutctl(*argv, "demo", "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert done.stdout.startswith("demo: would do: ")
    assert field in done.stdout
    assert "PATCH rollouts/demo" in done.stdout
    assert '{"op": "test", "path": "/metadata/uid"' in done.stdout
    assert cluster.sent == [] and cluster.tried == []
    tried = rolloutctl(*argv, "demo", "--dry-run=server")
    assert tried.exit_code is ExitCode.OK
    assert "the server would accept" in tried.stdout
    assert cluster.sent == [] and len(cluster.tried) == 1


# --- many, and formats --------------------------------------------------------------------------


def several(*names: str, **settings: Any) -> ChangingCluster:
    item = moment("canary-pause-promote", paused).objects["rollouts"][0]
    items = []
    for name in names:
        own = copy.deepcopy(item)
        own["metadata"].update(name=name, uid=name)
        items.append(own)
    return ChangingCluster({"rollouts": items}, namespace="shop", **settings)


def test_all_are_tried_each_with_its_own_line(rolloutctl: Program) -> None:
    cluster = several("one", "two", intrusions=[Forbidden("not allowed"), None])
    rolloutctl.cluster = cluster
    done = rolloutctl("promote", "one", "absent", "two")
    assert done.exit_code is ExitCode.FAILED
    assert done.stdout == "two: step 2/4 (pause) → 3/4 (set weight 80)\n"
    assert "shop/one: not allowed" in done.stderr
    assert "absent" in done.stderr


def test_an_unknown_name_is_said_once_with_a_near_one(rolloutctl: Program) -> None:
    rolloutctl.cluster = several("checkout")
    done = rolloutctl("abort", "chekout")
    assert done.exit_code is ExitCode.NOT_FOUND
    assert done.stderr.startswith('✗ no rollout "chekout" in namespace shop')
    assert "checkout?" in done.stderr


def test_failing_alike_keeps_the_exit_code(rolloutctl: Program) -> None:
    rolloutctl.cluster = several("one")
    assert rolloutctl("promote", "a", "b").exit_code is ExitCode.NOT_FOUND


def test_json_has_a_result_for_each(rolloutctl: Program) -> None:
    rolloutctl.cluster = several("one")
    done = rolloutctl("promote", "one", "absent", "-o", "json")
    report = json.loads(done.stdout)
    assert (report["apiVersion"], report["kind"]) == ("rolloutctl/v1", "Changes")
    assert report["exitCode"] == done.exit_code
    first, second = report["results"]
    assert (first["name"], first["result"], first["from"]["step"]["number"]) == (
        "one",
        "changed",
        2,
    )
    assert first["to"]["step"]["text"] == "setWeight: 80"
    assert first["patches"][0]["subresource"] == "status"
    assert second["result"] == "failed"
    assert second["error"]["exitCode"] == ExitCode.NOT_FOUND


def test_json_of_a_wait_holds_the_outcome(rolloutctl: Program, at: At) -> None:
    at("plugin-running-abort", running, then=True)
    done = rolloutctl("abort", "demo", "--wait", "--timeout", "9s", "-o", "json")
    (entry,) = json.loads(done.stdout)["results"]
    assert entry["outcome"]["end"] == "aborted"
    assert [run["number"] for run in entry["outcome"]["aborted"]] == [3, 1]
    assert entry["outcome"]["aborted"][0]["abort"]["phase"] == "Successful"


def test_the_other_formats(rolloutctl: Program) -> None:
    rolloutctl.cluster = several("one", "two")
    assert yaml.safe_load(rolloutctl("pause", "one", "-o", "yaml").stdout)["action"] == "pause"
    lines = rolloutctl("abort", "one", "two", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["one", "two"]
    named = rolloutctl("resume", "one", "two", "-o", "name")
    assert named.stdout == "rollout.argoproj.io/one\n"


def test_hostile_text_stays_on_its_line_and_uncoloured(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    steps = cluster.rollout["spec"]["strategy"]["canary"]["steps"]
    steps[2] = {"plugin": {"name": "evil/\x1b[31m[red]x\ny"}}
    done = rolloutctl("promote", "demo")
    assert done.exit_code is ExitCode.OK
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\n") == 1


def test_an_object_that_is_no_rollout_is_told(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    cluster.rollout["status"]["currentStepIndex"] = "two"
    done = rolloutctl("promote", "demo")
    assert done.exit_code is ExitCode.CLUSTER
    assert "does not have the form of a rollout" in done.stderr
    assert cluster.sent == []


def test_what_cannot_be_followed_was_changed_all_the_same(rolloutctl: Program, at: At) -> None:
    cluster = at("canary-pause-promote", paused)
    cluster.later["rollouts"] = [Forbidden("not allowed to watch rollouts")]
    done = rolloutctl("promote", "demo", "--wait", "-o", "json")
    assert done.exit_code is ExitCode.CLUSTER
    assert "the change was made, but not followed: not allowed to watch" in done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["result"] == "changed"
    assert result["exitCode"] == ExitCode.CLUSTER
    assert result["error"]["message"].endswith("not allowed to watch rollouts")
    assert len(cluster.sent) == 1
