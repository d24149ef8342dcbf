"""Who changed a rollout with this tool, and why: kept as a Kubernetes Event on the object.

An Event is what every viewer shows (`kubectl describe`, `events`), and the cluster drops it after a
while (an hour by default). What the message says for people stands in annotations for programs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Event, Json

COMPONENT = "rolloutctl"
"""The component that Events of ours come from."""

_PREFIX = "rolloutctl/"
_LONGEST = 1000
"""Bytes of a message: events.k8s.io takes 1,024."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Audit(msgspec.Struct, frozen=True):
    """One change made by a person or a job, with times in UTC.

    `action` is the word of the command ("promote", "abort", "set-image", ...). `by` is the user the
    API server knows the caller as, "" if it did not say. `before` and `after` say from where to
    where ("step 3 of 7, pause", "checkout:v1"), each may be "".
    """

    action: str
    by: str = ""
    reason: str = ""
    before: str = ""
    after: str = ""
    at: datetime | None = None


class Regarding(msgspec.Struct, frozen=True):
    """The object an Event is about. `ref.namespace` is where the Event is kept."""

    api_version: str
    kind: str
    ref: Ref
    uid: str


def event(about: Regarding, audit: Audit, *, now: datetime) -> Json:
    """The Event to be created, as plain JSON."""
    stamp = now.astimezone(UTC)
    moment = stamp.strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {
        "action": audit.action,
        "by": _readable(audit.by),
        "reason": _readable(audit.reason),
        "from": _readable(audit.before),
        "to": _readable(audit.after),
    }
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{about.ref.name[:200].rstrip('-.')}.{_microseconds(stamp):x}",
            "namespace": about.ref.namespace,
            "annotations": {_PREFIX + key: value for key, value in said.items() if value},
        },
        "involvedObject": {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "name": about.ref.name,
            "namespace": about.ref.namespace,
            "uid": about.uid,
        },
        "type": "Normal",
        "reason": _reason(audit.action),
        "message": _message(audit),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def audit_of(event: Event) -> Audit | None:
    """What an Event of ours says; None for all others."""
    annotations = event.metadata.annotations or {}
    action = annotations.get(_PREFIX + "action", "")
    if not action:
        return None
    return Audit(
        action=action,
        by=annotations.get(_PREFIX + "by", ""),
        reason=annotations.get(_PREFIX + "reason", ""),
        before=annotations.get(_PREFIX + "from", ""),
        after=annotations.get(_PREFIX + "to", ""),
        at=event.last_timestamp or event.first_timestamp or event.event_time,
    )


def _reason(action: str) -> str:
    """ "set-image" becomes "RolloutctlSetImage": no reason of the controller's begins so."""
    return "Rolloutctl" + "".join(word.capitalize() for word in action.split("-"))


def _message(audit: Audit) -> str:
    moved = " to ".join(part for part in (audit.before, audit.after) if part)
    text = audit.action + (f" by {audit.by}" if audit.by else "")
    text += f": {moved}" if moved else ""
    text = _readable(text + (f" (reason: {audit.reason})" if audit.reason else ""))
    if len(text.encode()) <= _LONGEST:
        return text
    return text.encode()[: _LONGEST - 3].decode(errors="ignore") + "..."


def _readable(text: str) -> str:
    """Text that can be sent: an argument of a command line may hold bytes that are no UTF-8."""
    return text.encode(errors="replace").decode()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
