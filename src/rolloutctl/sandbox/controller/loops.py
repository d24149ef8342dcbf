"""All control loops of the embedded cluster on one queue, in one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rolloutctl.sandbox.client import ApiError, Client
from rolloutctl.sandbox.clock import Clock
from rolloutctl.sandbox.plugins.protocol import StepPlugin
from rolloutctl.sandbox.plugins.registry import PluginRegistry

from . import config, deployments, jobs, replica_sets, services
from .cluster import Cluster, Key
from .kubelet import Kubelet
from .objects import Obj, name, namespace, owner, text
from .references import Named, References
from .rollouts import Rollouts
from .routers import istio
from .step_plugins import Disabled, Unresolvable

if TYPE_CHECKING:
    from rolloutctl.sandbox.analysis.requests import Fetch

LONGEST_RETRY = 10.0
LONGEST_WAIT = 30.0
"""Seconds after which `run_forever` looks around though nobody called `wake`."""

_KINDS = {
    "AnalysisRun": "analysisrun",
    "Deployment": "deployment",
    "Experiment": "experiment",
    "Job": "job",
    "ReplicaSet": "replicaset",
    "Rollout": "rollout",
}
"""Kind of an owner to the loop that looks after it."""


class Controllers:
    """Runs them by hand (`settle`) or until told to stop (`run_forever`).

    `pod_ready_delay`: seconds of the cluster until a new pod is ready. `log` gets a line for
    whoever looks after the sandbox. `fetch` gets an http(s) location of a configured plugin when
    the controller starts, and raises OSError if it cannot. `ask` sends the requests of metrics,
    past any proxy without it; `in_threads` has them wait outside of the control loops.
    """

    def __init__(
        self,
        client: Client,
        *,
        clock: Clock,
        plugins: PluginRegistry,
        pod_ready_delay: float = 0.0,
        log: Callable[[str], None] = lambda line: None,
        fetch: config.Fetch = config.fetch_http,
        ask: Fetch | None = None,
        in_threads: bool = False,
    ) -> None:
        from rolloutctl.sandbox.analysis import measures, requests, runs
        from rolloutctl.sandbox.experiments import loop as experiments

        self._cluster = Cluster(client, clock, log)
        self._registry = plugins
        self._kubelet = Kubelet(
            self._cluster,
            ready_delay=pod_ready_delay,
            fetch=fetch,
            changed=self._controller_changed,
        )
        self._rollouts = Rollouts(self._cluster)
        self._failures: dict[Key, int] = {}
        self._gone: dict[tuple[str, str], Obj] = {}
        self._let_go: dict[tuple[str, str], tuple[Obj, set[Named]]] = {}
        """Objects a rollout named until now, and which it leaves behind as it found them."""
        self._references = References()
        self._wake = threading.Event()
        self._experiment = experiments.reconcile
        self._analysis = runs.AnalysisRuns(
            self._cluster,
            measures.InThreads(self.wake) if in_threads else measures.AtOnce(),
            ask or requests.fetch_http,
        )

    def wake(self) -> None:
        """Have a look at the cluster now. May be called from any thread."""
        self._wake.set()

    def settle(self, limit: int = 100_000) -> None:
        """Do everything that is due now, and what becomes due by it.

        Raises RuntimeError after `limit` steps: two loops undo each other's work then.
        """
        for _ in range(limit):
            if not self._step():
                return
        raise RuntimeError(f"the control loops did not come to rest in {limit} steps")

    def next_due(self) -> float | None:
        """When, on the clock's `monotonic`, there is something to do; None if nothing is known."""
        return self._cluster.queue.next_due()

    def run_forever(self, stop: threading.Event) -> None:
        """Do what is due until `stop` is set and `wake` called."""
        silence = self._cluster.client.on_change(self.wake)
        try:
            while not stop.is_set():
                self._wake.clear()
                while self._step() and not stop.is_set():
                    pass
                due = self.next_due()
                wait = LONGEST_WAIT if due is None else due - self._cluster.clock.monotonic()
                self._wake.wait(min(LONGEST_WAIT, max(0.0, wait)))
        finally:
            silence()

    def _step(self) -> bool:
        """Take in changes and do one thing; False if nothing was due."""
        self._take_in()
        key = self._cluster.queue.pop(self._cluster.clock.monotonic())
        if key is None:
            return False
        try:
            self._reconcile(*key)
        except ApiError as error:
            # A conflict is gone with the next look; the rest may take longer.
            self._failed(key, error.message, tell_after=10)
        except Exception as error:
            # A malformed object of one user must not stop the rest of the cluster.
            self._failed(key, f"{type(error).__name__}: {error}", tell_after=1)
        else:
            self._failures.pop(key, None)
        return True

    def _failed(self, key: Key, why: str, *, tell_after: int) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self._cluster.later(key, min(LONGEST_RETRY, 0.001 * 2 ** min(failures, 20)))
        if failures == tell_after:
            self._cluster.log(f"{key[0]} {key[1]}/{key[2]}: {why}")

    def _reconcile(self, loop: str, place: str, named: str) -> None:
        if loop == "rollout":
            read = self._kubelet.controller
            if read is not None:
                self._rollouts.reconcile(place, named, lambda plugin: self._resolve(read, plugin))
        elif loop == "replicaset":
            replica_sets.reconcile(self._cluster, place, named)
        elif loop == "gone":
            self._deleted(self._gone[place, named])
            del self._gone[place, named]
        elif loop == "let go":
            rollout, names = self._let_go[place, named]
            names = names.difference(self._references.named_by(place, named))
            services.let_go(self._cluster, rollout, names)
            istio.let_go(self._cluster, rollout, names)
            del self._let_go[place, named]
        elif loop == "deployment":
            deployments.reconcile(self._cluster, place, named)
        elif loop == "analysisrun":
            if self._kubelet.controller is not None:
                self._analysis.reconcile(place, named)
        elif loop == "job":
            jobs.reconcile(self._cluster, place, named)
        elif loop == "experiment":
            if self._kubelet.controller is not None:
                self._experiment(self._cluster, place, named)
        else:
            self._kubelet.reconcile(place, named)

    def _resolve(self, read: config.StepPluginConfig, plugin: str) -> StepPlugin | Disabled:
        failed = f"failed to get step plugin {plugin}: unable to start plugin system: "
        if plugin in read.disabled:
            return Disabled()
        if plugin not in read.enabled:
            raise Unresolvable(
                f"{failed}unable to find plugin ({plugin}): "
                f"plugin {plugin} not configured in configmap"
            )
        found = self._registry.get(plugin)
        if found is None:
            raise Unresolvable(
                f"{failed}unable to start plugin ({plugin}): "
                "the sandbox has no implementation of it, see --plugin"
            )
        return found

    def _controller_changed(self) -> None:
        """A controller that starts looks at every rollout, and has said nothing yet."""
        if self._kubelet.controller is None:
            return
        self._cluster.rollout_events = self._cluster.recorder("rollouts-controller")
        for rollout in self._cluster.rollouts.all():
            self._announce(rollout)
            self._cluster.soon(("rollout", namespace(rollout), name(rollout)))
        for run in self._cluster.analysis_runs.all():
            self._cluster.soon(("analysisrun", namespace(run), name(run)))
        for each in self._cluster.experiments.all():
            self._cluster.soon(("experiment", namespace(each), name(each)))

    def _announce(self, rollout: Obj) -> None:
        said = f"Rollout resource added to informer: {namespace(rollout)}/{name(rollout)}"
        self._cluster.rollout_events.event(rollout, "Normal", "RolloutAddedToInformer", said)

    def _take_in(self) -> None:
        cluster = self._cluster
        for kind, found, _ in cluster.deployments.refresh():
            self._enqueue("deployment", kind, found)
            self._enqueue_users("deployments", found)
        for kind, found, _ in cluster.replica_sets.refresh():
            self._enqueue("replicaset", kind, found)
            self._enqueue_users("replicasets", found)
            self._enqueue_owner(found)
        for kind, found, _ in cluster.pods.refresh():
            if kind == "DELETED":
                self._kubelet.forget(found)
            self._enqueue("pod", kind, found)
            self._enqueue_owner(found)
        for loop, cache in (
            ("analysisrun", cluster.analysis_runs),
            ("experiment", cluster.experiments),
            ("job", cluster.jobs),
        ):
            for kind, found, _ in cache.refresh():
                if loop == "analysisrun" and kind == "DELETED":
                    self._analysis.forget(found)
                self._enqueue(loop, kind, found)
                self._enqueue_owner(found)
        for key in self._analysis.finished():
            cluster.soon(key)
        for plural, cache in (
            ("services", cluster.services),
            ("virtualservices", cluster.virtual_services),
            ("destinationrules", cluster.destination_rules),
        ):
            for _, found, _ in cache.refresh():
                self._enqueue_users(plural, found)
        for kind, found, _ in cluster.rollouts.refresh():
            if self._kubelet.controller is not None:
                if kind == "ADDED":
                    self._announce(found)
                elif kind == "DELETED":
                    self._gone[namespace(found), name(found)] = found
                    self._cluster.soon(("gone", namespace(found), name(found)))
            dropped = self._references.changed(found, gone=kind == "DELETED")
            if dropped and self._kubelet.controller is not None:
                at = (namespace(found), name(found))
                _, earlier = self._let_go.get(at, (found, set()))
                self._let_go[at] = (found, dropped | earlier)
                self._cluster.soon(("let go", *at))
            self._enqueue("rollout", kind, found)

    def _enqueue(self, loop: str, kind: str, found: Obj) -> None:
        if kind != "DELETED":
            self._cluster.soon((loop, namespace(found), name(found)))

    def _enqueue_owner(self, found: Obj) -> None:
        reference = owner(found)
        loop = _KINDS.get(text(reference, "kind")) if reference else None
        if reference is not None and loop is not None:
            self._cluster.soon((loop, namespace(found), text(reference, "name")))

    def _enqueue_users(self, plural: str, found: Obj) -> None:
        for place, named in self._references.users(plural, found):
            self._cluster.soon(("rollout", place, named))

    def _deleted(self, rollout: Obj) -> None:
        said = f"Rollout {name(rollout)}/{namespace(rollout)} is deleted."
        self._cluster.rollout_events.event(rollout, "Normal", "RolloutDeleted", said)
