"""A rehearsed update as a person reads it: a table of its steps, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.plan import (
    Ending,
    Note,
    Plan,
    PlannedAbort,
    PlannedRun,
    PlannedStep,
    StepResult,
)
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, safe, wrap

_STAGES = {
    "preview": "new version on the preview Service",
    "prePromotionAnalysis": "pre-promotion analysis",
    "switch": "switch the active Service",
    "postPromotionAnalysis": "post-promotion analysis",
}
_ROLES = {
    "Background": "background analysis",
    "PrePromotion": "pre-promotion analysis",
    "PostPromotion": "post-promotion analysis",
}
_RIGHT = frozenset({"AT", "STEP", "LASTS", "WEIGHT", "TRAFFIC", "CANARY", "STABLE"})


def lines(plan: Plan, surface: Surface) -> list[Line]:
    """The whole page."""
    return [
        *_heading(plan, surface),
        (),
        *_timeline(plan, surface),
        (),
        *_summary(plan, surface),
        *_aborts(plan, surface),
        *_assumptions(plan, surface),
    ]


def span(seconds: float) -> str:
    """A planned length of time, exact: "0s", "1m5s", "2h", "1d12h"."""
    rest = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def step_words(plan: Plan, step: PlannedStep) -> str:
    """What the step is: "set weight 10", "plugin acme/gate", "switch the active Service"."""
    if step.index < len(plan.canary_steps):
        return words.step(plan.canary_steps[step.index])
    if step.kind == "pause" and step.pause is not None:
        seconds = step.pause.seconds
        return "pause" if seconds is None else f"pause {span(seconds)}"
    return _STAGES.get(step.kind, safe(step.text))


def images(plan: Plan, surface: Surface) -> str:
    """ "checkout:v1 → v2"; without an image "checkout:v1 → a new version"."""
    facts = plan.rehearsed
    if facts.images_to:
        return words.images(facts.images_from, facts.images_to, surface)
    now = ", ".join(words.image(item) for item in facts.images_from)
    return f"{now} {surface.symbols.arrow} a new version"


# ------------------------------------------------------------------------------------------------


def _heading(plan: Plan, surface: Surface) -> list[Line]:
    facts = plan.rehearsed
    strategy = "blue-green" if facts.strategy == "blueGreen" else facts.strategy
    found = join(
        [
            Span(f"Plan of {safe(facts.name)}", "strong"),
            safe(facts.namespace),
            f"{strategy}, {words.counted(facts.replicas, 'pod')}",
            images(plan, surface),
        ],
        "  ",
    )
    return wrap(found, surface.room, indent=2)


def _timeline(plan: Plan, surface: Surface) -> Iterator[Line]:
    facts = plan.rehearsed
    blue_green = facts.strategy == "blueGreen"
    routed = facts.routed or blue_green
    header = ["AT", "STEP", "WHAT", "LASTS"]
    header += [] if blue_green else ["WEIGHT"]
    header += ["TRAFFIC"] if routed else []
    header += ["NEW" if blue_green else "CANARY", "OLD" if blue_green else "STABLE", "HOW"]
    rows = [_row(plan, step, routed=routed, weighed=not blue_green) for step in facts.steps]
    rows.append(_last_row(plan, routed=routed, weighed=not blue_green))
    yield from table(
        header, rows, surface, right={*_RIGHT, "NEW", "OLD"}, drop=("STABLE", "OLD"), flex="HOW"
    )


def _row(plan: Plan, step: PlannedStep, *, routed: bool, weighed: bool) -> list[Piece]:
    if step.at is None:
        cells: list[Piece] = ["", str(step.index + 1), Span(step_words(plan, step), "dim"), ""]
        blank: list[Piece] = [""] * (2 + routed + weighed)
        return [*cells, *blank, Span("not reached", "dim")]
    lasts: Piece = ""
    if step.person:
        lasts = Span("?", "wait")
    elif step.ends is None:
        lasts = Span("for ever", "bad")
    elif step.ends > step.at:
        lasts = span(step.ends - step.at)
    style = {StepResult.FAILED: "bad", StepResult.WAITING: "bad"}.get(step.result, "")
    cells = [
        span(step.at),
        str(step.index + 1),
        Span(step_words(plan, step), style or ("wait" if step.person else "")),
        lasts,
    ]
    if weighed:
        cells.append("" if step.weight is None else str(step.weight))
    if routed:
        cells.append("" if step.traffic is None else str(step.traffic))
    cells.append(str(step.canary.desired) if step.canary is not None else "")
    cells.append(str(step.stable.desired) if step.stable is not None else "")
    return [*cells, Span(how(plan, step), style or ("wait" if step.person else ""))]


def _last_row(plan: Plan, *, routed: bool, weighed: bool) -> list[Piece]:
    facts = plan.rehearsed
    last = facts.samples[-1] if facts.samples else None
    style = "good" if facts.result is Ending.PROMOTED else "bad"
    ended = facts.seconds if facts.seconds is not None or last is None else last.at
    at = "" if ended is None else span(ended)
    cells: list[Piece] = [at, "", Span(ENDINGS[facts.result], style), ""]
    if weighed:
        cells.append("" if last is None or last.weight is None else str(last.weight))
    if routed:
        cells.append("" if last is None or last.traffic is None else str(last.traffic))
    cells.append("" if last is None else str(last.canary.desired))
    cells.append("" if last is None else str(last.stable.desired))
    return [*cells, Span(_afterwards(plan), "dim")]


def _afterwards(plan: Plan) -> str:
    """What becomes of the pods of the version that is not used any more."""
    facts = plan.rehearsed
    if facts.settled_seconds is None or facts.seconds is None or not facts.samples:
        return ""
    last = facts.samples[-1]
    left = last.stable if facts.result is Ending.PROMOTED else last.canary
    if left.desired:
        return f"{words.counted(left.desired, 'pod')} of the other version stay"
    late = facts.settled_seconds - facts.seconds
    return f"the other version's pods are gone {span(late)} later" if late >= 1 else ""


ENDINGS = {
    Ending.PROMOTED: "promoted",
    Ending.ABORTED: "aborted",
    Ending.STUCK: "stuck",
    Ending.LONG: "still under way",
}


def how(plan: Plan, step: PlannedStep) -> str:
    """What ends the step, and what is assumed of it; "" where there is nothing to say."""
    found: list[str] = []
    if step.person:
        found.append(_PERSONS.get(step.person, "waits for a person"))
    if step.plugin is not None:
        plugin = step.plugin
        if plugin.outcome == "Disabled":
            found.append("disabled, is passed over")
        elif plugin.outcome == "Missing":
            found.append("not configured in argo-rollouts-config: the controller cannot run it")
        else:
            assumed = plugin.outcome_assumed or plugin.duration_assumed
            found.append(safe(plugin.phase or plugin.outcome, 40) + (" (assumed)" * assumed))
            found.append(words.calls(plugin.calls) if plugin.calls else "")
            if plugin.message and plugin.message != _REHEARSED:
                found.append(f'"{safe(plugin.message, words.MESSAGE)}"')
    if not step.person.startswith("Inconclusive"):
        found += [_phase_words(run) for run in plan.runs_of.get(step.index, ())[-1:]]
    share = None if plan.rehearsed.routed or step.kind != "setWeight" else _share(step)
    if share is not None and abs(share - (step.weight or 0)) > _NOTEWORTHY:
        found.append(f"by pods {share} %")
    return ", ".join(part for part in found if part)


_REHEARSED = "rehearsed"
"""What a plugin of a rehearsal says that was given nothing to say."""

_NOTEWORTHY = 5
"""Per cent by which the share of the pods misses the weight before it is said."""
_PERSONS = {
    "CanaryPauseStep": "until a person promotes",
    "BlueGreenPause": "until a person promotes",
    "InconclusiveAnalysisRun": "inconclusive, until a person decides",
    "InconclusiveExperiment": "inconclusive, until a person decides",
}


def _share(step: PlannedStep) -> int | None:
    if step.canary is None or step.stable is None:
        return None
    total = step.canary.available + step.stable.available
    return step.canary.available * 100 // total if total else None


def run_words(run: PlannedRun) -> str:
    """A run beside the steps: "background analysis, Successful (assumed)"."""
    return f"{_ROLES.get(run.role, safe(run.kind))}, {_phase_words(run)}"


def _phase_words(run: PlannedRun) -> str:
    assumed = " (assumed)" if any(metric.assumed for metric in run.metrics) else ""
    return f"{safe(run.phase, 40) or 'no phase'}{assumed}"


# --- below the table ----------------------------------------------------------------------------


def _summary(plan: Plan, surface: Surface) -> list[Line]:
    facts, pauses = plan.rehearsed, plan.pauses
    found: list[Line] = []

    def say(title: str, *pieces: Piece) -> None:
        found.extend(wrap(line(Span(f"{title:<9} ", "strong"), *pieces), surface.room, indent=10))

    people = list(dict.fromkeys(f"step {person.index + 1}" for person in facts.persons))
    if facts.seconds is None:
        why = f"{facts.phase}: {safe(facts.message, words.MESSAGE)}".rstrip(": ")
        say("Ends", Span(f"never by itself: {why}", "bad"))
        at = next((step for step in facts.steps if step.result is StepResult.WAITING), None)
        if at is not None and at.kind == "plugin" and "ProgressDeadline" in facts.message:
            say("", "a plugin's time counts against progressDeadlineSeconds, and past that it is")
            say("", "not called any more")
    else:
        beside = f", and as long as people take at {_listed(people)}" if people else ""
        say("Total", span(facts.seconds), beside)
    if facts.result is Ending.ABORTED:
        say("Cause", Span(safe(facts.message, words.MESSAGE), "bad"))
        for call in facts.aborts:
            said = f' "{safe(call.message, words.MESSAGE)}"' * (call.message != _REHEARSED)
            what = f"of step {call.index + 1}, {safe(call.name)}: "
            say("Abort", what, words.plugin_phase(call.phase), said)
    say("People", f"needed at {_listed(people)}" if people else "nobody is needed")
    if pauses.timed:
        parts = [f"{words.counted(pauses.timed, 'timed pause')}, {span(pauses.total_seconds)}"]
        if pauses.timed > 1 and pauses.longest is not None and pauses.shortest is not None:
            parts.append(f"longest {span(pauses.longest[1])} (step {pauses.longest[0] + 1})")
            parts.append(f"shortest {span(pauses.shortest[1])} (step {pauses.shortest[0] + 1})")
        say("Pauses", ", ".join(parts))
    # Of runs that had to be begun again the last one says what came of it.
    for run in {run.role: run for run in facts.runs if run.index is None}.values():
        lasts = "" if run.ends is None else f" to {span(run.ends)}"
        say("Analysis", f"{run_words(run)}, from {span(run.at)}{lasts}")
    say("Pods", f"at most {words.counted(facts.peak_pods, 'pod')} at a time")
    return found


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _aborts(plan: Plan, surface: Surface) -> list[Line]:
    """What an abort would do, the steps at which it is the same in one line."""
    groups: list[tuple[list[int], PlannedAbort]] = []
    for step in plan.rehearsed.steps:
        if step.abort is None:
            continue
        if groups and _outcome(groups[-1][1]) == _outcome(step.abort):
            groups[-1][0].append(step.index + 1)
        else:
            groups.append(([step.index + 1], step.abort))
    if not groups:
        return []
    found: list[Line] = [(), line(Span("An abort", "strong"))]
    column = max(len(_numbers(numbers)) for numbers, _ in groups)
    new = "new pod" if plan.rehearsed.strategy == "blueGreen" else "canary pod"
    for numbers, abort in groups:
        head = f"  at {_numbers(numbers):<{column}}   "
        said = join(_abort_words(abort, new), "; ")
        found += wrap(line(head, *said), surface.room, indent=len(head))
    return found


def _outcome(abort: PlannedAbort) -> tuple[object, ...]:
    seconds = (abort.stable_seconds, abort.canary_seconds, abort.traffic_seconds)
    return abort.calls, abort.canary.desired, seconds


def _numbers(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    return f"step {first}" if first == last else f"steps {first}-{last}"


def _abort_words(abort: PlannedAbort, new: str) -> list[Line]:
    """`new` is what a pod of the new version is called."""
    found: list[Line] = []
    if not abort.calls:
        found.append(line("calls nothing"))
    for number, call in enumerate(abort.calls):
        verb = "calls Abort of" if number == 0 else "then of"
        said = "" if call.phase == "Successful" else f": {safe(call.phase, 40)}"
        found.append(line(f"{verb} step {call.index + 1} ({safe(call.name)}){said}"))
    pods = words.counted(abort.canary.desired, new)
    if not abort.canary.desired:
        found.append(line(f"no {new}s yet"))
    elif abort.canary_seconds is None:
        found.append(line(f"{pods} stay"))
    elif abort.canary_seconds >= 1:
        found.append(line(f"{pods} gone in {span(abort.canary_seconds)}"))
    else:
        found.append(line(f"{pods} gone at once"))
    if abort.traffic_seconds is not None and abort.traffic_seconds >= 1:
        found.append(line(f"all traffic on stable in {span(abort.traffic_seconds)}"))
    if abort.stable_seconds is None:
        found.append(line(Span("the stable version does not get whole again", "bad")))
    elif abort.stable_seconds >= 1:
        found.append(line(f"stable whole in {span(abort.stable_seconds)}"))
    return found


def _assumptions(plan: Plan, surface: Surface) -> list[Line]:
    facts = plan.rehearsed
    said: list[str] = []
    ready = facts.pod_ready_seconds
    if ready:
        said.append(f"a new pod is ready after {span(ready)}")
    else:
        said.append("new pods are ready at once (--pod-ready says otherwise)")
    if facts.persons:
        said.append("a person acts at once")
    for name in plan.assumed_plugins:
        plugin = next(
            step.plugin for step in facts.steps if step.plugin and step.plugin.name == name
        )
        how = {"Successful": "succeeds", "Failed": "fails"}.get(plugin.outcome, "ends")
        said.append(
            f"plugin {safe(name)} {how} after {span(plugin.duration_seconds)}"
            " (--plugins FILE says otherwise)"
        )
    if any(step.plugin is not None and step.plugin.calls > 1 for step in facts.steps):
        said.append("the controller calls a running plugin 5s later than it asks for")
    metrics = sorted({m.name for run in facts.runs for m in run.metrics if m.assumed})
    if metrics:
        named = ", ".join(safe(name) for name in metrics)
        said.append(f"no metric is asked, and all are well: {named} (analysis: in --plugins FILE)")
    said += [_note(note) for note in facts.notes]
    found: list[Line] = [(), line(Span("Assumed", "strong"))]
    for each in said:
        found += wrap(line(f"  {surface.symbols.dot} ", each), surface.room, indent=4)
    return found


def _note(note: Note) -> str:
    name = safe(note.name)
    match note.note:
        case "stubbed":
            return f"{safe(note.kind)} {name} was not given: a stand-in was used"
        case "held":
            return "the manifest holds the rollout (paused: true): it begins when it is resumed"
        case "router":
            return f"traffic router {name} is not simulated: the weights it is sent arrive at once"
    return safe(note.note)
