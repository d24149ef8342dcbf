"""The AnalysisRuns of an Experiment.

Source: argo-rollouts, experiments/experiment.go and utils/analysis.
"""

from __future__ import annotations

import re

from rolloutctl.sandbox.controller import run_history, run_specs
from rolloutctl.sandbox.controller.creating import create
from rolloutctl.sandbox.controller.objects import (
    Obj,
    dig,
    items,
    mapping,
    name,
    namespace,
    owner,
    owner_reference,
    pod_hash,
    text,
)
from rolloutctl.sandbox.controller.run_history import FINAL
from rolloutctl.sandbox.controller.timing import Timing
from rolloutctl.sandbox.durations import parse_duration

from . import replica_sets
from .look import Look

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")


def reconcile(look: Look, analysis: Obj) -> None:
    """Start the run of `analysis` when all templates are available, follow and end it."""
    named = text(analysis, "name")
    entry = look.analysis_status(named)
    if entry is not None and text(entry, "phase") in FINAL:
        return
    if entry is None:
        if look.status.get("availableAt") and not look.is_ending:
            _start(look, analysis)
        return
    run = look.cluster.analysis_runs.get(namespace(look.experiment), text(entry, "analysisRun"))
    if run is None:
        said = f"AnalysisRun '{text(entry, 'analysisRun')}' is gone"
        _note(look, named, text(entry, "analysisRun"), "Error", said)
        return
    if _is_unwanted(look, analysis) and not run_history.is_over(run):
        if mapping(run, "spec").get("terminate") is not True:
            said = f"Terminating {named} ({name(run)})"
            look.event("Normal", "AnalysisRunTerminating", said)
        run_history.end(look.cluster, "analysisruns", [run])
    phase, message = text(run, "status", "phase"), text(run, "status", "message")
    _note(look, named, name(run), phase or "Pending", message)


def _is_unwanted(look: Look, analysis: Obj) -> bool:
    if look.is_over or dig(look.experiment, "spec", "terminate") is True:
        return True
    # What is required goes on past the duration, until it knows.
    return look.is_ending and analysis.get("requiredForCompletion") is not True


def _note(look: Look, named: str, run: str, phase: str, message: str) -> None:
    before = text(look.analysis_status(named), "phase")
    look.note_analysis(named, run, phase, message)
    if before == phase:
        return
    more = f": {message}" if message else ""
    said = f"AnalysisRun '{named}' transitioned from {before} -> {phase}{more}"
    kind = "Warning" if phase in ("Failed", "Error", "Inconclusive") else "Normal"
    look.event(kind, f"AnalysisRun{phase}", said)
    rollout = _rollout(look)
    if rollout is not None:
        look.cluster.rollout_events.event(rollout, "Warning", f"AnalysisRun{phase}", said)


def _rollout(look: Look) -> Obj | None:
    reference = owner(look.experiment)
    if text(reference, "kind") != "Rollout":
        return None
    return look.cluster.rollouts.get(namespace(look.experiment), text(reference, "name"))


def _start(look: Look, analysis: Obj) -> None:
    named, place = text(analysis, "name"), namespace(look.experiment)
    try:
        templates = run_specs.referred(
            [analysis], lambda plural, wanted: look.cluster.referred(plural, place, wanted)
        )
        spec = run_specs.run_spec(
            templates, _arguments(look, analysis), mapping(look.experiment, "spec")
        )
    except run_specs.Missing as error:
        said = f"AnalysisTemplate verification failed for analysis '{named}': {error}"
        _note(look, named, "", "Error", said)
        return
    except run_specs.Unusable as error:
        _note(look, named, "", "Error", str(error))
        return
    more = mapping(look.experiment, "spec", "analysisRunMetadata")
    metadata: Obj = {
        "name": f"{name(look.experiment)}-{named}",
        "namespace": place,
        "ownerReferences": [owner_reference(look.experiment)],
    }
    for key in ("labels", "annotations"):
        if mapping(more, key):
            metadata[key] = dict(mapping(more, key))
    body: Obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": "", "runSummary": {}},
    }
    run = create(look.cluster, "analysisruns", body, suffix=".")
    _note(look, named, name(run), text(run, "status", "phase") or "Pending", "")


def _arguments(look: Look, analysis: Obj) -> list[Obj]:
    known = _known(look)

    def value(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise run_specs.Unusable(f"failed to resolve {{{{{found[1]}}}}}")
        return known[found[1]]

    arguments = []
    for each in items(analysis, "args"):
        if isinstance(dig(each, "value"), str):
            each = {**each, "value": _PLACEHOLDER.sub(value, each["value"])}
        if isinstance(each, dict):
            arguments.append(each)
    return arguments


def _known(look: Look) -> dict[str, str]:
    """What placeholders in arguments may stand for."""
    since = text(look.status, "availableAt")
    known = {"experiment.availableAt": since}
    lasts = parse_duration(text(look.experiment, "spec", "duration"))
    if lasts is not None:
        known["experiment.finishedAt"] = _finished(look.cluster.timing, look)
    for template in look.templates:
        found = replica_sets.of(look, template)
        if found is not None:
            called = f"templates.{text(template, 'name')}"
            known[f"{called}.podTemplateHash"] = pod_hash(found)
            known[f"{called}.replicaset.name"] = name(found)
    return known


def _finished(timing: Timing, look: Look) -> str:
    left = look.seconds_left()
    return timing.stamp_in(max(0.0, left or 0.0))
