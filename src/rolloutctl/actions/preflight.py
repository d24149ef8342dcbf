"""Looks at what is about to be shipped, before a person is asked whether to."""

from __future__ import annotations

from rolloutctl.actions.inspect import complete
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Decision
from rolloutctl.domain.shipping import Shipping, shipping


def look(cluster: Cluster, decision: Decision) -> Shipping:
    """The version the decision is about, as its pods and analysis runs are now.

    What may not be read is named in it. Raises ClusterError and its kin when nothing can be read.
    """
    found = complete(cluster, decision.seen.rollout)
    return shipping(found.picture, tuple(missing.what for missing in found.missing))
