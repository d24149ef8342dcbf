"""Creating objects one after the other, and following those that come to an end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from rolloutctl.domain.audit import Regarding
from rolloutctl.domain.cluster import ANALYSIS_RUNS, EXPERIMENTS, ROLLOUTS, Cluster, Kind
from rolloutctl.domain.creating import ENDS, Creation, Made, Outcome, Wanted
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import DEGRADED, HEALTHY, status_of
from rolloutctl.domain.wire import AnalysisRun, Experiment, Metadata, Rollout, Wire
from rolloutctl.errors import (
    ClusterError,
    Conflict,
    InDoubt,
    NotFound,
    RolloutctlError,
    Unauthorized,
    Unreachable,
)

Clock = Callable[[], float]
Record = Callable[[Regarding], None]


class _Stored(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)


def create(
    cluster: Cluster,
    objects: Sequence[Wanted],
    *,
    dry_run: str = "",
    record: Record = lambda about: None,
) -> Iterator[Creation]:
    """Creates each object in turn; what becomes of it comes out as soon as it is known.

    A refusal does not stop the others; a cluster that cannot be reached, or does not know the
    caller, does: they come out as NOT_DONE. `dry_run`: "client" sends nothing, "server" has the
    server try it.
    """
    stopped = False
    for each in objects:
        if stopped:
            yield Creation(each, each.ref, Made.NOT_DONE)
            continue
        if dry_run == "client":
            yield Creation(each, each.ref, Made.TRIED)
            continue
        try:
            answer = cluster.create(each.kind, each.namespace, each.data, dry_run=bool(dry_run))
        except RolloutctlError as error:
            yield Creation(each, each.ref, _refused(error), error=error)
            stopped = isinstance(error, Unreachable | Unauthorized)
            continue
        found = _created(each, answer, tried=bool(dry_run))
        if not dry_run and each.kind.namespaced and each.kind.kind in ENDS:
            about = Regarding(str(each.data["apiVersion"]), each.kind.kind, found.ref, found.uid)
            record(about)
        yield found


def _refused(error: RolloutctlError) -> Made:
    if isinstance(error, Conflict):
        return Made.EXISTS
    return Made.UNKNOWN if isinstance(error, InDoubt) else Made.FAILED


def _created(each: Wanted, answer: bytes, *, tried: bool) -> Creation:
    try:
        metadata = decoder(_Stored).decode(answer).metadata
    except msgspec.DecodeError:
        metadata = Metadata(name=each.called)
    return Creation(
        each,
        Ref(each.namespace, metadata.name or each.called),
        Made.TRIED if tried else Made.CREATED,
        uid=metadata.uid,
        version=metadata.resource_version,
        at=metadata.creation_timestamp,
        server=tried,
    )


# --- following ----------------------------------------------------------------------------------

_TYPES: dict[str, tuple[Kind, type[Any]]] = {
    "Rollout": (ROLLOUTS, Rollout),
    "AnalysisRun": (ANALYSIS_RUNS, AnalysisRun),
    "Experiment": (EXPERIMENTS, Experiment),
}
_ENDED = {"Successful": True, "Failed": False, "Error": False, "Inconclusive": False}


def follow(
    cluster: Cluster,
    made: Creation,
    *,
    timeout: float | None = None,
    clock: Clock = time.monotonic,
) -> Creation:
    """The creation with how it ended: a rollout Healthy or Degraded, a run with its result.

    `timeout` in seconds, None is no limit. Raises nothing: what the cluster raised is its `error`.
    """
    kind, as_type = _TYPES[made.wanted.kind.kind]
    began = clock()
    phase = message = ""
    try:
        stream = cluster.watch(
            kind,
            made.ref.namespace,
            as_type,
            field_selector=f"metadata.name={made.ref.name}",
            timeout=timeout,
        )
        for event in stream:
            found = event.object if isinstance(event.object, as_type) else None
            gone = event.type == "DELETED" or (
                found is not None and bool(made.uid) and found.metadata.uid != made.uid
            )
            if gone:
                named = f"{kind.kind.lower()} {made.ref}"
                raise NotFound(f"{named} was deleted meanwhile", subject=named)
            if found is None:
                continue
            phase, message, good = _state(found)
            if good is not None:
                outcome = Outcome(phase, message, good, clock() - began)
                return msgspec.structs.replace(made, outcome=outcome)
        if timeout is None:
            raise ClusterError("the server ended the watch", subject=str(made.ref))
    except RolloutctlError as error:
        return msgspec.structs.replace(made, error=error)
    outcome = Outcome(phase, message, good=False, seconds=clock() - began, timed_out=True)
    return msgspec.structs.replace(made, outcome=outcome)


def _state(found: Any) -> tuple[str, str, bool | None]:
    """Phase and message; whether that is a good end, None while it is none."""
    if isinstance(found, Rollout):
        status = status_of(found)
        ended = {HEALTHY: True, DEGRADED: False}.get(status.phase) if status.observed else None
        return status.phase, status.message, ended
    phase = found.status.phase
    return phase, found.status.message, _ENDED.get(phase)
