"""What a change does, and what came of it, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rolloutctl.domain.decision import Action, Decision, Note, Position
from rolloutctl.domain.images import Setting
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.reports import Did, Result
from rolloutctl.domain.steps import StepProgress
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap
from rolloutctl.render.views import next_actions

VERBS = {
    Action.PROMOTE: "promote",
    Action.PROMOTE_FULL: "promote in full",
    Action.ABORT: "abort",
    Action.RETRY: "retry",
    Action.PAUSE: "pause",
    Action.RESUME: "resume",
    Action.RESTART: "restart",
    Action.UNDO: "undo",
    Action.SET_IMAGE: "set images of",
    Action.SCALE: "scale",
}
NOTES = {
    Note.UNPAUSES: "a person holds it (spec.paused): that is lifted too",
    Note.SHIPS_ABORTED: "this ships the version that was aborted",
    Note.CLEARS_FULL: "the full promotion under way is called off",
    Note.STAYS_HELD: "a person holds it (spec.paused): until it is resumed no pods are resized",
    Note.SAME_VERSION: "it starts over with the same version",
    Note.KEEPS_RECORDS: "the plugin of step 1 goes on with the record it has",
    Note.AUTO_PROMOTION: "it counts down to its promotion; only a full promotion ends that",
    Note.ANALYSIS_SKIPPED: "its pre- and post-promotion analyses are not waited for",
    Note.PLUGIN_LEFT_RUNNING: "the plugin of that step stays Running until the promotion",
    Note.PASSES_INCONCLUSIVE: "its analysis was inconclusive and is left behind",
    Note.ANALYSIS_AGAIN: "its analysis or experiment was inconclusive and is started again",
    Note.ROLLBACK_WINDOW: "within its rollback window the controller undoes an abort",
    Note.ANALYSES_IN_A_ROW: "another analysis follows it, and the controller is known to handle"
    " leaving the first of two badly",
    Note.TIMED_PAUSE_RUNS: "its timed pause ran on meanwhile and may be over at once",
    Note.NOTHING_UNDER_WAY: "no update is under way; the next one will be held",
    Note.ONLY_POD: "it has one pod: nothing serves from its eviction until the new one is ready",
    Note.ALL_AT_ONCE: "all its pods may be missing (maxUnavailable), so all go at the same time",
    Note.STOPS_RESTART: "the pods restarted so far stay, the others are left as they are",
    Note.SKIPS_TO_STABLE: "that is the stable version: no step, pause or analysis is run",
    Note.SKIPS_IN_WINDOW: "that is within its rollback window: no step, pause or analysis is run",
    Note.SKIPS_STILL_UP: "that version's pods are still up: its pause and analysis are skipped",
    Note.RUNS_ALL_STEPS: "it goes out like a new version, through all steps",
    Note.REPLACES_RESTART: "it takes the place of the restart that is set",
    Note.NOT_THE_STABLE_ONE: "the stable version is another one",
    Note.CHANGES_WORKLOAD: "its template is in the referenced workload: that is changed",
    Note.KEPT_ELSEWHERE: "what manages it brings its own template back",
    Note.TO_ZERO: "it will have no pods at all: nothing serves until it is scaled up again",
    Note.UPDATE_UNDER_WAY: "an update is under way; the controller shares the pods out anew",
    Note.REPLACES_UPDATE: "an update is under way: the new version takes its place",
    Note.PLUGIN_NOT_TOLD: "the controller tells the running plugin nothing: neither Abort nor"
    " Terminate is called (abort first calls Abort)",
}
_QUIET = frozenset(
    {
        *(Note.SAME_VERSION, Note.TIMED_PAUSE_RUNS, Note.NOTHING_UNDER_WAY, Note.STOPS_RESTART),
        *(Note.SKIPS_TO_STABLE, Note.SKIPS_IN_WINDOW, Note.SKIPS_STILL_UP, Note.RUNS_ALL_STEPS),
    }
)


def place(where: Position) -> str:
    """Where a rollout stands: "step 3/6 (pause)", "all 6 steps done", "no steps"."""
    if where.index is None:
        return safe(where.message or where.phase, 80) or "unknown"
    if where.step is None:
        return f"all {where.count} steps done" if where.count > 1 else "its step done"
    return f"step {short_place(where)}"


def short_place(where: Position) -> str:
    """As `place`, where the word "step" stood already: "4/6 (plugin a/b)"."""
    if where.index is None or where.step is None:
        return place(where)
    return f"{where.index + 1}/{where.count} ({words.step(where.step)})"


def step_of(entry: StepProgress) -> str:
    """ "step 5 plugin a/b (Running)"."""
    text = f"step {entry.index + 1} {words.step(entry.step)}"
    run = entry.plugin
    if run is None:
        return text
    state = words.availability(run) or safe(run.phase, 40)
    return f"{text} ({state})" if state else text


def plugin_of(run: PluginRun) -> str:
    """ "step 2 plugin a/b"."""
    return f"step {run.index + 1} plugin {safe(run.name)}"


# --- before -------------------------------------------------------------------------------------


def plan(decision: Decision, surface: Surface) -> list[Line]:
    """What a change will do, told before it is done."""
    before = decision.before
    ref = decision.ref
    where = words.phase(before.phase)
    lines = [
        line(Span(safe(ref.name), "strong"), f" ({safe(ref.namespace)}): ", where, _at(before))
    ]
    lines += facts(decision, surface)
    return lines


def _at(where: Position) -> str:
    if where.aborted:
        return ", aborted"
    return f" at {place(where)}" if where.index is not None else ""


def facts(decision: Decision, surface: Surface) -> list[Line]:
    """What is skipped, terminated, aborted, and what else to know."""
    lines: list[Line] = []

    def tell(*pieces: Piece) -> None:
        lines.extend(wrap(narrate.detail(surface, *pieces), surface.room, indent=4))

    if decision.skips:
        skipped = ", ".join(step_of(entry) for entry in decision.skips)
        full = Action.PROMOTE_FULL is decision.action
        tell("full promotion skips: " if full else "skips: ", skipped)
    if decision.terminates is not None:
        run = decision.terminates
        tell(
            f"plugin {safe(run.name)} is {safe(run.phase, 40)} at step {run.index + 1}:"
            " the controller will call its Terminate"
        )
    if decision.action is Action.PROMOTE_FULL:
        for run in decision.leaves:
            tell(f"{plugin_of(run)} stays Running: only the last one is terminated")
    if decision.aborts:
        tell("Abort will be called for: ", ", ".join(plugin_of(run) for run in decision.aborts))
    if decision.ends:
        tell(next_actions.ends(decision.ends))
    call = "Abort" if decision.action is Action.ABORT else "Terminate"
    for run in decision.muted:
        why = words.availability(run) or "not reached after a plugin that is not configured"
        tell(Span(f"{plugin_of(run)} is {why}: its {call} is not called", "warn"))
    if decision.action in (Action.UNDO, Action.SET_IMAGE):
        for run in decision.leaves:
            tell(f"{plugin_of(run)} is Running")
    for note in decision.notes:
        style = "" if note in _QUIET else "warn"
        for text in _texts(note, decision):
            tell(Span(text, style))
    if decision.undo is not None:
        from rolloutctl.render.views import undoing

        edits = undoing.edits(decision.undo.edits, surface)
        lines += [line("    ", *entry) for entry in edits]
    return lines


def _texts(note: Note, decision: Decision) -> list[str]:
    """A note; some name what they are about."""
    undo, restart = decision.undo, decision.restart
    changed = undo or decision.images
    if note is Note.KEPT_ELSEWHERE and changed is None:
        from rolloutctl.render.views.undoing import keeper

        return [keeper(one) for one in decision.keepers]
    if changed is None and restart is None:
        return [NOTES[note]]
    from rolloutctl.render.views import undoing

    if note is Note.REPLACES_RESTART and restart is not None:
        return [undoing.replaced(restart)]
    if changed is None:
        return [NOTES[note]]
    match note:
        case Note.NOT_THE_STABLE_ONE if undo is not None:
            back = f": --to-revision {undo.stable} goes back to that" if undo.stable else ""
            stable = f"revision {undo.stable}" if undo.stable else "another one"
            return [f"the stable version is {stable}{back}"]
        case Note.CHANGES_WORKLOAD:
            return [f"its template is in {safe(changed.workload)}: that is changed"]
        case Note.KEPT_ELSEWHERE:
            return [undoing.keeper(one) for one in changed.keepers]
    return [NOTES[note]]


def question(decisions: Sequence[Decision]) -> str:
    """What a person is asked before these changes are made."""
    first = decisions[0]
    many = len(decisions) > 1
    if first.action is Action.UNDO:
        return f"Undo {len(decisions)} rollouts?" if many else "Undo?"
    if first.action is Action.SCALE:
        return f"Scale {len(decisions)} rollouts?" if many else "Scale it?"
    if first.action is Action.SET_IMAGE:
        return f"Set images of {len(decisions)} rollouts?" if many else "Set it?"
    if first.action is Action.RESTART:
        return f"Restart {len(decisions)} rollouts all the same?" if many else "Restart it?"
    if first.action is Action.PROMOTE_FULL:
        return f"Promote {len(decisions)} rollouts in full?" if many else "Promote in full?"
    if not any(one.skips for one in decisions):
        verb = VERBS[first.action].capitalize()
        return f"{verb} {len(decisions)} rollouts?" if many else f"{verb}?"
    if many:
        return f"Skip what is not done in {len(decisions)} rollouts?"
    return f"Skip {step_of(first.skips[0])}?"


# --- after --------------------------------------------------------------------------------------


def result(item: Result, surface: Surface, *, namespaces: bool = False) -> list[Line]:
    """One line for stdout; nothing for what failed, whose error goes to stderr. `namespaces`: the
    name says its namespace too."""
    name = safe(item.ref if namespaces else item.ref.name)
    match item.did:
        case Did.CHANGED:
            assert item.decision is not None
            return [line(f"{name}: {effect(item.decision, surface)}")]
        case Did.NOTHING:
            assert item.error is not None
            return [line(f"{name}: {safe(item.error.message, 2000)}")]
        case Did.DECLINED:
            return [line(f"{name}: nothing changed")]
        case Did.TRIED:
            return tried(item, surface, name)
    return []


def finished(item: Result, surface: Surface, *, namespaces: bool = False) -> list[Line]:
    """How an undo --full went on."""
    name = safe(item.ref if namespaces else item.ref.name)
    if item.then is None:
        return [line(f"{name}: goes there by itself, without steps")]
    return [line(f"{name}: {effect(item.then, surface)}")]


def effect(decision: Decision, surface: Surface) -> str:
    """What changed: "step 3/6 (pause) → 4/6 (plugin a/b)"."""
    arrow = surface.symbols.arrow
    before, after = decision.before, decision.expected
    here = "aborted" if before.aborted else place(before)
    if decision.restart is not None or decision.undo is not None:
        return _return_effect(decision, surface)
    if decision.scaling is not None:
        return f"{decision.scaling.before} {arrow} {words.counted(decision.scaling.after, 'pod')}"
    if decision.images is not None:
        return _images_effect(decision.images, surface)
    match decision.action:
        case Action.PROMOTE if Note.AUTO_PROMOTION in decision.notes:
            return f"{here} {arrow} being promoted, its countdown cut short"
        case Action.PROMOTE if before.index is None or before.index == after.index:
            return f"{here} {arrow} pause lifted"
        case Action.PROMOTE:
            skipped = ", skipped" if decision.skips else ""
            return f"{here} {arrow} {short_place(after)}{skipped}"
        case Action.PROMOTE_FULL:
            count = len(decision.skips)
            skips = f", {words.counted(count, 'step')} skipped" if count else ""
            return f"{here} {arrow} being promoted in full{skips}"
        case Action.ABORT:
            if before.aborted:
                what = "its hold lifted" if before.held and not after.held else "stays aborted"
                return f"{here} {arrow} {what}"
            return f"{here} {arrow} aborted, back to the stable version"
        case Action.RETRY:
            start = place(after) if after.index is not None else "the update starts over"
            return f"aborted {arrow} {start}, with the same version"
        case Action.PAUSE:
            return f"{here} {arrow} held there until it is resumed"
        case Action.RESUME:
            if before.aborted:
                return f"held {arrow} stays aborted, its pods go back to the stable version"
            return f"held {arrow} goes on" + (f" at {here}" if before.index is not None else "")
    return str(decision.action)


def _images_effect(found: Setting, surface: Surface) -> str:
    """ "app: web:v1 → web:v2"."""
    return ", ".join(
        f"{safe(one.container)}: {safe(one.before, 200) or '(none)'} {surface.symbols.arrow}"
        f" {safe(one.after, 200)}"
        for one in found.changes
    )


def _return_effect(decision: Decision, surface: Surface) -> str:
    from rolloutctl.render.views import undoing

    if decision.restart is not None:
        return undoing.restart_effect(decision.restart)
    assert decision.undo is not None
    return undoing.undo_effect(decision.undo, surface)


def tried(item: Result, surface: Surface, name: str) -> list[Line]:
    """A dry run: the fields that would change, and the requests that would be sent."""
    decision = item.decision
    assert decision is not None
    who = "the server would accept: " if item.server else "would do: "
    lines = [line(f"{name}: {who}{effect(decision, surface)}")]
    if decision.undo is not None:
        from rolloutctl.render.views import undoing

        lines += undoing.edits(decision.undo.edits, surface, most=None)
    for path, old, new in () if decision.undo is not None else _edited(decision):
        lines.append(line(Span(f"- {path}: {_value(old)}", "bad")))
        lines.append(line(Span(f"+ {path}: {_value(new)}", "good")))
    for change in decision.changes:
        target = f"{change.kind.plural}/{safe(change.name)}"
        target += f"/{change.subresource}" if change.subresource else ""
        lines.append(line(Span(f"PATCH {target} (application/json-patch+json)", "strong")))
        lines += [line(f"  {_operation(operation)}") for operation in change.operations]
    return lines


_ABSENT = object()


def _edited(decision: Decision) -> list[tuple[str, Any, Any]]:
    """As `fields`; containers have their names instead of their places in a list."""
    if decision.images is None:
        return fields(decision)
    return [
        (f"{one.part}[{safe(one.container)}].image", one.before or _ABSENT, one.after)
        for one in decision.images.changes
    ]


def fields(decision: Decision) -> list[tuple[str, Any, Any]]:
    """The fields a decision changes: (path with dots, value before, value after)."""
    found: list[tuple[str, Any, Any]] = []
    for change in decision.changes:
        for operation in change.operations:
            if operation["op"] == "test":
                continue
            pointer: str = operation["path"]
            old = decision.seen.at(pointer)
            new = operation.get("value", _ABSENT)
            path = pointer.strip("/").replace("/", ".")
            found.append((path, _ABSENT if old is None else old, new))
    return found


def _operation(operation: dict[str, Any]) -> str:
    """An operation in one line; a whole template in it is only named."""
    value = operation.get("value")
    if not (isinstance(value, dict) and operation["path"].endswith("/template")):
        return _value(operation)
    what = "the template it has now" if operation["op"] == "test" else "the template of that"
    rest = _value({key: item for key, item in operation.items() if key != "value"})
    return f'{rest[:-1]}, "value": <{what}{" revision" if what.endswith("that") else ""}>}}'


def _value(value: Any) -> str:
    if value is _ABSENT:
        return "(not set)"
    return safe(json.dumps(value, ensure_ascii=False), 2000)
