"""The report of `terminate` and `retry experiment`: kind `RunChanges`."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.cluster import Kind
from rolloutctl.domain.ending_runs import RunAction, RunResult
from rolloutctl.errors import ExitCode
from rolloutctl.render.documents.changes import problem
from rolloutctl.render.documents.shapes import VERSION, Document


def document(
    action: RunAction, kind: Kind, results: Sequence[RunResult], code: ExitCode
) -> Document:
    """What became of all."""
    return {
        "apiVersion": VERSION,
        "kind": "RunChanges",
        "action": str(action),
        "exitCode": int(code),
        "results": [entry(kind, each) for each in results],
    }


def line_document(kind: Kind, item: RunResult) -> Document:
    """What became of one, as a document of its own."""
    return {"apiVersion": VERSION, "kind": "RunChange", **entry(kind, item)}


def entry(kind: Kind, item: RunResult) -> Document:
    """What became of one."""
    decision = item.decision
    return {
        "objectKind": kind.kind,
        "namespace": item.ref.namespace,
        "name": item.ref.name,
        "result": str(item.did),
        "exitCode": int(item.exit_code),
        "phase": decision.phase or None if decision is not None else None,
        "effect": str(decision.effect) if decision is not None else None,
        "owner": decision.owner or None if decision is not None else None,
        "step": decision.step if decision is not None else None,
        "patch": list(decision.change.operations) if decision is not None else None,
        "ended": item.ended,
        "message": item.message or None,
        "error": problem(item.error),
    }
