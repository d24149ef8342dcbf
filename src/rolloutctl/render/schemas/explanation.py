"""Shapes of `render.documents.explanation`."""

from __future__ import annotations

from rolloutctl.domain.decision import Note
from rolloutctl.domain.explain.commands import Command, Trap, Verdict
from rolloutctl.domain.explain.facts import (
    CauseKind,
    Deadline,
    EndedBy,
    EventFacts,
    ExperimentEvidence,
    PodsEvidence,
    RunEvidence,
    SpecEvidence,
    Writer,
)
from rolloutctl.domain.facts import RunUnderWay
from rolloutctl.render.schemas.rollout import MISSING
from rolloutctl.render.schemas.shapes import (
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    document,
    list_of,
    many,
    maybe,
    obj,
    one_of,
    ref,
    struct,
)

_RUN = struct(RunEvidence, stepIndex=None, stepNumber=maybe(WHOLE))
_EXPERIMENT = struct(
    ExperimentEvidence, stepIndex=None, stepNumber=maybe(WHOLE), runs=many(ref("RunEvidence"))
)
_EVENT = struct(EventFacts)
_CAUSE = obj(
    {
        "kind": one_of(CauseKind),
        "since": maybe(MOMENT),
        "until": maybe(MOMENT),
        "endedBy": one_of(EndedBy),
        "step": maybe(obj({"number": WHOLE, "index": WHOLE, "text": TEXT})),
        "message": TEXT,
        "plugin": maybe(ref("PluginStep")),
        "analysis": maybe(ref("RunEvidence")),
        "experiment": maybe(_EXPERIMENT),
        "pods": maybe(struct(PodsEvidence)),
        "spec": maybe(struct(SpecEvidence)),
        "events": many(ref("EventFacts")),
        "writer": maybe(struct(Writer)),
    }
)
_COMMAND = obj(
    {
        "command": one_of(Command),
        "verdict": one_of(Verdict),
        "option": maybe(TEXT),
        "refusal": maybe(obj({"message": TEXT, "hint": maybe(TEXT)})),
        "toStep": maybe(WHOLE),
        "toRevision": maybe(WHOLE),
        "skips": many(WHOLE),
        "terminates": maybe(WHOLE),
        "leavesRunning": many(WHOLE),
        "aborts": many(WHOLE),
        "muted": many(WHOLE),
        "ends": many(struct(RunUnderWay)),
        "notes": many(one_of(Note)),
        "traps": many(one_of(Trap)),
        "target": maybe(TEXT),
    }
)
SHAPES: dict[str, Schema] = {
    "Explanation": document(
        "Explanation",
        {
            "namespace": TEXT,
            "name": TEXT,
            "rollout": ref("RolloutFacts"),
            "causes": many(_CAUSE),
            "deadline": maybe(struct(Deadline)),
            "reached": maybe(obj({"number": WHOLE, "index": WHOLE, "count": WHOLE})),
            "events": many(ref("EventFacts")),
            "commands": many(_COMMAND),
            "unavailable": MISSING,
        },
    ),
    "ExplanationList": list_of("ExplanationList", "Explanation"),
    "RunEvidence": _RUN,
    "EventFacts": _EVENT,
}
