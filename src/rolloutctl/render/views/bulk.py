"""Many changes at once: the plan, the question, the count at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from rolloutctl.domain.decision import Action, Decision
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Did, Result
from rolloutctl.domain.shipping import is_short_of_pods
from rolloutctl.errors import ExitCode, RolloutctlError
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, pad, safe, width, wrap
from rolloutctl.render.views import changes

ROWS = 20
"""More rollouts than that are told group by group."""

_EXAMPLES = 3
_NAMED = 10
"""Of those with which nothing is done so many are named: a person will look at them."""
_DONE = {
    Action.PROMOTE: "promoted",
    Action.PROMOTE_FULL: "promoted in full",
    Action.ABORT: "aborted",
    Action.RETRY: "retried",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.RESTART: "restarted",
    Action.UNDO: "undone",
    Action.SET_IMAGE: "changed",
    Action.SCALE: "scaled",
}


def named(ref: Ref, *, namespaces: bool) -> str:
    """A rollout as lines of many call it."""
    return safe(ref if namespaces else ref.name)


# --- before -------------------------------------------------------------------------------------


def plan(
    action: Action,
    decisions: Sequence[Decision],
    refused: Mapping[Ref, RolloutctlError],
    nothing: Mapping[Ref, RolloutctlError],
    surface: Surface,
    *,
    namespaces: bool,
) -> list[Line]:
    """What will be done with each, and with which nothing can or need be done, and why."""
    total = len(decisions) + len(refused) + len(nothing)
    verb = changes.VERBS.get(action, str(action))
    of = f"{len(decisions)} of {total}" if len(decisions) != total else str(total)
    lines = [line(Span(f"{verb} {of} {'rollout' if total == 1 else 'rollouts'}", "strong"))]
    if len(decisions) > ROWS:
        lines += _groups(decisions, surface, namespaces=namespaces)
    else:
        lines += _rows(decisions, surface, namespaces=namespaces)
    lines += _not_ready(action, decisions, surface, namespaces=namespaces)
    lines += _reasons("nothing to do", nothing, surface, namespaces=namespaces)
    lines += _reasons("refused", refused, surface, namespaces=namespaces)
    return lines


def _not_ready(
    action: Action, decisions: Sequence[Decision], surface: Surface, *, namespaces: bool
) -> list[Line]:
    """Those that would be shipped with pods that are not ready."""
    if action not in (Action.PROMOTE, Action.PROMOTE_FULL):
        return []
    short = [one.ref for one in decisions if is_short_of_pods(one.seen.rollout)]
    if not short:
        return []
    text = f"  pods are not ready in {words.counted(len(short), 'rollout')} "
    names = _examples(short, namespaces=namespaces)
    return wrap(line(Span(text, "bad"), names), surface.room, indent=4)


def _rows(decisions: Sequence[Decision], surface: Surface, *, namespaces: bool) -> list[Line]:
    names = [named(one.ref, namespaces=namespaces) for one in decisions]
    phases = [words.phase(one.before.phase) for one in decisions]
    first = max((width(name) for name in names), default=0)
    second = max((width(phase.text) for phase in phases), default=0)
    lines: list[Line] = []
    for name, phase, one in zip(names, phases, decisions, strict=True):
        cells = (
            f"  {pad(name, first)}  ",
            Span(pad(phase.text, second), phase.style),
            f"  {changes.effect(one, surface)}",
        )
        lines += wrap(line(*cells), surface.room, indent=6)
        lines += [line("  ", *fact) for fact in changes.facts(one, surface)]
    return lines


def _groups(decisions: Sequence[Decision], surface: Surface, *, namespaces: bool) -> list[Line]:
    """Those that stand alike and will go alike, counted."""
    found: dict[str, list[Decision]] = {}
    facts: dict[str, list[Line]] = {}
    for one in decisions:
        told = changes.facts(one, surface)
        key = repr((one.before.phase, changes.effect(one, surface), told))
        found.setdefault(key, []).append(one)
        facts[key] = told
    size = max(len(str(len(group))) for group in found.values())
    lines: list[Line] = []
    for key, group in sorted(found.items(), key=lambda item: -len(item[1])):
        cells = (
            f"  {pad(str(len(group)), size, right=True)}  ",
            words.phase(group[0].before.phase),
            f"  {changes.effect(group[0], surface)}  ",
            Span(_examples([one.ref for one in group], namespaces=namespaces), "dim"),
        )
        lines += wrap(line(*cells), surface.room, indent=6)
        lines += [line("  ", *fact) for fact in facts[key]]
    return lines


def _reasons(
    what: str, errors: Mapping[Ref, RolloutctlError], surface: Surface, *, namespaces: bool
) -> list[Line]:
    """Why nothing is done, each reason once."""
    found: dict[str, list[Ref]] = {}
    for ref, error in errors.items():
        found.setdefault(safe(error.message, 400), []).append(ref)
    lines: list[Line] = []
    style = "bad" if what == "refused" else "dim"
    for reason, refs in sorted(found.items(), key=lambda item: -len(item[1])):
        cells = (
            f"  {len(refs)} ",
            Span(what, style),
            f": {reason}  ",
            Span(_examples(refs, _NAMED, namespaces=namespaces), "dim"),
        )
        lines += wrap(line(*cells), surface.room, indent=6)
        hints = {errors[ref].hint for ref in refs}
        if what == "refused" and len(hints) == 1 and refs[0].name not in (common := hints.pop()):
            lines += [line("    ", *told) for told in hint(common, surface)]
    return lines


def _examples(refs: Sequence[Ref], most: int = _EXAMPLES, *, namespaces: bool) -> str:
    few = ", ".join(named(ref, namespaces=namespaces) for ref in refs[:most])
    left = len(refs) - most
    return f"({few}{f' and {left} more' if left > 0 else ''})"


def question(action: Action, count: int) -> str:
    """What a person is asked before many are changed."""
    verb, _, rest = changes.VERBS.get(action, str(action)).partition(" ")
    what = f"{verb.capitalize()} {words.counted(count, 'rollout')}"
    return f"{what} {rest}?" if rest else f"{what}?"


# --- during and after ---------------------------------------------------------------------------


def problem(item: Result, surface: Surface, *, namespaces: bool) -> list[Line]:
    """One line for stderr of what failed, or of which nobody knows whether it was done."""
    name = named(item.ref, namespaces=namespaces)
    message = safe(item.error.message if item.error is not None else "", 2000)
    message = message.removeprefix(f"{safe(item.ref)}: ")
    if item.did is Did.UNKNOWN:
        told = line(Span("? ", "warn"), f"{name}: not known whether it was done: {message}")
    else:
        told = narrate.failed(surface, f"{name}: {message}")
    return wrap(told, surface.room, indent=2)


def hint(text: str, surface: Surface) -> list[Line]:
    """What to do next, below a problem that others may have too."""
    return [
        told
        for each in text.splitlines()
        for told in wrap(line("  ", Span(safe(each, 2000), "dim")), surface.room, indent=4)
    ]


def progress(action: Action, done: int, total: int, in_flight: int, failed: int) -> str:
    """One line of how far it is."""
    text = f"{changes.VERBS.get(action, str(action))}: {done} of {total}, {in_flight} in flight"
    return f"{text}, {failed} failed" if failed else text


def summary(action: Action, results: Sequence[Result], seconds: float) -> str:
    """ "143 promoted, 2 nothing to do, 1 failed in 12s"."""
    done = _DONE.get(action, "changed")
    said = {
        Did.CHANGED: done,
        Did.TRIED: f"would be {done}",
        Did.NOTHING: "nothing to do",
        Did.DECLINED: "declined",
        Did.FAILED: "failed",
        Did.UNKNOWN: "not known",
        Did.NOT_DONE: "not done",
    }
    counts = {did: sum(1 for item in results if item.did is did) for did in said}
    parts = [f"{count} {said[did]}" for did, count in counts.items() if count]
    badly = sum(
        1 for item in results if item.did is Did.CHANGED and item.exit_code is not ExitCode.OK
    )
    if badly:
        parts.insert(1, f"{badly} of them did not end well")
    took = words.elapsed(timedelta(seconds=seconds))
    return f"{', '.join(parts) or 'nothing to do'} in {took}"


def left_over(results: Sequence[Result]) -> list[str]:
    """What was not begun, in lines that -f reads; what failed, or is not known, as comments."""
    lines = [str(item.ref) for item in results if item.did in (Did.NOT_DONE, Did.DECLINED)]
    for item in results:
        if item.did in (Did.FAILED, Did.UNKNOWN):
            what = "failed" if item.did is Did.FAILED else "not known whether it was done"
            message = safe(item.error.message if item.error is not None else "", 2000)
            lines.append(f"# {what}: {safe(item.ref)}: {message}")
    return lines
