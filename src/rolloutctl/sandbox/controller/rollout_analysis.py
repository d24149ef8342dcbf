"""The AnalysisRuns of one rollout: made, ended, and what their results mean for it.

Nothing here knows how a run comes to its result: only its status is read.

Source: argo-rollouts, rollout/analysis.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import rollbacks, run_arguments, run_history, run_specs
from .context import Context
from .creating import create
from .objects import (
    HASH_LABEL,
    REVISION,
    Obj,
    dig,
    items,
    mapping,
    name,
    namespace,
    number,
    owner_reference,
    pod_hash,
    revision,
    spec_replicas,
    text,
    uid,
)
from .pausing import pause_condition
from .saturation import is_saturated
from .sizes import available
from .steps import current_step, index_of

CANARY_FIELDS = ("currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus")
BLUE_GREEN_FIELDS = ("prePromotionAnalysisRunStatus", "postPromotionAnalysisRunStatus")
PAUSE = "InconclusiveAnalysisRun"


@dataclass(frozen=True, slots=True)
class Role:
    """What a run is for: `kind` as label and events have it, `part` of the status and `field`
    there, and what an abort because of it is said to be."""

    kind: str
    part: str
    field: str
    cause: str


STEP = Role("Step", "canary", CANARY_FIELDS[0], "Step-based analysis phase error/failed")
BACKGROUND = Role(
    "Background", "canary", CANARY_FIELDS[1], "Background analysis phase error/failed"
)
PRE = Role(
    "PrePromotion",
    "blueGreen",
    BLUE_GREEN_FIELDS[0],
    "Blue/green pre-promotion analysis phase error/failed",
)
POST = Role(
    "PostPromotion",
    "blueGreen",
    BLUE_GREEN_FIELDS[1],
    "Blue/green post-promotion analysis phase error/failed",
)


def reconcile(context: Context) -> None:
    """Make the runs that should be, end those that should not, and take in the results.

    A result may abort or pause the rollout (`context.pausing`).
    """
    owned = context.cluster.analysis_runs.owned(context.rollout)
    if not owned and not any(_analysis(context, role) for role in _roles(context)):
        return
    current: dict[str, Obj] = {}
    if _is_skipped(context):
        if context.is_blue_green:
            current = _recorded(context)
        run_history.end(context.cluster, "analysisruns", owned)
    else:
        for role in _roles(context):
            run = _Reconcile(context, role).run()
            if run is not None:
                current[role.field] = run
        _announce(context, current)
        kept = {uid(run) for run in current.values()}
        rest = [run for run in owned if uid(run) not in kept]
        run_history.end(context.cluster, "analysisruns", rest)
        hashes = {pod_hash(each) for each in context.replica_sets}
        surplus = run_history.superfluous(context.rollout, rest, hashes)
        run_history.delete(context.cluster, "analysisruns", surplus)
    context.analysis_runs = current


def write(context: Context, status: Obj) -> None:
    """Put the fields about the current runs into `status`' canary or blueGreen part."""
    if context.analysis_runs is None:
        return
    for role in _roles(context):
        part, run = status[role.part], context.analysis_runs.get(role.field)
        if run is not None:
            part[role.field] = _summary(run)
        elif not context.is_blue_green or _is_retry(context):
            part.pop(role.field, None)


def step_is_done(context: Context) -> bool:
    """Whether the run of the current canary step was Successful."""
    return _phase(context, STEP) == "Successful"


def pre_promotion_is_done(context: Context) -> bool:
    """Whether blue-green's analysis before the switch was Successful, or there is none.

    May be asked before `reconcile`: the runs are those the status names then.
    """
    return not _analysis(context, PRE) or _phase(context, PRE) == "Successful"


def post_promotion_is_done(context: Context) -> bool:
    """Whether blue-green's analysis after the switch was Successful, or there is none."""
    return not _analysis(context, POST) or _phase(context, POST) == "Successful"


def is_analysed_after_the_switch(context: Context) -> bool:
    """Whether blue-green's new version is live, and the analysis of that is not Successful yet."""
    return _is_wanted(context, POST) and not post_promotion_is_done(context)


def _roles(context: Context) -> tuple[Role, ...]:
    return (PRE, POST) if context.is_blue_green else (STEP, BACKGROUND)


def _analysis(context: Context, role: Role) -> Obj:
    """What the spec has for that role now; empty where nothing."""
    strategy = mapping(context.rollout, "spec", "strategy")
    if role is STEP:
        return mapping(current_step(context.rollout), "analysis")
    if role is BACKGROUND:
        return mapping(strategy, "canary", "analysis")
    return mapping(strategy, "blueGreen", f"{role.kind[0].lower()}{role.kind[1:]}Analysis")


def _phase(context: Context, role: Role) -> str:
    runs = context.analysis_runs
    run = _run_of(context, role) if runs is None else runs.get(role.field)
    return text(run, "status", "phase")


def _recorded(context: Context) -> dict[str, Obj]:
    """The runs the status names, as they are now."""
    found = {role.field: _named(context, role) for role in _roles(context)}
    return {field: run for field, run in found.items() if run is not None}


def _run_of(context: Context, role: Role) -> Obj | None:
    """The current run of that role. A retry starts without: an old result counts no more."""
    return None if _is_retry(context) else _named(context, role)


def _is_retry(context: Context) -> bool:
    """Whether somebody took back the abort, and this is the first look after that."""
    return context.status.get("abortedAt") is not None and not context.pausing.aborted


