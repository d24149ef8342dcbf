"""Terminates analysis runs and experiments, and starts experiments again."""

from __future__ import annotations

from typing import Any

import msgspec

from rolloutctl.domain.cluster import Cluster, Kind
from rolloutctl.domain.decision import NothingToDo
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.ending_runs import (
    FINAL,
    RunAction,
    RunDecision,
    RunDid,
    RunResult,
    retry,
    terminate,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Metadata, Wire
from rolloutctl.errors import (
    ClusterError,
    Conflict,
    Failed,
    InDoubt,
    NotFound,
    RolloutctlError,
    Timeout,
)

ATTEMPTS = 5
"""How often a change is decided anew when a controller wrote the status in between."""


class _Status(Wire):
    phase: str = ""
    message: str = ""


class _Run(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: _Status = msgspec.field(default_factory=_Status)


def decide(cluster: Cluster, action: RunAction, kind: Kind, ref: Ref) -> RunDecision:
    """Reads it and decides. Raises NothingToDo, Refused, NotFound, and what reading raises."""
    data = cluster.get_raw(kind, ref.namespace, ref.name)
    try:
        raw: dict[str, Any] = decoder(dict).decode(data)
    except msgspec.DecodeError as error:
        raise ClusterError(f"{kind.kind} {ref.name}: {error}", subject=str(ref)) from error
    return terminate(kind, ref, raw) if action is RunAction.TERMINATE else retry(ref, raw)


def carry_out(cluster: Cluster, decision: RunDecision, *, dry_run: bool = False) -> RunDecision:
    """Sends it; returns the decision that was sent in the end.

    Where something was written meanwhile it is decided anew, a bounded number of times. Raises
    what `decide` raises, Conflict, and what sending raises.
    """
    current = decision
    for _ in range(ATTEMPTS):
        try:
            cluster.apply(current.change, dry_run=dry_run)
        except Conflict:
            current = decide(cluster, decision.action, decision.kind, decision.ref)
            if current.uid != decision.uid:
                raise NotFound("it was deleted meanwhile", subject=str(decision.ref)) from None
        else:
            return current
    raise Conflict(
        f"not done: the server refused the change {ATTEMPTS} times", subject=str(decision.ref)
    )


def change(
    cluster: Cluster,
    action: RunAction,
    kind: Kind,
    ref: Ref,
    *,
    dry_run: str = "",
) -> RunResult:
    """One of them, from reading to the result; raises nothing of the cluster's.

    `dry_run`: "", "client" (nothing is sent), "server" (it only tries).
    """
    decision: RunDecision | None = None
    try:
        decision = decide(cluster, action, kind, ref)
        if dry_run == "client":
            return RunResult(ref, RunDid.TRIED, decision)
        sent = carry_out(cluster, decision, dry_run=bool(dry_run))
    except NothingToDo as nothing:
        return RunResult(ref, RunDid.NOTHING, decision, nothing)
    except RolloutctlError as error:
        did = RunDid.UNKNOWN if isinstance(error, InDoubt) and not dry_run else RunDid.FAILED
        return RunResult(ref, did, decision, error)
    if dry_run:
        return RunResult(ref, RunDid.TRIED, sent)
    return RunResult(ref, RunDid.CHANGED, sent)


def follow(cluster: Cluster, result: RunResult, *, timeout: float | None) -> RunResult:
    """Follows one that was changed until it has ended; raises nothing of the cluster's.

    One that was terminated and ended as it should is fine whatever its phase; one that was started
    again has to be Successful.
    """
    decision = result.decision
    assert decision is not None
    # The phase of the last attempt stands there until the controller has begun the new one.
    begun = decision.action is RunAction.TERMINATE
    try:
        for event in cluster.watch(
            decision.kind,
            result.ref.namespace,
            _Run,
            field_selector=f"metadata.name={result.ref.name}",
            timeout=timeout,
        ):
            if event.type == "DELETED":
                raise NotFound("it was deleted meanwhile", subject=str(result.ref))
            now = event.object
            if not isinstance(now, _Run):
                continue
            if now.metadata.uid != decision.uid:
                raise NotFound("it was deleted meanwhile", subject=str(result.ref))
            begun = begun or now.status.phase not in FINAL
            if begun and now.status.phase in FINAL:
                return _ended(result, decision, now.status)
        raise Timeout("it has not ended in time", subject=str(result.ref))
    except RolloutctlError as error:
        return msgspec.structs.replace(result, error=error)


def _ended(result: RunResult, decision: RunDecision, status: _Status) -> RunResult:
    error = None
    if decision.action is RunAction.RETRY and status.phase != "Successful":
        said = f": {status.message}" if status.message else ""
        error = Failed(f"it ended {status.phase}{said}", subject=str(result.ref))
    return msgspec.structs.replace(result, ended=status.phase, message=status.message, error=error)
