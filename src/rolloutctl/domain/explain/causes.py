"""Why a rollout is as it is: the causes, most telling first, found from everything known of it.

The order of the questions is the controller's own: what keeps it from looking at the rollout at
all, then an abort, then a person's hold and pauses, then what the update waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from rolloutctl.domain.decision import Seen
from rolloutctl.domain.explain import evidence as evidence
from rolloutctl.domain.explain.aborts import aborted
from rolloutctl.domain.explain.facts import (
    Cause,
    CauseKind,
    EndedBy,
    EventFacts,
    Explanation,
    PodsEvidence,
)
from rolloutctl.domain.explain.found import Found
from rolloutctl.domain.explain.outcomes import outcomes
from rolloutctl.domain.explain.pauses import held, pauses
from rolloutctl.domain.explain.pods import messages_by_pod, pods_evidence
from rolloutctl.domain.explain.progress import progress_causes
from rolloutctl.domain.facts import ReplicaSetFacts
from rolloutctl.domain.status import DEGRADED, HEALTHY, PAUSED, desired_replicas, find_condition
from rolloutctl.domain.tree import picture
from rolloutctl.domain.wire import Event, Pod, ReplicaSet
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration


class Material(Struct, frozen=True):
    """What was read to explain one rollout; lists may hold other owners' objects as well.

    `events` are those about the rollout and about its pods. `config` is None when it was not read.
    """

    seen: Seen
    replica_sets: Sequence[ReplicaSet] = ()
    pods: Sequence[Pod] = ()
    runs: Sequence[AnalysisRunDetails] = ()
    experiments: Sequence[ExperimentDetails] = ()
    events: Sequence[Event] = ()
    config: PluginConfiguration | None = None


def explain(material: Material) -> Explanation:
    """The causes of the present state with their evidence, and what each command would do."""
    found = _found(material)
    causes = _without_repeats(sorted(_causes(found), key=_weight))
    return Explanation(
        picture=found.picture,
        causes=causes,
        outcomes=outcomes(found, causes),
        deadline=found.deadline,
        events=found.events,
        reached=found.reached,
    )


# ------------------------------------------------------------------------------------------------


def _found(material: Material) -> Found:
    r = material.seen.rollout
    drawn = picture(
        r,
        material.replica_sets,
        material.pods,
        material.runs,
        material.experiments,
        material.config,
    )
    known = evidence.details(material.seen)
    events = evidence.event_facts(r, material.events)
    attempt = evidence.of_this_attempt(r, known, events)
    current = next(
        (item for item in drawn.replica_sets if item.hash == r.status.current_pod_hash), None
    )
    found = Found(
        seen=material.seen,
        picture=drawn,
        known=known,
        events=events,
        attempt=attempt,
        current=current,
        runs={run.metadata.name: run for run in material.runs},
        experiments={item.metadata.name: item for item in material.experiments},
        lacking=_lacking(material, drawn.replica_sets),
        replica_sets=material.replica_sets,
        reached=evidence.reached(r, attempt) if r.status.abort else None,
        config=material.config,
    )
    return found.with_deadline(evidence.deadline(r, found.plugin))


def _lacking(material: Material, sets: Iterable[ReplicaSetFacts]) -> tuple[PodsEvidence, ...]:
    said = messages_by_pod(material.events)
    return tuple(
        pods_evidence(item, material.pods, said)
        for item in sets
        if item.role and (item.available < item.desired or item.message)
    )


def _causes(found: Found) -> Iterator[Cause]:
    r, status = found.rollout, found.picture.status
    if r.metadata.deletion_timestamp is not None:
        yield Cause(CauseKind.BEING_DELETED, since=r.metadata.deletion_timestamp)
        return
    untouched = not r.status.observed_generation and not r.status.phase
    if untouched and not found.events:
        yield Cause(CauseKind.NO_CONTROLLER, since=r.metadata.creation_timestamp)
        return
    if untouched or not status.observed:
        yield Cause(CauseKind.NOT_OBSERVED, events=_one(evidence.current_error(found.attempt)))
        return
    invalid = find_condition(r, "InvalidSpec")
    if invalid is not None and invalid.status != "False":
        yield Cause(
            CauseKind.INVALID_SPEC,
            since=invalid.last_transition_time,
            ended_by=EndedBy.PERSON,
            message=invalid.message,
            spec=evidence.spec_evidence(invalid.message),
        )
        return
    yield from _of_phase(found)
    yield from _besides(found)


def _of_phase(found: Found) -> Iterator[Cause]:
    r, status = found.rollout, found.picture.status
    if status.promoting_fully:
        yield Cause(CauseKind.PROMOTING_FULL, since=status.since, ended_by=EndedBy.PODS)
        yield from progress_causes(found)
    elif status.aborted:
        yield aborted(found)
        if r.spec.paused:
            yield held(found)
        yield from found.pods_causes()
    elif status.phase == PAUSED or r.spec.paused:
        yield from pauses(found)
        yield from found.pods_causes()
    elif status.phase == HEALTHY:
        if desired_replicas(r) == 0:
            yield Cause(CauseKind.SCALED_TO_ZERO, since=status.since, ended_by=EndedBy.PERSON)
        else:
            yield Cause(CauseKind.NOTHING, since=status.since, ended_by=EndedBy.NOBODY)
    elif r.status.controller_pause and not r.status.pause_conditions:
        yield Cause(CauseKind.RESUMING)
    else:
        yield from progress_causes(found)
        if status.phase == DEGRADED:
            yield Cause(
                CauseKind.DEADLINE,
                since=status.since,
                ended_by=EndedBy.PERSON,
                step=found.step_index,
                message=status.message,
            )


def _besides(found: Found) -> Iterator[Cause]:
    """What else a person should know, whatever the state."""
    if found.picture.status.phase != HEALTHY:
        error = evidence.traffic_error(found.attempt)
        if error is not None:
            yield Cause(CauseKind.TRAFFIC, since=error.last, message=error.message, events=(error,))
        error = evidence.current_error(found.attempt)
        if error is not None:
            yield Cause(
                CauseKind.RECONCILIATION_ERROR,
                since=error.first,
                message=error.message,
                events=(error,),
            )
    for entry in found.picture.steps:
        if entry.plugin is not None and entry.plugin.disabled:
            yield Cause(
                CauseKind.PLUGIN_PASSED_OVER,
                ended_by=EndedBy.NOBODY,
                step=entry.index,
                plugin=entry.plugin,
            )


def _one(event: EventFacts | None) -> tuple[EventFacts, ...]:
    return () if event is None else (event,)


_WAITING = frozenset(
    {
        CauseKind.STEP_UNDER_WAY,
        CauseKind.PODS_COMING,
        CauseKind.OLD_PODS_ENDING,
        CauseKind.SWITCHING,
    }
)
"""What takes its time and needs nobody: whatever else was found says more."""


def _weight(cause: Cause) -> int:
    if cause.kind is CauseKind.PLUGIN_PASSED_OVER:
        return 3
    if cause.kind is CauseKind.ANALYSIS_RUNNING and cause.step is None:
        run = cause.analysis
        return 2 if run is not None and run.type == "Background" else 0
    return 1 if cause.kind in _WAITING else 0


def _without_repeats(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Each kind once for the same step and the same pods; what an event says, said once."""
    kept: list[Cause] = []
    told: set[tuple[str, ...]] = set()
    events: set[str] = set()
    for cause in causes:
        pods = cause.pods.replica_set if cause.pods is not None else ""
        key = (cause.kind, str(cause.step), pods)
        said = {event.message for event in cause.events}
        if key in told or (kept and said and said <= events):
            continue
        told.add(key)
        events |= said
        kept.append(cause)
    return tuple(kept) or (Cause(CauseKind.NOTHING, ended_by=EndedBy.NOBODY),)
