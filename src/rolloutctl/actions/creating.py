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
from rolloutctl.domain.status import DEGRADED, HEALTHY, PAUSED, status_of
from rolloutctl.domain.wire import AnalysisRun, Experiment, Metadata, Rollout, Wire
from rolloutctl.errors import (
    AlreadyExists,
    ClusterError,
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
            try:
                yield found
            finally:
                # It is told first: whoever interrupts the record knows what was created.
                record(about)
            continue
        yield found


def _refused(error: RolloutctlError) -> Made:
    if isinstance(error, AlreadyExists):
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
_GOOD = frozenset({HEALTHY, "Successful"})
_BAD = frozenset({DEGRADED, "Failed", "Error"})
_FOR_A_PERSON = frozenset({PAUSED, "Inconclusive"})
GRACE = 10.0
"""Seconds an invalid spec is not believed: the controller may look at a rollout before it has heard
of the templates and Services created with it, and looks again by itself."""


def follow(
    cluster: Cluster,
    made: Creation,
    *,
    timeout: float | None = None,
    clock: Clock = time.monotonic,
) -> Creation:
    """The creation with how it ended: a rollout Healthy, Degraded or waiting for a person, a run
    with its result.

    `timeout` in seconds, None is no limit. Raises nothing: what the cluster raised is its `error`.
    """
    began = clock()
    last = Outcome("", "", good=False, seconds=0.0)
    doubted_since: float | None = None
    try:
        while True:
            now = clock()
            left = None if timeout is None else max(0.0, began + timeout - now)
            doubt = None if doubted_since is None else max(0.0, doubted_since + GRACE - now)
            limits = [each for each in (left, doubt) if each is not None]
            for last in _states(cluster, made, min(limits) if limits else None):
                if _is_invalid(last):
                    if doubted_since is None:
                        doubted_since = clock()
                        break  # watch again, only as long as the doubt lasts
                    continue
                had_doubts, doubted_since = doubted_since is not None, None
                if _is_end(last):
                    return _ended(made, last, clock() - began)
                if had_doubts:
                    break
            else:
                if not limits:
                    raise ClusterError("the server ended the watch", subject=str(made.ref))
                if left is None or (doubt is not None and doubt <= left):
                    return _ended(made, last, clock() - began)
                last = msgspec.structs.replace(last, timed_out=True)
                return _ended(made, last, clock() - began)
    except RolloutctlError as error:
        return msgspec.structs.replace(made, error=error)


def _states(cluster: Cluster, made: Creation, timeout: float | None) -> Iterator[Outcome]:
    """How the object is, and each change of it. Raises NotFound once it is gone."""
    kind, as_type = _TYPES[made.wanted.kind.kind]
    stream = cluster.watch(
        kind,
        made.ref.namespace,
        as_type,
        field_selector=f"metadata.name={made.ref.name}",
        timeout=timeout,
    )
    try:
        for event in stream:
            found = event.object if isinstance(event.object, as_type) else None
            replaced = found is not None and bool(made.uid) and found.metadata.uid != made.uid
            if event.type == "DELETED" or replaced:
                named = f"{kind.kind.lower()} {made.ref}"
                raise NotFound(f"{named} was deleted meanwhile", subject=named)
            if found is not None:
                yield _state(found)
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


def _state(found: Any) -> Outcome:
    if not isinstance(found, Rollout):
        phase = found.status.phase
        waits = phase in _FOR_A_PERSON
        return Outcome(phase, found.status.message, phase in _GOOD, 0.0, awaiting=waits)
    status = status_of(found)
    good = status.observed and status.phase == HEALTHY
    waits = status.phase == PAUSED and status.awaiting is not None
    phase = status.phase if status.observed else ""
    return Outcome(phase, status.message, good, 0.0, awaiting=waits)


def _is_end(state: Outcome) -> bool:
    return state.good or state.awaiting or state.phase in _BAD


def _is_invalid(state: Outcome) -> bool:
    return state.phase == DEGRADED and state.message.startswith("InvalidSpec")


def _ended(made: Creation, state: Outcome, seconds: float) -> Creation:
    return msgspec.structs.replace(made, outcome=msgspec.structs.replace(state, seconds=seconds))
