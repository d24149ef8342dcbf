"""Starts pods: at once or after a delay, never with a bad image, and the controller's own pod.

That pod is special: it starts only if the configuration it reads then is right, and while none
runs, no rollout moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rolloutctl.sandbox.api.logs import LOG_ANNOTATION
from rolloutctl.sandbox.client import ApiError

from . import config, pods
from .cluster import Cluster
from .objects import Obj, items, mapping, name, namespace, owner, stamp, text, uid

DEPLOYMENT = "argo-rollouts"
JOB_SECONDS = 1.0
"""How long the pod of a Job runs."""
FIRST_BACK_OFF, LONGEST_BACK_OFF = 10, 300


@dataclass(slots=True)
class _Crash:
    restarts: int
    due: float


class Kubelet:
    """`ready_delay` in seconds of the cluster.

    `changed` is called when the controller has started or ended.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        ready_delay: float,
        fetch: config.Fetch,
        changed: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._delay = ready_delay
        self._fetch = fetch
        self._changed = changed
        self._due: dict[str, float] = {}
        self._running: dict[str, config.StepPluginConfig] = {}
        self._crashes: dict[str, _Crash] = {}

    @property
    def controller(self) -> config.StepPluginConfig | None:
        """What the running controller read at its start; None while none runs."""
        return next(iter(self._running.values()), None)

    def forget(self, pod: Obj) -> None:
        """The pod was deleted."""
        self._due.pop(uid(pod), None)
        self._crashes.pop(uid(pod), None)
        if self._running.pop(uid(pod), None) is not None:
            self._changed()

    def reconcile(self, place: str, named: str) -> None:
        pod = self._cluster.pods.get(place, named)
        if pod is not None and pods.is_ready(pod) and _is_of_job(pod):
            self._end(pod)
            return
        if (
            pod is None
            or pods.is_gone(pod)
            or (pods.is_ready(pod) and uid(pod) in self._settled(pod))
        ):
            return
        now = self._cluster.timing.now()
        if pods.cannot_start(pod):
            if not pod.get("status", {}).get("containerStatuses"):
                self._write(pod, pods.starting(pod, now))
            return
        due = self._due.setdefault(uid(pod), self._cluster.timing.due_in(self._delay))
        if due > self._cluster.clock.monotonic():
            if not pod.get("status", {}).get("containerStatuses"):
                self._write(pod, pods.starting(pod, now))
            self._cluster.queue.add(("pod", place, named), due)
        elif self._is_controller(pod):
            self._start_controller(pod)
        else:
            self._run(pod)

    def _settled(self, pod: Obj) -> set[str]:
        """The pods there is nothing to start for."""
        return set(self._running) if self._is_controller(pod) else {uid(pod)}

    def _run(self, pod: Obj, *, restarts: int = 0, last_state: Obj | None = None) -> None:
        now = self._cluster.timing.now()
        self._cluster.timing.stamped(uid(pod), "ready", stamp(now))
        self._write(pod, pods.running(pod, now, restarts=restarts, last_state=last_state))

    def _end(self, pod: Obj) -> None:
        """The pod of a Job ends as its image says."""
        since = pods.ready_since(pod)
        waited = self._cluster.timing.elapsed(uid(pod), "ready", stamp(since)) if since else 0.0
        if waited < JOB_SECONDS:
            key = ("pod", namespace(pod), name(pod))
            self._cluster.later(key, JOB_SECONDS - waited + 0.001)
            return
        now = self._cluster.timing.now()
        self._cluster.timing.stamped(uid(pod), "ended", stamp(now))
        self._write(pod, pods.ended(pod, now, failed=pods.will_fail(pod)))

    def _is_controller(self, pod: Obj) -> bool:
        if namespace(pod) != config.NAMESPACE:
            return False
        reference = owner(pod)
        replica_set = (
            self._cluster.replica_sets.get(config.NAMESPACE, reference.get("name", ""))
            if reference and reference.get("kind") == "ReplicaSet"
            else None
        )
        above = owner(replica_set) if replica_set else None
        return above is not None and (above.get("kind"), above.get("name")) == (
            "Deployment",
            DEPLOYMENT,
        )

    def _start_controller(self, pod: Obj) -> None:
        crash = self._crashes.get(uid(pod))
        if crash is not None and crash.due > self._cluster.clock.monotonic():
            # An event of the pod came first, and took the place of the appointment.
            self._cluster.queue.add(("pod", namespace(pod), name(pod)), crash.due)
            return
        try:
            read = config.load(self._config_map(), self._fetch)
        except config.Fatal as error:
            self._crash(pod, str(error))
            return
        restarts = crash.restarts + 1 if crash else 0
        before = items(pod, "status", "containerStatuses") if crash else []
        last_state = mapping(before[0], "lastState") if before else None
        self._crashes.pop(uid(pod), None)
        self._running[uid(pod)] = read
        log = [self._line("info", "Argo Rollouts starting (simulated)")]
        for plugin in sorted(read.enabled):
            log.append(self._line("info", f"Step plugin {plugin} configured"))
        for plugin in sorted(read.disabled):
            log.append(self._line("info", f"Step plugin {plugin} configured, disabled"))
        self._cluster.log(f"controller {name(pod)} started")
        self._run(self._print(pod, log), restarts=restarts, last_state=last_state)
        self._changed()

    def _crash(self, pod: Obj, why: str) -> None:
        before = self._crashes.get(uid(pod))
        restarts = before.restarts + 1 if before else 0
        back_off = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(restarts, 8))
        due = self._cluster.timing.due_in(back_off)
        self._crashes[uid(pod)] = _Crash(restarts, due)
        line = self._line("fatal", why)
        pod = self._print(pod, [line])
        self._cluster.log(f"controller {name(pod)} cannot start: {why}")
        now = self._cluster.timing.now()
        status = pods.crashed(pod, now, log=line, restarts=restarts, back_off=back_off)
        self._write(pod, status)
        said = (
            status["containerStatuses"][0]["state"]["waiting"]["message"]
            if (status["containerStatuses"])
            else "Back-off restarting failed container"
        )
        self._cluster.kubelet_events.event(pod, "Warning", "BackOff", said)
        self._cluster.queue.add(("pod", namespace(pod), name(pod)), due)

    def _print(self, pod: Obj, lines: list[str]) -> Obj:
        """Make `lines` the log of the pod's container: a restarted one starts with none."""
        log = "".join(f"{line}\n" for line in lines)
        body = {"metadata": {"annotations": {LOG_ANNOTATION: log}}}
        printed = self._cluster.client.patch("pods", name(pod), body, namespace(pod))
        self._cluster.pods.put(printed)
        return printed

    def _line(self, level: str, message: str) -> str:
        quoted = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'time="{self._cluster.timing.stamp()}" level={level} msg="{quoted}"'

    def _config_map(self) -> Obj | None:
        try:
            return self._cluster.client.get("configmaps", config.NAME, config.NAMESPACE)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _write(self, pod: Obj, status: Obj) -> None:
        self._cluster.write_status("pods", self._cluster.pods, pod, status)


def _is_of_job(pod: Obj) -> bool:
    return text(owner(pod), "kind") == "Job"
