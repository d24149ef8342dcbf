"""The versions of a rollout, and how two templates of it differ. Nothing here changes anything."""

from __future__ import annotations

import msgspec

from rolloutctl.actions import promotion, undoing
from rolloutctl.actions.inspect import Missing, readable
from rolloutctl.domain.cluster import ANALYSIS_RUNS, EVENTS, Cluster, Unreadable
from rolloutctl.domain.decision import Seen
from rolloutctl.domain.explain.evidence import details, writer
from rolloutctl.domain.happenings import Happening, happening, in_order
from rolloutctl.domain.history import Version, versions
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import HASH_LABEL
from rolloutctl.domain.revisions import Revision
from rolloutctl.domain.runs import analysis_facts
from rolloutctl.domain.wire import Json
from rolloutctl.domain.wire_details import AnalysisRunDetails, EventDetails


class History(msgspec.Struct, frozen=True):
    """The versions, newest first, and what could not be read. `events` are those about the
    rollout, oldest first."""

    ref: Ref
    versions: tuple[Version, ...]
    events: tuple[Happening, ...] = ()
    missing: tuple[Missing, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    present: Json | None = None
    """The template there is now; None where it could not be read."""


def history(cluster: Cluster, ref: Ref) -> History:
    """All that is known of the versions of a rollout.

    Raises NotFound with near names, and what reading the rollout and its ReplicaSets raises; of
    events and analysis runs it says what could not be read.
    """
    seen = promotion.read(cluster, ref)
    found, unreadable = undoing.history(cluster, seen.rollout)
    namespace = ref.namespace
    uid = seen.rollout.metadata.uid
    about = f"involvedObject.kind=Rollout,involvedObject.name={ref.name}"
    raw, missing = readable(cluster, EVENTS, namespace, EventDetails, "", about)
    own = [one for one in raw if not one.involved_object.uid or one.involved_object.uid == uid]
    events = tuple(in_order(map(happening, own)))
    runs, not_read = readable(cluster, ANALYSIS_RUNS, namespace, AnalysisRunDetails, HASH_LABEL)
    known = versions(
        seen.rollout,
        found,
        events,
        analysis_facts(seen.rollout, runs),
        writer=_writer(seen),
    )
    return History(ref, known, events, (*missing, *not_read), unreadable, _present(cluster, seen))


def _writer(seen: Seen) -> str:
    """The program that wrote the rollout's own template."""
    if seen.rollout.spec.workload_ref is not None:
        return ""
    found = writer(details(seen), "spec", "template")
    return found.client if found is not None else ""


def _present(cluster: Cluster, seen: Seen) -> Json | None:
    from rolloutctl.errors import RolloutctlError

    try:
        return undoing.holder(cluster, seen).template
    except RolloutctlError:
        return None


def numbered(found: History, number: int) -> Revision | None:
    """The revision of this number."""
    return next((one.revision for one in found.versions if one.revision.number == number), None)
