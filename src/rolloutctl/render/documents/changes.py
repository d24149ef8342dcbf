"""The report of commands that change rollouts in JSON and YAML, version `rolloutctl/v1`.

Fields are only ever added to a version. Step numbers count from 1 (`number`), next to the API's
index from 0 (`index`). What does not apply is null, or an empty list.

    apiVersion, kind: "Changes"
    action:    promote, promote-full, abort, retry, pause, resume, restart, undo
    exitCode:  that of the process
    results[]: namespace, name, action, exitCode,
               result (changed, nothing, tried, declined, failed, unknown, not-done),
               from, to {step {number, index, count, text}, phase, message, aborted, held, full}
               skips[] {number, index, text, plugin}, pauses[] (reasons of those lifted),
               terminates, leavesRunning[], aborts[], muted[] {number, index, name, phase, abort,
               terminate}
               ends[] {kind, name, type} (runs that are terminated)
               notes[], patches[] {subresource, operations[]},
               restart {at, was, pods, atOnce}, undo {from {revision, images}, to {revision,
               replicaSet, hash, created, images}, workload, stableRevision, differences[] {path,
               from, to, reordered}, managedBy[] {tool, application}}
               error {message, hint, exitCode}
               outcome {end, phase, message, awaiting, seconds, step, aborted[], terminated[],
               uncalled[]}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rolloutctl.domain.decision import Action, Decision, Position
from rolloutctl.domain.gitops import Keeper
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.reports import Followed, Result, exit_code
from rolloutctl.domain.revisions import images_of
from rolloutctl.domain.steps import StepProgress, step_text
from rolloutctl.domain.templates import ABSENT, Edit
from rolloutctl.errors import RolloutctlError
from rolloutctl.render.documents.shapes import VERSION, Document, plugin_call


def document(action: Action, results: Sequence[Result]) -> Document:
    """What became of one command."""
    return {
        "apiVersion": VERSION,
        "kind": "Changes",
        "action": str(action),
        "exitCode": int(exit_code(results)),
        "results": [entry(result) for result in results],
    }


def entry(result: Result) -> Document:
    """What became of one rollout."""
    decision = result.decision
    error = result.error
    return {
        "namespace": result.ref.namespace,
        "name": result.ref.name,
        "action": str(result.action),
        "result": str(result.did),
        "exitCode": int(result.exit_code),
        "from": None if decision is None else _position(decision.before),
        "to": None if decision is None else _position(decision.expected, expected=True),
        "skips": [] if decision is None else [_step(item) for item in decision.skips],
        "pauses": [] if decision is None else list(decision.reasons),
        "terminates": None
        if decision is None or decision.terminates is None
        else _plugin(decision.terminates),
        "leavesRunning": [] if decision is None else [_plugin(run) for run in decision.leaves],
        "aborts": [] if decision is None else [_plugin(run) for run in decision.aborts],
        "muted": [] if decision is None else [_plugin(run) for run in decision.muted],
        "ends": []
        if decision is None
        else [{"kind": run.kind, "name": run.name, "type": run.type} for run in decision.ends],
        "notes": [] if decision is None else [str(note) for note in decision.notes],
        "restart": None if decision is None else _restart(decision),
        "undo": None if decision is None else _undo(decision),
        "managedBy": [] if decision is None else _managed_by(_keepers(decision)),
        "scale": None if decision is None else _scale(decision),
        "then": None if result.then is None else _then(result.then),
        "setImage": None if decision is None else _set_image(decision),
        "patches": []
        if decision is None
        else [
            {
                "kind": change.kind.kind,
                "name": change.name,
                "subresource": change.subresource,
                "operations": list(change.operations),
            }
            for change in decision.changes
        ],
        "error": problem(error),
        "outcome": None if result.followed is None else _outcome(result.followed),
    }


def _restart(decision: Decision) -> Document | None:
    found = decision.restart
    if found is None:
        return None
    return {"at": found.at, "was": found.was, "pods": found.pods, "atOnce": found.at_once}


def _undo(decision: Decision) -> Document | None:
    found = decision.undo
    if found is None:
        return None
    target = found.target
    return {
        "from": {"revision": found.revision or None, "images": _images(images_of(found.before))},
        "to": {
            "revision": target.number,
            "replicaSet": target.name,
            "hash": target.hash,
            "created": target.created,
            "images": _images(target.images),
        },
        "workload": found.workload or None,
        "stableRevision": found.stable or None,
        "differences": [difference(edit) for edit in found.edits],
        "managedBy": _managed_by(found.keepers),
    }


def _scale(decision: Decision) -> Document | None:
    found = decision.scaling
    return None if found is None else {"from": found.before, "to": found.after}


def _then(decision: Decision) -> Document:
    return {
        "action": str(decision.action),
        "skips": [_step(item) for item in decision.skips],
        "terminates": None if decision.terminates is None else _plugin(decision.terminates),
    }


def _set_image(decision: Decision) -> Document | None:
    found = decision.images
    if found is None:
        return None
    return {
        "containers": [
            {
                "container": one.container,
                "list": one.part,
                "from": one.before or None,
                "to": one.after,
            }
            for one in found.changes
        ],
        "workload": found.workload or None,
        "managedBy": _managed_by(found.keepers),
    }


def _keepers(decision: Decision) -> Iterable[Keeper]:
    changed = decision.undo or decision.images
    return decision.keepers if changed is None else changed.keepers


def _managed_by(keepers: Iterable[Keeper]) -> list[Document]:
    return [{"tool": str(one.tool), "application": one.application or None} for one in keepers]


def difference(edit: Edit) -> Document:
    """A difference of two templates; `from` or `to` is missing where there is nothing."""
    sides = {"from": edit.before, "to": edit.after}
    return {
        "path": edit.path,
        **{side: value for side, value in sides.items() if value is not ABSENT},
        "reordered": edit.reordered,
    }


def _images(found: Iterable[tuple[str, str]]) -> Document:
    return dict(found)


def problem(error: RolloutctlError | None) -> Document | None:
    """An error as scripts read it."""
    if error is None:
        return None
    return {"message": error.message, "hint": error.hint, "exitCode": int(error.exit_code)}


def _position(where: Position, *, expected: bool = False) -> Document:
    """What is expected has no phase yet: that is the controller's to say."""
    return {
        "step": place(where),
        "phase": None if expected else where.phase,
        "message": None if expected else where.message,
        "aborted": where.aborted,
        "held": where.held,
        "full": where.full,
    }


