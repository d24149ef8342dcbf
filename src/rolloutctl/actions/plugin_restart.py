"""Restarting the controller so that it reads its plugins; and back, if it does not come up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from rolloutctl.actions.plugin_switch import Pace
from rolloutctl.actions.plugins import READ_BY, controller_pods, fingerprint, read_config
from rolloutctl.domain.cluster import DEPLOYMENTS, Change, Cluster
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.plugin_change import (
    ConfigEdit,
    Restart,
    Restarted,
    restoration,
    stamp,
)
from rolloutctl.domain.plugin_config import CONFIG_MAP
from rolloutctl.domain.plugin_use import ControllerFacts
from rolloutctl.domain.wire import Deployment, Pod
from rolloutctl.errors import Conflict, Failed, RolloutctlError, Unreachable

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_ATTEMPTS = 20
_POLL = 0.3
TIMEOUT = 120.0

Tell = Callable[[str, str], None]
"""(event, detail): "restarting" deployment, "crashed" pod, "restoring" "", "restored" ""."""


class _Came(NamedTuple):
    up: bool
    pod: str = ""
    fatal: str = ""
    why: str = ""


def restart(
    cluster: Cluster,
    controller: ControllerFacts,
    *,
    clock: Callable[[], datetime],
    edit: ConfigEdit | None = None,
    wait: bool = True,
    timeout: float = TIMEOUT,
    pace: Pace | None = None,
    tell: Tell = lambda event, detail: None,
) -> Restart | None:
    """Restarts the controller's Deployment and waits until the new pod is ready.

    If it does not come up within `timeout` seconds, or crashes, and `edit` was written before, the
    text of before is put back (only over our own) and the controller restarted once more. Without
    `wait` nothing is watched and None returned. Raises Failed when there is no Deployment to
    restart, Conflict when it cannot be patched, and what the cluster raises.
    """
    pace = pace or Pace()
    if not controller.deployment:
        raise Failed(
            f"the controller cannot be restarted: {controller.unknown}",
            hint="say where it is with --controller-namespace, or restart it yourself",
        )
    if controller.replicas == 0:
        raise Failed(
            f"{controller.deployment} is scaled to 0: there is nothing to restart",
            subject=f"{controller.namespace}/{controller.deployment}",
            hint="it reads the ConfigMap when it is scaled up",
        )
    started = pace.monotonic()
    old, deployment = _bounce(cluster, controller, clock, pace)
    tell("restarting", controller.deployment)
    if not wait:
        return None
    came = _await(cluster, deployment, old, timeout, pace)
    seconds = pace.monotonic() - started
    if came.up:
        return Restart(Restarted.READY, seconds, came.pod)
    tell("crashed", f"{came.pod}: {came.fatal or came.why}")
    failed = Restart(Restarted.DOWN, seconds, came.pod, came.fatal, came.why)
    if edit is None or edit.change is None:
        return failed
    tell("restoring", "")
    try:
        _put_back(cluster, edit)
        old, deployment = _bounce(cluster, controller, clock, pace)
        again = _await(cluster, deployment, old, timeout, pace)
    except RolloutctlError as error:
        problem = f"{came.why}; putting the old ConfigMap back failed: {error.message}"
        return msgspec.structs.replace(failed, problem=problem)
    seconds = pace.monotonic() - started
    if again.up:
        tell("restored", again.pod)
        return Restart(Restarted.ROLLED_BACK, seconds, came.pod, came.fatal, came.why)
    return Restart(
        Restarted.DOWN,
        seconds,
        again.pod,
        again.fatal or came.fatal,
        f"{again.why}, also with the ConfigMap of before, which is back",
    )


def _bounce(
    cluster: Cluster, controller: ControllerFacts, clock: Callable[[], datetime], pace: Pace
) -> tuple[frozenset[str], Deployment]:
    """Has the pods replaced; returns the uids of those there were, and the new Deployment."""
    for attempt in range(_ATTEMPTS):
        deployment = cluster.get(
            DEPLOYMENTS, controller.namespace, controller.deployment, Deployment
        )
        pods = controller_pods(cluster, deployment)
        config = read_config(cluster, controller.namespace)
        digest = fingerprint(config) if config is not None else ""
        change = _restart_change(deployment, {_RESTARTED_AT: stamp(clock()), READ_BY: digest})
        try:
            answer = cluster.apply(change)
        except Conflict:
            # Its status is written all the time; that is no reason to give up.
            if attempt == _ATTEMPTS - 1:
                raise
            pace.sleep(pace.random() * 0.2)
            continue
        return (
            frozenset(pod.metadata.uid for pod in pods),
            decoder(Deployment).decode(answer),
        )
    raise AssertionError("unreachable")


def _restart_change(deployment: Deployment, annotations: dict[str, str]) -> Change:
    metadata = deployment.spec.template.metadata if deployment.spec.template else None
    path = "/spec/template/metadata"
    operations: list[dict[str, Any]] = [
        {
            "op": "test",
            "path": "/metadata/resourceVersion",
            "value": deployment.metadata.resource_version,
        }
    ]
    if metadata is None:
        operations.append({"op": "add", "path": path, "value": {"annotations": annotations}})
    elif not metadata.annotations:
        operations.append({"op": "add", "path": f"{path}/annotations", "value": annotations})
    else:
        operations += [
            {"op": "add", "path": f"{path}/annotations/{key.replace('/', '~1')}", "value": value}
            for key, value in annotations.items()
        ]
    return Change(
        DEPLOYMENTS, deployment.metadata.namespace, deployment.metadata.name, "", tuple(operations)
    )


def _await(
    cluster: Cluster, wanted: Deployment, old: frozenset[str], timeout: float, pace: Pace
) -> _Came:
    """Until all pods are new and ready, one of the new has crashed, or time is up."""
    end = pace.monotonic() + timeout
    namespace, name = wanted.metadata.namespace, wanted.metadata.name
    newest = ""
    said = ""
    while True:
        try:
            deployment = cluster.get(DEPLOYMENTS, namespace, name, Deployment)
            pods = controller_pods(cluster, deployment)
        except Unreachable as error:
            said = error.message
        else:
            new = [pod for pod in pods if pod.metadata.uid not in old]
            new = [pod for pod in new if pod.metadata.deletion_timestamp is None]
            for pod in new:
                newest = pod.metadata.name
                said = _state(pod)
                if crash := _crash(pod):
                    return _Came(False, newest, _fatal(cluster, pod), crash)
            if _settled(deployment, wanted.metadata.generation, pods, new):
                return _Came(True, newest)
        if pace.monotonic() >= end:
            why = f"not ready after {timeout:g} s" + (f" ({said})" if said else "")
            return _Came(False, newest, "", why)
        pace.sleep(_POLL)


def _settled(deployment: Deployment, generation: int, pods: list[Pod], new: list[Pod]) -> bool:
    status = deployment.status
    replicas = deployment.spec.replicas
    ready = [pod for pod in new if _is_ready(pod)]
    return (
        status.observed_generation >= generation
        and status.updated_replicas >= replicas
        and len(ready) >= replicas
        and all(pod in new for pod in pods if pod.metadata.deletion_timestamp is None)
    )


def _is_ready(pod: Pod) -> bool:
    return any(
        each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ()
    )


def _crash(pod: Pod) -> str:
    """Why the pod's process ended, "" while it has not."""
    if _is_ready(pod):
        return ""
    if pod.status.phase == "Failed":
        return pod.status.reason or "the pod failed"
    for container in pod.status.container_statuses or ():
        state = container.state
        if state is None:
            continue
        if state.waiting is not None and state.waiting.reason == "CrashLoopBackOff":
            return state.waiting.reason
        if state.terminated is not None and state.terminated.exit_code:
            return f"it ended with exit code {state.terminated.exit_code}"
    return ""


def _state(pod: Pod) -> str:
    for container in pod.status.container_statuses or ():
        if container.state is not None and container.state.waiting is not None:
            return container.state.waiting.reason
    return pod.status.phase


def _fatal(cluster: Cluster, pod: Pod) -> str:
    """The line of the log that says why the controller ended."""
    try:
        text = cluster.pod_log(pod.metadata.namespace, pod.metadata.name, tail=50)
    except RolloutctlError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "level=fatal" in line or "Failed to " in line]
    if fatal or lines:
        return (fatal or lines)[-1]
    for container in pod.status.container_statuses or ():
        for state in (container.state, container.last_state):
            if state is not None and state.terminated is not None and state.terminated.message:
                return state.terminated.message
    return ""


def _put_back(cluster: Cluster, edit: ConfigEdit) -> None:
    """The old text over our own; another's edit is left alone. Raises Conflict then."""
    for attempt in range(_ATTEMPTS):
        now = read_config(cluster, edit.namespace)
        if now is None:
            raise Conflict(f"{CONFIG_MAP} was deleted meanwhile")
        change = restoration(edit, now)
        try:
            cluster.apply(change)
            return
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
