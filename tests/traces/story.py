"""What a recording of a controller, and a run of ours, must agree in.

A story has three parts: the values the interesting fields of the rollout took, one after the
other; the events, each once; and the objects there were at the end. Left out is what depends on
the clock or on chance, and what depends on how two runs interleave:

- the message while Progressing: it says which pods were missing at the moment of a write;
- ScalingReplicaSet events: how many steps a resize takes follows from when pods became ready;
- over HTTP, the fields of different writes side by side: each field has a sequence of its own,
  since one controller may write at once what another writes one after the other. In process the
  states are compared as a whole (`unlike_states`).

Pod hashes are named by the order in which they became the current one.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]

INSTANCE_ID = "argo-rollouts.argoproj.io/controller-instance-id"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_POD = re.compile(r"(<hash \d+>)-[a-z0-9]{5}\b")
_BY_CHANCE = frozenset(
    (
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "observedGeneration",
        "managedFields",
        "workloadObservedGeneration",
        "clusterIP",
        "clusterIPs",
        "selfLink",
        "namespace",
        # Whole seconds of a story that takes two of them.
        "totalManualPauseDurationSeconds",
    )
)
_DEPLOYMENT_REVISION = "deployment.kubernetes.io/revision"
_MOST_EVENTS = 25
BRIEF = 0.2
"""Seconds of a recording, in which a reconcile took up to 0.1."""
_ABOUT = ("Rollout", "AnalysisRun", "Experiment")


@dataclass(frozen=True)
class Story:
    """A run, in the order things became known: rollouts as written, events as first seen."""

    namespace: str
    rollouts: list[Obj]
    events: list[Obj]
    final: dict[str, list[Obj]]
    """Resource (plural) to the objects at the end."""
    times: list[float] = field(default_factory=list)
    """Of a recording, when each of `rollouts` was seen, in seconds."""


def recorded(trace: Obj) -> Story:
    """The story a trace tells."""
    seen = [event["object"] for event in trace["watch"] if event["kind"] == "rollouts"]
    times = [event["t"] for event in trace["watch"] if event["kind"] == "rollouts"]
    events = [
        event["object"]
        for event in trace["watch"]
        if event["kind"] == "events" and event["type"] == "ADDED"
    ]
    return Story(trace["namespace"], seen, events, trace["final"], times)


def facts(rollout: Obj) -> dict[str, Any]:
    """What of a rollout counts, at one moment."""
    status = rollout.get("status") or {}
    records = (status.get("canary") or {}).get("stepPluginStatuses") or []
    return {
        "phase": status.get("phase"),
        "message": status.get("message") or "",
        "step": status.get("currentStepIndex"),
        "abort": bool(status.get("abort")),
        "promoteFull": bool(status.get("promoteFull")),
        "pauses": [pause["reason"] for pause in status.get("pauseConditions") or []],
        "plugins": [
            [
                record["index"],
                record["operation"],
                record.get("phase") or "",
                bool(record.get("disabled")),
            ]
            for record in records
        ],
    }


def is_where(rollout: Obj, wanted: Obj) -> bool:
    """Whether the rollout is as it was when a person in a recording acted (`after` there)."""
    found = facts(rollout)
    observed = (rollout.get("status") or {}).get("observedGeneration")
    return (
        observed == str(rollout["metadata"]["generation"])
        and found["phase"] == wanted["phase"]
        and found["step"] == wanted["currentStepIndex"]
        and found["abort"] == bool(wanted.get("abort"))
        and [each[:3] for each in found["plugins"]] == wanted.get("stepPluginStatuses", [])
    )


def tell(story: Story, *, exact: bool = True) -> str:
    """The story as lines of text, to be compared with another.

    `exact`: as it is where the clock is ours. Otherwise the events of the rollout are sorted, and
    how often a run had measured when it was terminated is left out.
    """
    names = {**_hash_names(story.rollouts), **_deployment_hashes(story.final)}
    parts: dict[str, Any] = {
        "what happened": _sequences(story.rollouts),
        "events": _events(story.events, exact=exact),
        "at the end": _final(story.final, names, exact=exact),
    }
    lines = []
    for title, part in parts.items():
        lines.append(f"== {title}")
        for key, value in part.items():
            named = _named(value, names, story.namespace)
            lines.extend(f"{_named(key, names, story.namespace)}: {line}" for line in named)
    return "\n".join(lines)


def differences(real: Story, here: Story, *, exact: bool = True) -> str:
    """Both stories where they differ, side by side; "" if they agree."""
    left = tell(real, exact=exact).splitlines()
    right = tell(here, exact=exact).splitlines()
    if _said_too_much(real) or _said_too_much(here):
        told = {line for line in left if line in right}
        left = [line for line in left if not line.startswith("event: ") or line in told]
        right = [line for line in right if not line.startswith("event: ") or line in told]
    return "\n".join(difflib.unified_diff(left, right, "real", "here", n=1, lineterm=""))


def states(story: Story) -> list[tuple[str, float]]:
    """The states the rollout was in, one after the other, and how many seconds each lasted.

    All fields together, but for the message while Progressing.
    """
    names = {**_hash_names(story.rollouts), **_deployment_hashes(story.final)}
    times = story.times or [0.0] * len(story.rollouts)
    found: list[tuple[str, float]] = []
    for rollout, at in zip(story.rollouts, times, strict=True):
        told = facts(rollout)
        if told["phase"] is None:
            continue
        if told["phase"] == "Progressing":
            told["message"] = ""
        text = str(_named(_text(told), names, story.namespace))
        if not found or found[-1][0] != text:
            found.append((text, at))
    ends = [at for _, at in found[1:]] + [math.inf]
    return [(text, end - at) for (text, at), end in zip(found, ends, strict=True)]


def unlike_states(real: Story, here: Story) -> str:
    """The states of both in their order where they differ, "" if they agree.

    What lasted for less than two reconciles of the recorded controller may be missing here,
    where one write says what it said in two.
    """
    right = [text for text, _ in states(here)]
    left = [text for text, lasted in states(real) if lasted > BRIEF or text in right]
    return "\n".join(difflib.unified_diff(left, right, "real", "here", n=1, lineterm=""))


def _said_too_much(story: Story) -> bool:
    """Whether the recorder fell silent about the rollout, as client-go's do after 25 events.

    Resizing pod by pod takes some more of them, and which are left out then is chance.
    """
    about = [each for each in story.events if each["involvedObject"]["kind"] == "Rollout"]
    return len(about) >= _MOST_EVENTS


def _sequences(rollouts: list[Obj]) -> dict[str, Any]:
    seen: dict[str, list[Any]] = {}
    for rollout in rollouts:
        found = facts(rollout)
        if found["phase"] is None:
            continue
        message = "" if found["phase"] == "Progressing" else found["message"]
        for key in ("step", "abort", "promoteFull", "pauses", "plugins"):
            _then(seen, key, found[key])
        _then(seen, "phase", (found["phase"], message))
    return {key: [" -> ".join(map(_text, values))] for key, values in seen.items()}


def _then(seen: dict[str, list[Any]], key: str, value: Any) -> None:
    values = seen.setdefault(key, [])
    if not values or values[-1] != value:
        values.append(value)


def _events(events: list[Obj], *, exact: bool) -> dict[str, Any]:
    told: dict[str, list[str]] = {about: [] for about in _ABOUT}
    for event in events:
        about = told.get((event.get("involvedObject") or {}).get("kind", ""))
        if about is None or event["reason"] == "ScalingReplicaSet":
            continue
        line = f"{event['type']} {event['reason']} {event['message']}"
        if line not in about:
            about.append(line)
    # Runs and experiments have recorders of their own, which write side by side.
    rollout, *others = told.values()
    return {
        "event": rollout if exact else sorted(rollout),
        "event of a run": sorted(line for about in others for line in about),
    }


def _final(final: dict[str, list[Obj]], names: dict[str, str], *, exact: bool) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for resource, objects in sorted(final.items()):
        for found in sorted(objects, key=lambda each: _named(each["metadata"]["name"], names, "")):
            subject = f"{resource}/{found['metadata']['name']}"
            viewed = _viewed(resource, found)
            if not exact and viewed.get("status", {}).get("message") == "Run Terminated":
                del viewed["status"]["metricResults"]
            told[subject] = list(_leaves(viewed))
    return told


def _viewed(resource: str, found: Obj) -> Obj:
    if resource == "services":
        # The API server fills in the rest of a Service.
        return {"selector": found["spec"].get("selector")}
    viewed: Obj = _without_chance({key: found.get(key) or {} for key in ("spec", "status")})
    metadata = found["metadata"]
    viewed["annotations"] = metadata.get("annotations") or {}
    labels = metadata.get("labels") or {}
    viewed["labels"] = {key: value for key, value in labels.items() if key != INSTANCE_ID}
    if resource == "rollouts":
        status = viewed["status"]
        conditions = status.pop("conditions", [])
        viewed["conditions"] = {
            each["type"]: [each.get(key) for key in ("status", "reason", "message")]
            for each in conditions
        }
    return viewed


def _without_chance(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_chance(each) for key, each in value.items() if key not in _BY_CHANCE}
    return [_without_chance(each) for each in value] if isinstance(value, list) else value


def _leaves(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key in sorted(value) for line in _leaves(value[key], f"{path}.{key}")]
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return [line for at, each in enumerate(value) for line in _leaves(each, f"{path}[{at}]")]
    return [f"{path} = {_text(value)}"]


def _hash_names(rollouts: list[Obj]) -> dict[str, str]:
    names: dict[str, str] = {}
    for rollout in rollouts:
        found = (rollout.get("status") or {}).get("currentPodHash")
        if found and found not in names:
            names[found] = f"<hash {len(names) + 1}>"
    return names


def _deployment_hashes(final: dict[str, list[Obj]]) -> dict[str, str]:
    """Those of the ReplicaSets of a Deployment beside the rollout, by their revision."""
    names: dict[str, str] = {}
    for replica_set in final["replicasets"]:
        revision = (replica_set["metadata"].get("annotations") or {}).get(_DEPLOYMENT_REVISION)
        if revision is not None:
            found = replica_set["metadata"]["labels"]["pod-template-hash"]
            names[found] = f"<deployment hash {revision}>"
    return names


def _named(value: Any, names: dict[str, str], namespace: str) -> Any:
    if isinstance(value, list):
        return [_named(each, names, namespace) for each in value]
    text = str(value).replace(namespace, "<namespace>") if namespace else str(value)
    for found, name in names.items():
        text = text.replace(found, name)
    text = _UUID.sub("<uuid>", _TIME.sub("<time>", text))
    return _POD.sub(r"\1-<pod>", text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
