"""What happens while a change takes effect, and how it ended."""

from __future__ import annotations

from rolloutctl.domain.decision import Action
from rolloutctl.domain.endings import End
from rolloutctl.domain.plugins import PluginCall, PluginRun
from rolloutctl.domain.reports import Followed, Happened, Result, What
from rolloutctl.domain.status import Awaiting
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, line, safe, wrap
from rolloutctl.render.views.changes import place, plugin_of, short_place

_NEEDED = {
    Awaiting.PROMOTION: "it waits for a person to promote it",
    Awaiting.RESUME: "it waits for a person to resume it",
    Awaiting.INCONCLUSIVE: "its analysis is inconclusive, a person has to decide",
}


def happened(event: Happened, surface: Surface, *, named: bool = False) -> list[Line]:
    """One thing that happened, for stderr; `named` puts the rollout's name in front."""
    pieces = _happened(event)
    if not pieces:
        return []
    head = f"{safe(event.ref.name)}: " if named and event.ref.name else ""
    return wrap(narrate.event(surface, head, *pieces), surface.room, indent=2)


def _happened(event: Happened) -> list[Piece]:
    now, run = event.now, event.run
    match event.what:
        case What.STALE:
            return ["the connection dropped, trying again"]
        case What.PODS:
            return [f"{event.updated} of {words.counted(event.desired, 'pod')} updated"]
        case What.STEP if now is not None:
            if now.full and now.step is None:
                return [f"past its {words.counted(now.count, 'step')}"]
            return [place(now)]
        case What.PHASE if now is not None:
            message = f": {safe(now.message, words.MESSAGE)}" if now.message else ""
            return [words.phase(now.phase), message]
        case What.PLUGIN if run is not None:
            text = f' "{safe(run.message, words.MESSAGE)}"' if run.message else ""
            return [f"{plugin_of(run)}: ", words.plugin_phase(run.phase), text]
        case What.ABORT_CALL if run is not None and run.abort is not None:
            return [f"aborted {plugin_of(run)}: ", *_outcome(run.abort)]
        case What.TERMINATE_CALL if run is not None and run.terminate is not None:
            return [f"terminated {plugin_of(run)}: ", *_outcome(run.terminate)]
    return []


def _outcome(call: PluginCall) -> list[Piece]:
    text = f' "{safe(call.message, words.MESSAGE)}"' if call.message else ""
    return [words.plugin_phase(call.phase), text]


def ended(result: Result, surface: Surface, *, namespaces: bool = False) -> list[Line]:
    """How the wait ended, for stdout: the result, and each plugin that was called off."""
    followed = result.followed
    if followed is None:
        return []
    name = safe(result.ref if namespaces else result.ref.name)
    lines = [line(f"{name}: {_ending(result.action, followed)}")]
    lines += _calls("aborted", [(run, run.abort) for run in followed.aborted])
    lines += _calls("terminated", [(run, run.terminate) for run in followed.terminated])
    called = "Abort" if result.action is Action.ABORT else "Terminate"
    for run in followed.ending.uncalled:
        lines.append(line(f"  {plugin_of(run)}: no {called} call was seen"))
    return lines


def _calls(what: str, calls: list[tuple[PluginRun, PluginCall | None]]) -> list[Line]:
    numbered = len(calls) > 1
    return [
        line(
            f"  {f'{number}. ' if numbered else ''}{what} {plugin_of(run)}: ",
            *(_outcome(call) if call is not None else ("unknown",)),
        )
        for number, (run, call) in enumerate(calls, 1)
    ]


def _ending(action: Action, followed: Followed) -> str:
    now = followed.ending.now
    took = _took(followed.seconds)
    message = f": {safe(now.message, words.MESSAGE)}" if now.message else ""
    match followed.ending.end:
        case End.RESTARTED:
            return f"restarted after {took}, all its pods are new"
        case End.SCALED:
            return f"scaled after {took}, all its pods are available"
        case End.HEALTHY if action is Action.UNDO:
            return f"Healthy after {took}, the earlier version is the stable one again"
        case End.HEALTHY:
            return f"Healthy after {took}, its new version is the stable one"
        case End.WAITING | End.HELD if followed.ending.awaiting is not None:
            at = f" at {place(now)}" if now.index is not None else ""
            return f"{safe(now.phase, 40)} after {took}{at}: {_NEEDED[followed.ending.awaiting]}"
        case End.WAITING | End.HELD:
            return f"{safe(now.phase, 40)} after {took}, held by a person"
        case End.ABORTED if action is Action.ABORT:
            held = ", its pods stay until it is resumed" if now.held else ""
            return f"aborted, back on the stable version after {took}{held}"
        case End.ABORTED:
            return f"aborted after {took}{message}"
        case End.DEGRADED:
            at = f" at step {short_place(now)}" if now.step is not None else ""
            return f"Degraded after {took}{at}{message}"
        case End.SUPERSEDED if action is Action.RESTART:
            return f"another version or restart took its place after {took}"
        case End.SUPERSEDED:
            return f"another version took its place after {took}"
        case End.UNDONE:
            undone = "abort" if action is Action.ABORT else "hold"
            what = "its version is fully promoted" if now.promoted else "it goes on"
            return f"the {undone} did not last: {what}"
        case End.DELETED:
            return f"deleted after {took}"
        case End.TIMED_OUT:
            at = f" at {place(now)}" if now.index is not None else ""
            return f"not done after {took}: {safe(now.phase, 40)}{at}{message}"


def _took(seconds: float) -> str:
    from datetime import timedelta

    return words.elapsed(timedelta(seconds=seconds))