def _named(context: Context, role: Role) -> Obj | None:
    named = text(context.status, role.part, role.field, "name")
    rollout = context.rollout
    found = context.cluster.analysis_runs.get(namespace(rollout), named) if named else None
    if found is None or all(uid(found) != uid(each) for each in _owned(context)):
        return None
    return found


def _owned(context: Context) -> list[Obj]:
    return context.cluster.analysis_runs.owned(context.rollout)


def _is_skipped(context: Context) -> bool:
    """Whether nothing is analysed at all."""
    if context.pausing.aborted or context.promote_full or not text(context.status, "stableRS"):
        return True
    if context.is_blue_green and rollbacks.in_delay(context):
        return True
    return rollbacks.in_window(context)


def _is_wanted(context: Context, role: Role) -> bool:
    """Whether there is to be a run of that role now, if nothing keeps all from being analysed."""
    analysis = _analysis(context, role)
    if not analysis:
        return False
    if role in (STEP, BACKGROUND):
        if context.fully_promoted:
            return False
        if role is STEP or current_step(context.rollout) is None:
            return True
        return index_of(context.rollout) >= number(analysis, "startingStep")
    active = text(context.status, "blueGreen", "activeSelector")
    if text(context.status, "stableRS") == context.hash or context.new is None:
        return False
    if role is POST:
        return active == context.hash and is_saturated(context.new, context.replicas)
    return active not in ("", context.hash) and _is_at_preview_size(context)


def _summary(run: Obj) -> Obj:
    found = {"name": name(run), "status": text(run, "status", "phase")}
    message = text(run, "status", "message")
    return {**found, "message": message} if message else found


def _announce(context: Context, current: dict[str, Obj]) -> None:
    """An event for each current run whose phase is another than the one recorded."""
    for role in _roles(context):
        run = current.get(role.field)
        phase = text(run, "status", "phase")
        if run is None or not phase:
            continue
        recorded = dig(context.status, role.part, role.field)
        before = "NoPreviousStatus"
        if recorded is not None:
            before = text(recorded, "status")
            if text(recorded, "name") != name(run) or before == phase:
                continue
        kind = "Warning" if phase in ("Failed", "Error") else "Normal"
        said = f"{role.kind} Analysis Run '{name(run)}' Status New: '{phase}' Previous: '{before}'"
        context.event(kind, f"AnalysisRun{phase}", said)


class _Reconcile:
    """One look at the run of one role."""

    def __init__(self, context: Context, role: Role) -> None:
        self._context = context
        self._role = role
        self._analysis = _analysis(context, role)
        self._current = _run_of(context, role)

    def run(self) -> Obj | None:
        """The run that is current from now on."""
        context, current = self._context, self._current
        if self._role is STEP and items(context.status, "pauseConditions"):
            return current
        if not _is_wanted(context, self._role):
            # What blue-green has recorded stays to be seen.
            if current is not None and context.is_blue_green and self._analysis:
                run_history.end(context.cluster, "analysisruns", [current])
                return current
            return None
        if pause_condition(context.rollout, PAUSE) is not None:
            return current
        if current is None or self._starts_anew(current):
            return self._create()
        phase, message = text(current, "status", "phase"), text(current, "status", "message")
        if phase == "Inconclusive":
            context.pausing.add(PAUSE)
        elif phase in ("Failed", "Error"):
            context.pausing.abort(f"{self._role.cause}: {message}" if message else self._role.cause)
        return current

    def _starts_anew(self, current: Obj) -> bool:
        """After somebody ended the pause an inconclusive run had led to."""
        status = self._context.status
        recorded = mapping(status, self._role.part, self._role.field)
        return (
            status.get("controllerPause") is True
            and text(current, "status", "phase") == "Inconclusive"
            and text(recorded, "status") == "Inconclusive"
        )

    def _create(self) -> Obj:
        context, rollout = self._context, self._context.rollout
        cluster, place = context.cluster, namespace(rollout)
        templates = run_specs.referred(
            items(self._analysis, "templates"),
            lambda plural, wanted: cluster.referred(plural, place, wanted),
        )
        given = run_arguments.values(
            items(self._analysis, "args"),
            rollout,
            latest=context.hash,
            stable=pod_hash(context.stable),
        )
        body: Obj = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisRun",
            "metadata": self._metadata(),
            "spec": run_specs.run_spec(templates, given, self._analysis),
            "status": {"phase": "", "runSummary": {}},
        }
        return create(cluster, "analysisruns", body, suffix=".")

    def _metadata(self) -> Obj:
        context, rollout = self._context, self._context.rollout
        more = mapping(self._analysis, "analysisRunMetadata")
        number_ = str(revision(context.new))
        named = f"{name(rollout)}-{context.hash}-{number_}"
        labels = {HASH_LABEL: context.hash, "rollout-type": self._role.kind}
        if self._role is STEP:
            labels["step-index"] = str(index_of(rollout))
            named = f"{named}-{index_of(rollout)}"
        elif self._role in (PRE, POST):
            named = f"{named}-{self._role.kind.removesuffix('Promotion').lower()}"
        return {
            "name": named,
            "namespace": namespace(rollout),
            "labels": {
                **mapping(context.selector, "matchLabels"),
                **labels,
                **mapping(more, "labels"),
            },
            "annotations": {REVISION: number_, **mapping(more, "annotations")},
            "ownerReferences": [owner_reference(rollout)],
        }


def _is_at_preview_size(context: Context) -> bool:
    preview = dig(context.rollout, "spec", "strategy", "blueGreen", "previewReplicaCount")
    if not isinstance(preview, int):
        return is_saturated(context.new, context.replicas)
    return spec_replicas(context.new) >= preview and available(context.new or {}) >= preview
