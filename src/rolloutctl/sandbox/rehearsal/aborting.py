"""What an abort at a step comes to, played on a cluster of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rolloutctl.sandbox.controller.objects import (
    Obj,
    dig,
    items,
    mapping,
    number,
    pod_hash,
    spec_replicas,
    text,
)
from rolloutctl.sandbox.controller.steps import index_of

from . import shares, stages
from .manifests import Cast
from .stage import Options, Stage


def rehearse_abort(cast: Cast, options: Options, step: Obj) -> Obj | None:
    """Play the update up to `step` (a fact of the whole rehearsal) and abort it there.

    A step that lasts is aborted when everything that it does at first is done, one that is over
    at once when its pods are there. The steps before it take no time if they can, since an abort
    finds the same after them. None when there is nothing left to abort then.
    """
    outcomes = options.outcomes.hurried(step["index"])
    stage = Stage(cast, replace(options, outcomes=outcomes), hurry=step["index"])
    is_there = _arrival(stage, step["index"])
    lasts = step["ends"] is None or step["ends"] > step["at"] or bool(step["person"])
    wanted = {"canary": step["canary"], "stable": step["stable"]}
    sent = False

    def abort_at_once() -> None:
        nonlocal sent
        if not sent and is_there() and _sizes(stage) == wanted:
            sent = True
            stage.abort()

    if lasts:
        stage.update()
        if stage.run(is_there) != "stopped":
            return None
        before = _sizes(stage)
        at = stage.at
        stage.abort()
    else:
        silence = stage.client.on_change(abort_at_once)
        stage.update()
        ended = stage.run(lambda: sent)
        silence()
        if ended != "stopped":
            return None
        at, before = stage.at, step
    stage.run()
    return _facts(stage, at, before)


def is_alike(step: Obj, before: Obj | None) -> bool:
    """Whether an abort at `step` finds all that one at the step `before` it found."""
    same = ("canary", "stable", "traffic")
    return (
        before is not None
        and step["kind"] in _QUIET
        and before["kind"] in _QUIET
        and all(step[key] == before[key] for key in same)
    )


_QUIET = ("setWeight", "pause", "setCanaryScale")
"""Steps that leave nothing behind but pods and weights."""


def _arrival(stage: Stage, index: int) -> Callable[[], bool]:
    """Whether the update is at the step `index`."""

    def there() -> bool:
        rollout = stage.rollout
        status = mapping(rollout, "status")
        current = text(status, "currentPodHash")
        if not current or current in (stage.stable, text(status, "stableRS")):
            return False
        if status.get("abort") is True:
            return False
        if dig(rollout, "spec", "strategy", "blueGreen") is not None:
            return stages.place(rollout, current) == index
        return index_of(rollout) == index

    return there


def _facts(stage: Stage, at: float, before: Obj) -> Obj | None:
    rollout = stage.rollout
    status = mapping(rollout, "status")
    if status.get("abort") is not True:
        return None
    calls = [
        {
            "index": number(each, "index"),
            "name": text(each, "name"),
            "phase": text(each, "phase"),
            "message": text(each, "message"),
        }
        for each in items(status, "canary", "stepPluginStatuses")
        if text(each, "operation") == "Abort"
    ]
    left = sum(spec_replicas(each) for each in stage.replica_sets if pod_hash(each) != stage.stable)
    return {
        "calls": calls,
        "canary": before["canary"],
        "stable": before["stable"],
        "stable_seconds": _since(stage, at, _stable_is_whole),
        "canary_seconds": None if left else _since(stage, at, _canary_is_gone),
        "traffic_seconds": _traffic_is_back(stage, at),
        "phase": text(status, "phase"),
        "message": text(status, "message"),
    }


def _sizes(stage: Stage) -> Obj:
    found: Obj = {"canary": _NOTHING, "stable": _NOTHING}
    current = text(stage.rollout, "status", "currentPodHash")
    for each in stage.replica_sets:
        pods = {
            "desired": spec_replicas(each),
            "available": number(each, "status", "availableReplicas"),
        }
        if pod_hash(each) == stage.stable:
            found["stable"] = pods
        elif pod_hash(each) == current:
            found["canary"] = pods
    return found


_NOTHING = {"desired": 0, "available": 0}


def _since(stage: Stage, at: float, holds: Callable[[Stage, dict[str, Obj]], bool]) -> float | None:
    """Seconds from the abort until `holds` was so for good; None if it never was."""
    sets: dict[str, Obj] = {pod_hash(each): each for each in stage.recording.before["replicasets"]}
    since: float | None = None
    for seen in stage.recording.seen:
        if seen.resource != "replicasets":
            continue
        sets[pod_hash(seen.object)] = seen.object
        if not holds(stage, sets):
            since = None
        elif since is None:
            since = seen.at
    if since is None:
        return 0.0 if holds(stage, sets) else None
    return round(max(0.0, since - at), 1)


def _traffic_is_back(stage: Stage, at: float) -> float | None:
    """Seconds until the stable version has all of the traffic; None if nothing routes it."""
    since: float | None = None
    is_routed = False
    for seen in stage.recording.seen:
        share = shares.of(seen.object, stage.stable) if seen.resource == "rollouts" else None
        if share is None:
            continue
        is_routed = True
        if share < 100:
            since = None
        elif since is None:
            since = seen.at
    return round(max(0.0, since - at), 1) if is_routed and since is not None else None


def _stable_is_whole(stage: Stage, sets: dict[str, Obj]) -> bool:
    stable = sets.get(stage.stable)
    return number(stable, "status", "availableReplicas") >= spec_replicas(stage.cast.rollout)


def _canary_is_gone(stage: Stage, sets: dict[str, Obj]) -> bool:
    return not any(spec_replicas(each) for hash_, each in sets.items() if hash_ != stage.stable)
