"""Lines of pods' logs: whose they are, when they were printed, which containers are meant."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from msgspec import Struct

from rolloutctl.domain.replicasets import HASH_LABEL, annotation, label, roles
from rolloutctl.domain.wire import ContainerStatus, Pod, Rollout

ROLES = ("canary", "stable", "active", "preview")
OLD = "old"
"""What a version is called that plays no part any more."""
_FIRST = ("canary", "preview", "active", "stable")
_DEFAULT = "kubectl.kubernetes.io/default-container"


class Origin(Struct, frozen=True):
    """A container whose log is read.

    `role` is one of ROLES, "old", or "" for a pod of no rollout. `short` is what tells the pod from
    the others of its version.
    """

    namespace: str
    owner: str
    """The rollout (or the analysis run) it belongs to."""
    pod: str
    container: str
    role: str = ""
    short: str = ""


class LogLine(Struct, frozen=True):
    """One line; `stamp` is its time as the server wrote it, "" where it wrote none."""

    origin: Origin
    text: str
    at: datetime | None = None
    stamp: str = ""


def read_line(origin: Origin, line: str) -> LogLine:
    """A line that was asked for with its time in front."""
    stamp, space, text = line.partition(" ")
    try:
        at = datetime.fromisoformat(stamp) if 20 <= len(stamp) <= 40 else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        return LogLine(origin, line)
    return LogLine(origin, text if space else "", at, stamp)


def role_of(rollout: Rollout, pod: Pod, wanted: Collection[str] = ()) -> str | None:
    """The part a pod plays: that of `wanted` where it plays several; None if it is not wanted.

    A version that is stable and active is called active.
    """
    found = roles(rollout, label(pod.metadata, HASH_LABEL))
    for role in _FIRST:
        if role in found and (not wanted or role in wanted):
            return role
    return None if wanted else OLD


def belongs(rollout: Rollout, pod: Pod, replica_sets: Collection[str]) -> bool:
    """Whether a ReplicaSet of the rollout made the pod, and not one of its experiments.

    `replica_sets`: the names of those known to be the rollout's. Others are told by their name,
    `<rollout>-<hash>`. Source: argo-rollouts, rollout/sync.go (createReplicaSet).
    """
    named = f"{rollout.metadata.name}-{label(pod.metadata, HASH_LABEL)}"
    return any(
        reference.kind == "ReplicaSet" and reference.name in (named, *replica_sets)
        for reference in pod.metadata.owner_references or ()
    )


def short_name(pod: Pod, owner: str) -> str:
    """What is left of the pod's name without what all pods of the version begin with."""
    name = pod.metadata.name
    for prefix in (f"{owner}-{label(pod.metadata, HASH_LABEL)}-", f"{owner}-"):
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :]
    return name


def containers(pod: Pod, wanted: str = "", *, every: bool = False) -> list[str]:
    """The containers meant: the named one (if the pod has it), all, or the one a pod is about.

    That is the one its annotation names, as for kubectl, else the first.
    """
    spec = pod.spec
    initial = [each.name for each in (spec.init_containers if spec is not None else None) or ()]
    names = [each.name for each in (spec.containers if spec is not None else None) or ()]
    if every:
        return initial + names
    if wanted:
        return [wanted] if wanted in initial + names else []
    default = annotation(pod.metadata, _DEFAULT)
    return [default] if default in names else names[:1]


class Runs(Struct, frozen=True):
    """How a container stands, as far as its log goes. `number` counts its starts."""

    began: bool
    over: bool
    number: int
    waits: str = ""
    """Why it has not begun."""


def runs(pod: Pod, container: str) -> Runs:
    """Whether a container has begun, and whether it has ended for good (for now)."""
    status = _status(pod, container)
    if status is None:
        phase = pod.status.phase
        began = phase in ("Running", "Succeeded", "Failed")
        return Runs(began, began and phase != "Running", 0, pod.status.reason or phase)
    state, last = status.state, status.last_state
    number = status.restart_count
    if state is not None and state.running is not None:
        return Runs(True, False, number)
    if state is not None and state.terminated is not None:
        return Runs(True, True, number)
    why = state.waiting.reason if state is not None and state.waiting is not None else ""
    # Between two starts the log of the last one is there to be read.
    return Runs(last is not None and last.terminated is not None, True, number, why)


def _status(pod: Pod, container: str) -> ContainerStatus | None:
    listed = [*(pod.status.container_statuses or ()), *(pod.status.init_container_statuses or ())]
    return next((each for each in listed if each.name == container), None)


Naming = Callable[[Pod], tuple[str, str, str] | None]
"""Owner, role and short name of a pod; None where its log is not wanted."""
