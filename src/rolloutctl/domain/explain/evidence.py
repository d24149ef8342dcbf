"""Evidence that stands in the rollout itself, and in the events about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rolloutctl.domain.decision import Seen
from rolloutctl.domain.decoders import converted
from rolloutctl.domain.durations import later
from rolloutctl.domain.explain.facts import Deadline, EventFacts, Reached, SpecEvidence, Writer
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.status import find_condition, status_of
from rolloutctl.domain.steps import Analysis, Experiment, Pause, current_step, steps_of
from rolloutctl.domain.wire import Event, Rollout
from rolloutctl.domain.wire_details import ManagedFields, RolloutDetails

DEADLINE_SECONDS = 600
"""`progressDeadlineSeconds` where the spec names none."""

RECONCILIATION_ERROR = "ReconciliationError"
TRAFFIC_ERRORS = frozenset(
    {
        "TrafficRoutingError",
        "WeightVerifyError",
        "VirtualServiceNotFound",
        "DestinationRuleNotFound",
        "TargetGroupUnverified",
        "TargetGroupVerifyError",
        "LoadBalancerNotFound",
    }
)
_WORDLESS = frozenset({"RolloutAddedToInformer"})
"""Events that say something of the controller, not of the rollout."""

_INVALID = re.compile(r'The Rollout "[^"]*" is invalid: ')
_FIELD_ERROR = re.compile(
    r"(?P<path>spec(?:\.[A-Za-z0-9_\[\]\-/]+)*): "
    r"(?P<what>Invalid value|Required value|Internal error|Duplicate value|Not found"
    r"|Unsupported value|Forbidden|Too long|Too many)(?P<rest>: .*)?",
    re.DOTALL,
)
_STEP_COMPLETED = re.compile(r"Rollout step (\d{1,5})/(\d{1,5}) completed", re.ASCII)
_OVERTAKEN = "the object has been modified; please apply your changes to the latest version"
"""Source: Kubernetes, a write refused with 409."""
_UNCONFIGURED = re.compile(r"plugin (\S+) not configured in configmap")
_AT_INDEX = re.compile(r"step plugin at index (\d{1,5}) ", re.ASCII)


# --- the rollout --------------------------------------------------------------------------------


def details(seen: Seen) -> RolloutDetails:
    """The fields only an explanation reads; empty ones where they have not the usual form."""
    try:
        return converted(seen.raw, RolloutDetails)
    except msgspec.ValidationError:
        return RolloutDetails()


def spec_evidence(message: str) -> SpecEvidence:
    """The message of an InvalidSpec condition taken apart.

    Its form is `<path>: Invalid value: <value>: <detail>`, `<path>: Required value: <detail>`;
    what has another form is detail as a whole. Source: argo-rollouts, section "InvalidSpec".
    """
    text = _INVALID.sub("", message, count=1)
    found = _FIELD_ERROR.match(text)
    if found is None:
        return SpecEvidence(detail=text)
    rest = (found["rest"] or "")[2:]
    if found["what"] != "Invalid value":
        return SpecEvidence(found["path"], "", rest or found["what"])
    value, detail = _value_and_detail(rest)
    return SpecEvidence(found["path"], value, detail)


def _value_and_detail(text: str) -> tuple[str, str]:
    """A value (quoted, with Go's escapes, or bare) and what follows the colon after it."""
    quoted = re.match(r'"(?:[^"\\]|\\.)*"', text)
    if quoted is not None and text.startswith(": ", quoted.end()):
        return quoted[0][1:-1], text[quoted.end() + 2 :]
    value, colon, detail = text.partition(": ")
    return (value, detail) if colon else ("", text)


def writer(known: RolloutDetails, *path: str) -> Writer | None:
    """Who wrote the field at `path` ("status", "abort"), as far as the object tells."""
    for entry in known.metadata.managed_fields or ():
        if _owns(entry, path):
            return Writer(entry.manager, entry.time)
    return None


def _owns(entry: ManagedFields, path: Sequence[str]) -> bool:
    fields: Any = entry.fields_v1
    for part in path:
        fields = fields.get(f"f:{part}") if isinstance(fields, dict) else None
    return fields is not None


def deadline(r: Rollout, run: PluginRun | None) -> Deadline | None:
    """The progress deadline; None where it plays no part now. `run`: the current plugin step's.

    Source: argo-rollouts, section "Progress deadline".
    """
    seconds = r.spec.progress_deadline_seconds
    length = timedelta(seconds=min(max(seconds or DEADLINE_SECONDS, 0), 10**9))
    condition = find_condition(r, "Progressing")
    if condition is None or r.status.abort:
        return None
    aborts = r.spec.progress_deadline_abort
    at_plugin = run is not None and run.phase not in {"Successful", "Failed"}
    if condition.reason == "ProgressDeadlineExceeded":
        struck = condition.last_transition_time or condition.last_update_time
        return Deadline(length, struck=struck, aborts=aborts, stops_plugin=at_plugin)
    if status_of(r).phase != "Progressing" or condition.reason == "RolloutPaused":
        return None
    if isinstance(current_step(r), Pause | Analysis | Experiment):
        return None
    strikes = later(condition.last_update_time, length)
    return Deadline(length, strikes=strikes, aborts=aborts, stops_plugin=at_plugin)


# --- events -------------------------------------------------------------------------------------


def event_facts(r: Rollout, events: Iterable[Event]) -> tuple[EventFacts, ...]:
    """What was said of this very rollout, oldest first; each message once."""
    uid, name = r.metadata.uid, r.metadata.name
    found: dict[tuple[str, str], EventFacts] = {}
    for event in sorted(events, key=_written):
        about = event.involved_object
        same = about.uid == uid if about.uid and uid else about.name == name
        if about.kind != "Rollout" or not same or event.reason in _WORDLESS:
            continue
        first = event.first_timestamp or event.event_time or event.metadata.creation_timestamp
        facts = EventFacts(
            reason=event.reason,
            message=event.message,
            warning=event.type == "Warning",
            count=max(1, event.count or 1),
            first=first,
            last=event.last_timestamp or first,
        )
        key = (event.reason, event.message)
        known = found.pop(key, None)
        found[key] = facts if known is None else _together(known, facts)
    # Moments have whole seconds; what was said in the same one stays in the order of writing.
    return tuple(sorted(found.values(), key=lambda facts: _at(facts.last)))


def of_this_attempt(
    r: Rollout, known: RolloutDetails, events: Iterable[EventFacts]
) -> tuple[EventFacts, ...]:
    """The events since the present attempt began; all of them if that is not known."""
    started = known.status.duration.rollout_started_at or _updated(r, events)
    return tuple(facts for facts in events if started is None or _at(facts.last) >= _at(started))


def reached(r: Rollout, events: Iterable[EventFacts]) -> Reached | None:
    """How far an update came whose index went back to 0, by the steps its events tell of."""
    count = len(steps_of(r))
    found = [
        (int(match[1]), int(match[2]))
        for facts in events
        if facts.reason == "RolloutStepCompleted"
        for match in (_STEP_COMPLETED.search(facts.message),)
        if match is not None
    ]
    numbers = [number for number, total in found if total == count and 0 < number <= count]
    return Reached(max(numbers), count) if numbers else None


def unconfigured_plugin(events: Sequence[EventFacts]) -> tuple[str, int | None, EventFacts] | None:
    """The plugin (and 0-based step) the controller says it does not know, and where it says so."""
    for facts in reversed(events):
        if facts.reason != RECONCILIATION_ERROR:
            continue
        name = _UNCONFIGURED.search(facts.message)
        if name is not None:
            index = _AT_INDEX.search(facts.message)
            return name[1], int(index[1]) if index is not None else None, facts
    return None


def current_error(events: Sequence[EventFacts]) -> EventFacts | None:
    """The reconciliation error that is the last thing the controller said, if it is.

    That somebody else wrote the object first is none: the controller just tries again.
    """
    newest = max((_at(facts.last) for facts in events), default=0.0)
    for facts in reversed(events):
        if _at(facts.last) < newest:
            break
        if facts.reason == RECONCILIATION_ERROR and _OVERTAKEN not in facts.message:
            return facts
    return None


def traffic_error(events: Sequence[EventFacts]) -> EventFacts | None:
    """The newest refusal of a router that no accepted weight followed."""
    for facts in reversed(events):
        if facts.reason == "TrafficWeightUpdated":
            return None
        if facts.reason in TRAFFIC_ERRORS:
            return facts
    return None


def _written(event: Event) -> int:
    """When it was last written compared with others: the server counts its writes.

    Source: Kubernetes API concepts, "Resource versions": of one resource they can be compared.
    """
    version = event.metadata.resource_version
    return int(version) if version.isascii() and version.isdigit() and len(version) < 20 else 0


def _together(one: EventFacts, other: EventFacts) -> EventFacts:
    return msgspec.structs.replace(
        one,
        count=one.count + other.count,
        first=min(one.first, other.first) if one.first and other.first else one.first,
        last=max(one.last, other.last) if one.last and other.last else one.last or other.last,
    )


def _updated(r: Rollout, events: Iterable[EventFacts]) -> datetime | None:
    """When the update to the present revision began, by its event."""
    revision = (r.metadata.annotations or {}).get("rollout.argoproj.io/revision", "")
    wanted = f"Rollout updated to revision {revision}"
    return next((facts.last for facts in events if facts.message == wanted), None)


def _at(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0
