"""The shape of an explanation in JSON and YAML; what `docs/output.md` says of every document holds.

apiVersion, kind: "Explanation"
namespace, name
rollout:    as in the document of a rollout
causes[]:   the answer first; kind, since, until, endedBy, step {number, index, text}, message,
            plugin, analysis, experiment, pods, spec, events[], writer
deadline:   lengthSeconds, strikes, struck, aborts, stopsPlugin
reached:    {number, index, count}: how far an aborted update came
events[]:   reason, message, warning, count, first, last
commands[]: command, verdict, option, refusal, toStep, toRevision, skips[], terminates,
            leavesRunning[], aborts[], muted[], ends[], notes[], traps[], target; steps are numbers
unavailable[]: what could not be read, and why
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.explain.commands import Outcome
from rolloutctl.domain.explain.facts import (
    Cause,
    ExperimentEvidence,
    Explanation,
    RunEvidence,
)
from rolloutctl.domain.steps import step_text
from rolloutctl.render.documents import rollout as rollouts
from rolloutctl.render.documents.rollout import plain
from rolloutctl.render.documents.shapes import VERSION, Document


def document(explanation: Explanation, missing: Sequence[tuple[str, str]] = ()) -> Document:
    """The facts of an explanation, for programs."""
    picture = explanation.picture
    reached = explanation.reached
    return {
        "apiVersion": VERSION,
        "kind": "Explanation",
        "namespace": picture.ref.namespace,
        "name": picture.ref.name,
        "rollout": rollouts.document(picture)["rollout"],
        "causes": [_cause(cause, explanation) for cause in explanation.causes],
        "deadline": plain(explanation.deadline),
        "reached": None
        if reached is None
        else {"number": reached.index + 1, "index": reached.index, "count": reached.count},
        "events": plain(explanation.events),
        "commands": [_command(outcome) for outcome in explanation.outcomes],
        "unavailable": [{"what": what, "why": why} for what, why in missing],
    }


def _cause(cause: Cause, explanation: Explanation) -> Document:
    return {
        "kind": cause.kind,
        "since": cause.since,
        "until": cause.until,
        "endedBy": cause.ended_by,
        "step": _step(cause.step, explanation),
        "message": cause.message,
        "plugin": rollouts.plugin(cause.plugin) if cause.plugin is not None else None,
        "analysis": _analysis(cause.analysis) if cause.analysis is not None else None,
        "experiment": _experiment(cause.experiment) if cause.experiment is not None else None,
        "pods": plain(cause.pods),
        "spec": plain(cause.spec),
        "events": plain(cause.events),
        "writer": plain(cause.writer),
    }


def _step(index: int | None, explanation: Explanation) -> Document | None:
    steps = explanation.picture.steps
    if index is None or not 0 <= index < len(steps):
        return None
    return {"number": index + 1, "index": index, "text": step_text(steps[index].step)}


def _analysis(run: RunEvidence) -> Document:
    found: Document = plain(run)
    index = found.pop("stepIndex")
    return {**found, "stepNumber": index + 1 if index is not None else None}


def _experiment(trial: ExperimentEvidence) -> Document:
    found: Document = plain(trial)
    index = found.pop("stepIndex")
    runs = [_analysis(run) for run in trial.runs]
    return {**found, "runs": runs, "stepNumber": index + 1 if index is not None else None}


def _command(outcome: Outcome) -> Document:
    refusal = outcome.refusal
    to_step = outcome.to_index + 1 if outcome.to_index is not None else None
    return {
        "command": outcome.command,
        "verdict": outcome.verdict,
        "option": outcome.option or None,
        "refusal": None
        if refusal is None
        else {"message": refusal.message, "hint": refusal.hint or None},
        "toStep": to_step,
        "toRevision": outcome.to_revision,
        "skips": [entry.index + 1 for entry in outcome.skips],
        "terminates": outcome.terminates.index + 1 if outcome.terminates is not None else None,
        "leavesRunning": [run.index + 1 for run in outcome.leaves],
        "aborts": [run.index + 1 for run in outcome.aborts],
        "muted": [run.index + 1 for run in outcome.muted],
        "ends": plain(outcome.ends),
        "notes": list(outcome.notes),
        "traps": list(outcome.traps),
        "target": outcome.target or None,
    }
