"""Conditions of a rollout. Source: argo-rollouts, utils/conditions/conditions.go."""

from __future__ import annotations

from .objects import Obj, dig, items, number, spec_replicas, text
from .steps import steps_of

Conditions = list[Obj]


def find(conditions: Conditions, kind: str) -> Obj | None:
    return next((each for each in conditions if each.get("type") == kind), None)


def condition(kind: str, status: str, reason: str, message: str, at: str) -> Obj:
    """A condition as of `at` (an RFC 3339 text); `status` is True, False or Unknown."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
    }


def put(conditions: Conditions, new: Obj) -> bool:
    """Write `new` over that of its type; False if neither status nor reason would change.

    What changes moves to the end; `lastTransitionTime` goes with the status alone. InvalidSpec
    is rewritten for another message as well.
    """
    old = find(conditions, new["type"])
    if old is not None:
        same = old.get("status") == new["status"] and old.get("reason") == new["reason"]
        if same and (new["type"] != "InvalidSpec" or old.get("message") == new["message"]):
            return False
        if old.get("status") == new["status"]:
            new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    remove(conditions, new["type"])
    conditions.append(new)
    return True


def remove(conditions: Conditions, kind: str) -> None:
    conditions[:] = [each for each in conditions if each.get("type") != kind]


def is_complete(status: Obj) -> bool:
    """Whether the stable version is the current one; nothing about pods."""
    stable = text(status, "stableRS")
    return stable != "" and stable == text(status, "currentPodHash")


def is_healthy(rollout: Obj, status: Obj) -> bool:
    """Whether `status`, computed for `rollout`, is that of a finished and running update."""
    replicas = spec_replicas(rollout)
    steps = steps_of(rollout)
    index = status.get("currentStepIndex")
    complete = (
        number(status, "updatedReplicas") == replicas
        and number(status, "availableReplicas") == replicas
        and dig(rollout, "status", "observedGeneration")
        == str(number(rollout, "metadata", "generation"))
    )
    blue_green = dig(rollout, "spec", "strategy", "blueGreen")
    if blue_green is not None:
        selected = [text(status, "blueGreen", "activeSelector")]
        if text(blue_green, "previewService"):
            selected.append(text(status, "blueGreen", "previewSelector"))
        return complete and set(selected) == {text(status, "currentPodHash")}
    return (
        complete
        and (not steps or index is None or index == len(steps))
        and is_complete(status)
        and number(status, "replicas") == replicas
    )


def made_progress(old: Obj, new: Obj) -> bool:
    """Whether anything between the two statuses counts as progress."""
    updated = "updatedReplicas"
    return (
        number(new, updated) != number(old, updated)
        or number(new, "replicas") - number(new, updated)
        < number(old, "replicas") - number(old, updated)
        or number(new, "readyReplicas") > number(old, "readyReplicas")
        or number(new, "availableReplicas") > number(old, "availableReplicas")
        or text(new, "stableRS") != text(old, "stableRS")
        or new.get("currentStepIndex") != old.get("currentStepIndex")
        or text(new, "currentStepHash") != text(old, "currentStepHash")
        or any(
            text(new, "blueGreen", key) != text(old, "blueGreen", key)
            for key in ("activeSelector", "previewSelector")
        )
    )


def of_status(status: Obj) -> Conditions:
    """A list of the status' conditions that may be changed."""
    return [dict(each) for each in items(status, "conditions") if isinstance(each, dict)]
