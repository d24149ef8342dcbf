"""The steps of a canary with their progress, and what its plugins say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rolloutctl.domain.plugins import Availability, PluginRun
from rolloutctl.domain.steps import Completion, Pause, StepProgress, StepState, completion
from rolloutctl.domain.tree import RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, pad, safe, width, wrap

_WORD = {
    StepState.DONE: "done",
    StepState.PASSED: "passed",
    StepState.CURRENT: "now",
    StepState.AHEAD: "",
    StepState.SKIPPED: "skipped",
    StepState.STOPPED: "stopped",
    StepState.FAILED: "failed",
}
_STYLE = {
    StepState.DONE: "good",
    StepState.PASSED: "",
    StepState.CURRENT: "accent",
    StepState.AHEAD: "dim",
    StepState.SKIPPED: "dim",
    StepState.STOPPED: "warn",
    StepState.FAILED: "bad",
}
_NOT_RUN = {
    Completion.INITIAL: "the first version",
    Completion.ROLLED_BACK: "back on an earlier version",
}
_WIDEST_STEP = 34
_NARROWEST_DETAIL = 30


def heading(picture: RolloutPicture) -> Line:
    """ "Steps     4 of 7", "Steps     all 7 passed", "Steps     aborted at step 5 of 7"."""
    return line(Span("Steps     ", "strong"), place(picture))


def place(picture: RolloutPicture) -> str:
    """How far it has come, in a few words."""
    count, failed = len(picture.steps), picture.failed_step
    if picture.status.aborted:
        at = f" at step {failed + 1} of {count}" if failed is not None else f", {count} in all"
        return f"aborted{at}"
    current = next((item.index for item in picture.steps if item.state is StepState.CURRENT), None)
    if current is not None:
        return f"{current + 1} of {count}"
    states = {item.state for item in picture.steps}
    if states == {StepState.AHEAD}:
        return f"none of {count} reached"
    how = completion(picture.rollout)
    if states == {StepState.SKIPPED} and how in _NOT_RUN:
        return f"none of {count} run: {_NOT_RUN[how]}"
    if states == {StepState.DONE}:
        return f"all {count} done"
    full = ", promoted in full" if how is Completion.PROMOTED_IN_FULL else ""
    return f"all {count} passed{full}"


def lines(picture: RolloutPicture, surface: Surface, *, wide: bool = False) -> list[Line]:
    """A line per step, its details wrapped below where the terminal is narrow."""
    result = [heading(picture)]
    number = len(str(len(picture.steps)))
    texts = [words.step(item.step) for item in picture.steps]
    column = min(_WIDEST_STEP, max((width(text) for text in texts), default=0))
    for item, text in zip(picture.steps, texts, strict=True):
        result += _step(item, text, picture, surface, number=number, column=column, wide=wide)
    return result


def _step(
    item: StepProgress,
    text: str,
    picture: RolloutPicture,
    surface: Surface,
    *,
    number: int,
    column: int,
    wide: bool,
) -> list[Line]:
    style, word = _STYLE[item.state], _WORD[item.state]
    symbol = {
        StepState.DONE: surface.symbols.done,
        StepState.CURRENT: surface.symbols.current,
        StepState.PASSED: surface.symbols.done,
        StepState.SKIPPED: surface.symbols.skipped,
        StepState.STOPPED: surface.symbols.skipped,
        StepState.FAILED: surface.symbols.failed,
    }.get(item.state, " ")
    head: Line = (
        Span(f"  {symbol} ", style),
        Span(f"{item.index + 1:>{number}}  "),
        Span(pad(word, 7) + "  ", style),
    )
    detail = join(_details(item, picture, surface, wide=wide), ", ")
    indent = width(head)
    body = Span(pad(text, column), "strong" if item.state is StepState.CURRENT else "")
    if not detail:
        return wrap((*head, Span(text, body.style)), surface.room, indent=indent)
    room = surface.room
    beside = indent + max(column, width(text)) + 3
    if not room or (width(text) <= column and room - beside >= _NARROWEST_DETAIL):
        return _hang((*head, body, Span("   ")), detail, room, beside)
    first = wrap((*head, Span(text, body.style)), room, indent=indent)
    return first + _hang((Span(" " * (indent + 2)),), detail, room, indent + 2)


def _hang(head: Line, detail: Line, room: int, indent: int) -> list[Line]:
    """`detail` after `head`, its further lines under its own start."""
    if not room:
        return [(*head, *detail)]
    parts = wrap(detail, max(10, room - indent))
    rest = [(Span(" " * indent), *part) for part in parts[1:]]
    return [(*head, *parts[0]), *rest]


def _details(
    item: StepProgress, picture: RolloutPicture, surface: Surface, *, wide: bool
) -> list[Line]:
    if item.plugin is not None:
        return plugin_details(item.plugin, item.state, surface, wide=wide)
    if item.state is StepState.CURRENT and isinstance(item.step, Pause):
        return _pause_details(item, picture, surface.now)
    if item.state is StepState.CURRENT and item.started is not None:
        return [line(f"{words.age(item.started, surface.now)} so far")]
    return []


def _pause_details(item: StepProgress, picture: RolloutPicture, now: datetime) -> list[Line]:
    assert isinstance(item.step, Pause)
    if item.step.duration is None:
        details = [line(Span("until promoted", "wait"))]
        if item.started is not None:
            details.append(line(f"{words.age(item.started, now)} so far"))
        return details
    if item.started is None:
        return [line(Span("starting", "dim"))]
    if item.ends is None:
        return []
    left = item.ends - now
    if left.total_seconds() <= 0:
        return [line("its time is over"), line(Span("the controller goes on shortly", "dim"))]
    return [
        line(Span(f"{words.elapsed(left)} left", "accent")),
        line(Span(f"until {words.clock(item.ends, now)}", "dim")),
    ]


def plugin_details(
    run: PluginRun, state: StepState, surface: Surface, *, wide: bool = False
) -> list[Line]:
    """What a plugin step's records say, most important first."""
    now = surface.now
    details: list[Line] = []
    if run.phase:
        details.append(line(words.plugin_phase(run.phase)))
    if run.disabled:
        details.append(line(Span("disabled, passed over", "warn")))
    elif state in (StepState.CURRENT, StepState.AHEAD):
        details += _availability(run, state)
    if run.message:
        details.append(line(f'"{safe(run.message, words.MESSAGE)}"'))
    if run.executions:
        took = ""
        if run.started_at is not None:
            end = run.finished_at or _stopped(run)
            took = f" in {words.elapsed((end or now) - run.started_at)}"
        details.append(line(f"{words.calls(run.executions)}{took}"))
    if run.stuck:
        details.append(
            line(Span("stuck: it returned Error without a reason to retry, no more calls", "bad"))
        )
    elif run.suspended:
        details.append(line(Span("no calls while the rollout is held", "warn")))
    elif run.next_call is not None:
        left = run.next_call - now
        when = f"in {words.elapsed(left)}" if left.total_seconds() > 0 else "due"
        details.append(line(f"next call {when}"))
        if run.backoff is not None and wide:
            details.append(line(Span(f"backoff {words.elapsed(run.backoff)}", "dim")))
    if run.terminate is not None:
        details.append(tuple(words.call_outcome("Terminate", run.terminate)))
    if run.abort is not None:
        # What it said stands with the other Abort calls, in their order.
        details.append(tuple(words.call_outcome("Abort", run.abort)[:2]))
    if wide and run.status is not None:
        details.append(line(Span(f"state {words.compact(run.status)}", "dim")))
    return details


