"""Who or what ends the present state, and when: the second half of an answer."""

from __future__ import annotations

from rolloutctl.domain.explain.facts import Cause, CauseKind, Deadline, Explanation
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.render import words
from rolloutctl.render.surface import Surface

_FAILURES = frozenset(
    {CauseKind.ANALYSIS_FAILED, CauseKind.EXPERIMENT_FAILED, CauseKind.PLUGIN_FAILED}
)
_ABORTS = _FAILURES | {CauseKind.ABORTED, CauseKind.ABORTED_BY_PERSON}


def ends(cause: Cause, e: Explanation, surface: Surface) -> str:
    """What follows from a cause, in a sentence; "" where the cause says it all."""
    match cause.kind:
        case CauseKind.NOT_OBSERVED:
            return "A controller that is well does so within seconds."
        case CauseKind.INVALID_SPEC:
            return (
                "Until that is corrected the controller does nothing with it; it looks again by"
                " itself."
            )
        case CauseKind.PLUGIN_NOT_CONFIGURED:
            return _strikes(e, surface) or (
                "It tries again every 30s; configure the plugin and restart the controller, or"
                " take the step out."
            )
        case CauseKind.PLUGIN_RUNNING | CauseKind.PLUGIN_ERROR if cause.plugin is not None:
            return _plugin_ends(cause.plugin, e, surface)
        case CauseKind.PAUSE_TIMED | CauseKind.PREVIEW_COUNTDOWN:
            return _time_left(cause, surface)
        case CauseKind.PAUSED_BY_PERSON:
            return "It goes on when a person resumes it."
        case CauseKind.ANALYSIS_INCONCLUSIVE | CauseKind.EXPERIMENT_INCONCLUSIVE:
            return "A person has to decide: promote or abort."
        case CauseKind.EXPERIMENT_RUNNING if cause.until is not None:
            return f"Its duration ends at {words.clock(cause.until, surface.now)}."
        case CauseKind.PODS_NOT_STARTING | CauseKind.PODS_COMING | CauseKind.PODS_NOT_CREATED:
            return _strikes(e, surface)
        case CauseKind.DEADLINE if not e.picture.status.aborted:
            return "The controller goes on trying: any progress makes it Progressing again."
        case kind if kind in _ABORTS or (kind is CauseKind.DEADLINE and e.picture.status.aborted):
            stable = e.picture.stable_revision
            back = f"revision {stable}" if stable else "the stable version"
            verb = "That aborted the update: it" if kind in _FAILURES else "It"
            return (
                f"{verb} went back to {back}, and stays Degraded until a person retries it or"
                " ships another version."
            )
    return ""


def _plugin_ends(run: PluginRun, e: Explanation, surface: Surface) -> str:
    limit = e.deadline
    if limit is not None and limit.struck is not None:
        return (
            f"Its progress deadline of {length(limit)} passed"
            f" {words.age(limit.struck, surface.now)} ago, and since then the plugin is not called"
            " any more."
        )
    if run.suspended:
        return "The controller does not call it while the rollout is not Progressing."
    text = ""
    if run.next_call is not None:
        left = run.next_call - surface.now
        when = f"in {words.elapsed(left)}" if left.total_seconds() > 0 else "now"
        text = f"The next call is due {when}."
    if limit is not None and limit.strikes is not None:
        text += (
            f" Without progress its deadline passes {_when(limit, surface)}, and then it is not"
            " called any more."
            if not limit.aborts
            else f" Without progress it is aborted {_when(limit, surface)}, by its deadline."
        )
    return text.strip()


def _strikes(e: Explanation, surface: Surface) -> str:
    limit = e.deadline
    if limit is None:
        return ""
    if limit.struck is not None:
        ago = words.age(limit.struck, surface.now)
        return (
            f"Its progress deadline of {length(limit)} passed {ago} ago; the controller goes on"
            " trying."
        )
    if limit.strikes is None or limit.strikes <= surface.now:
        return ""
    then = "it is aborted" if limit.aborts else "it counts as Degraded"
    return f"Without progress {then} {_when(limit, surface)}, by its deadline."


def _time_left(cause: Cause, surface: Surface) -> str:
    if cause.until is None:
        return ""
    left = cause.until - surface.now
    if left.total_seconds() <= 0:
        return "Its time is over, the controller goes on shortly."
    at = words.clock(cause.until, surface.now)
    return f"It goes on by itself in {words.elapsed(left)}, at {at}."


def _when(limit: Deadline, surface: Surface) -> str:
    assert limit.strikes is not None
    left = limit.strikes - surface.now
    return f"in {words.elapsed(left)}" if left.total_seconds() > 0 else "now"


def length(limit: Deadline | None) -> str:
    """How long it may go without progress."""
    return words.elapsed(limit.length) if limit is not None else "its time"
