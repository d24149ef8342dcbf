"""One look at one Experiment: what is known, what is decided, what is said."""

from __future__ import annotations

import copy

from rolloutctl.sandbox.controller.cluster import Cluster
from rolloutctl.sandbox.controller.objects import (
    Obj,
    dig,
    items,
    mapping,
    name,
    namespace,
    number,
    text,
    uid,
)
from rolloutctl.sandbox.controller.run_history import FINAL
from rolloutctl.sandbox.durations import parse_duration

HAIR = 0.001
"""A time is over when more than its length has passed."""


class Look:
    """`status` is what the Experiment's status is to become."""

    def __init__(self, cluster: Cluster, experiment: Obj) -> None:
        self.cluster = cluster
        self.experiment = experiment
        self.status: Obj = copy.deepcopy(mapping(experiment, "status"))

    @property
    def phase(self) -> str:
        return text(self.status, "phase")

    @property
    def is_over(self) -> bool:
        return self.phase in FINAL

    @property
    def is_ending(self) -> bool:
        """Whether its pods and analyses are wanted no more."""
        if self.is_over or dig(self.experiment, "spec", "terminate") is True:
            return True
        left = self.seconds_left()
        return left is not None and left <= 0

    @property
    def templates(self) -> list[Obj]:
        found = items(self.experiment, "spec", "templates")
        return [each for each in found if isinstance(each, dict)]

    @property
    def analyses(self) -> list[Obj]:
        found = items(self.experiment, "spec", "analyses")
        return [each for each in found if isinstance(each, dict)]

    def seconds_left(self) -> float | None:
        """Until `duration` has passed since all was available; None where that is unknown."""
        lasts = parse_duration(text(self.experiment, "spec", "duration"))
        since = text(self.status, "availableAt")
        if lasts is None or not since:
            return None
        waited = self.cluster.timing.elapsed(uid(self.experiment), "available", since)
        return lasts + HAIR - waited

    def template_status(self, named: str) -> Obj:
        """The entry of that template, made where there is none."""
        return self._entry("templateStatuses", named, {"name": named, **_NO_PODS})

    def template_statuses(self) -> list[Obj]:
        return [self.template_status(text(each, "name")) for each in self.templates]

    def analysis_status(self, named: str) -> Obj | None:
        for each in items(self.status, "analysisRuns"):
            if text(each, "name") == named:
                found: Obj = each
                return found
        return None

    def note_analysis(self, named: str, run: str, phase: str, message: str) -> None:
        """Write the entry of an analysis."""
        entry = self._entry("analysisRuns", named, {"name": named})
        entry.update(analysisRun=run, phase=phase)
        if message:
            entry["message"] = message
        else:
            entry.pop("message", None)

    def _entry(self, key: str, named: str, fresh: Obj) -> Obj:
        entries: list[Obj] = self.status.setdefault(key, [])
        for each in entries:
            if text(each, "name") == named:
                return each
        entries.append(fresh)
        return fresh

    def move(self, entry: Obj, status: str, message: str = "") -> None:
        """Bring a template into another state, and say so."""
        before = text(entry, "status")
        if before == status:
            return
        at = self.cluster.timing.stamp()
        entry.update(status=status, lastTransitionTime=at)
        self.cluster.timing.stamped(uid(self.experiment), text(entry, "name"), at)
        entry.pop("message", None)
        if message:
            entry["message"] = message
        kind = "Warning" if status in ("Failed", "Error") else "Normal"
        more = f": {message}" if message else ""
        said = f"Template '{entry['name']}' transitioned from {before} -> {status}{more}"
        self.event(kind, f"Template{status}", said)

    def event(self, kind: str, reason: str, message: str) -> None:
        self.cluster.rollout_events.event(self.experiment, kind, reason, message)

    def again(self, seconds: float) -> None:
        """Have another look after `seconds` of the cluster."""
        key = ("experiment", namespace(self.experiment), name(self.experiment))
        self.cluster.later(key, max(0.0, seconds))

    def scale_down_delay(self) -> int:
        return number(self.experiment, "spec", "scaleDownDelaySeconds", default=30)


_NO_PODS = {"replicas": 0, "updatedReplicas": 0, "readyReplicas": 0, "availableReplicas": 0}
