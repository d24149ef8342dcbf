"""The pods a version lacks, and why: the reason a container waits, how it ended before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rolloutctl.domain.explain.facts import PodEvidence, PodsEvidence
from rolloutctl.domain.facts import ReplicaSetFacts
from rolloutctl.domain.replicasets import is_owned, pod_facts
from rolloutctl.domain.wire import ContainerStatus, Event, Metadata, Pod

_COMING = frozenset(
    {"", "Pending", "ContainerCreating", "PodInitializing", "Running", "Terminating", "Unknown"}
)
_MOST_SAID = 3


def pods_evidence(
    replica_set: ReplicaSetFacts, pods: Iterable[Pod], said: Mapping[str, Sequence[str]]
) -> PodsEvidence:
    """The pods of `replica_set` that are not ready, broken ones first.

    `pods` may hold others' too; `said` are the messages of events, by pod.
    """
    own = Metadata(name=replica_set.name)
    found = [
        _pod(pod, tuple(said.get(pod.metadata.name, ()))[-_MOST_SAID:])
        for pod in pods
        if is_owned(pod.metadata, own, "ReplicaSet") and not pod_facts(pod).ready
    ]
    return PodsEvidence(
        replica_set=replica_set.name,
        revision=replica_set.revision,
        wanted=replica_set.desired,
        available=replica_set.available,
        message=replica_set.message,
        pods=tuple(sorted(found, key=_order)),
    )


def messages_by_pod(events: Iterable[Event]) -> dict[str, list[str]]:
    """What the cluster's warnings say of pods, oldest first, each once."""
    found: dict[str, list[str]] = {}
    warnings = (event for event in events if event.involved_object.kind == "Pod")
    for event in sorted(warnings, key=_moment):
        if event.type != "Warning" or not event.message:
            continue
        told = found.setdefault(event.involved_object.name, [])
        if event.message not in told:
            told.append(event.message)
    return found


def puzzling(pods: Sequence[PodEvidence]) -> PodEvidence | None:
    """The pod whose own status does not say why it is not ready: its events may."""
    return next((pod for pod in pods if not pod.message and not pod.last_end), None)


# ------------------------------------------------------------------------------------------------


def _pod(pod: Pod, said: tuple[str, ...]) -> PodEvidence:
    facts = pod_facts(pod)
    container = _troubled(pod)
    name = container.name if container is not None else ""
    ended = None
    if container is not None and container.last_state is not None:
        ended = container.last_state.terminated
    if ended is None and container is not None and container.state is not None:
        ended = container.state.terminated
    broken = (
        facts.state not in _COMING
        or (facts.state in {"", "Pending"} and bool(facts.message))
        or facts.restarts > 0
        or bool(said)
    )
    return PodEvidence(
        name=facts.name,
        state=facts.state,
        message=facts.message,
        container=name,
        image=_image(pod, name),
        restarts=facts.restarts,
        created=facts.created,
        last_end=ended.reason if ended is not None else "",
        exit_code=ended.exit_code if ended is not None else None,
        said=said,
        broken=broken and facts.state != "Terminating",
    )


def _troubled(pod: Pod) -> ContainerStatus | None:
    """The first container that is not ready; an init container that has not ended comes first."""
    for container in pod.status.init_container_statuses or ():
        state = container.state
        done = state is not None and state.terminated is not None and not state.terminated.exit_code
        if not done and not container.ready:
            return container
    for container in pod.status.container_statuses or ():
        if not container.ready:
            return container
    return None


def _image(pod: Pod, container: str) -> str:
    spec = pod.spec
    if spec is None:
        return ""
    every = [*(spec.init_containers or ()), *(spec.containers or ())]
    return next((item.image for item in every if item.name == container), "")


def _order(pod: PodEvidence) -> tuple[bool, str]:
    return (not pod.broken, pod.name)


def _moment(event: Event) -> float:
    at = event.last_timestamp or event.event_time or event.metadata.creation_timestamp
    return at.timestamp() if at is not None else 0.0
