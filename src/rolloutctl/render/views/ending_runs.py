"""What terminating a run does, and what came of it, in words."""

from __future__ import annotations

from rolloutctl.domain.ending_runs import Effect, RunAction, RunDecision, RunDid, RunResult
from rolloutctl.render import narrate
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views.changes import _operation

_TOLD = {
    Effect.STEP_GOES_ON: "the step goes on as if it had succeeded, unless it has failed so far",
    Effect.NOT_WATCHED: "the update goes on without it: nothing in the background aborts it then",
    Effect.SWITCH_GOES_ON: "the update goes on as if it had succeeded, unless it has failed so far",
    Effect.EXPERIMENT: "the experiment takes its result so far",
    Effect.STARTS_ANEW: "it starts from the beginning, with new pods and analyses",
}


def plan(decision: RunDecision, surface: Surface) -> list[Line]:
    """What follows, told before it is done; nothing where nothing does."""
    said = _TOLD.get(decision.effect, "")
    if not said:
        return []
    owner = f" ({safe(decision.owner)}" if decision.owner else ""
    step = f", step {decision.step}" if decision.step is not None else ""
    owner += f"{step})" if owner else ""
    text = f"{_called(decision)}{owner}: {said}"
    return wrap(narrate.detail(surface, Span(text, "warn")), surface.room, indent=4)


def result(item: RunResult, surface: Surface) -> list[Line]:
    """One line for stdout; nothing for what failed, whose error goes to stderr."""
    decision = item.decision
    name = safe(item.ref.name)
    if item.did is RunDid.NOTHING:
        assert item.error is not None
        return [line(f"{name}: {safe(item.error.message, 400)}")]
    if decision is None or item.did in (RunDid.FAILED, RunDid.UNKNOWN):
        return []
    if item.did is RunDid.TRIED:
        would = "would be terminated" if decision.action is RunAction.TERMINATE else "would restart"
        rows = [line(f"{_called(decision)}: {would}")]
        rows += [line(f"  {_operation(one)}") for one in decision.change.operations]
        return rows
    ending = decision.action is RunAction.TERMINATE
    done = "is being terminated" if ending else "starts again"
    return [line(f"{_called(decision)}: {done}")]


def ended(item: RunResult) -> list[Line]:
    """How it ended, once it was followed."""
    if item.ended is None:
        return []
    said = f": {safe(item.message, 400)}" if item.message else ""
    return [line(f"{safe(item.ref.name)}: ended {safe(item.ended, 40)}{said}")]


def _called(decision: RunDecision) -> str:
    return f"{decision.kind.kind.lower()} {safe(decision.ref.name)}"
