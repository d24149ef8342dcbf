"""A group's way as a document.

Shape of `GroupChange`: apiVersion, kind, selector, end (done | at-rest | aborted | stopped |
timed-out), rounds, exitCode, members[] {namespace, name, standing (idle | moving | waiting | held |
done | failed | left), step {number, index, count, text} or null, phase, message}, failed[]
(namespace/name), sent[] {namespace, name, action, error {message, hint, exitCode} or null}, in the
order in which they were sent.
"""

from __future__ import annotations

from rolloutctl.domain.lockstep import Outcome
from rolloutctl.errors import ExitCode
from rolloutctl.render.documents.changes import place, problem
from rolloutctl.render.documents.shapes import VERSION, Document


def document(selector: str, found: Outcome, exit_code: ExitCode) -> Document:
    return {
        "apiVersion": VERSION,
        "kind": "GroupChange",
        "selector": selector,
        "end": str(found.came),
        "rounds": found.rounds,
        "exitCode": int(exit_code),
        "members": [
            {
                "namespace": member.ref.namespace,
                "name": member.ref.name,
                "standing": str(member.standing),
                "step": place(member.place),
                "phase": member.place.phase,
                "message": member.place.message,
            }
            for member in found.members
        ],
        "failed": [str(member.ref) for member in found.failed],
        "sent": [
            {
                "namespace": item.ref.namespace,
                "name": item.ref.name,
                "action": str(item.action),
                "error": problem(item.error),
            }
            for item in found.sent
        ],
    }
