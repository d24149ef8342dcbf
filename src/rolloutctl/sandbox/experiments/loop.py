"""The loop of Experiments: pods of each template, analyses of them, and how it ends.

Source: argo-rollouts, experiments/controller.go and experiment.go.
"""

from __future__ import annotations

from rolloutctl.sandbox.controller.cluster import Cluster
from rolloutctl.sandbox.controller.conditions import condition, of_status, put, remove
from rolloutctl.sandbox.controller.objects import Obj, name, uid
from rolloutctl.sandbox.controller.run_history import FINAL

from . import analyses, invalid, outcome, replica_sets
from .look import Look


def reconcile(cluster: Cluster, place: str, named: str) -> None:
    """Bring the Experiment one step on."""
    experiment = cluster.experiments.get(place, named)
    if experiment is None or "deletionTimestamp" in experiment["metadata"]:
        return
    look = Look(cluster, experiment)
    fault = invalid.fault(experiment)
    if fault is not None:
        _put(look, "InvalidSpec", "True", "InvalidSpec", fault)
        _write(look)
        return
    for template in look.templates:
        replica_sets.reconcile(look, template)
    for analysis in look.analyses:
        analyses.reconcile(look, analysis)
    before = look.phase
    _decide(look)
    _conditions(look, before)
    left = look.seconds_left()
    if not look.is_over and left is not None and left > 0:
        look.again(left)
    _write(look)


def _decide(look: Look) -> None:
    before = look.phase
    if before in FINAL:
        return
    phase, message = outcome.decide(look) if before else ("Pending", "")
    if phase == "Running" and not look.status.get("availableAt"):
        look.status["availableAt"] = look.cluster.timing.stamp()
        available = look.status["availableAt"]
        look.cluster.timing.stamped(uid(look.experiment), "available", available)
    if phase == before:
        return
    look.status["phase"] = phase
    look.status.pop("message", None)
    if message:
        look.status["message"] = message
    kind = "Warning" if phase in ("Failed", "Error", "Inconclusive") else "Normal"
    said = f"Experiment transitioned from {before} -> {phase}"
    look.event(kind, f"Experiment{phase}", said)


def _conditions(look: Look, before: str) -> None:
    subject = f'Experiment "{name(look.experiment)}"'
    if look.is_over:
        said = f"{subject} has successfully ran and completed."
        _put(look, "Progressing", "False", "ExperimentCompleted", said)
    elif before == "Running":
        _put(look, "Progressing", "True", "NewReplicaSetAvailable", f"{subject} is running.")
    else:
        _put(look, "Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.")


def _put(look: Look, kind: str, status: str, reason: str, message: str) -> None:
    conditions = of_status(look.status)
    if kind != "InvalidSpec":
        remove(conditions, "InvalidSpec")
    at = look.cluster.timing.stamp()
    put(conditions, condition(kind, status, reason, message, at))
    look.status["conditions"] = conditions


def _write(look: Look) -> Obj:
    return look.cluster.write_status(
        "experiments", look.cluster.experiments, look.experiment, look.status
    )
