"""What came of a wait, as data."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.goals import Goal
from rolloutctl.domain.waited import Waited
from rolloutctl.render.documents.rollout import row_document
from rolloutctl.render.documents.shapes import VERSION, Document


def result(item: Waited, goals: Sequence[Goal]) -> Document:
    """The end of the wait for one rollout; `rollout` is how it was last seen."""
    reason = item.error.message if item.error is not None else item.reason
    return {
        "apiVersion": VERSION,
        "kind": "WaitResult",
        "namespace": item.ref.namespace,
        "name": item.ref.name,
        "for": [str(goal) for goal in goals],
        "result": str(item.came),
        "reached": None if item.goal is None else str(item.goal),
        "reason": reason or None,
        "afterSeconds": round(item.seconds, 3),
        "exitCode": int(item.exit_code),
        "rollout": None if item.row is None else row_document(item.row)["rollout"],
    }
