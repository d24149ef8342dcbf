"""What each next command would do, held against the controller's traps."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.domain.decision import Note
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.commands import Command as C
from rolloutctl.domain.explain.commands import Trap, Verdict
from rolloutctl.domain.wire import Rollout
from support.explained import (
    analysing,
    at,
    experimenting,
    explained,
    held,
    outcome,
    paused,
    plugin_running,
    reading,
    status,
)
from support.explained_parts import explained as of
from support.explained_parts import pod, replica_set, seen
from support.objects import AT, GATE, PAUSE, aborted, canary, record, rollout, weight

SETS = [replica_set("bbb", 2, ready=1), replica_set("aaa", 1, ready=1)]


def blue_green(status: dict[str, Any], **strategy: Any) -> Rollout:
    return rollout(
        {"replicas": 1, "strategy": {"blueGreen": {"activeService": "a", **strategy}}},
        {"stableRS": "aaa", "currentPodHash": "bbb", "phase": "Progressing", **status},
    )


# --- promote ------------------------------------------------------------------------------------


def test_promote_leaves_a_pause_without_skipping_anything() -> None:
    found = outcome(explained("canary-pause-promote", paused), C.PROMOTE)
    assert (found.verdict, found.to_index, found.skips) == (Verdict.WORKS, 2, ())


def test_promote_past_a_running_plugin_leaves_it_running() -> None:
    found = outcome(explained("plugin-running-abort", plugin_running), C.PROMOTE)
    assert (found.verdict, found.option) == (Verdict.NEEDS_OPTION, "--skip-step")
    assert [run.index for run in found.leaves] == [2]
    assert Note.PLUGIN_LEFT_RUNNING in found.notes


def test_promote_past_a_running_analysis_stops_it() -> None:
    found = outcome(explained("analysis-step-success", analysing), C.PROMOTE)
    assert [run.kind for run in found.ends] == ["AnalysisRun"]
    assert Trap.RESULT_LOST in found.traps
    found = outcome(explained("experiment-step", experimenting), C.PROMOTE)
    assert [run.kind for run in found.ends] == ["Experiment"]
    assert Trap.RESULT_LOST in found.traps


def test_stopping_the_analysis_of_a_step_lets_the_step_succeed() -> None:
    """As recorded: analysis-terminated goes on to Healthy."""
    found = outcome(explained("analysis-terminated", analysing), C.TERMINATE_ANALYSIS)
    assert (found.verdict, found.traps) == (Verdict.WORKS, (Trap.STEP_SUCCEEDS,))
    assert found.target == "demo-b6bcc645c-2-1"
    assert explained("analysis-terminated").picture.status.phase == "Healthy"


def test_a_countdown_only_starts_again_where_other_clients_promote() -> None:
    found = outcome(explained("bluegreen-auto", paused), C.PROMOTE)
    assert Trap.RESTARTS_COUNTDOWN in found.traps
    assert Note.AUTO_PROMOTION in found.notes
    by_hand = outcome(explained("bluegreen-promote", paused), C.PROMOTE)
    assert by_hand.traps == ()


def test_after_a_blue_green_promotion_its_analysis_still_decides() -> None:
    held = {"phase": "Paused", "pauseConditions": [{"reason": "BlueGreenPause", "startTime": AT}]}
    strategy = {"autoPromotionEnabled": False, "postPromotionAnalysis": {}}
    found = outcome(of(blue_green(held, **strategy)), C.PROMOTE)
    assert (found.verdict, found.traps) == (Verdict.WORKS, (Trap.ANALYSIS_FOLLOWS,))


def test_a_hold_by_a_person_is_not_promoted_as_other_clients_do() -> None:
    found = explained("plugin-paused-by-user", held)
    promote = outcome(found, C.PROMOTE)
    assert promote.verdict is Verdict.REFUSED
    assert Trap.OTHERS_SKIP_A_STEP in promote.traps
    resume = outcome(found, C.RESUME)
    assert (resume.verdict, resume.to_index, resume.skips) == (Verdict.WORKS, 0, ())


def test_an_aborted_rollout_is_not_promoted_by_a_step() -> None:
    found = outcome(explained("plugin-running-abort"), C.PROMOTE)
    assert found.verdict is Verdict.REFUSED
    assert found.refusal is not None and "aborted" in found.refusal.message


# --- promote --full -----------------------------------------------------------------------------


def test_a_full_promotion_of_an_aborted_rollout_ships_the_aborted_version() -> None:
    """As recorded: plugin-full-after-abort ends with revision 2 as the stable one."""
    found = outcome(
        explained("plugin-full-after-abort", lambda r: status(r).get("abortedAt")), C.PROMOTE_FULL
    )
    assert (found.verdict, found.option, found.to_revision) == (Verdict.NEEDS_OPTION, "--force", 2)
    assert Note.SHIPS_ABORTED in found.notes
    assert explained("plugin-full-after-abort").picture.stable_revision == 2


def test_a_full_promotion_terminates_the_plugin_at_work() -> None:
    found = outcome(explained("plugin-promote-full-terminates", plugin_running), C.PROMOTE_FULL)
    assert found.terminates is not None and found.terminates.in_flight


def test_a_full_promotion_leaves_the_routers_weight_as_it_is_until_the_end() -> None:
    found = outcome(explained("istio-full", paused), C.PROMOTE_FULL)
    assert Trap.WEIGHT_STAYS in found.traps
    assert outcome(explained("canary-pause-full", paused), C.PROMOTE_FULL).traps == ()


def test_a_full_promotion_needs_the_pods_that_do_not_start() -> None:
    found = explained("canary-bad-image-deadline")
    assert Trap.NEEDS_PODS in outcome(found, C.PROMOTE_FULL).traps


# --- abort, retry -------------------------------------------------------------------------------


def test_an_abort_calls_abort_of_the_plugins_in_reverse_order_and_stays_degraded() -> None:
    found = outcome(explained("plugin-running-abort", plugin_running), C.ABORT)
    assert [run.index for run in found.aborts] == [2, 0]
    assert (found.to_revision, found.traps) == (1, (Trap.STAYS_DEGRADED,))


def test_an_abort_does_not_call_the_plugin_that_errors() -> None:
    found = outcome(explained("plugin-error-deadline"), C.ABORT)
    assert Trap.FAILED_STEP_NOT_CALLED in found.traps
    assert [run.index for run in found.aborts] == [0]


def test_an_abort_while_a_person_holds_it_resizes_nothing() -> None:
    found = outcome(explained("plugin-paused-by-user", held), C.ABORT)
    assert Note.STAYS_HELD in found.notes


def test_an_abort_of_a_promoted_rollout_is_lost() -> None:
    """As recorded: canary-abort-healthy, whose abort the controller undoes."""
    found = outcome(explained("canary-abort-healthy"), C.ABORT)
    assert (found.verdict, found.traps) == (Verdict.NOTHING, (Trap.ABORT_IS_LOST,))


@pytest.mark.parametrize(
    ("delay", "routing", "stays"),
    [
        (None, {"istio": {}}, True),
        (0, {"istio": {}}, False),
        (60, {"istio": {}}, True),
        (None, None, False),
        (60, None, False),
    ],
)
def test_pods_of_the_new_version_stay_after_an_abort_with_routing(
    delay: int | None, routing: dict[str, Any] | None, stays: bool
) -> None:
    r = canary(PAUSE, routing=routing)
    now = seen(r, spec__strategy__canary__abortScaleDownDelaySeconds=delay)
    found = outcome(explain(Material(now)), C.ABORT)
    assert (Trap.CANARY_PODS_STAY in found.traps) is stays


def test_a_blue_green_abort_after_the_switch_needs_the_new_pods() -> None:
    switched = blue_green({"blueGreen": {"activeSelector": "bbb"}})
    assert Trap.SWITCH_NEEDS_PODS in outcome(of(switched), C.ABORT).traps
    before = blue_green({"blueGreen": {"activeSelector": "aaa"}})
    found = outcome(of(before), C.ABORT)
    assert Trap.SWITCH_NEEDS_PODS not in found.traps and Trap.CANARY_PODS_STAY in found.traps


def test_a_retry_starts_at_step_1_with_the_same_version_and_calls_plugins_again() -> None:
    found = outcome(explained("plugin-failed-aborts"), C.RETRY)
    assert (found.verdict, found.to_index, found.to_revision) == (Verdict.WORKS, 0, 2)
    assert Trap.STEPS_RUN_AGAIN in found.traps and Note.SAME_VERSION in found.notes


def test_a_retry_keeps_the_record_of_a_first_step_in_error() -> None:
    r = aborted(GATE, records=[record(0, "Error", message="no", backoff="30s")])
    assert Note.KEEPS_RECORDS in outcome(of(r), C.RETRY).notes


def test_a_degraded_rollout_that_was_not_aborted_is_not_retried() -> None:
    found = outcome(explained("plugin-unknown"), C.RETRY)
    assert found.verdict is Verdict.REFUSED
    assert found.refusal is not None and "abort and retry" in found.refusal.hint


# --- pause --------------------------------------------------------------------------------------


def test_pause_and_resume_free_a_plugin_that_is_past_the_deadline() -> None:
    found = explained("plugin-error-deadline")
    traps = outcome(found, C.PAUSE).traps
    assert Trap.FREES_PLUGIN in traps and Trap.PLUGIN_SUSPENDED not in traps
    before = explained("plugin-running-abort", plugin_running)
    traps = outcome(before, C.PAUSE).traps
    assert Trap.PLUGIN_SUSPENDED in traps and Trap.FREES_PLUGIN not in traps


def test_while_it_is_held_analyses_and_timers_go_on_and_nothing_is_resized() -> None:
    traps = outcome(explained("analysis-background-failure", background), C.PAUSE).traps
    assert Trap.ANALYSIS_GOES_ON in traps and Trap.SCALING_WAITS in traps
    timed = outcome(explained("plugin-success", paused), C.PAUSE).traps
    assert Trap.TIMER_GOES_ON in timed
    assert Trap.SCALING_WAITS not in outcome(explained("bluegreen-promote", paused), C.PAUSE).traps


def background(item: Any) -> bool:
    run = status(item).get("canary", {}).get("currentBackgroundAnalysisRunStatus") or {}
    return paused(item) and run.get("status") == "Running"


def healthy(item: Any) -> bool:
    return bool(status(item).get("phase") == "Healthy")


# --- undo ---------------------------------------------------------------------------------------


def test_undo_of_an_aborted_update_goes_back_to_the_stable_version_without_steps() -> None:
    found = outcome(explained("plugin-failed-aborts"), C.UNDO)
    assert (found.to_revision, found.traps) == (1, (Trap.TO_STABLE_SKIPS_STEPS,))


def test_undo_of_a_finished_update_runs_all_steps() -> None:
    """As recorded: canary-undo goes through its steps."""

    def second(item: Any) -> bool:
        return status(item).get("stableRS") == "b6bcc645c" and healthy(item)

    found = outcome(explained("canary-undo", second), C.UNDO)
    assert (found.verdict, found.to_revision) == (Verdict.WORKS, 1)
    assert found.traps == (Trap.RUNS_ALL_STEPS,)
    done = "Rollout step 2/2 completed (pause: 3s)"
    assert [e.count for e in explained("canary-undo").events if e.message == done] == [2]


def test_undo_does_not_tell_a_running_plugin() -> None:
    """As recorded: plugin-new-template-while-running calls neither Terminate nor Abort."""
    found = outcome(explained("plugin-running-abort", plugin_running), C.UNDO)
    assert Trap.RUNNING_PLUGIN_NOT_TOLD in found.traps


def test_undo_takes_the_second_highest_revision() -> None:
    sets = [replica_set("ccc", 5), replica_set("aaa", 7, ready=1), replica_set("bbb", 8)]
    assert outcome(of(canary(PAUSE), replica_sets=sets), C.UNDO).to_revision == 7


def test_there_is_nothing_to_undo_with_one_version() -> None:
    found = of(canary(PAUSE), replica_sets=SETS[:1])
    assert C.UNDO not in {item.command for item in found.outcomes}


@pytest.mark.parametrize(("window", "skips"), [(2, True), (1, False)])
def test_undo_within_the_rollback_window_runs_no_step(window: int, skips: bool) -> None:
    """Revision 1 was created before the stable revision 3, and one version in between."""
    r = canary(
        PAUSE,
        index=1,
        currentPodHash="ccc",
        stableRS="ccc",
        spec={"rollbackWindow": {"revisions": window}},
    )
    sets = [
        replica_set("ccc", 3, ready=1),
        replica_set("bbb", 2, wanted=0),
        replica_set("aaa", 1, wanted=0),
    ]
    # The oldest one was used again, so it has the second highest revision.
    sets[2].metadata.annotations = {"rollout.argoproj.io/revision": "5"}
    sets[0].metadata.annotations = {"rollout.argoproj.io/revision": "6"}
    found = outcome(of(r, replica_sets=sets), C.UNDO)
    assert found.to_revision == 5
    assert (Trap.WINDOW_SKIPS_STEPS in found.traps) is skips
    assert (Trap.RUNS_ALL_STEPS in found.traps) is not skips


def test_undo_of_blue_green_while_the_old_pods_are_up_is_immediate() -> None:
    r = blue_green({"stableRS": "bbb", "phase": "Healthy"})
    up = replica_set("aaa", 1, ready=1, annotations={"scale-down-deadline": AT})
    found = outcome(of(r, replica_sets=[SETS[0], up]), C.UNDO)
    assert found.traps == (Trap.STILL_UP,)


def test_undo_changes_a_workload_where_there_is_one() -> None:
    r = canary(PAUSE, spec={"workloadRef": {"kind": "Deployment", "name": "d"}})
    found = outcome(of(r, replica_sets=[SETS[0], replica_set("aaa", 1)]), C.UNDO)
    assert Trap.CHANGES_WORKLOAD in found.traps


# --- in general ---------------------------------------------------------------------------------


def test_with_an_invalid_spec_no_command_does_anything() -> None:
    found = explained("invalid-spec")
    assert {item.verdict for item in found.outcomes} == {Verdict.REFUSED}


def test_what_works_stands_first_and_pause_last_of_it() -> None:
    found = explained("plugin-failed-aborts")
    assert [item.command for item in found.outcomes if item.verdict is Verdict.WORKS] == [
        C.RETRY,
        C.UNDO,
        C.PAUSE,
    ]
    verdicts = [item.verdict for item in found.outcomes]
    works = {Verdict.WORKS, Verdict.NEEDS_OPTION}
    assert [v in works for v in verdicts] == sorted((v in works for v in verdicts), reverse=True)


def test_what_a_retry_meets_again_is_told() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "name": "app"}
    broken = pod("bbb", containerStatuses=[waiting])
    sets = [replica_set("bbb", 2), SETS[1]]
    found = of(aborted(weight(20)), replica_sets=sets, pods=[broken])
    assert outcome(found, C.RETRY).traps == (Trap.STILL_BROKEN,)


def test_a_plugin_the_controller_does_not_know_is_not_called_by_an_abort() -> None:
    found = at("plugin-unknown")
    explanation = reading(found).explanation
    assert outcome(explanation, C.ABORT).aborts == ()
