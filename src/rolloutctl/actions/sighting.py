"""Judging a rollout state by state, with what only its workload tells."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.actions import inspect
from rolloutctl.domain.cluster import Cluster, Kind
from rolloutctl.domain.goals import Goal
from rolloutctl.domain.reaching import Course, Verdict
from rolloutctl.domain.undoing import TEMPLATES
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import RolloutctlError


class Sight:
    """What was seen of one rollout since the wait for any of some goals began.

    A change of the workload it refers to does not show in the rollout before the controller has
    seen it, so the workload is read as well: at first, and before anything is judged final.
    """

    def __init__(self, cluster: Cluster, goals: Sequence[Goal]) -> None:
        self.last: Rollout | None = None
        self.problem = ""
        """Why the workload cannot be read: the rollout alone has to tell then."""
        self._cluster = cluster
        self._course = Course(goals)
        self._workload = 0
        """The generation of the workload, as last read."""

    def see(self, now: Rollout) -> Verdict | None:
        """One state of it; the verdict if it brings that."""
        if self.last is None:
            self._workload = self._read(now)
        self.last = now
        found = self._course.judge(now, self._workload)
        if found is None or now.spec.workload_ref is None:
            return found
        latest = self._read(now)
        if latest > self._workload:
            self._workload = latest
            return self._course.judge(now, latest)
        return found

    def _read(self, now: Rollout) -> int:
        try:
            return workload_generation(self._cluster, now)
        except RolloutctlError as error:
            self.problem = error.message
            return 0


def workload_generation(cluster: Cluster, rollout: Rollout) -> int:
    """The generation of the workload a rollout takes its template from, as it is now.

    0 where there is none, and where the kind has none. Raises what the cluster raises.
    """
    reference = rollout.spec.workload_ref
    if reference is None:
        return 0
    group = reference.api_version.rpartition("/")[0]
    known: tuple[Kind, str] | None = TEMPLATES.get((group, reference.kind))
    if known is None:
        return 0
    found = cluster.get(known[0], rollout.metadata.namespace, reference.name, inspect.Named)
    return found.metadata.generation
