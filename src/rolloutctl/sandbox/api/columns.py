"""The columns of each resource's Table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .resources import Resource

Cell = Callable[[dict[str, Any], datetime], Any]

_NAME = (
    "Name must be unique within a namespace. Is required when creating resources, although some "
    "resources may allow a client to request the generation of an appropriate name automatically. "
    "Name is primarily intended for creation idempotence and configuration definition. Cannot be "
    "updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `priority` 1 shows only in a wide table."""

    name: str
    type: str
    description: str
    cell: Cell
    priority: int = 0
    format: str = ""

    def value(self, obj: dict[str, Any], now: datetime) -> Any:
        """What the cell of `obj` says; nothing when a field it reads has the wrong type."""
        try:
            return self.cell(obj, now)
        except (AttributeError, TypeError):
            return None

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def at(path: str) -> Cell:
    """The value at a dotted path, None where there is none."""
    parts = path.split(".")

    def cell(obj: dict[str, Any], now: datetime) -> Any:
        value: Any = obj
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return cell


def age(path: str = "metadata.creationTimestamp") -> Cell:
    """How long ago, as `kubectl get` says it."""
    value = at(path)

    def cell(obj: dict[str, Any], now: datetime) -> Any:
        since = value(obj, now)
        if not isinstance(since, str):
            return "<unknown>"
        try:
            moment = datetime.fromisoformat(since)
        except ValueError:
            return "<invalid>"
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return short_duration(int((now - moment).total_seconds()))

    return cell


def short_duration(seconds: int) -> str:
    """`5s`, `2m3s`, `14m`, `3h5m`, `9h`, `2d4h`, `15d`, `2y3d`: two units while they say much."""
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _two(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first}{unit}{second}{smaller}" if second else f"{first}{unit}"


def _number(path: str) -> Cell:
    value = at(path)
    return lambda obj, now: value(obj, now) or 0


def _size(path: str) -> Cell:
    value = at(path)
    return lambda obj, now: len(value(obj, now) or ())


def _of(path: str) -> Callable[[Any], Any]:
    value = at(path)
    return lambda item: value(item, datetime.min) if isinstance(item, dict) else None


def _names(path: str, field: str) -> Cell:
    value, name = at(path), _of(field)
    return lambda obj, now: ",".join(str(name(item)) for item in value(obj, now) or ())


def _ready(ready: str, all_of: str) -> Cell:
    have, want = at(ready), at(all_of)
    return lambda obj, now: f"{have(obj, now) or 0}/{want(obj, now) or 0}"


def _selector(path: str) -> Cell:
    value = at(path)

    def cell(obj: dict[str, Any], now: datetime) -> str:
        labels: Mapping[str, Any] = value(obj, now) or {}
        return ",".join(f"{key}={text}" for key, text in sorted(labels.items())) or "<none>"

    return cell


def _pod_ready(obj: dict[str, Any], now: datetime) -> str:
    statuses = at("status.containerStatuses")(obj, now) or ()
    ready = sum(1 for status in statuses if isinstance(status, dict) and status.get("ready"))
    return f"{ready}/{len(at('spec.containers')(obj, now) or ())}"


def _pod_status(obj: dict[str, Any], now: datetime) -> str:
    status = obj.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        for name in ("waiting", "terminated"):
            reason = (state.get(name) or {}).get("reason") or reason
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else str(reason)


def _restarts(obj: dict[str, Any], now: datetime) -> str:
    statuses = at("status.containerStatuses")(obj, now) or ()
    return str(sum(status.get("restartCount") or 0 for status in statuses))


def _or_none(path: str) -> Cell:
    value = at(path)
    return lambda obj, now: value(obj, now) or "<none>"


def _external(obj: dict[str, Any], now: datetime) -> str:
    addresses = at("spec.externalIPs")(obj, now)
    return ",".join(addresses) if addresses else "<none>"


def _service_ports(obj: dict[str, Any], now: datetime) -> str:
    ports = at("spec.ports")(obj, now) or ()
    return ",".join(f"{p.get('port')}/{p.get('protocol', 'TCP')}" for p in ports) or "<none>"


def _event_object(obj: dict[str, Any], now: datetime) -> str:
    involved = obj.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _event_seen(obj: dict[str, Any], now: datetime) -> str:
    seen = next(
        (name for name in ("lastTimestamp", "eventTime", "firstTimestamp") if obj.get(name)), ""
    )
    return str(age(seen or "metadata.creationTimestamp")(obj, now))


_FIRST = Column("Name", "string", _NAME, at("metadata.name"), format="name")
_CREATED = "Time since resource was created"
_AGE = Column("Age", "date", _CREATED, age())
_BUILT_IN_AGE = Column("Age", "string", _CREATED, age())


