"""What the control loops share: the client, the caches, the clock and the queue."""

from __future__ import annotations

from collections.abc import Callable

from rolloutctl.sandbox.api.resources import BY_PLURAL
from rolloutctl.sandbox.client import ApiError, Client
from rolloutctl.sandbox.clock import Clock

from .cache import Cache
from .objects import Obj, mapping, name, namespace, text, uid
from .queue import WorkQueue
from .recorder import Recorder
from .timing import Timing

Key = tuple[str, str, str]
"""(loop, namespace, name)"""


class Cluster:
    """One per set of control loops; `log` gets lines for the sandbox's own log."""

    def __init__(self, client: Client, clock: Clock, log: Callable[[str], None]) -> None:
        self.client = client
        self.clock = clock
        self.log = log
        self.timing = Timing(clock)
        self._left_out: set[tuple[str, str]] = set()
        self.queue: WorkQueue[Key] = WorkQueue()
        self.rollouts = Cache(client, "rollouts")
        self.replica_sets = Cache(client, "replicasets")
        self.pods = Cache(client, "pods")
        self.deployments = Cache(client, "deployments")
        self.services = Cache(client, "services")
        self.virtual_services = Cache(client, "virtualservices")
        self.destination_rules = Cache(client, "destinationrules")
        self.analysis_runs = Cache(client, "analysisruns")
        self.experiments = Cache(client, "experiments")
        self.jobs = Cache(client, "jobs")
        self.rollout_events = self.recorder("rollouts-controller")
        self.replica_set_events = self.recorder("replicaset-controller")
        self.deployment_events = self.recorder("deployment-controller")
        self.job_events = self.recorder("job-controller")
        self.kubelet_events = self.recorder("kubelet")

    def recorder(self, component: str) -> Recorder:
        """A recorder that remembers nothing of what `component` said before."""
        return Recorder(self.client, component, self.clock)

    def referred(self, plural: str, namespace: str, name: str) -> Obj | None:
        """What a rollout in `namespace` refers to by its name, None if it is not there.

        A VirtualService may be one of another namespace: `name.namespace`.
        """
        if plural == "services":
            return self.services.get(namespace, name)
        if plural == "virtualservices":
            named, _, elsewhere = name.partition(".")
            return self.virtual_services.get(elsewhere or namespace, named)
        try:
            return self.client.get(
                plural, name, namespace if BY_PLURAL[plural].namespaced else None
            )
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def leaves_out(self, obj: Obj, what: str) -> None:
        """Tell the sandbox's log, once, what of `obj` is not simulated."""
        if (uid(obj), what) not in self._left_out:
            self._left_out.add((uid(obj), what))
            kind = text(obj, "kind").lower()
            self.log(f"{kind} {namespace(obj)}/{name(obj)}: not simulated: {what}")

    def soon(self, key: Key) -> None:
        self.queue.add(key, self.clock.monotonic())

    def later(self, key: Key, seconds: float) -> None:
        """Have `key` done after `seconds` of the cluster."""
        self.queue.add(key, self.timing.due_in(seconds))

    def write_status(self, resource: str, cache: Cache, obj: Obj, status: Obj) -> Obj:
        """Make `status` the status of `obj`, sending what differs, and nothing if nothing does.

        AnalysisRuns and Experiments have no status subresource: theirs is a part of the object.
        """
        body = differences(mapping(obj, "status"), status)
        if not body:
            return obj
        written = self.client.patch(
            resource,
            name(obj),
            {"status": body},
            namespace(obj),
            subresource="status" if BY_PLURAL[resource].status else None,
        )
        cache.put(written)
        return written


def differences(old: Obj, new: Obj) -> Obj:
    """The merge patch that makes `new` of `old`. Lists are replaced whole."""
    body: Obj = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = differences(before, value)
            if inner:
                body[key] = inner
        elif key not in old or before != value:
            body[key] = value
    for key, before in old.items():
        # What is zero counts as absent: a client's own `abort: false` stays as it is.
        if key not in new and (before or key in _ZERO_COUNTS):
            body[key] = None
    return body


_ZERO_COUNTS = frozenset({"currentStepIndex"})
"""Where 0 says something else than nothing."""
