"""The answer of an explanation: what and why, and who or what ends it, in a few sentences."""

from __future__ import annotations

from collections.abc import Callable

from rolloutctl.domain.explain.facts import (
    Cause,
    CauseKind,
    Explanation,
    PodsEvidence,
    RunEvidence,
)
from rolloutctl.domain.plugins import Availability
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap
from rolloutctl.render.views.answer_ends import ends, length
from rolloutctl.render.views.metrics import MESSAGE, metric_story, quoted

_INSTANCE = "argo-rollouts.argoproj.io/controller-instance-id"
_ANALYSIS = {
    "Step": "the analysis",
    "Background": "the background analysis",
    "PrePromotion": "the pre-promotion analysis",
    "PostPromotion": "the post-promotion analysis",
}
_STYLES = {
    CauseKind.NOTHING: "good",
    CauseKind.PAUSED_BY_PERSON: "wait",
    CauseKind.PAUSE_FOR_PERSON: "wait",
    CauseKind.PREVIEW_FOR_PERSON: "wait",
    CauseKind.ANALYSIS_INCONCLUSIVE: "wait",
    CauseKind.EXPERIMENT_INCONCLUSIVE: "wait",
}


def answer(explanation: Explanation, surface: Surface) -> list[Line]:
    """The first cause as sentences: what is so, then what follows from it."""
    cause = explanation.cause
    what = sentence(cause, explanation, surface)
    after = ends(cause, explanation, surface)
    style = _STYLES.get(cause.kind, "strong")
    return wrap(join([line(Span(what, style)), after], " "), surface.room)


def sentence(cause: Cause, explanation: Explanation, surface: Surface) -> str:
    """One cause in a sentence."""
    return SENTENCES[cause.kind](cause, explanation, surface)


def step_of(index: int | None, explanation: Explanation) -> str:
    """ "step 3 of 5 (plugin a/b)", "" for no step."""
    steps = explanation.picture.steps
    if index is None or not 0 <= index < len(steps):
        return ""
    return f"step {index + 1} of {len(steps)} ({words.step(steps[index].step)})"


def update(explanation: Explanation) -> str:
    """ "the update to revision 2"."""
    revision = explanation.picture.revision
    return f"the update to revision {revision}" if revision else "the update"


# --- what ---------------------------------------------------------------------------------------


def _nothing(cause: Cause, e: Explanation, surface: Surface) -> str:
    status = e.picture.rollout.status
    spec = e.picture.rollout.spec
    wanted = 1 if spec.replicas is None else spec.replicas
    revision = f"revision {e.picture.revision}" if e.picture.revision else "its version"
    ready = f"{status.ready_replicas} of {words.counted(wanted, 'pod')} ready"
    return f"Nothing is wrong: {revision} is the stable version, {ready}."


def _no_controller(cause: Cause, e: Explanation, surface: Surface) -> str:
    instance = (e.picture.rollout.metadata.labels or {}).get(_INSTANCE, "")
    which = f' with the instance id "{safe(instance, 60)}"' if instance else ""
    return (
        "No Argo Rollouts controller has ever looked at it. Is one running that watches this"
        f" namespace{which}?"
    )


def _not_observed(cause: Cause, e: Explanation, surface: Surface) -> str:
    metadata, status = e.picture.rollout.metadata, e.picture.rollout.status
    if "reference workload" in e.picture.status.message:
        return "The controller has not seen the newest template of the workload it refers to."
    seen = safe(status.observed_generation, 20)
    if not seen:
        return "The controller has begun with it and written no status yet."
    return (
        "The controller has not seen its newest spec yet"
        f" (generation {metadata.generation}; the last it saw is {seen})."
    )


def _invalid(cause: Cause, e: Explanation, surface: Surface) -> str:
    spec = cause.spec
    if spec is None:
        return "Its spec is invalid."
    where = f" at {safe(spec.path)}" if spec.path else ""
    return f"Its spec is invalid{where}: {_stop(safe(spec.detail, MESSAGE))}"


def _aborted_by_person(cause: Cause, e: Explanation, surface: Surface) -> str:
    at = step_of(cause.step, e)
    by = _client(cause)
    return f"A person aborted {update(e)}{f' at {at}' if at else ''}{by}."


