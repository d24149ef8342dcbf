"""Every state of the recorded rollouts, decoded once: what was there, and who wrote it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rolloutctl.domain import wire
from rolloutctl.domain.facts import RolloutPicture
from rolloutctl.domain.tree import picture
from rolloutctl.domain.wire import Rollout
from rolloutctl.sandbox.api.patching import apply_json_patch
from support.recorded import trace

_DATA = Path(__file__).parent.parent / "traces" / "data"
STORIES = sorted(path.name.removesuffix(".json.gz") for path in _DATA.rglob("*.json.gz"))
_TYPES: dict[str, type[Any]] = {
    "rollouts": Rollout,
    "replicasets": wire.ReplicaSet,
    "analysisruns": wire.AnalysisRun,
    "experiments": wire.Experiment,
}

Raw = dict[str, Any]


class State(NamedTuple):
    """A rollout as it was written once, and all that was known to be there at that time.

    `t`: seconds from the start of the story. `objects`: raw, by plural and name. `deed`: what a
    person did that this is the outcome of, None when the controller wrote it.
    """

    t: float
    raw: Raw
    rollout: Rollout
    picture: RolloutPicture
    objects: Mapping[str, Mapping[str, Raw]]
    deed: Raw | None = None

    @property
    def stored(self) -> tuple[str, str]:
        status = self.raw.get("status", {})
        return status.get("phase", ""), status.get("message", "")

    @property
    def status(self) -> Raw:
        found: Raw = self.raw.get("status", {})
        return found


class Told(NamedTuple):
    """One event about the rollout."""

    t: float
    type: str
    reason: str
    message: str


@cache
def states(story: str) -> tuple[State, ...]:
    """The states of the story's rollout, in the order they were written."""
    found: list[State] = []
    raws: dict[str, dict[str, Raw]] = {}
    decoded: dict[str, dict[str, Any]] = {kind: {} for kind in _TYPES}
    deeds = [deed for deed in trace(story)["actions"] if deed.get("patch") is not None]
    for event in trace(story)["watch"]:
        kind, raw = event["kind"], event["object"]
        if kind == "events":
            continue
        name = raw["metadata"]["name"]
        if event["type"] == "DELETED":
            raws.get(kind, {}).pop(name, None)
            decoded.get(kind, {}).pop(name, None)
            continue
        raws.setdefault(kind, {})[name] = raw
        if kind in _TYPES:
            decoded[kind][name] = msgspec.json.decode(json.dumps(raw), type=_TYPES[kind])
        if kind == "rollouts":
            deed = _deed(deeds, found[-1].raw, raw) if found else None
            there = {plural: dict(items) for plural, items in raws.items()}
            shown = _picture(decoded[kind][name], decoded)
            found.append(State(event["t"], raw, decoded[kind][name], shown, there, deed))
    return tuple(found)


@cache
def final(story: str) -> State:
    """What was there at the end; every story has one rollout."""
    raws = {
        kind: {raw["metadata"]["name"]: raw for raw in items}
        for kind, items in trace(story)["final"].items()
    }
    decoded = {
        kind: {
            name: msgspec.json.decode(json.dumps(raw), type=as_type)
            for name, raw in raws.get(kind, {}).items()
        }
        for kind, as_type in _TYPES.items()
    }
    ((name, rollout),) = decoded["rollouts"].items()
    last = states(story)[-1].t
    return State(last, raws["rollouts"][name], rollout, _picture(rollout, decoded), raws)


@cache
def told(story: str, *reasons: str) -> tuple[Told, ...]:
    """The events about the rollout with one of `reasons`, in order, as often as they were told."""
    found: list[Told] = []
    counts: dict[str, int] = {}
    for event in trace(story)["watch"]:
        raw = event["object"]
        if event["kind"] != "events" or raw["involvedObject"]["kind"] != "Rollout":
            continue
        count = raw.get("count") or 1
        if raw["reason"] in reasons and count > counts.get(raw["metadata"]["name"], 0):
            counts[raw["metadata"]["name"]] = count
            found.append(Told(event["t"], raw["type"], raw["reason"], raw["message"]))
    return tuple(found)


def merged(raw: Any, patch: Any) -> Any:
    """`raw` after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(raw) if isinstance(raw, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


# ------------------------------------------------------------------------------------------------


def _picture(rollout: Rollout, objects: Mapping[str, Mapping[str, Any]]) -> RolloutPicture:
    return picture(
        rollout,
        objects["replicasets"].values(),
        (),
        objects["analysisruns"].values(),
        objects["experiments"].values(),
    )


def _deed(deeds: list[Raw], before: Raw, now: Raw) -> Raw | None:
    """The next deed of a person on the rollout, if `now` is just what comes of it."""
    for at, deed in enumerate(deeds):
        if deed["kind"] != "rollouts":
            continue
        changed = patched(before, deed["patch"])
        if changed != before and _substance(changed) == _substance(now):
            del deeds[: at + 1]
            return deed
    return None


def patched(raw: Raw, patch: Any) -> Raw:
    """`raw` after a person's patch, JSON Patch or merge patch."""
    if isinstance(patch, list):
        result: Raw = apply_json_patch(copy.deepcopy(raw), patch)
        return result
    changed: Raw = merged(raw, patch)
    return changed


def _substance(raw: Raw) -> Raw:
    return {key: raw.get(key) for key in ("spec", "status")}
