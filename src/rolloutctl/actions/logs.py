"""Reading the logs of pods, all of them as one. Nothing here changes anything."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from rolloutctl.actions.analyses import not_found
from rolloutctl.actions.inspect import children_selector, get_rollout, readable
from rolloutctl.domain import wire
from rolloutctl.domain.analyses import FINAL, JOB_NAMESPACE
from rolloutctl.domain.cluster import ANALYSIS_RUNS, PODS, REPLICA_SETS, ROLLOUTS, Cluster, Kind
from rolloutctl.domain.pod_logs import (
    LogLine,
    Origin,
    belongs,
    containers,
    read_line,
    role_of,
    runs,
    short_name,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import is_owned, label
from rolloutctl.domain.wire_details import AnalysisRunDetails
from rolloutctl.errors import ClusterError, Failed, NotFound, RolloutctlError, UsageError

_JOB = "job-name"
AHEAD = 1000
"""Lines of a container that are kept until it is their turn."""


class Asked(Struct, frozen=True):
    """Which part of which logs is wanted. `since` in seconds; `roles` empty for all."""

    roles: frozenset[str] = frozenset()
    container: str = ""
    every_container: bool = False
    tail: int | None = None
    since: float | None = None
    previous: bool = False
    most: int = 50
    """Pods that are read at the same time."""


class Unread(Struct, frozen=True):
    """A container whose log could not be read, or not to its end; `waits`: it has none yet."""

    origin: Origin
    error: RolloutctlError
    waits: bool = False


class Meant(Struct, frozen=True):
    """The containers to read, and how many pods were left out because they are too many."""

    origins: tuple[Origin, ...]
    left_out: int = 0
    unread: tuple[Unread, ...] = ()
    """Containers that have not begun: there is nothing to ask for."""


def is_waiting(error: RolloutctlError) -> bool:
    """Whether the server says that a container has not started yet."""
    return isinstance(error, Failed) and "waiting to start" in error.message


class Crowd(Protocol):
    """Pods that belong together: those of a rollout, or of an analysis run.

    `selector` picks them (and maybe more) in `namespace`; `kind` and `ref` are the object they are
    of, `as_type` the struct it is decoded to.
    """

    kind: Kind
    as_type: type[Any]
    ref: Ref
    selector: str

    @property
    def namespace(self) -> str:
        """Where the pods are."""
        ...

    @property
    def over(self) -> bool:
        """Whether no more pods can come."""
        ...

    def update(self, item: Any) -> None:
        """The object has become this."""
        ...

    def origins(self, pod: wire.Pod, asked: Asked) -> list[Origin]:
        """The containers of a pod that are meant, none if the pod is not."""
        ...

    def belongs(self, pod: wire.Pod) -> bool:
        """Whether the pod is one of them, wanted or not."""
        ...


class RolloutPods:
    """The pods of one rollout and the part each plays."""

    kind = ROLLOUTS
    as_type: type[Any] = wire.Rollout
    over = False

    def __init__(self, cluster: Cluster, ref: Ref) -> None:
        """Raises NotFound with near names, and what the cluster raises."""
        self.ref = ref
        self.rollout = get_rollout(cluster, ref)
        self.selector = children_selector(self.rollout)
        sets, _ = (
            readable(cluster, REPLICA_SETS, ref.namespace, wire.ReplicaSet, self.selector)
            if self.selector
            else ([], [])
        )
        owner = self.rollout.metadata
        self.replica_sets = {
            rs.metadata.name for rs in sets if is_owned(rs.metadata, owner, "Rollout")
        }

    @property
    def namespace(self) -> str:
        return self.ref.namespace

    def update(self, item: Any) -> None:
        self.rollout = item

    def belongs(self, pod: wire.Pod) -> bool:
        return belongs(self.rollout, pod, self.replica_sets)

    def origins(self, pod: wire.Pod, asked: Asked) -> list[Origin]:
        if not self.belongs(pod):
            return []
        role = role_of(self.rollout, pod, asked.roles)
        if role is None:
            return []
        name = self.rollout.metadata.name
        short = short_name(pod, name)
        return [
            Origin(pod.metadata.namespace, name, pod.metadata.name, each, role, short)
            for each in containers(pod, asked.container, every=asked.every_container)
        ]


class JobPods:
    """The pods of an analysis run's Jobs, each called by its metric.

    A Job is named `<uid of the run>.<metric>.<n>`, and its pods carry that name as a label.
    Source: argo-rollouts, metricproviders/job/job.go.
    """

    kind = ANALYSIS_RUNS
    as_type: type[Any] = AnalysisRunDetails
    selector = _JOB

    def __init__(self, cluster: Cluster, ref: Ref, metric: str = "") -> None:
        """Raises NotFound (also for a metric the run has not), Failed where none is a job."""
        self.ref = ref
        try:
            self.run = cluster.get(ANALYSIS_RUNS, ref.namespace, ref.name, AnalysisRunDetails)
        except NotFound as error:
            raise not_found(
                cluster, ANALYSIS_RUNS, ref.namespace, ref.name, "analysis run"
            ) from error
        self.metrics = self._of_jobs(metric)

    def _of_jobs(self, wanted: str) -> list[str]:
        metrics = self.run.spec.metrics or ()
        jobs = [each.name for each in metrics if "job" in (each.provider or {})]
        if wanted and wanted not in [each.name for each in metrics]:
            names = ", ".join(each.name for each in metrics)
            raise NotFound(
                f'{self.ref} has no metric "{wanted}"',
                subject=str(self.ref),
                hint=f"it has {names}",
            )
        if not jobs or (wanted and wanted not in jobs):
            what = f"metric {wanted}" if wanted else "no metric"
            raise Failed(
                f"{what} of {self.ref} is {'no' if wanted else 'a'} job: only jobs have logs",
                subject=str(self.ref),
                hint=f"rolloutctl analysis get {self.ref.name} -n {self.ref.namespace}"
                " shows what was measured",
            )
        return [wanted] if wanted else jobs

    @property
    def namespace(self) -> str:
        for result in self.run.status.metric_results or ():
            for each in result.measurements or ():
                if place := (each.metadata or {}).get(JOB_NAMESPACE):
                    return place
        return self.ref.namespace

    @property
    def over(self) -> bool:
        return self.run.status.phase in FINAL

    def update(self, item: Any) -> None:
        self.run = item

    def belongs(self, pod: wire.Pod) -> bool:
        return self._metric(pod) is not None

    def origins(self, pod: wire.Pod, asked: Asked) -> list[Origin]:
        metric = self._metric(pod)
        if metric is None:
            return []
        job = label(pod.metadata, _JOB)
        number = job.rpartition(".")[2]
        tail = pod.metadata.name.removeprefix(f"{job}-")
        namespace, name = pod.metadata.namespace, self.ref.name
        return [
            Origin(namespace, name, pod.metadata.name, each, metric, f"{number}-{tail}")
            for each in containers(pod, asked.container, every=asked.every_container)
        ]

    def _metric(self, pod: wire.Pod) -> str | None:
        job, uid = label(pod.metadata, _JOB), self.run.metadata.uid
        for metric in self.metrics:
            start = f"{uid}.{metric}."
            if uid and job.startswith(start) and job[len(start) :].isdigit():
                return metric
        return None


def meant(cluster: Cluster, crowds: Sequence[Crowd], asked: Asked) -> Meant:
    """The containers to read now: of the youngest pods, where there are more than `asked.most`.

    Raises NotFound where no pod has the container, and what the cluster raises.
    """
    found: list[tuple[wire.Pod, list[Origin]]] = []
    known: set[str] = set()
    for crowd in crowds:
        for pod in listed(cluster, crowd.namespace, crowd.selector):
            if not crowd.belongs(pod):
                continue
            known.update(containers(pod, every=True))
            origins = crowd.origins(pod, asked)
            if origins:
                found.append((pod, origins))
    if asked.container and known and asked.container not in known:
        raise NotFound(
            f'no pod has a container "{asked.container}"',
            hint=f"there are {', '.join(sorted(known))}",
        )
    found.sort(key=lambda each: youngest_first(each[0]))
    origins, unread = begun(found[: asked.most], previous=asked.previous)
    return Meant(tuple(origins), max(0, len(found) - asked.most), tuple(unread))


def begun(
    found: Iterable[tuple[wire.Pod, list[Origin]]], *, previous: bool = False
) -> tuple[list[Origin], list[Unread]]:
    """The containers there is something to ask of, and those that have not begun.

    `previous`: those that were restarted are meant, and of the others nothing is to be said.
    """
    origins: list[Origin] = []
    unread: list[Unread] = []
    for pod, each in found:
        for origin in each:
            state = runs(pod, origin.container)
            if previous:
                origins += [origin] if state.number else []
            elif state.began or not state.waits:
                origins.append(origin)
            else:
                error = Failed(f"waiting to start: {state.waits}", subject=origin.pod)
                unread.append(Unread(origin, error, waits=True))
    return origins, unread


def listed(cluster: Cluster, namespace: str, labels: str) -> Iterator[wire.Pod]:
    """The pods a selector picks; none for an empty selector."""
    if labels:
        for page in cluster.pages(PODS, namespace, wire.Pod, label_selector=labels):
            yield from page.items


def youngest_first(pod: wire.Pod) -> tuple[float, str]:
    """What pods are sorted by."""
    created = pod.metadata.creation_timestamp
    return (-created.timestamp() if created is not None else 0.0, pod.metadata.name)


# --- what is there already ----------------------------------------------------------------------


def merged(
    cluster: Cluster, origins: Sequence[Origin], asked: Asked, failed: Callable[[Unread], None]
) -> Iterator[LogLine]:
    """The lines there are, in the order they were printed; a thread per container reads them.

    `failed` is told, in the caller's thread, of what could not be read.
    """
    stop = threading.Event()
    sources = [_Reading(cluster, origin, asked, stop) for origin in origins]
    try:
        lines = [source.lines(failed, number) for number, source in enumerate(sources)]
        for _, _, _, line in heapq.merge(*lines):
            yield line
    finally:
        stop.set()


class _Reading:
    """One container's log, read ahead by a thread; of bounded length."""

    def __init__(
        self, cluster: Cluster, origin: Origin, asked: Asked, stop: threading.Event
    ) -> None:
        self._queue: queue.Queue[LogLine | RolloutctlError | None] = queue.Queue(AHEAD)
        self._cluster = cluster
        self._origin = origin
        self._asked = asked
        self._stop = stop
        threading.Thread(target=self._run, name=f"log-{origin.pod}", daemon=True).start()

    def _run(self) -> None:
        origin = self._origin
        try:
            for line in opened(self._cluster, origin, self._asked):
                if not self._put(read_line(origin, line)):
                    return
            self._put(None)
        except RolloutctlError as error:
            self._put(error)
        except Exception as error:
            self._put(unexpected(origin, error))

    def _put(self, item: LogLine | RolloutctlError | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False

    def lines(
        self, failed: Callable[[Unread], None], number: int
    ) -> Iterator[tuple[float, int, int, LogLine]]:
        """The lines with what they are ordered by; one without a time stays behind the last."""
        at = 0.0
        count = 0
        while (item := self._queue.get()) is not None:
            if isinstance(item, RolloutctlError):
                failed(Unread(self._origin, item, waits=is_waiting(item)))
                return
            at = max(at, item.at.timestamp()) if item.at is not None else at
            count += 1
            yield at, number, count, item


def opened(
    cluster: Cluster, origin: Origin, asked: Asked, *, follow: bool = False
) -> Iterator[str]:
    """The lines of one container as the server sends them, each with its time."""
    return cluster.log_lines(
        origin.namespace,
        origin.pod,
        container=origin.container,
        follow=follow,
        tail=asked.tail,
        since_seconds=asked.since,
        previous=asked.previous,
        timestamps=True,
    )


def unexpected(origin: Origin, error: Exception) -> ClusterError:
    """What nobody expected, as an error of ours."""
    return ClusterError(
        f"reading the log of {origin.pod} failed: {type(error).__name__}: {error}",
        subject=f"{origin.namespace}/{origin.pod}",
    )


def seconds_since(moment: datetime, now: datetime) -> float:
    """How far back to ask, so that nothing after `moment` is missed."""
    return max(1.0, (now - moment).total_seconds() + 2.0)


def check(asked: Asked, *, follow: bool) -> None:
    """Raises UsageError for what cannot be asked for together."""
    if asked.container and asked.every_container:
        raise UsageError("-c and --all-containers do not go together", hint="leave out one of them")
    if asked.previous and follow:
        raise UsageError("--previous is of a container that has ended; it cannot be followed")
    if asked.most < 1:
        raise UsageError("--max-pods is at least 1")
    if asked.tail is not None and asked.tail < 0:
        raise UsageError("--tail is at least 0")
