"""What each command would do from here, traps included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.decision import Note
from rolloutctl.domain.explain.commands import Command, Outcome, Trap, Verdict
from rolloutctl.domain.explain.facts import CauseKind, Explanation
from rolloutctl.domain.facts import RunUnderWay
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.steps import StepProgress
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap
from rolloutctl.render.views.changes import NOTES, plugin_of, step_of

_NARROWEST = 40
"""Cells an effect needs beside its command; with fewer it stands below."""

_NAMED = 2
"""Steps that are told by what they do; of more only the numbers."""

TRAPS = {
    Trap.RESULT_LOST: "its result no longer counts",
    Trap.RESTARTS_COUNTDOWN: "kubectl argo rollouts promote would only lift the pause here, and"
    " the controller starts its countdown again",
    Trap.ANALYSIS_FOLLOWS: "its post-promotion analysis follows, and switches back if it fails",
    Trap.OTHERS_SKIP_A_STEP: "kubectl argo rollouts promote would lift the hold and skip the"
    " current step as well",
    Trap.NEEDS_PODS: "it is complete only once all pods of the new version are available, and they"
    " are not now",
    Trap.WEIGHT_STAYS: "the router's weight stays as it is until the promotion is complete",
    Trap.STAYS_DEGRADED: "then it stays Degraded until a retry or another version",
    Trap.FAILED_STEP_NOT_CALLED: "Abort is not called for the plugin of the present step: it is in"
    " Error",
    Trap.CANARY_PODS_STAY: "the new version's pods stay up for a while"
    " (abortScaleDownDelaySeconds)",
    Trap.SWITCH_NEEDS_PODS: "the active Service goes back only while all pods of the new version"
    " are available",
    Trap.ABORT_IS_LOST: "the controller takes back an abort of a fully promoted rollout",
    Trap.STEPS_RUN_AGAIN: "every plugin and analysis runs anew",
    Trap.STILL_BROKEN: "its pods did not start, and it is the same version",
    Trap.PLUGIN_SUSPENDED: "the plugin is not called meanwhile, and goes on afterwards",
    Trap.ANALYSIS_GOES_ON: "analyses and experiments go on, and one that fails aborts it",
    Trap.TIMER_GOES_ON: "its timed pause goes on running",
    Trap.SCALING_WAITS: "no pods are resized meanwhile",
    Trap.FREES_PLUGIN: "after a resume the plugin is called again, in spite of the deadline",
    Trap.TO_STABLE_SKIPS_STEPS: "that is the stable version: no step, pause or analysis is run",
    Trap.WINDOW_SKIPS_STEPS: "that lies within the rollback window: no step, pause or analysis is"
    " run",
    Trap.RUNS_ALL_STEPS: "an update like any other: all steps are run",
    Trap.RUNNING_PLUGIN_NOT_TOLD: "the plugin at work is told nothing: neither Terminate nor Abort"
    " is called",
    Trap.STILL_UP: "its pods are still up: it takes over at once, without pause or analysis",
    Trap.HOLD_STAYS: "a person holds it: no pods are resized until it is resumed",
    Trap.CHANGES_WORKLOAD: "the template of the referenced workload is what changes",
    Trap.STEP_SUCCEEDS: "with nothing bad measured so far the step counts as successful, and the"
    " update goes on",
}
_SAID = frozenset({Note.SAME_VERSION, Note.SHIPS_ABORTED, Note.NOTHING_UNDER_WAY})
"""Notes that the effect says already."""


def lines(explanation: Explanation, surface: Surface) -> list[Line]:
    """The commands that work, each with its effects, then why the others do nothing."""
    able = [o for o in explanation.outcomes if o.verdict in (Verdict.WORKS, Verdict.NEEDS_OPTION)]
    unable = [o for o in explanation.outcomes if o not in able]
    result: list[Line] = []
    if able:
        result.append(line(Span("What you can do", "strong")))
        heads = [_head(outcome) for outcome in able]
        column = max(map(len, heads))
        for outcome, head in zip(able, heads, strict=True):
            effects = line(*_together(_effects(outcome, explanation)))
            result += _entry(head, effects, column, surface)
    if unable:
        result.append(line(Span("What does nothing now", "strong")))
        reasons: dict[Line, list[str]] = {}
        for outcome in unable:
            reason = line(*_together(_refused(outcome, explanation)))
            reasons.setdefault(reason, []).append(outcome.command)
        column = max(len(", ".join(commands)) for commands in reasons.values())
        for reason, commands in reasons.items():
            result += _entry(", ".join(commands), reason, column, surface)
    return result


def _head(outcome: Outcome) -> str:
    """The command as it is typed, its option included."""
    if outcome.command is Command.TERMINATE_ANALYSIS:
        return "stop the analysis"
    return f"{outcome.command} {outcome.option}".rstrip()


def _entry(head: str, content: Line, column: int, surface: Surface) -> list[Line]:
    beside = column + 5
    if not surface.room or surface.room - beside >= _NARROWEST:
        parts = wrap(content, surface.room - beside) if surface.room else [content]
        first = line(f"  {head:<{column}}   ", *(parts[0] if parts else ()))
        return [first, *((Span(" " * beside), *part) for part in parts[1:])]
    return [line(f"  {head}"), *wrap(line("      ", *content), surface.room, indent=6)]


def _together(effects: Sequence[Piece]) -> list[Piece]:
    content: list[Piece] = []
    for effect in effects:
        content += ["; ", effect] if content else [effect]
    return content


def _refused(outcome: Outcome, explanation: Explanation) -> list[Piece]:
    if explanation.cause.kind is CauseKind.INVALID_SPEC and outcome.verdict is Verdict.REFUSED:
        return [Span("the controller does nothing before the spec is corrected", "dim")]
    message = outcome.refusal.message if outcome.refusal is not None else ""
    for start in ("not promoted: ", "not retried: ", "not resumed: ", "nothing to do: "):
        message = message.removeprefix(start)
    return [Span(safe(message, 400), "dim"), *_warnings(outcome)]


def _effects(outcome: Outcome, explanation: Explanation) -> list[Piece]:
    return [
        *_what(outcome, explanation),
        *_calls(outcome),
        *_warnings(outcome),
        *_how(outcome, explanation.picture.ref),
    ]


def _how(outcome: Outcome, ref: Ref) -> Iterator[str]:
    """What is typed, where the name of the row does not say it."""
    name, namespace = safe(ref.name), safe(ref.namespace)
    if outcome.command is Command.UNDO:
        yield f"with: rolloutctl undo {name} -n {namespace}"
    elif outcome.command is Command.TERMINATE_ANALYSIS:
        yield f"with: rolloutctl terminate analysisrun {safe(outcome.target)} -n {namespace}"


def _what(outcome: Outcome, explanation: Explanation) -> Iterator[str]:
    picture = explanation.picture
    count = len(picture.steps)
    revision = f"revision {outcome.to_revision}" if outcome.to_revision else "the new version"
    at = ""
    if outcome.to_index is not None and outcome.to_step is not None:
        at = f" at step {outcome.to_index + 1} of {count}, {words.step(outcome.to_step)}"
    match outcome.command:
        case Command.PROMOTE if Note.AUTO_PROMOTION in outcome.notes:
            yield f"ships {revision} at once"
        case Command.PROMOTE if at:
            yield f"goes on{at}"
        case Command.PROMOTE if picture.strategy == "blueGreen":
            yield f"the active Service goes to {revision}"
        case Command.PROMOTE:
            yield f"past the last step, {revision} takes over"
        case Command.PROMOTE_FULL:
            was = ", the version that was aborted," if Note.SHIPS_ABORTED in outcome.notes else ""
            yield f"ships {revision}{was} to all pods"
        case Command.RESUME if picture.status.aborted:
            yield "it stays aborted, its pods go back to the stable version"
        case Command.RESUME:
            yield f"goes on{at}"
        case Command.RETRY:
            yield f"starts {revision} over{at}, the same version"
        case Command.ABORT:
            yield f"back to {revision if outcome.to_revision else 'the stable version'}"
        case Command.PAUSE if Note.NOTHING_UNDER_WAY in outcome.notes:
            yield "holds it; no update is under way, the next one will be held"
        case Command.PAUSE:
            yield "holds it where it is until it is resumed"
        case Command.UNDO:
            yield f"back to {revision}, with a new number"
        case Command.TERMINATE_ANALYSIS:
            yield f"stops the analysis run {safe(outcome.target)}"


def _calls(outcome: Outcome) -> Iterator[Piece]:
    if outcome.skips:
        yield f"skips {_skipped(outcome.skips)}"
    if outcome.terminates is not None:
        yield f"calls Terminate of {plugin_of(outcome.terminates)}"
    if outcome.command is Command.PROMOTE_FULL:
        for run in outcome.leaves:
            yield f"{plugin_of(run)} stays Running: only the last one is terminated"
    if outcome.aborts:
        yield f"calls Abort of {', '.join(plugin_of(run) for run in outcome.aborts)}"
    if outcome.ends:
        yield f"stops {', '.join(_run(run) for run in outcome.ends)}"
    call = "Abort" if outcome.command is Command.ABORT else "Terminate"
    for run in outcome.muted:
        yield Span(f"{plugin_of(run)} is {_muted(run)}: its {call} is not called", "warn")


def _warnings(outcome: Outcome) -> Iterator[Piece]:
    for note in outcome.notes:
        if note not in _SAID:
            yield Span(NOTES[note], "warn")
    for trap in outcome.traps:
        yield Span(TRAPS[trap], "warn")


def _run(run: RunUnderWay) -> str:
    kind = "the experiment" if run.kind == "Experiment" else "the analysis run"
    return f"{kind} {safe(run.name)}"


def _skipped(entries: Sequence[StepProgress]) -> str:
    """ "step 5 pause", "steps 3-7"."""
    if len(entries) <= _NAMED:
        return ", ".join(step_of(entry) for entry in entries)
    return f"steps {entries[0].index + 1}-{entries[-1].index + 1}"


def _muted(run: PluginRun) -> str:
    return words.availability(run) or "not reached after a plugin that is not configured"