def _aborted(cause: Cause, e: Explanation, surface: Surface) -> str:
    return f"The controller aborted {update(e)}: {_stop(safe(cause.message, MESSAGE))}"


def _plugin_failed(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.plugin
    said = quoted(run.message) if run is not None else ""
    return f"{_upper(step_of(cause.step, e))} failed{said}{'' if said else ', without a message'}."


def _plugin_error(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.plugin
    count = f" ({words.calls(run.executions)} so far)" if run is not None else ""
    return f"{_upper(step_of(cause.step, e))} does not get on, its plugin errors{count}" + (
        f"{quoted(cause.message)}."
    )


def _plugin_stuck(cause: Cause, e: Explanation, surface: Surface) -> str:
    return (
        f"{_upper(step_of(cause.step, e))} is stuck: its plugin returned the phase Error without"
        f" an error text, and after that the controller never calls it again."
    )


def _not_configured(cause: Cause, e: Explanation, surface: Surface) -> str:
    name = safe(cause.plugin.name) if cause.plugin is not None else "its plugin"
    what = f"{_upper(step_of(cause.step, e))} cannot start: the controller does not know {name}"
    known = cause.plugin.availability if cause.plugin is not None else None
    if known in {Availability.ENABLED, Availability.DISABLED}:
        return (
            f"{what}. argo-rollouts-config has it by now; the controller reads that only when it"
            " starts."
        )
    return f"{what}, which is not configured in argo-rollouts-config."


def _plugin_running(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.plugin
    took = _for(cause, surface)
    count = f", {words.calls(run.executions)}" if run is not None and run.executions else ""
    if e.deadline is not None and e.deadline.struck is not None:
        return (
            f"{_upper(step_of(cause.step, e))} has not ended{took}{count}{quoted(cause.message)}."
        )
    return f"{_upper(step_of(cause.step, e))} is at work{took}{count}{quoted(cause.message)}."


def _passed_over(cause: Cause, e: Explanation, surface: Surface) -> str:
    return f"{_upper(step_of(cause.step, e))} was passed over: its plugin was disabled."


def _analysis_failed(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.analysis
    assert run is not None
    metric = next((m for m in run.metrics if m.phase in {"Failed", "Error"}), None)
    if metric is None:
        return f"{_upper(_analysis_at(cause, run, e))} failed{quoted(run.message)}."
    return f"{_upper(_analysis_at(cause, run, e))} failed: {metric_story(metric)}."


def _inconclusive(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.analysis
    if run is None:
        return "Its analysis came to no result."
    metric = next((m for m in run.metrics if m.phase == "Inconclusive"), None)
    story = f": {metric_story(metric)}" if metric is not None else quoted(run.message)
    return f"{_upper(_analysis_at(cause, run, e))} came to no result{story}."


def _analysis_running(cause: Cause, e: Explanation, surface: Surface) -> str:
    run = cause.analysis
    assert run is not None
    took = _for(cause, surface)
    so_far = [metric_story(metric) for metric in run.metrics if metric.measurements]
    story = f"; {so_far[0]}" if so_far else ""
    return f"{_upper(_analysis_at(cause, run, e))} is at work{took}{story}."


def _experiment_failed(cause: Cause, e: Explanation, surface: Surface) -> str:
    trial = cause.experiment
    where = _upper(step_of(cause.step, e)) or "The experiment"
    if trial is None:
        return f"{where} failed{quoted(cause.message)}."
    for run in trial.runs:
        metric = next((m for m in run.metrics if m.phase in {"Failed", "Error"}), None)
        if metric is not None:
            return f"{where} failed: {metric_story(metric)}."
    return f"{where} failed{quoted(trial.message or cause.message)}."


def _experiment_inconclusive(cause: Cause, e: Explanation, surface: Surface) -> str:
    where = _upper(step_of(cause.step, e)) or "The experiment"
    return f"{where} came to no result."


def _experiment_running(cause: Cause, e: Explanation, surface: Surface) -> str:
    return f"{_upper(step_of(cause.step, e))} is at work{_for(cause, surface)}."


def _pods_not_starting(cause: Cause, e: Explanation, surface: Surface) -> str:
    pods = cause.pods
    assert pods is not None
    broken = [pod for pod in pods.pods if pod.broken]
    states = dict.fromkeys(pod.state for pod in broken if pod.state not in {"Running", ""})
    reasons = ", ".join(safe(state, 60) for state in states)
    message = safe(cause.message, 160)
    why = f"{reasons} ({message})" if reasons and message else reasons or message
    if not why and broken:
        ended = f", last ended: {safe(broken[0].last_end, 60)}" if broken[0].last_end else ""
        why = f"{words.counted(broken[0].restarts, 'restart')}{ended}"
    count = "one pod" if len(broken) == 1 else f"{len(broken)} pods"
    verb = "does not become ready" if len(broken) == 1 else "do not become ready"
    at = step_of(cause.step, e)
    so = f", so {at} does not get on" if at and cause is e.cause else ""
    return f"{_upper(count)} of {_version(pods)} {verb}: {why}{so}."


def _pods_not_created(cause: Cause, e: Explanation, surface: Surface) -> str:
    pods = cause.pods
    whose = _version(pods) if pods is not None else "the new version"
    return f"The pods of {whose} cannot be created: {_stop(safe(cause.message, MESSAGE))}"


def _pods_coming(cause: Cause, e: Explanation, surface: Surface) -> str:
    pods = cause.pods
    assert pods is not None
    have = f"{pods.available} of {words.counted(pods.wanted, 'pod')} of {_version(pods)}"
    if cause is not e.cause:
        return f"Only {have} are available."
    at = step_of(cause.step, e)
    where = f"{_upper(at)} waits" if at else "It waits"
    return f"{where} for pods: {have} are available."


def _deadline(cause: Cause, e: Explanation, surface: Surface) -> str:
    allowed = length(e.deadline)
    at = step_of(cause.step, e)
    where = f" at {at}" if at else ""
    if e.picture.status.aborted:
        return (
            f"The controller aborted {update(e)}{where}: it made no progress within its deadline"
            " (progressDeadlineSeconds)."
        )
    return f"It made no progress{where} for {allowed}, its deadline (progressDeadlineSeconds)."


def _reconciliation(cause: Cause, e: Explanation, surface: Surface) -> str:
    if cause is not e.cause:
        return "The last thing the controller said of it was an error."
    return f"The controller cannot get on with it{quoted(cause.message)}."


def _traffic(cause: Cause, e: Explanation, surface: Surface) -> str:
    if cause.message:
        return f"The traffic router refused a weight{quoted(cause.message)}."
    weights = e.picture.weights
    return f"The weight {weights.set or 0} is set, but not verified yet."


def _paused_by_person(cause: Cause, e: Explanation, surface: Surface) -> str:
    if cause is not e.cause:
        return f"A person holds it, too{_client(cause)}: its pods are not resized until a resume."
    at = step_of(cause.step, e)
    by = _client(cause)
    return f"A person holds it{f' at {at}' if at else ''}: spec.paused is true{by}."


def _pause_for_person(cause: Cause, e: Explanation, surface: Surface) -> str:
    at = step_of(cause.step, e)
    took = _for(cause, surface)
    return f"It waits at {at or 'a pause'}{took} until a person promotes it."


def _pause_timed(cause: Cause, e: Explanation, surface: Surface) -> str:
    return f"It waits at {step_of(cause.step, e) or 'a pause'}{_for(cause, surface)}."


def _preview(cause: Cause, e: Explanation, surface: Surface) -> str:
    revision = e.picture.revision
    return (
        f"Revision {revision} is ready in preview{_for(cause, surface)} and waits until a person"
        " promotes it; the active Service still goes to the earlier version."
    )


def _countdown(cause: Cause, e: Explanation, surface: Surface) -> str:
    return (
        f"Revision {e.picture.revision} is ready in preview; its promotion counts down"
        " (autoPromotionSeconds)."
    )


def _promoting_full(cause: Cause, e: Explanation, surface: Surface) -> str:
    return (
        f"A full promotion of revision {e.picture.revision} is under way: no more steps are run,"
        " all its pods have to become available."
    )


def _step_under_way(cause: Cause, e: Explanation, surface: Surface) -> str:
    at = step_of(cause.step, e)
    if at:
        return f"{_upper(at)} is under way."
    return f"{_upper(update(e))} is under way{quoted(e.picture.status.message)}."


_Sentence = Callable[[Cause, Explanation, Surface], str]
SENTENCES: dict[CauseKind, _Sentence] = {
    CauseKind.NOTHING: _nothing,
    CauseKind.BEING_DELETED: lambda *_: "It is being deleted.",
    CauseKind.NO_CONTROLLER: _no_controller,
    CauseKind.NOT_OBSERVED: _not_observed,
    CauseKind.INVALID_SPEC: _invalid,
    CauseKind.ABORTING: lambda *_: (
        "An abort was asked for, and the controller has not carried it out yet."
    ),
    CauseKind.ABORTED_BY_PERSON: _aborted_by_person,
    CauseKind.ABORTED: _aborted,
    CauseKind.PLUGIN_FAILED: _plugin_failed,
    CauseKind.PLUGIN_ERROR: _plugin_error,
    CauseKind.PLUGIN_STUCK: _plugin_stuck,
    CauseKind.PLUGIN_NOT_CONFIGURED: _not_configured,
    CauseKind.PLUGIN_RUNNING: _plugin_running,
    CauseKind.PLUGIN_PASSED_OVER: _passed_over,
    CauseKind.ANALYSIS_FAILED: _analysis_failed,
    CauseKind.ANALYSIS_INCONCLUSIVE: _inconclusive,
    CauseKind.ANALYSIS_RUNNING: _analysis_running,
    CauseKind.EXPERIMENT_FAILED: _experiment_failed,
    CauseKind.EXPERIMENT_INCONCLUSIVE: _experiment_inconclusive,
    CauseKind.EXPERIMENT_RUNNING: _experiment_running,
    CauseKind.PODS_NOT_STARTING: _pods_not_starting,
    CauseKind.PODS_NOT_CREATED: _pods_not_created,
    CauseKind.PODS_COMING: _pods_coming,
    CauseKind.OLD_PODS_ENDING: lambda *_: "It waits for the pods of the old version to end.",
    CauseKind.DEADLINE: _deadline,
    CauseKind.RECONCILIATION_ERROR: _reconciliation,
    CauseKind.TRAFFIC: _traffic,
    CauseKind.PAUSED_BY_PERSON: _paused_by_person,
    CauseKind.PAUSE_FOR_PERSON: _pause_for_person,
    CauseKind.PAUSE_TIMED: _pause_timed,
    CauseKind.PREVIEW_FOR_PERSON: _preview,
    CauseKind.PREVIEW_COUNTDOWN: _countdown,
    CauseKind.SWITCHING: lambda *_: (
        "The new version is not behind the active Service yet: that switches once all its pods"
        " are available."
    ),
    CauseKind.RESUMING: lambda *_: "Its pause was lifted, and the controller has not gone on yet.",
    CauseKind.RESTARTING: lambda *_: "Its pods are being restarted (spec.restartAt).",
    CauseKind.PROMOTING_FULL: _promoting_full,
    CauseKind.STEP_UNDER_WAY: _step_under_way,
    CauseKind.SCALED_TO_ZERO: lambda *_: (
        "It has no pods because spec.replicas is 0; nothing else is wrong."
    ),
}


# ------------------------------------------------------------------------------------------------


def _analysis_at(cause: Cause, run: RunEvidence, e: Explanation) -> str:
    kind = _ANALYSIS.get(run.type, "an analysis")
    at = step_of(cause.step, e)
    if run.type == "Step" and at:
        return f"{kind} of {at}"
    return f"{kind}, at {at}," if at else kind


def _client(cause: Cause) -> str:
    """Whose client wrote it, "" if nothing tells."""
    name = safe(cause.writer.client, 60) if cause.writer is not None else ""
    return f' (with the client "{name}")' if name else ""


def _version(pods: PodsEvidence) -> str:
    return f"revision {pods.revision}" if pods.revision else safe(pods.replica_set)


def _for(cause: Cause, surface: Surface) -> str:
    age = words.age(cause.since, surface.now)
    return f" for {age}" if age else ""


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stop(text: str) -> str:
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."
