"""What each action decides, for states a real controller was recorded in."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import (
    Action,
    Decision,
    NeedsForce,
    NeedsSkip,
    Note,
    NothingToDo,
    NotObserved,
    Refused,
    Seen,
)
from rolloutctl.errors import ExitCode
from support.recorded import moment

Rollout = dict[str, Any]
Edit = Callable[[Rollout], object]


def paused(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def aborted(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("abortedAt"))


def held(item: Mapping[str, Any]) -> bool:
    return bool(item["spec"].get("paused")) and item["status"].get("phase") == "Paused"


def full(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("promoteFull"))


def new_template(item: Mapping[str, Any]) -> bool:
    image: str = item["spec"]["template"]["spec"]["containers"][0]["image"]
    return image.endswith(":v2") and item["status"]["phase"] == "Healthy"


def running(item: Mapping[str, Any]) -> bool:
    records = item.get("status", {}).get("canary", {}).get("stepPluginStatuses") or []
    return any(record.get("phase") == "Running" for record in records)


def seen(name: str, when: Callable[[Mapping[str, Any]], bool] | None, *edits: Edit) -> Seen:
    item = copy.deepcopy(moment(name, when).objects["rollouts"][0])
    for edit in edits:
        edit(item)
    return Seen.read(json.dumps(item).encode())


def effects(decision: Decision) -> list[tuple[str, list[tuple[str, str, Any]]]]:
    """Per PATCH: the subresource, and (op, path, value) of all but the tests."""
    return [
        (
            change.subresource,
            [
                (operation["op"], operation["path"], operation.get("value"))
                for operation in change.operations
                if operation["op"] != "test"
            ],
        )
        for change in decision.changes
    ]


LIFT = ("remove", "/status/pauseConditions", None)
FULL = ("add", "/status/promoteFull", True)
UNPAUSE = ("", [("add", "/spec/paused", False)])


def status(**fields: Any) -> Edit:
    return lambda item: item["status"].update(fields)


def spec(**fields: Any) -> Edit:
    return lambda item: item["spec"].update(fields)


def inconclusive(item: Rollout) -> None:
    item["spec"]["strategy"]["canary"]["steps"][1] = {"analysis": {"templates": []}}
    item["status"]["pauseConditions"] = [
        {"reason": "InconclusiveAnalysisRun", "startTime": "2026-11-22T22:51:42Z"}
    ]
    item["status"]["canary"]["currentStepAnalysisRunStatus"] = {
        "name": "a",
        "status": "Inconclusive",
    }


def blue_green(**fields: Any) -> Edit:
    return lambda item: item["spec"]["strategy"]["blueGreen"].update(fields)


PROMOTE, FULLY = changes.promote_next, changes.promote_full


@pytest.mark.parametrize(
    ("name", "when", "edits", "decide", "expected"),
    [
        ("canary-pause-promote", paused, [], PROMOTE, [("status", [LIFT])]),
        (
            "canary-pause-promote",
            paused,
            [spec(paused=True)],
            lambda s: changes.promote_next(s, skip_step=True),
            [("status", [LIFT]), UNPAUSE],
        ),
        (
            "canary-pause-promote",
            paused,
            [inconclusive],
            PROMOTE,
            [
                (
                    "status",
                    [
                        LIFT,
                        ("add", "/status/controllerPause", False),
                        ("add", "/status/currentStepIndex", 2),
                    ],
                )
            ],
        ),
        (
            "plugin-promote-full-terminates",
            running,
            [],
            lambda s: changes.promote_next(s, skip_step=True),
            [("status", [("add", "/status/currentStepIndex", 2)])],
        ),
        ("bluegreen-promote", paused, [], PROMOTE, [("status", [LIFT])]),
        (
            "bluegreen-promote",
            paused,
            [blue_green(autoPromotionEnabled=True, autoPromotionSeconds=60)],
            PROMOTE,
            [("status", [FULL])],
        ),
        (
            # With auto-promotion switched off the seconds are ignored.
            "bluegreen-promote",
            paused,
            [blue_green(autoPromotionEnabled=False, autoPromotionSeconds=60)],
            PROMOTE,
            [("status", [LIFT])],
        ),
        ("canary-pause-full", paused, [], FULLY, [("status", [FULL])]),
        (
            "canary-pause-full",
            paused,
            [spec(paused=True)],
            FULLY,
            [("status", [FULL]), UNPAUSE],
        ),
        (
            "canary-pause-full",
            full,
            [spec(paused=True)],
            FULLY,
            [UNPAUSE],
        ),
        (
            "plugin-running-abort",
            aborted,
            [],
            lambda s: changes.promote_full(s, force=True),
            [("status", [FULL])],
        ),
        (
            "plugin-running-abort",
            running,
            [],
            changes.abort,
            [("status", [("add", "/status/abort", True)])],
        ),
        (
            "canary-pause-full",
            full,
            [],
            changes.abort,
            [("status", [("remove", "/status/promoteFull", None), ("add", "/status/abort", True)])],
        ),
        (
            "canary-pause-promote",
            paused,
            [spec(paused=True)],
            lambda s: changes.abort(s, resume=True),
            [("status", [("add", "/status/abort", True)]), UNPAUSE],
        ),
        (
            "plugin-abort-retry",
            aborted,
            [],
            changes.retry,
            [("status", [("add", "/status/abort", False)])],
        ),
        (
            "canary-pause-promote",
            paused,
            [],
            changes.pause,
            [("", [("add", "/spec/paused", True)])],
        ),
        ("plugin-paused-by-user", held, [], changes.resume, [UNPAUSE]),
    ],
)
def test_the_patches(
    name: str,
    when: Callable[[Mapping[str, Any]], bool],
    edits: list[Edit],
    decide: Callable[[Seen], Decision],
    expected: object,
) -> None:
    assert effects(decide(seen(name, when, *edits))) == expected


@pytest.mark.parametrize(
    ("name", "when", "edits", "decide", "error", "says"),
    [
        ("canary-pause-promote", None, [], PROMOTE, NothingToDo, "nothing to promote"),
        ("canary-pause-promote", None, [], FULLY, NothingToDo, "nothing to promote"),
        ("canary-pause-promote", None, [], changes.abort, NothingToDo, "nothing to abort"),
        ("canary-pause-promote", None, [], changes.retry, NothingToDo, "nothing to retry"),
        ("canary-pause-promote", None, [], changes.resume, NothingToDo, "no person holds it"),
        ("canary-pause-full", full, [], PROMOTE, NothingToDo, "in full"),
        ("canary-pause-full", full, [], FULLY, NothingToDo, "in full already"),
        ("plugin-running-abort", aborted, [], changes.abort, NothingToDo, "aborted already"),
        ("plugin-running-abort", aborted, [], PROMOTE, Refused, "was aborted"),
        ("plugin-running-abort", aborted, [], FULLY, NeedsForce, "that same version"),
        (
            "plugin-running-abort",
            aborted,
            [status(promoteFull=True)],
            changes.retry,
            Refused,
            "in full",
        ),
        (
            "canary-bad-image-deadline",
            lambda item: item.get("status", {}).get("phase") == "Degraded",
            [],
            changes.retry,
            Refused,
            "was not aborted",
        ),
        ("plugin-paused-by-user", held, [], PROMOTE, Refused, "held by a person"),
        ("plugin-paused-by-user", held, [], changes.pause, NothingToDo, "already"),
        (
            "canary-pause-promote",
            paused,
            [spec(paused=True)],
            PROMOTE,
            NeedsSkip,
            "besides its pause a person holds it",
        ),
        ("canary-pause-promote", paused, [], changes.resume, Refused, "pauses by itself"),
        ("canary-pause-promote", new_template, [], PROMOTE, NotObserved, "newest spec"),
        ("canary-pause-promote", new_template, [], FULLY, NotObserved, "newest spec"),
        ("canary-pause-promote", new_template, [], changes.abort, NotObserved, "newest spec"),
        ("canary-pause-promote", new_template, [], changes.retry, NotObserved, "newest spec"),
        (
            "canary-pause-promote",
            lambda item: True,
            [],
            PROMOTE,
            NotObserved,
            "no controller",
        ),
        (
            # The pause was lifted, and the controller has not yet reacted: once more is too much.
            "canary-pause-promote",
            lambda item: bool(item.get("status", {}).get("controllerPause")) and not paused(item),
            [],
            PROMOTE,
            Refused,
            "just been promoted",
        ),
        ("plugin-promote-full-terminates", running, [], PROMOTE, NeedsSkip, "e2e-test, Running"),
        (
            "canary-no-steps",
            lambda item: (
                (
                    item.get("status", {}).get("currentPodHash") != item["status"].get("stableRS")
                    and bool(item["status"].get("stableRS"))
                )
                if "status" in item
                else False
            ),
            [],
            PROMOTE,
            NothingToDo,
            "no steps",
        ),
        (
            "bluegreen-promote",
            paused,
            [lambda item: item["status"].pop("pauseConditions"), status(controllerPause=False)],
            PROMOTE,
            Refused,
            "does not wait for a promotion",
        ),
        (
            "bluegreen-promote",
            paused,
            [
                blue_green(
                    autoPromotionEnabled=True, autoPromotionSeconds=60, postPromotionAnalysis={}
                )
            ],
            PROMOTE,
            NeedsSkip,
            "post-promotion analysis",
        ),
        (
            "canary-pause-promote",
            paused,
            [
                lambda item: item["status"]["conditions"].append(
                    {"type": "InvalidSpec", "status": "True", "message": "steps are wrong"}
                )
            ],
            changes.abort,
            Refused,
            "steps are wrong",
        ),
        (
            "canary-pause-promote",
            paused,
            [lambda item: item["metadata"].update(deletionTimestamp="2026-11-22T22:51:42Z")],
            changes.pause,
            Refused,
            "being deleted",
        ),
        (
            "plugin-running-abort",
            aborted,
            [lambda item: item["status"].pop("abortedAt")],
            changes.retry,
            NotObserved,
            "not carried it out",
        ),
    ],
)
def test_when_there_is_no_patch(
    name: str,
    when: Callable[[Mapping[str, Any]], bool] | None,
    edits: list[Edit],
    decide: Callable[[Seen], Decision],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says) as caught:
        decide(seen(name, when, *edits))
    assert type(caught.value) is error


def test_the_exit_codes_of_what_is_not_done() -> None:
    assert NothingToDo("").exit_code is ExitCode.OK
    assert Refused("").exit_code is ExitCode.CONFLICT


def test_promoting_past_a_pause_says_where_it_leads() -> None:
    decision = changes.promote_next(seen("canary-pause-promote", paused))
    assert (decision.before.index, decision.expected.index, decision.before.count) == (1, 2, 4)
    assert decision.reasons == ("CanaryPauseStep",)
    assert decision.skips == ()


def test_full_promotion_knows_what_it_skips_and_terminates() -> None:
    decision = changes.promote_full(seen("plugin-promote-full-terminates", running))
    assert [entry.index for entry in decision.skips] == [1, 2]
    assert decision.terminates is not None
    assert (decision.terminates.index, decision.terminates.phase) == (1, "Running")
    assert decision.leaves == ()


def test_skipping_a_running_plugin_leaves_it_running() -> None:
    with pytest.raises(NeedsSkip) as caught:
        changes.promote_next(seen("plugin-promote-full-terminates", running))
    decision = caught.value.decision
    assert [run.index for run in decision.leaves] == [1]
    assert Note.PLUGIN_LEFT_RUNNING in decision.notes


def test_abort_knows_the_controllers_order() -> None:
    decision = changes.abort(seen("plugin-running-abort", running))
    assert [run.index for run in decision.aborts] == [2, 0]


@pytest.mark.parametrize(
    ("name", "when", "edits", "decide", "note"),
    [
        ("canary-pause-full", full, [], changes.abort, Note.CLEARS_FULL),
        ("canary-pause-full", paused, [spec(paused=True)], changes.abort, Note.STAYS_HELD),
        (
            "canary-pause-full",
            paused,
            [spec(rollbackWindow={"revisions": 2})],
            changes.abort,
            Note.ROLLBACK_WINDOW,
        ),
        (
            "plugin-running-abort",
            aborted,
            [],
            lambda s: changes.promote_full(s, force=True),
            Note.SHIPS_ABORTED,
        ),
        ("plugin-running-abort", aborted, [], changes.retry, Note.SAME_VERSION),
        ("canary-pause-promote", None, [], changes.pause, Note.NOTHING_UNDER_WAY),
    ],
)
def test_what_else_a_person_should_know(
    name: str,
    when: Callable[[Mapping[str, Any]], bool] | None,
    edits: list[Edit],
    decide: Callable[[Seen], Decision],
    note: Note,
) -> None:
    assert note in decide(seen(name, when, *edits)).notes


def test_retry_says_when_step_1_goes_on_with_its_old_record() -> None:
    def error(item: Rollout) -> None:
        item["spec"]["strategy"]["canary"]["steps"][0] = {"plugin": {"name": "step/e2e-test"}}
        item["status"]["canary"]["stepPluginStatuses"] = [
            {"index": 0, "name": "step/e2e-test", "operation": "Run", "phase": "Error"}
        ]

    assert Note.KEEPS_RECORDS in changes.retry(seen("plugin-abort-retry", aborted, error)).notes


def test_blue_green_with_a_countdown_is_promoted_in_full_but_called_a_promotion() -> None:
    edit = blue_green(autoPromotionEnabled=None, autoPromotionSeconds=60)
    decision = changes.promote_next(seen("bluegreen-promote", paused, edit))
    assert decision.action is Action.PROMOTE
    assert Note.AUTO_PROMOTION in decision.notes
