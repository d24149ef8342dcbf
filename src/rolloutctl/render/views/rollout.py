"""The full picture of one rollout.

The first line answers the question; what needs a person stands out; nothing is cut on a narrow
terminal but wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.tree import ActionName, MetricFacts, NextAction, RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap
from rolloutctl.render.views import revisions, steps

_BAR = 20
_VALUES = 8
"""Measurements of a metric that are shown, the latest."""


def lines(
    picture: RolloutPicture,
    surface: Surface,
    *,
    missing: Sequence[tuple[str, str]] = (),
    wide: bool = False,
    rows: int | None = None,
) -> list[Line]:
    """The picture; `missing` is what could not be read, and why; `wide` leaves nothing folded.

    Where it takes more than `rows` lines, pods that are fine and revisions without pods are left
    out, and what can be done stands before the revisions, so that what matters fits.
    """
    parts = [
        [*head(picture, surface), *_summary(picture, surface, wide=wide)],
        [*traffic(picture, surface), *pods(picture, surface)],
        steps.lines(picture, surface, wide=wide) if picture.steps else [],
        steps.abort_calls(picture.steps, surface),
    ]
    tree = revisions.lines(picture, surface, wide=wide)
    runs = _runs(picture, surface)
    end = [*_missing(missing, surface), *_next(picture, surface)]
    whole = _apart([*parts, tree, runs, end])
    if rows is None or len(whole) <= rows:
        return whole
    tree = revisions.lines(picture, surface, folded=True)
    return _apart([*parts, runs, end, tree])


def _apart(blocks: Sequence[list[Line]]) -> list[Line]:
    result: list[Line] = []
    for block in blocks:
        if block and result:
            result.append(())
        result += block
    return result


def head(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """The first line: name, phase and since when, what a person has to do."""
    status = picture.status
    phase = words.phase(status.phase)
    spans = [
        Span(safe(picture.ref.name), "strong"),
        Span(safe(picture.ref.namespace), "dim"),
        phase,
    ]
    since = words.age(status.since, surface.now)
    if status.aborted:
        aborted = words.age(picture.rollout.status.aborted_at, surface.now)
        spans.append(Span(f"aborted {aborted} ago" if aborted else "aborted", "bad"))
    elif since:
        spans.append(Span(f"for {since}", "dim"))
    if picture.rollout.metadata.deletion_timestamp is not None:
        spans.append(Span("being deleted", "bad"))
    if status.promoting_fully:
        spans.append(Span("full promotion under way", "accent"))
    waits = words.awaiting(status)
    if waits:
        spans.append(Span(waits, "wait"))
    return wrap(join(spans, "  "), surface.room, indent=2)


def _summary(picture: RolloutPicture, surface: Surface, *, wide: bool) -> list[Line]:
    status = picture.status
    result: list[Line] = []
    message = safe(status.message, words.MESSAGE)
    if message:
        result += wrap(line(message), surface.room, indent=2)
    cause = safe(picture.cause, words.MESSAGE)
    if cause and cause not in message:
        result += wrap(line(Span("cause: ", "strong"), Span(cause, "bad")), surface.room, indent=2)
    revision = f"revision {picture.revision}" if picture.revision else ""
    stable = picture.stable_revision
    if stable is not None and stable != picture.revision:
        revision = f"revision {stable} {surface.symbols.arrow} {picture.revision}"
    if wide:
        arrow = f" {surface.symbols.arrow} "
        sides = [picture.images_from, picture.images_to]
        if sides[0] == sides[1]:
            sides = sides[1:]
        images = arrow.join(", ".join(safe(item, 300) for item in side) for side in sides if side)
    else:
        images = words.images(picture.images_from, picture.images_to, surface)
    strategy = {"blueGreen": "blue-green", "": "no strategy"}
    facts = join([strategy.get(picture.strategy, picture.strategy), revision, images], "  ")
    return [*result, *wrap(facts, surface.room, indent=2)]


def traffic(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """Who gets how much; [] where nothing is split."""
    weights = picture.weights
    shown = weights.actual if weights.set is None else weights.set
    if picture.strategy != "canary" or shown is None or not picture.stable_revision:
        return []
    if picture.status.fully_promoted:
        by = f"   by {safe(weights.router)}" if weights.router else ""
        return [line(Span("Traffic   ", "strong"), f"stable 100 %{by}")]
    whole = max(1, weights.maximum)
    full = max(0, min(_BAR, round(shown * _BAR / whole)))
    unit = "%" if whole == 100 else f"of {whole}"
    facts = []
    if weights.desired is not None and weights.desired != shown:
        facts.append(f"{weights.desired} {unit} wanted")
    if weights.router:
        routes = f" {', '.join(safe(name) for name in weights.routes)}" if weights.routes else ""
        facts.append(f"set by {safe(weights.router)}{routes}")
        if weights.set is None:
            facts.append("not set yet")
        if weights.verified is not None:
            facts.append("verified" if weights.verified else "not verified yet")
    else:
        facts.append("by pods")
    stable = max(0, whole - shown) if weights.stable is None else weights.stable
    bar = surface.symbols.full * full + surface.symbols.empty * (_BAR - full)
    drawn = [Span(bar, "accent"), Span(" ")] if surface.terminal else []
    text = line(
        Span("Traffic   ", "strong"),
        "canary ",
        *drawn,
        Span(f"{shown} {unit}", "strong"),
        f"   stable {stable} {unit}   ",
        ", ".join(facts),
    )
    return wrap(text, surface.room, indent=10)


def pods(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """How many pods of each version are ready."""
    parts: list[Line] = []
    for item in picture.replica_sets:
        if not item.role or not (item.desired or item.current):
            continue
        role = revisions.role(item).replace(", ", "/")
        style = "" if item.ready >= item.desired else "warn"
        count = f"{item.ready} of {item.desired} ready"
        if item.ready > item.desired:
            count = f"{item.ready} ready, {item.desired} wanted"
        parts.append(line(f"{role} ", Span(count, style)))
    if not parts:
        status = picture.rollout.status
        wanted = picture.rollout.spec.replicas
        text = f"{status.ready_replicas} of {1 if wanted is None else wanted} ready"
        parts.append(line(text))
    text_line: Line = (Span("Pods      ", "strong"), *join(parts, "   "))
    return wrap(text_line, surface.room, indent=10)


def _missing(missing: Sequence[tuple[str, str]], surface: Surface) -> list[Line]:
    result: list[Line] = []
    for what, why in missing:
        text = line(Span(f"{safe(what)} not shown: {safe(why, 400)}", "warn"))
        result += wrap(text, surface.room, indent=2)
    return result


def _runs(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """The analysis runs and experiments of the version now rolled out."""
    runs = [run for run in picture.analysis_runs if run.current]
    trials = [trial for trial in picture.experiments if trial.current]
    if not runs and not trials:
        return []
    result = [line(Span("Analysis" if not trials else "Analysis and experiments", "strong"))]
    for run in runs:
        kind = run.type.lower() or "analysis"
        step = f"step {run.step_index + 1}" if run.step_index is not None else kind
        head = [Span(f"  {safe(run.name)}"), Span(step), words.plugin_phase(run.phase or "Pending")]
        message = Span(safe(run.message, words.MESSAGE))
        result += wrap(join([*head, message], "  "), surface.room, indent=6)
        for metric in run.metrics:
            result += wrap(_metric(metric), surface.room, indent=8)
    for trial in trials:
        step = f"step {trial.step_index + 1}" if trial.step_index is not None else ""
        head = [
            Span(f"  experiment {safe(trial.name)}"),
            Span(step),
            words.plugin_phase(trial.phase or "Pending"),
            Span(safe(trial.message, words.MESSAGE)),
        ]
        result += wrap(join(head, "  "), surface.room, indent=6)
        for item in trial.replica_sets:
            ready = f"{item.ready}/{item.desired} ready"
            result.append(line(f"    {safe(item.name)}  {ready}"))
    return result


def _metric(metric: MetricFacts) -> Line:
    counts = [
        f"{count} {word}"
        for count, word in (
            (metric.successful, "successful"),
            (metric.failed, "failed"),
            (metric.inconclusive, "inconclusive"),
            (metric.error, "error"),
        )
        if count
    ]
    return join(
        [
            Span(f"    metric {safe(metric.name)}"),
            words.plugin_phase(metric.phase or "Pending"),
            Span("dry run" if metric.dry_run else "", "dim"),
            Span(" ".join(safe(value, 20) for value in metric.values[-_VALUES:])),
            Span(", ".join(counts), "dim"),
            Span(safe(metric.message, 300)),
        ],
        "  ",
    )


def _next(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """What a person could do now, and what would come of it."""
    if not picture.next_actions:
        return []
    result = [line(Span("Next", "strong"))]
    column = max(len(action.action.value) for action in picture.next_actions)
    for action in picture.next_actions:
        head = line(f"  {action.action.value:<{column}}   ")
        effect = line("; ".join(_effects(action, picture, surface)))
        parts = wrap(effect, surface.room - column - 5) if surface.room else [effect]
        result.append((*head, *(parts[0] if parts else ())))
        result += [(Span(" " * (column + 5)), *part) for part in parts[1:]]
    return result


def _effects(action: NextAction, picture: RolloutPicture, surface: Surface) -> list[str]:
    count = len(picture.steps)
    effects: list[str] = []
    match action.action:
        case ActionName.PROMOTE if action.completes:
            where = "past the last step, " if count else ""
            effects.append(f"{where}the new version takes over")
        case ActionName.PROMOTE | ActionName.RESUME | ActionName.RETRY:
            verb = {
                ActionName.PROMOTE: "goes on",
                ActionName.RESUME: "goes on",
                ActionName.RETRY: "starts the same version over",
            }[action.action]
            if action.to_step is not None and action.to_index is not None:
                where = f"at step {action.to_index + 1} of {count}, {words.step(action.to_step)}"
                effects.append(f"{verb} {where}")
            else:
                effects.append(verb)
        case ActionName.PROMOTE_FULL:
            revision = f" revision {action.to_revision}" if action.to_revision else " the version"
            effects.append(f"ships{revision} to all pods")
        case ActionName.ABORT:
            back = f"revision {action.to_revision}" if action.to_revision else "the stable version"
            effects.append(f"back to {back}")
    if action.needs_force:
        effects.append("this version was aborted, so it needs --force")
    if action.passes_over:
        effects.append(f"passes over the disabled {_steps(action.passes_over)}")
    if action.skips:
        effects.append(f"skips {_steps(action.skips)}")
    if action.terminates is not None:
        run = action.terminates
        effects.append(f"calls Terminate of step {run.index + 1}, plugin {safe(run.name)}")
    if action.aborts:
        calls = ", ".join(f"step {run.index + 1} ({safe(run.name)})" for run in action.aborts)
        effects.append(f"calls Abort of {calls}")
    return effects


def _steps(indexes: Sequence[int]) -> str:
    """ "step 5", "steps 5, 6", "steps 3-7"."""
    numbers = [index + 1 for index in indexes]
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"steps {numbers[0]}-{numbers[-1]}"
    return f"steps {', '.join(map(str, numbers))}"
