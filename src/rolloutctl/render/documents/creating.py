"""The report of `create` in JSON and YAML, version `rolloutctl/v1`.

apiVersion, kind: "Creations"
exitCode:  that of the process
dryRun:    "client", "server", null
results[]: objectApiVersion, objectKind, namespace (null: it has none), name, file,
           result (created, exists, tried, failed, unknown, not-done), exitCode,
           error {message, hint, exitCode}, outcome {phase, message, good, seconds, timedOut}
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.creating import Creation, exit_code
from rolloutctl.render.documents.changes import problem
from rolloutctl.render.documents.shapes import VERSION, Document


def document(results: Sequence[Creation], *, dry_run: str) -> Document:
    """What became of all."""
    return {
        "apiVersion": VERSION,
        "kind": "Creations",
        "exitCode": int(exit_code(results)),
        "dryRun": dry_run or None,
        "results": [entry(each) for each in results],
    }


def entry(each: Creation) -> Document:
    """What became of one object."""
    found = each.outcome
    return {
        "objectApiVersion": str(each.wanted.data["apiVersion"]),
        "objectKind": each.wanted.kind.kind,
        "namespace": each.ref.namespace or None,
        "name": each.ref.name,
        "file": each.wanted.source,
        "result": str(each.made),
        "exitCode": int(each.exit_code),
        "error": problem(each.error),
        "outcome": None
        if found is None
        else {
            "phase": found.phase or None,
            "message": found.message,
            "good": found.good,
            "seconds": round(found.seconds, 3),
            "timedOut": found.timed_out,
        },
    }


def line_document(each: Creation) -> Document:
    """One object's result as a document of its own."""
    return {"apiVersion": VERSION, "kind": "Creation", **entry(each)}
