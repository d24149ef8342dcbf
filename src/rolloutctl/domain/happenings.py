"""Events of a rollout and of what belongs to it, as facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from msgspec import Struct

from rolloutctl.domain.audit import Audit, audit_of
from rolloutctl.domain.wire import ObjectReference
from rolloutctl.domain.wire_details import EventDetails

_HASH = r"[bcdfghjklmnpqrstvwxz2456789]{5,10}"
"""How Kubernetes spells the hashes in names: without vowels, so that they are no words."""
_KINDS = frozenset({"ReplicaSet", "Pod", "AnalysisRun", "Experiment"})


class Happening(Struct, frozen=True):
    """One event. `at`: when it was last seen; `count` how often. `audit`: of a change by us."""

    namespace: str
    name: str
    uid: str
    kind: str
    object: str
    object_uid: str
    type: str
    reason: str
    message: str
    at: datetime | None = None
    first: datetime | None = None
    count: int = 1
    component: str = ""
    audit: Audit | None = None

    @property
    def key(self) -> str:
        """What tells the event from others, however often it is repeated."""
        return self.uid or f"{self.namespace}/{self.name}"


def happening(event: EventDetails) -> Happening:
    """An Event as it is kept by the API."""
    about, series = event.involved_object, event.series
    last = series.last_observed_time if series is not None else None
    first = event.first_timestamp or event.event_time or event.metadata.creation_timestamp
    source = event.source.component if event.source is not None else ""
    return Happening(
        namespace=event.metadata.namespace,
        name=event.metadata.name,
        uid=event.metadata.uid,
        kind=about.kind,
        object=about.name,
        object_uid=about.uid,
        type=event.type,
        reason=event.reason,
        message=event.message,
        at=last or event.last_timestamp or event.event_time or first,
        first=first,
        count=(series.count if series is not None else event.count) or 1,
        component=event.reporting_component or source,
        audit=audit_of(event),
    )


def in_order(events: Iterable[Happening]) -> list[Happening]:
    """By the time they were last seen, the oldest first; each only once."""
    distinct = {event.key: event for event in events}
    return sorted(distinct.values(), key=_when)


def _when(event: Happening) -> tuple[datetime, int, str]:
    """Its stamps have whole seconds; within one the name tells, which ends with when it was made.

    Source: client-go, tools/record/event.go (nanoseconds in hexadecimal digits; ours are micro-).
    """
    tail = event.name.rpartition(".")[2]
    made = int(tail, 16) if re.fullmatch(r"[0-9a-f]{13,16}", tail, re.ASCII) else 0
    made *= 1000 if len(tail) < 15 else 1
    return (event.at or datetime.min.replace(tzinfo=UTC), made, event.name)


def is_of(
    about: ObjectReference, uids: Collection[str], names: Collection[tuple[str, str]]
) -> bool:
    """Whether an event is about one of the objects; `names` are kinds with names.

    An event without a uid is known by kind and name.
    """
    if about.uid:
        return about.uid in uids
    return (about.kind, about.name) in names


def may_have_been_of(about: ObjectReference, rollout: str) -> bool:
    """Whether an object's name says that it belonged to the rollout, also when it is gone.

    Names begin with `<rollout>-<hash>`. Source: argo-rollouts, rollout/sync.go, analysis.go.
    """
    if about.kind == "Rollout":
        return about.name == rollout
    named = re.compile(rf"{re.escape(rollout)}-{_HASH}(-.*)?", re.DOTALL)
    return about.kind in _KINDS and named.fullmatch(about.name) is not None
