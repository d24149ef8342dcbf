"""The evidence of a cause: metrics with their values, plugin calls, pods, conditions, events."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.explain.facts import (
    Cause,
    CauseKind,
    EventFacts,
    ExperimentEvidence,
    Explanation,
    Limit,
    Measured,
    MetricEvidence,
    PodEvidence,
    PodsEvidence,
    RunEvidence,
)
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.steps import StepState
from rolloutctl.render import words
from rolloutctl.render.spark import spark
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, safe, wrap
from rolloutctl.render.views import steps
from rolloutctl.render.views.answers import sentence

_LABEL = 9
"""Cells of the words before what a metric asks, wants and got."""
_MOST_PODS = 3
_COUNTERS = {
    Limit.FAILURE: ("failed", "failed"),
    Limit.INCONCLUSIVE: ("inconclusive", "inconclusive"),
    Limit.ERROR: ("consecutive_error", "errors in a row"),
}


def lines(explanation: Explanation, surface: Surface, *, wide: bool = False) -> list[Line]:
    """What shows the first cause, then each other cause in a sentence with what shows it."""
    first, *others = explanation.causes
    result = list(_evidence(first, explanation, surface, wide=wide))
    for cause in others:
        # What the deadline does is said with the answer already.
        if cause.kind is CauseKind.DEADLINE:
            continue
        result += wrap(
            line(Span("also  ", "strong"), sentence(cause, explanation, surface)),
            surface.room,
            indent=6,
        )
        result += _evidence(cause, explanation, surface, wide=wide)
    return result


def _evidence(
    cause: Cause, explanation: Explanation, surface: Surface, *, wide: bool
) -> Iterator[Line]:
    if cause.plugin is not None:
        yield from _plugin(cause.plugin, explanation, surface, wide=wide)
    if cause.analysis is not None and cause.analysis.name:
        yield from _run(cause.analysis, surface)
    if cause.experiment is not None:
        yield from _experiment(cause.experiment, surface)
    if cause.pods is not None:
        yield from _pods(cause.pods, surface, wide=wide)
    if cause.spec is not None:
        yield from _field(surface, "at", Span(safe(cause.spec.path), "strong"))
        yield from _field(surface, "value", safe(cause.spec.value, 400))
    for event in cause.events:
        yield from _said(event, surface)
    yield from _in_the_controllers_words(cause, explanation, surface)


def _in_the_controllers_words(
    cause: Cause, explanation: Explanation, surface: Surface
) -> Iterator[Line]:
    """The phase's message, where the facts above were found with its help and no event has it."""
    message = explanation.picture.status.message
    told = any(event.message and event.message in message for event in explanation.events)
    degraded = explanation.picture.status.phase == "Degraded"
    if cause is explanation.cause and message and degraded and not told:
        yield from _field(surface, "message", Span(safe(message, words.MESSAGE), "dim"))


def _field(surface: Surface, label: str, *pieces: Piece) -> Iterator[Line]:
    """ "  wants    result >= 0.95"; nothing for nothing."""
    content = line(*pieces)
    if content:
        head = Span(f"  {label:<{_LABEL - 1}} ")
        yield from wrap((head, *content), surface.room, indent=_LABEL + 2)


# --- plugins ------------------------------------------------------------------------------------


def _plugin(
    run: PluginRun, explanation: Explanation, surface: Surface, *, wide: bool
) -> Iterator[Line]:
    state = StepState.CURRENT
    for entry in explanation.picture.steps:
        if entry.index == run.index:
            state = entry.state
    told = join(steps.plugin_details(run, state, surface, wide=wide), ", ")
    yield from _field(surface, "plugin", Span(safe(run.name), "strong"))
    yield from _field(surface, "calls", *told)
    at = f"{run.name} (step {run.index + 1})"
    for event in explanation.events:
        if event.reason == "StepPluginTransition" and at in event.message:
            yield from _said(event, surface)


# --- analysis -----------------------------------------------------------------------------------


def _run(run: RunEvidence, surface: Surface) -> Iterator[Line]:
    facts: list[Piece | Line] = [Span(safe(run.name), "strong"), words.plugin_phase(run.phase)]
    if run.started_at is not None:
        end = run.completed_at or surface.now
        verb = "after" if run.completed_at is not None else "for"
        facts.append(f"{verb} {words.elapsed(end - run.started_at)}")
    if run.terminated:
        facts.append(Span("told to stop", "warn"))
    yield from _field(surface, "run", *join(facts, "  "))
    for metric in run.metrics:
        yield from _metric(metric, surface)
    if not run.metrics and run.message:
        yield from _field(surface, "said", safe(run.message, words.MESSAGE))


def _metric(metric: MetricEvidence, surface: Surface) -> Iterator[Line]:
    facts: list[Piece | Line] = [
        Span(safe(metric.name), "strong"),
        words.plugin_phase(metric.phase or "Pending"),
        _decided(metric),
        Span("dry run: it never counts" if metric.dry_run else "", "dim"),
    ]
    yield from _field(surface, "metric", *join(facts, "  "))
    asked = safe(" ".join(part for part in (metric.provider, metric.query) if part), 1000)
    where = Span(f"at {safe(metric.address, 200)}" if metric.address else "", "dim")
    yield from _field(surface, "  asks", *join([asked, where], "  "))
    yield from _field(surface, "  wants", safe(metric.success_condition, 600))
    yield from _field(surface, "  fails if", safe(metric.failure_condition, 600))
    yield from _field(surface, "  got", *_values(metric, surface))
    messages = dict.fromkeys(item.message for item in metric.measurements if item.message)
    for message in messages:
        yield from _field(surface, "  said", safe(message, words.MESSAGE))


