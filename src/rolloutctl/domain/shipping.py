"""What a person is about to ship, or to leave: its images, how its pods and its analysis are."""

from __future__ import annotations

import msgspec

from rolloutctl.domain.facts import (
    AnalysisFacts,
    MetricFacts,
    PodFacts,
    ReplicaSetFacts,
    RolloutPicture,
)
from rolloutctl.domain.status import desired_replicas
from rolloutctl.domain.wire import Rollout

_AT_WORK = frozenset({"", "Pending", "Running"})
_BAD = frozenset({"Failed", "Error", "Inconclusive"})
_JUDGED_BY = frozenset({"replicasets", "pods", "analysisruns", "ReplicaSet", "Pod", "AnalysisRun"})
"""What counts of what could not be read: all of a kind, or one ("Pod web-1")."""


class Shipping(msgspec.Struct, frozen=True):
    """The version now being rolled out (`revision`, 0 where it is not known).

    `images_from` are those of the stable version. Of its pods `ready` are ready and `desired` are
    wanted now (None where its ReplicaSet is not there or could not be read); `unready` are the
    others, those that are ending left out; `restarts` is the sum over all. `running` are its
    analysis runs under way, `failing` the metrics that have failed measurements or a bad end, each
    with its run; dry-run metrics do not count. `not_read`: resources that could not be read.
    """

    revision: int
    images_from: tuple[str, ...]
    images_to: tuple[str, ...]
    desired: int | None = None
    ready: int = 0
    unready: tuple[PodFacts, ...] = ()
    restarts: int = 0
    running: tuple[AnalysisFacts, ...] = ()
    failing: tuple[tuple[AnalysisFacts, MetricFacts], ...] = ()
    not_read: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether to ship it in full is a thing to think over twice: what may not be read is no
        better than what is bad."""
        unknown = any(what.partition(" ")[0] in _JUDGED_BY for what in self.not_read)
        short = self.desired is None or self.ready < self.desired
        return bool(unknown or short or self.unready or self.failing)


def shipping(picture: RolloutPicture, not_read: tuple[str, ...] = ()) -> Shipping:
    """What `picture` shows of the version now being rolled out."""
    own = _own(picture)
    pods = own.pods if own is not None else ()
    runs = [run for run in picture.analysis_runs if run.current]
    return Shipping(
        revision=picture.revision,
        images_from=picture.images_from,
        images_to=picture.images_to,
        desired=own.desired if own is not None else None,
        ready=own.ready if own is not None else 0,
        unready=tuple(pod for pod in pods if not pod.ready and pod.state != "Terminating"),
        restarts=sum(pod.restarts for pod in pods),
        running=tuple(run for run in runs if run.phase in _AT_WORK),
        failing=tuple((run, metric) for run in runs for metric in run.metrics if _is_bad(metric)),
        not_read=not_read,
    )


def is_doubtful(rollout: Rollout) -> bool:
    """Whether the rollout itself says that its pods are not ready or its analysis went badly:
    enough to doubt many at once, without a request for each."""
    canary, blue_green = rollout.status.canary, rollout.status.blue_green
    runs = (
        canary.current_step_analysis_run_status,
        canary.current_background_analysis_run_status,
        blue_green.pre_promotion_analysis_run_status,
        blue_green.post_promotion_analysis_run_status,
    )
    return is_short_of_pods(rollout) or any(run and run.status in _BAD for run in runs)


def is_short_of_pods(rollout: Rollout) -> bool:
    """Whether the rollout itself says that pods of it are not ready."""
    status = rollout.status
    return status.ready_replicas < max(status.replicas, desired_replicas(rollout))


def _own(picture: RolloutPicture) -> ReplicaSetFacts | None:
    hash_ = picture.rollout.status.current_pod_hash
    return next((one for one in picture.replica_sets if hash_ and one.hash == hash_), None)


def _is_bad(metric: MetricFacts) -> bool:
    measured_badly = metric.failed or metric.error or metric.inconclusive
    return not metric.dry_run and bool(metric.phase in _BAD or measured_badly)
