"""ReplicaSets and pods as facts: whose they are, what part they play, what state they are in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rolloutctl.domain.facts import PodFacts, ReplicaSetFacts
from rolloutctl.domain.wire import (
    ContainerStatus,
    Metadata,
    Pod,
    PodSpec,
    PodTemplate,
    ReplicaSet,
    Rollout,
)

HASH_LABEL = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
SCALE_DOWN_DEADLINE = "scale-down-deadline"


def label(metadata: Metadata, name: str) -> str:
    return (metadata.labels or {}).get(name, "")


def annotation(metadata: Metadata, name: str) -> str:
    return (metadata.annotations or {}).get(name, "")


def revision_of(metadata: Metadata) -> int:
    """The revision annotation, 0 when absent or no number."""
    text = annotation(metadata, REVISION)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def is_owned(metadata: Metadata, owner: Metadata, kind: str) -> bool:
    """`owner` (of `kind`) is the object's controller.

    By uid; by name where the owner's uid is not known.
    """
    for reference in metadata.owner_references or ():
        if reference.kind != kind or reference.controller is False:
            continue
        same = reference.uid == owner.uid if owner.uid else reference.name == owner.name
        if same:
            return True
    return False


def images(template: PodTemplate | None) -> tuple[str, ...]:
    """The images of the containers, in their order; those of init containers are left out."""
    spec: PodSpec | None = template.spec if template is not None else None
    if spec is None:
        return ()
    return tuple(container.image for container in spec.containers or () if container.image)


def roles(r: Rollout, hash: str) -> frozenset[str]:
    """What part the ReplicaSet with this hash plays.

    Canary: stable, else canary. Blue-green: stable, and active or else preview.
    Source: argo-rollouts, pkg/kubectl-argo-rollouts/info.
    """
    found: set[str] = set()
    if not hash:
        return frozenset()
    if hash == r.status.stable_rs:
        found.add("stable")
    if r.spec.strategy.blue_green is not None:
        if hash == r.status.blue_green.active_selector:
            found.add("active")
        elif hash == r.status.blue_green.preview_selector:
            found.add("preview")
    elif hash == r.status.current_pod_hash and not found:
        found.add("canary")
    return frozenset(found)


def replica_set_facts(
    rs: ReplicaSet, role: frozenset[str], pods: Iterable[Pod] = ()
) -> ReplicaSetFacts:
    """One ReplicaSet with the pods it owns out of `pods`."""
    own = [pod for pod in pods if is_owned(pod.metadata, rs.metadata, "ReplicaSet")]
    failure = _failure(rs)
    return ReplicaSetFacts(
        name=rs.metadata.name,
        revision=revision_of(rs.metadata),
        hash=label(rs.metadata, HASH_LABEL),
        role=role,
        desired=rs.spec.replicas,
        current=rs.status.replicas,
        ready=rs.status.ready_replicas,
        available=rs.status.available_replicas,
        images=images(rs.spec.template),
        created=rs.metadata.creation_timestamp,
        state=_state(rs, failure is not None),
        scale_down_deadline=_time(annotation(rs.metadata, SCALE_DOWN_DEADLINE)),
        pods=tuple(sorted(map(pod_facts, own), key=_by_age)),
        message=failure or "",
    )


def pod_facts(pod: Pod) -> PodFacts:
    """One pod, with the reason it is not running where there is one."""
    status = pod.status
    containers = status.container_statuses or []
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready = conditions.get("Ready")
    state, message = _pod_state(pod)
    if not message:
        scheduled = conditions.get("PodScheduled")
        message = status.message
        if scheduled is not None and scheduled.status == "False":
            message = message or scheduled.message
    return PodFacts(
        name=pod.metadata.name,
        ready=ready.status == "True"
        if ready is not None
        else bool(containers) and all(container.ready for container in containers),
        state=state,
        restarts=sum(container.restart_count for container in containers),
        created=pod.metadata.creation_timestamp,
        message=message,
    )


# ------------------------------------------------------------------------------------------------


def _failure(rs: ReplicaSet) -> str | None:
    for condition in rs.status.conditions or ():
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return condition.message or condition.reason
    return None


def _state(rs: ReplicaSet, failed: bool) -> str:
    """Source: argo-rollouts, pkg/kubectl-argo-rollouts/info."""
    if rs.status.observed_generation < rs.metadata.generation:
        return "Progressing"
    if failed:
        return "ReplicaFailure"
    if rs.status.available_replicas < rs.spec.replicas:
        return "Progressing"
    return "Healthy" if rs.spec.replicas else "ScaledDown"


def _pod_state(pod: Pod) -> tuple[str, str]:
    status = pod.status
    if pod.metadata.deletion_timestamp is not None:
        return "Terminating", ""
    for container in status.init_container_statuses or ():
        found = _trouble(container, finished_is_fine=True)
        if found is not None:
            return f"Init:{found[0]}", found[1]
    for container in status.container_statuses or ():
        found = _trouble(container, finished_is_fine=status.phase == "Succeeded")
        if found is not None:
            return found
    return status.reason or status.phase or "Unknown", ""


def _trouble(container: ContainerStatus, *, finished_is_fine: bool) -> tuple[str, str] | None:
    state = container.state
    if state is None:
        return None
    if state.waiting is not None and state.waiting.reason:
        return state.waiting.reason, state.waiting.message
    ended = state.terminated
    if ended is None or (finished_is_fine and not ended.exit_code):
        return None
    return ended.reason or f"ExitCode:{ended.exit_code or 0}", ended.message


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _by_age(pod: PodFacts) -> tuple[float, str]:
    return (pod.created.timestamp() if pod.created is not None else 0.0, pod.name)
