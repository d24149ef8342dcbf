"""Objects of a rollout whose name may be taken: AnalysisRuns and Experiments.

Source: argo-rollouts, utils/analysis/helpers.go (CreateWithCollisionCounter).
"""

from __future__ import annotations

from rolloutctl.sandbox.client import ApiError

from .cluster import Cluster
from .objects import Obj, mapping, name, namespace, owner
from .run_history import cache_of, is_over


def create(cluster: Cluster, plural: str, body: Obj, *, suffix: str) -> Obj:
    """Create `body`, or take the one of that name if it is ours, the same and goes on.

    A name that is taken otherwise gets `suffix` and a number: "demo-abc-2.1".
    """
    wanted, tries = name(body), 0
    while True:
        try:
            made = cluster.client.create(plural, body, namespace(body))
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        else:
            cache_of(cluster, plural).put(made)
            return made
        taken = cluster.client.get(plural, name(body), namespace(body))
        if not is_over(taken) and _is_ours(taken, body):
            return taken
        tries += 1
        body = {**body, "metadata": {**body["metadata"], "name": f"{wanted}{suffix}{tries}"}}


def _is_ours(taken: Obj, body: Obj) -> bool:
    ours = (owner(taken) or {}).get("uid") == (owner(body) or {}).get("uid")
    return ours and _asked(taken) == _asked(body)


def _asked(run: Obj) -> Obj:
    return {key: value for key, value in mapping(run, "spec").items() if key != "terminate"}