def place(where: Position) -> Document | None:
    """The current step; `number` and `text` are null when all steps are done."""
    if where.index is None:
        return None
    return {
        "number": where.index + 1 if where.step is not None else None,
        "index": where.index,
        "count": where.count,
        "text": step_text(where.step) if where.step is not None else None,
    }


def _step(item: StepProgress) -> Document:
    return {
        "number": item.index + 1,
        "index": item.index,
        "text": step_text(item.step),
        "plugin": None if item.plugin is None else _plugin(item.plugin),
    }


def _plugin(run: PluginRun) -> Document:
    return {
        "number": run.index + 1,
        "index": run.index,
        "name": run.name,
        "phase": run.phase,
        "abort": plugin_call(run.abort),
        "terminate": plugin_call(run.terminate),
    }


def _outcome(followed: Followed) -> Document:
    ending = followed.ending
    return {
        "end": str(ending.end),
        "phase": ending.now.phase,
        "message": ending.now.message,
        "awaiting": None if ending.awaiting is None else str(ending.awaiting),
        "seconds": round(followed.seconds, 3),
        "step": place(ending.now),
        "aborted": [_plugin(run) for run in followed.aborted],
        "terminated": [_plugin(run) for run in followed.terminated],
        "uncalled": [_plugin(run) for run in ending.uncalled],
    }