def _decided(metric: MetricEvidence) -> str:
    """ "2 failed, 1 allowed"; how many measurements otherwise."""
    if metric.passed is not None:
        field, word = _COUNTERS[metric.passed]
        allowed = {
            Limit.FAILURE: metric.failure_limit,
            Limit.INCONCLUSIVE: metric.inconclusive_limit,
            Limit.ERROR: metric.consecutive_error_limit,
        }[metric.passed]
        return f"{getattr(metric, field)} {word}, {allowed} allowed ({metric.passed})"
    of = f" of {metric.count_limit}" if metric.count_limit is not None else ""
    return f"{metric.count}{of} measured" if metric.count or of else ""


def _values(metric: MetricEvidence, surface: Surface) -> Line:
    """The values with a word for each that did not succeed, and their curve on a terminal."""
    if not metric.measurements:
        return ()
    curve = ""
    if surface.terminal:
        numbers = [item.number for item in metric.measurements]
        curve = spark(numbers, surface, line=metric.threshold)
    shown = join([_value(item) for item in metric.measurements], ", ")
    return join([Span(curve, "accent"), shown], "  ")


def _value(item: Measured) -> Line:
    style = words.PLUGIN_STYLE.get(item.phase, "")
    value = safe(item.value, 60)
    if item.phase == "Successful" and value:
        return line(Span(value, style))
    return join([value, Span(safe(item.phase, 40), style)])


def _experiment(trial: ExperimentEvidence, surface: Surface) -> Iterator[Line]:
    facts: list[Piece | Line] = [
        Span(safe(trial.name), "strong"),
        words.plugin_phase(trial.phase or "Pending"),
        safe(trial.message, words.MESSAGE),
        Span("told to stop" if trial.terminated else "", "warn"),
    ]
    yield from _field(surface, "trial", *join(facts, "  "))
    for template in trial.templates:
        pods = f"{template.available} of {words.counted(template.replicas, 'pod')} available"
        told: list[Piece | Line] = [
            safe(template.name),
            words.plugin_phase(template.status),
            pods,
            safe(template.message, 400),
        ]
        yield from _field(surface, "  version", *join(told, "  "))
    for run in trial.runs:
        yield from _run(run, surface)


# --- pods, events -------------------------------------------------------------------------------


def _pods(pods: PodsEvidence, surface: Surface, *, wide: bool) -> Iterator[Line]:
    have = f"{pods.available} of {words.counted(pods.wanted, 'pod')} available"
    name = Span(safe(pods.replica_set), "strong")
    yield from _field(surface, "pods", *join([name, have], "  "))
    if pods.message:
        yield from _field(surface, "  refused", safe(pods.message, words.MESSAGE))
    shown = pods.pods if wide else pods.pods[:_MOST_PODS]
    for pod in shown:
        yield from _pod(pod, surface)
    if len(pods.pods) > len(shown):
        more = words.counted(len(pods.pods) - len(shown), "more pod")
        yield from _field(surface, "", f"and {more}, -o wide shows them")


def _pod(pod: PodEvidence, surface: Surface) -> Iterator[Line]:
    ended = safe(pod.last_end, 60)
    if ended and pod.exit_code is not None:
        ended += f" (exit code {pod.exit_code})"
    facts: list[Piece | Line] = [
        safe(pod.name),
        Span(safe(pod.state, 60) or "Unknown", "bad" if pod.broken else "dim"),
        Span(words.counted(pod.restarts, "restart") if pod.restarts else "", "warn"),
        f"last ended: {ended}" if ended else "",
        Span(f"for {words.age(pod.created, surface.now)}" if pod.created else "", "dim"),
    ]
    yield from _field(surface, "  pod", *join(facts, "  "))
    image = f"{safe(pod.container, 80)}: {safe(pod.image, 300)}" if pod.image else ""
    yield from _field(surface, "    runs", image)
    yield from _field(surface, "    said", safe(pod.message, words.MESSAGE))
    for message in pod.said:
        yield from _field(surface, "    said", safe(message, words.MESSAGE))


def _said(event: EventFacts, surface: Surface) -> Iterator[Line]:
    when = f"{words.age(event.last, surface.now)} ago" if event.last is not None else ""
    often = f"{event.count} times" if event.count > 1 else ""
    head = join([often, when], ", ")
    tail: Line = (Span("  ("), *head, Span(")")) if head else ()
    yield from _field(surface, "event", safe(event.message, words.MESSAGE), *tail)


def history(explanation: Explanation, surface: Surface, *, most: int = 0) -> list[Line]:
    """What the controller said, oldest first; only the last `most` of it (0: all).

    What stands with a cause already is left out.
    """
    told = {event.message for cause in explanation.causes for event in cause.events}
    events = [event for event in explanation.events if event.message not in told]
    shown = events[-most:] if most else events
    if not shown:
        return []
    ages = [words.age(event.last, surface.now) for event in shown]
    column = max(len(age) for age in ages)
    left = len(events) - len(shown)
    more = Span(f"   {left} earlier, -o wide shows them" if left else "", "dim")
    head = line(Span("What the controller said", "strong"), more)
    result = wrap(head, surface.room, indent=2)
    for event, age in zip(shown, ages, strict=True):
        style = "warn" if event.warning else ""
        often = f" ({event.count} times)" if event.count > 1 else ""
        text = f"{safe(event.message, words.MESSAGE)}{often}"
        ago = f"{age:>{column}} ago" if age else " " * (column + 4)
        result += wrap(line(f"  {ago}  ", Span(text, style)), surface.room, indent=column + 8)
    return result
