"""A kubelet for pods that do not exist: what their status says, and when."""

from __future__ import annotations

from datetime import datetime

from .objects import Obj, items, moment_of, stamp, text

BACK_OFF = "ImagePullBackOff"


def is_ready(pod: Obj) -> bool:
    return ready_since(pod) is not None


def ready_since(pod: Obj) -> datetime | None:
    """Since when the pod's Ready condition is True, None if it is not."""
    for condition in items(pod, "status", "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            return moment_of(condition.get("lastTransitionTime"))
    return None


def is_gone(pod: Obj) -> bool:
    """Whether the pod no longer counts: deleted, or ended."""
    deleted = "deletionTimestamp" in pod["metadata"]
    return deleted or text(pod, "status", "phase") in ("Failed", "Succeeded")


def containers(pod: Obj) -> list[Obj]:
    found = items(pod, "spec", "containers")
    return [each for each in found if isinstance(each, dict)]


def is_bad(image: str) -> bool:
    """Whether the image cannot be pulled: its tag contains `bad`."""
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return colon != "" and "bad" in tag


def will_fail(pod: Obj) -> bool:
    """Whether a pod that ends, as that of a Job does, ends badly: a tag contains `fail`."""
    tags = (text(each, "image").rpartition("/")[2].partition(":")[2] for each in containers(pod))
    return any("fail" in tag for tag in tags)


def ended_at(pod: Obj) -> str:
    """When the last container ended, as the API writes it; "" while one runs."""
    states = [each.get("state") for each in items(pod, "status", "containerStatuses")]
    return max((text(state, "terminated", "finishedAt") for state in states), default="")


def cannot_start(pod: Obj) -> bool:
    return any(is_bad(text(each, "image")) for each in containers(pod))


def starting(pod: Obj, now: datetime) -> Obj:
    """The status of a pod whose containers are being made, or never will be."""
    states = []
    for each in containers(pod):
        image = text(each, "image")
        if is_bad(image):
            waiting = {
                "reason": BACK_OFF,
                "message": f'Back-off pulling image "{image}"',
            }
        else:
            waiting = {"reason": "ContainerCreating"}
        states.append(_container(each, ready=False, state={"waiting": waiting}))
    return _status("Pending", now, states, ready=False)


def running(pod: Obj, now: datetime, *, restarts: int = 0, last_state: Obj | None = None) -> Obj:
    """The status of a pod whose containers all run and are ready."""
    states = [
        _container(
            each,
            ready=True,
            state={"running": {"startedAt": stamp(now)}},
            restarts=restarts,
            last_state=last_state,
        )
        for each in containers(pod)
    ]
    return _status("Running", now, states, ready=True)


def ended(pod: Obj, now: datetime, *, failed: bool) -> Obj:
    """The status of a pod whose containers are done."""
    terminated = {
        "exitCode": 1 if failed else 0,
        "reason": "Error" if failed else "Completed",
        "startedAt": text(pod, "status", "startTime") or stamp(now),
        "finishedAt": stamp(now),
    }
    states = [
        _container(each, ready=False, state={"terminated": terminated}) for each in containers(pod)
    ]
    status = _status("Failed" if failed else "Succeeded", now, states, ready=False)
    status["startTime"] = terminated["startedAt"]
    return status


def crashed(pod: Obj, now: datetime, *, log: str, restarts: int, back_off: int) -> Obj:
    """The status of a pod whose container ended with `log`; `back_off` seconds to the next try."""
    where = f"pod={pod['metadata']['name']}_{pod['metadata'].get('namespace', '')}"
    where += f"({pod['metadata'].get('uid', '')})"
    states = []
    for each in containers(pod):
        said = f"back-off {back_off}s restarting failed container={text(each, 'name')} {where}"
        terminated = {
            "exitCode": 1,
            "reason": "Error",
            "message": log,
            "startedAt": stamp(now),
            "finishedAt": stamp(now),
        }
        states.append(
            _container(
                each,
                ready=False,
                state={"waiting": {"reason": "CrashLoopBackOff", "message": said}},
                restarts=restarts,
                last_state={"terminated": terminated},
            )
        )
    return _status("Running", now, states, ready=False)


def _container(
    container: Obj, *, ready: bool, state: Obj, restarts: int = 0, last_state: Obj | None = None
) -> Obj:
    return {
        "name": text(container, "name"),
        "image": text(container, "image"),
        "imageID": "",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last_state or {},
    }


def _status(phase: str, now: datetime, states: list[Obj], *, ready: bool) -> Obj:
    at = stamp(now)
    problem = {} if ready else {"reason": "ContainersNotReady"}
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": at},
        {"type": "Initialized", "status": "True", "lastTransitionTime": at},
    ]
    for kind in ("ContainersReady", "Ready"):
        conditions.append({"type": kind, "status": str(ready), "lastTransitionTime": at, **problem})
    return {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": states,
        "startTime": at,
    }
