"""Which AnalysisRuns and Experiments of a rollout are kept when they are over.

Source: argo-rollouts, utils/analysis/filter.go and utils/experiment/filter.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rolloutctl.sandbox.client import ApiError

from .cache import Cache
from .cluster import Cluster
from .objects import Obj, mapping, name, namespace, number, pod_hash, text

FINAL = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
KEPT = 5


def is_over(run: Obj) -> bool:
    return text(run, "status", "phase") in FINAL


def superfluous(rollout: Obj, runs: Iterable[Obj], hashes: Collection[str]) -> list[Obj]:
    """Those of `runs` to be deleted: of no ReplicaSet (`hashes`), or older than those kept."""
    limits = mapping(rollout, "spec", "analysis")
    room = {
        True: number(limits, "successfulRunHistoryLimit", default=KEPT),
        False: number(limits, "unsuccessfulRunHistoryLimit", default=KEPT),
    }
    found = []
    newest_first = sorted(
        runs, key=lambda run: (text(run, "metadata", "creationTimestamp"), name(run)), reverse=True
    )
    for run in newest_first:
        if "deletionTimestamp" in run["metadata"]:
            continue
        if pod_hash(run) not in hashes:
            found.append(run)
        elif is_over(run):
            good = text(run, "status", "phase") == "Successful"
            room[good] -= 1
            if room[good] < 0:
                found.append(run)
    return found


def cache_of(cluster: Cluster, plural: str) -> Cache:
    return {"analysisruns": cluster.analysis_runs, "experiments": cluster.experiments}[plural]


def end(cluster: Cluster, plural: str, runs: Iterable[Obj]) -> None:
    """Ask those of the AnalysisRuns or Experiments to end that go on."""
    for run in runs:
        if is_over(run) or mapping(run, "spec").get("terminate") is True:
            continue
        body = {"spec": {"terminate": True}}
        written = cluster.client.patch(plural, name(run), body, namespace(run))
        cache_of(cluster, plural).put(written)


def delete(cluster: Cluster, plural: str, runs: Iterable[Obj]) -> None:
    """Delete those that somebody else has not deleted meanwhile."""
    for run in runs:
        try:
            cluster.client.delete(plural, name(run), namespace(run))
        except ApiError as error:
            if error.status != 404:
                raise