def _stopped(run: PluginRun) -> datetime | None:
    for call in (run.terminate, run.abort):
        if call is not None:
            return call.finished_at or call.started_at
    return None


def _availability(run: PluginRun, state: StepState) -> list[Line]:
    if run.availability is Availability.DISABLED:
        if run.phase:
            later = "takes effect when the controller restarts"
        else:
            later = "will be passed over"
        return [line(Span(f"disabled in argo-rollouts-config, {later}", "warn"))]
    if run.availability is Availability.NOT_CONFIGURED:
        text = "not configured in argo-rollouts-config"
        if state is StepState.CURRENT:
            text += ": the controller cannot run it and stays here"
        return [line(Span(text, "bad"))]
    return []


def abort_calls(steps: Sequence[StepProgress], surface: Surface) -> list[Line]:
    """The Abort calls made, in the controller's order: the last step first; [] if none was."""
    called = [
        item
        for item in reversed(steps)
        if item.plugin is not None and item.plugin.abort is not None
    ]
    if not called:
        return []
    result = [line(Span("Abort calls", "strong"), ", in the controller's order")]
    for number, item in enumerate(called, 1):
        run = item.plugin
        assert run is not None and run.abort is not None
        spans = words.call_outcome("Abort", run.abort)[1:]
        result += wrap(
            line(f"  {number}. step {item.index + 1} plugin {safe(run.name)}   ", *spans),
            surface.room,
            indent=5,
        )
    return result