def _text(name: str, cell: Cell, about: str = "", priority: int = 0) -> Column:
    return Column(name, "string", about or name, cell, priority)


def _count(name: str, cell: Cell, about: str = "") -> Column:
    return Column(name, "integer", about or name, cell)


_IMAGES = (
    _text(
        "Containers", _names("spec.template.spec.containers", "name"), "Names of the containers", 1
    ),
    _text(
        "Images", _names("spec.template.spec.containers", "image"), "Images of the containers", 1
    ),
    _text("Selector", _selector("spec.selector.matchLabels"), "Labels its pods have", 1),
)

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "rollouts": (
        _count("Desired", at("spec.replicas"), "Number of desired pods"),
        _count(
            "Current",
            at("status.replicas"),
            "Total number of non-terminated pods targeted by this rollout",
        ),
        _count(
            "Up-to-date",
            at("status.updatedReplicas"),
            "Total number of non-terminated pods targeted by this rollout"
            " that have the desired template spec",
        ),
        _count(
            "Available",
            at("status.availableReplicas"),
            "Total number of available pods (ready for at least minReadySeconds)"
            " targeted by this rollout",
        ),
    ),
    "analysisruns": (_text("Status", at("status.phase"), "AnalysisRun status"),),
    "experiments": (_text("Status", at("status.phase"), "Experiment status"),),
    "virtualservices": (
        _text("Gateways", at("spec.gateways"), "The names of gateways these routes apply to"),
        _text("Hosts", at("spec.hosts"), "The destination hosts to which traffic is sent"),
    ),
    "destinationrules": (_text("Host", at("spec.host"), "The name of a service of the registry"),),
    "configmaps": (_count("Data", _size("data"), "Number of entries"),),
    "secrets": (
        _text("Type", at("type"), "Kind of secret"),
        _count("Data", _size("data"), "Entries"),
    ),
    "serviceaccounts": (_count("Secrets", _size("secrets"), "Number of secrets"),),
    "namespaces": (_text("Status", at("status.phase"), "The status of the namespace"),),
    "deployments": (
        _text("Ready", _ready("status.readyReplicas", "spec.replicas"), "Ready of desired pods"),
        _count("Up-to-date", _number("status.updatedReplicas"), "Pods of the newest template"),
        _count("Available", _number("status.availableReplicas"), "Available pods"),
    ),
    "replicasets": (
        _count("Desired", _number("spec.replicas"), "Desired pods"),
        _count("Current", _number("status.replicas"), "Pods that are there"),
        _count("Ready", _number("status.readyReplicas"), "Pods that are ready"),
    ),
    "pods": (
        _text("Ready", _pod_ready, "Ready of all containers"),
        _text("Status", _pod_status, "What the pod is doing"),
        _text("Restarts", _restarts, "How often its containers were restarted"),
    ),
    "services": (
        _text("Type", at("spec.type"), "How the service is exposed"),
        _text("Cluster-IP", _or_none("spec.clusterIP"), "Address inside the cluster"),
        _text("External-IP", _external, "Address outside the cluster"),
        _text("Port(s)", _service_ports, "Ports it listens on"),
    ),
    "jobs": (
        _text("Status", lambda obj, now: _job_status(obj), "What the job is doing"),
        _text("Completions", _ready("status.succeeded", "spec.completions"), "Done of wanted"),
    ),
    "leases": (_text("Holder", at("spec.holderIdentity"), "Who holds it"),),
}
_WIDE: dict[str, tuple[Column, ...]] = {
    "deployments": _IMAGES,
    "replicasets": _IMAGES,
    "pods": (
        _text("IP", _or_none("status.podIP"), "Its address", 1),
        _text("Node", _or_none("spec.nodeName"), "Where it runs", 1),
    ),
    "services": (_text("Selector", _selector("spec.selector"), "Labels of its pods", 1),),
}
_EVENTS = (
    _text("Last Seen", _event_seen, "Time since it was seen last"),
    _text("Type", at("type"), "Normal or Warning"),
    _text("Reason", at("reason"), "Why, in one word"),
    _text("Object", _event_object, "What it is about"),
    _text("Message", at("message"), "What happened"),
)


def _job_status(obj: dict[str, Any]) -> str:
    for condition in at("status.conditions")(obj, datetime.min) or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return str(condition["type"])
    return "Running"


def of(resource: Resource) -> tuple[Column, ...]:
    """The columns of a resource's Table."""
    if resource.plural == "events":
        return (*_EVENTS, Column("Name", "string", _NAME, at("metadata.name"), 1, "name"))
    own = _COLUMNS.get(resource.plural, ())
    last = _AGE if resource.custom else _BUILT_IN_AGE
    return (_FIRST, *own, last, *_WIDE.get(resource.plural, ()))
