"""promote, abort, retry, pause, resume: what changes, what is refused, what is said."""

from __future__ import annotations

import pytest

from support.shell import Shell, plugin

pytestmark = pytest.mark.e2e


def paused(shell: Shell, *after: dict[str, object], name: str = "web") -> None:
    shell.rollout(name, {"setWeight": 50}, {"pause": {}}, *after)
    shell.ship(name, "v2")
    shell.until(name, "paused")


def gated(shell: Shell, *before: dict[str, object]) -> None:
    shell.rollout("web", *before, plugin("Running", requeue="1h"), {"setWeight": 50}, {"pause": {}})
    shell.ship("web", "v2")
    shell.until("web", "plugin=step/e2e-test:Running")


def test_promote_moves_one_step_and_says_which(shell: Shell) -> None:
    paused(shell, {"setWeight": 80}, {"pause": {}})
    done = shell.rolloutctl("promote", "web")
    assert done.code == 0, done.stderr
    assert "2/4" in done.stdout and "3/4" in done.stdout
    shell.until("web", "step=4")


def test_promote_and_wait_ends_healthy(shell: Shell) -> None:
    paused(shell)
    done = shell.rolloutctl("promote", "web", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    assert shell.facts("web")["rollout"]["phase"] == "Healthy"


def test_promoting_what_is_healthy_is_never_called_promoted(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    done = shell.rolloutctl("promote", "web")
    assert "promoted" not in done.stdout.replace("fully promoted", "").replace(
        "already promoted", ""
    )
    full = shell.rolloutctl("promote", "web", "--full", "--yes")
    assert "othing to" in full.stdout + full.stderr


def test_a_running_gate_is_not_skipped_silently(shell: Shell) -> None:
    gated(shell)
    refused = shell.rolloutctl("promote", "web")
    assert refused.code != 0
    assert "--skip-step" in refused.stderr + refused.stdout
    assert shell.facts("web")["rollout"]["step"]["number"] == 1
    done = shell.rolloutctl("promote", "web", "--skip-step")
    assert done.code == 0, done.stderr
    shell.until("web", "step=3")


def test_full_promotion_terminates_the_running_plugin(shell: Shell) -> None:
    gated(shell)
    unasked = shell.rolloutctl("promote", "web", "--full")
    assert unasked.code == 2
    assert "--yes" in unasked.stderr
    done = shell.rolloutctl("promote", "web", "--full", "--yes", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    assert "step/e2e-test" in done.stdout + done.stderr
    run = shell.facts("web")["plugins"][0]
    assert run["phase"] == "Running"
    assert run["terminate"]["phase"] == "Successful"


def test_abort_reports_the_plugins_in_the_controllers_order(shell: Shell) -> None:
    gated(shell, plugin(), {"setWeight": 25})
    done = shell.rolloutctl("abort", "web", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    said = done.stdout + done.stderr
    assert said.index("step 3") < said.rindex("step 1")
    runs = shell.facts("web")["plugins"]
    assert [run["abort"]["phase"] for run in runs] == ["Successful", "Successful"]


def test_aborting_what_is_promoted_is_said_to_do_nothing(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50})
    done = shell.rolloutctl("abort", "web")
    assert "othing to abort" in done.stdout + done.stderr
    assert shell.rolloutctl("status", "web").code == 0


def test_retry_starts_over(shell: Shell) -> None:
    paused(shell)
    early = shell.rolloutctl("retry", "web")
    assert "othing to retry" in early.stdout + early.stderr
    assert shell.rolloutctl("abort", "web", "--wait").code == 0
    assert shell.rolloutctl("retry", "web").code == 0
    shell.until("web", "paused")


def test_full_promotion_of_an_aborted_rollout_needs_force(shell: Shell) -> None:
    paused(shell)
    shell.rolloutctl("abort", "web", "--wait")
    refused = shell.rolloutctl("promote", "web", "--full", "--yes")
    assert refused.code != 0
    assert "--force" in refused.stderr + refused.stdout
    done = shell.rolloutctl("promote", "web", "--full", "--yes", "--force", "--wait")
    assert done.code == 0, done.stderr


def test_pause_and_resume(shell: Shell) -> None:
    gated(shell)
    assert shell.rolloutctl("pause", "web").code == 0
    shell.until("web", "paused")
    assert "manually paused" in shell.facts("web")["rollout"]["message"]
    refused = shell.rolloutctl("promote", "web", "--skip-step")
    assert refused.code != 0
    assert "resume" in refused.stderr + refused.stdout
    assert shell.facts("web")["rollout"]["step"]["number"] == 1
    assert shell.rolloutctl("resume", "web").code == 0
    again = shell.rolloutctl("resume", "web")
    assert (again.code, again.stdout) == (0, "web: nothing to do: no person holds it\n")


def test_resume_is_not_promote(shell: Shell) -> None:
    paused(shell)
    done = shell.rolloutctl("resume", "web")
    assert done.code == 6
    assert "promote moves it past that" in done.stderr
    assert shell.facts("web")["rollout"]["phase"] == "Paused"


def test_a_dry_run_sends_nothing(shell: Shell) -> None:
    paused(shell)
    before = shell.facts("web")
    for argv in (["promote"], ["promote", "--full"], ["abort"], ["pause"]):
        done = shell.rolloutctl(*argv, "web", "--dry-run")
        assert done.code == 0, done.stderr
        assert "/status" in done.stdout or "/spec" in done.stdout
        server = shell.rolloutctl(
            *argv, "web", "--dry-run=server", "--yes" if "--full" in argv else "-y"
        )
        assert server.code == 0, server.stderr
    assert shell.facts("web")["rollout"] == before["rollout"]


def test_several_at_once_each_with_its_own_line_and_a_worst_code(shell: Shell) -> None:
    paused(shell, name="one")
    paused(shell, name="two")
    done = shell.rolloutctl("promote", "one", "ro/two", "absent")
    assert done.code == 1
    said = done.stdout + done.stderr
    assert "one" in said and "two" in said and "absent" in said
    shell.until("one", "healthy")
    shell.until("two", "healthy")


def test_a_promotion_right_after_a_new_image_is_not_lost(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}}, replicas=1)
    shell.ship("web", "v2")
    done = shell.rolloutctl("promote", "web", "--full", "--yes", "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    facts = shell.facts("web")
    assert facts["rollout"]["phase"] == "Healthy"
    assert "demo:v2" in str(facts["revisions"][0])


def test_undo_goes_back_and_restart_renews_the_pods(shell: Shell) -> None:
    paused(shell)
    tried = shell.rolloutctl("undo", "web", "--dry-run=server", "--yes")
    assert tried.code == 0 and "the server would accept" in tried.stdout, tried.stderr
    undone = shell.rolloutctl("undo", "web", "--yes", "--wait", "--timeout", "30s")
    assert undone.code == 0, undone.stderr
    assert "back to revision 1" in undone.stdout and "Healthy after" in undone.stdout
    restarted = shell.rolloutctl("restart", "web", "--yes", "--wait", "--timeout", "60s")
    assert restarted.code == 0, restarted.stderr
    assert "all its pods are new" in restarted.stdout
