"""The loop of AnalysisRuns: measure what is due, assess, say so, come back.

Source: argo-rollouts, analysis/analysis.go and controller.go.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.controller.cluster import Cluster
from rolloutctl.sandbox.controller.objects import (
    Obj,
    items,
    mapping,
    moment_of,
    name,
    namespace,
    number,
    text,
    uid,
)

from . import arguments, assessment, providers
from .arguments import Unresolved
from .assessment import FINAL, event_type, last_measurement, result_of
from .measures import Measures
from .metrics import KEPT, InvalidMetrics, check, dry_runs, effective_count, retentions, seconds
from .providers import job
from .providers.base import Call, Means, Measured, MeasurementError
from .requests import Fetch
from .ttl import seconds_to_live

ERROR_RETRY = 10.0
"""Seconds from a measurement that did not work to the next."""
SHORTEST, LONGEST_GUARD = 0.1, 1.0
"""Seconds between two measurements, even for those who want none between them. What was written
in whole seconds does not tell how long ago it was, so a shorter interval needs a better memory."""
_NOW = -1.0
_HAIR = 0.001
"""A measurement is due when more than its interval has passed."""


@dataclass(slots=True)
class _Round:
    """What one look at a run began: who is still awaited, and what is already known."""

    started: dict[str, str] = field(default_factory=dict)
    known: dict[str, Measured] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)


class AnalysisRuns:
    """`fetch` sends the requests of providers; it is called by whatever thread measures."""

    def __init__(self, cluster: Cluster, measures: Measures, fetch: Fetch) -> None:
        self._cluster = cluster
        self._measures = measures
        self._means = Means(cluster.client, fetch, cluster.clock.now)
        self._rounds: dict[str, _Round] = {}
        self._finished: dict[str, dict[str, float]] = {}

    def reconcile(self, place: str, named: str) -> None:
        """Bring the AnalysisRun one step on."""
        run = self._cluster.analysis_runs.get(place, named)
        if run is None or "deletionTimestamp" in run["metadata"]:
            return
        if text(run, "status", "phase") in FINAL:
            self._forget(uid(run))
            self._delete_when_old(run)
            return
        _Reconcile(self, run).go()

    def finished(self) -> list[tuple[str, str, str]]:
        """The keys of runs whose measurements came in since this was last asked."""
        subjects = set(self._measures.finished())
        if not subjects:
            return []
        runs = self._cluster.analysis_runs.all()
        return [("analysisrun", namespace(run), name(run)) for run in runs if uid(run) in subjects]

    def forget(self, run: Obj) -> None:
        """The run was deleted: what is still measured for it is nobody's business."""
        self._forget(uid(run))

    def _forget(self, subject: str) -> None:
        self._rounds.pop(subject, None)
        self._finished.pop(subject, None)
        self._measures.drop(subject)

    def _delete_when_old(self, run: Obj) -> None:
        left = seconds_to_live(run, self._cluster.timing)
        if left is None:
            return
        if left > 0:
            self._cluster.later(("analysisrun", namespace(run), name(run)), left + _HAIR)
            return
        try:
            self._cluster.client.delete("analysisruns", name(run), namespace(run))
        except ApiError as error:
            if error.status != 404:
                raise


class _Reconcile:
    """One look at one run that is not at its end."""

    def __init__(self, runs: AnalysisRuns, run: Obj) -> None:
        self._runs = runs
        self._cluster = runs._cluster
        self._timing = runs._cluster.timing
        self._run = run
        self._key = ("analysisrun", namespace(run), name(run))
        self._status: Obj = copy.deepcopy(mapping(run, "status"))
        self._status.setdefault("runSummary", {})
        self._terminating = assessment.is_terminating(run)

    def go(self) -> None:
        if self._terminating:
            self._runs._forget(uid(self._run))
        try:
            known = arguments.without_secrets(self._run)
            metrics = [arguments.resolved(each, known) for each in self._specified()]
        except Unresolved as error:
            self._invalid(f"Unable to resolve metric arguments: {error}")
            return
        try:
            check(metrics)
            dry_run = dry_runs(self._run, metrics)
            kept = retentions(self._run, metrics)
        except InvalidMetrics as error:
            self._invalid(f"Analysis spec invalid: {error}")
            return
        try:
            if not self._measure(metrics, dry_run):
                return
        except Unresolved as error:
            self._invalid(f"Unable to resolve metric arguments: {error}")
            return
        self._assess(metrics, dry_run)
        self._trim(metrics, kept)
        self._write()
        if text(self._status, "phase") not in FINAL:
            self._come_back(metrics)

    def _specified(self) -> list[Obj]:
        return [each for each in items(self._run, "spec", "metrics") if isinstance(each, dict)]

    def _invalid(self, message: str) -> None:
        self._runs._forget(uid(self._run))
        self._status["phase"], self._status["message"] = "Error", message
        self._tell("Warning", "AnalysisRunError", "Analysis Completed. Result: Error")
        self._write()

    def _tell(self, kind: str, reason: str, message: str) -> None:
        self._cluster.rollout_events.event(self._run, kind, reason, message)

    def _write(self) -> None:
        self._cluster.write_status(
            "analysisruns", self._cluster.analysis_runs, self._run, self._status
        )

    # Measuring

    def _measure(self, metrics: list[Obj], dry_run: set[str]) -> bool:
        """Take the measurements that are due; False while one of them is under way."""
        subject, measures = uid(self._run), self._runs._measures
        if not measures.busy(subject):
            self._begin(metrics)
        results = measures.take(subject)
        if results is None:
            return False
        begun = self._runs._rounds.pop(subject)
        for metric in metrics:
            named = text(metric, "name")
            measured = begun.known.get(named) or results.get(named)
            if measured is not None:
                self._record(metric, measured, begun, named in dry_run)
        return True

    def _begin(self, metrics: list[Obj]) -> None:
        begun, calls = _Round(), dict[str, Call]()
        due = [self._is_due(each) for each in metrics]
        if any(due):
            values, begun.secrets = arguments.with_secrets(self._run, self._cluster.client)
            specified = zip(metrics, self._specified(), due, strict=True)
            for known, metric in ((known, metric) for known, metric, yes in specified if yes):
                # A name goes into the status, so it never holds a secret.
                named = text(known, "name")
                begun.started[named] = self._timing.stamp()
                found = self._started({**arguments.resolved(metric, values), "name": named})
                if isinstance(found, Measured):
                    begun.known[named] = found
                else:
                    calls[named] = found
        self._runs._rounds[uid(self._run)] = begun
        self._runs._measures.start(uid(self._run), calls)

    def _is_due(self, metric: Obj) -> bool:
        left = self._left(metric)
        return left is not None and left < 0

    def _left(self, metric: Obj) -> float | None:
        """Seconds the metric has to wait, less than 0 if it is due, None if that is all of it."""
        named, subject = text(metric, "name"), uid(self._run)
        result = result_of(self._status, named)
        if result is not None and text(result, "phase") in FINAL:
            return None
        last = last_measurement(result)
        if last is not None and not last.get("finishedAt"):
            return self._until(last) if not self._terminating else _NOW
        if self._terminating:
            return None
        if last is None:
            delay, started = seconds(metric, "initialDelay"), text(self._status, "startedAt")
            if delay is None:
                return _NOW
            return delay - self._timing.elapsed(subject, "started", started)
        count = effective_count(metric)
        if count is not None and number(result, "count") >= count:
            return None
        wait = seconds(metric, "interval")
        if wait is None or text(last, "phase") == "Error":
            wait = ERROR_RETRY
        since = text(last, "finishedAt")
        left = wait - self._timing.elapsed(subject, f"{named} finished", since)
        return max(left, self._guard(named, wait))

    def _guard(self, named: str, wait: float) -> float:
        """Seconds to wait by what this process remembers."""
        finished = self._runs._finished.get(uid(self._run), {}).get(named)
        if finished is None:
            return _NOW
        passed = (self._cluster.clock.monotonic() - finished) * self._cluster.clock.speed
        return min(max(wait, SHORTEST), LONGEST_GUARD) - passed

    def _until(self, measurement: Obj) -> float:
        """Seconds of the cluster until a measurement that goes on is asked for again."""
        at = moment_of(measurement.get("resumeAt"))
        if at is None:
            return _NOW
        return (at - self._timing.now()).total_seconds() * self._cluster.clock.speed

    def _started(self, metric: Obj) -> Call | Measured:
        result = result_of(self._status, text(metric, "name"))
        last, means = last_measurement(result), self._runs._means
        try:
            if last is not None and not last.get("finishedAt"):
                if self._terminating:
                    return job.terminate(last, means)
                return job.resume(last, means)
        except MeasurementError as error:
            metadata = mapping(last, "metadata")
            return Measured("Error", message=str(error), metadata=metadata)
        taken = number(result, "count") + number(result, "error")
        return providers.start(self._run, metric, taken, means)

    def _record(self, metric: Obj, measured: Measured, begun: _Round, is_dry: bool) -> None:
        """Write the measurement into the metric's result, without any secret."""
        named, subject = text(metric, "name"), uid(self._run)

        def safe(said: str) -> str:
            return arguments.redacted(said, begun.secrets)

        result = result_of(self._status, named)
        if result is None:
            result = {"name": named, "phase": "Running", "measurements": []}
            if is_dry:
                result["dryRun"] = True
            if providers.metadata(metric):
                result["metadata"] = providers.metadata(metric)
            self._status.setdefault("metricResults", []).append(result)
        taken: list[Obj] = result.setdefault("measurements", [])
        last = last_measurement(result)
        goes_on = last is not None and not last.get("finishedAt")
        measurement: Obj = dict(taken.pop()) if goes_on else {"startedAt": begun.started[named]}
        measurement["phase"] = measured.phase
        for key, said in (("value", measured.value), ("message", measured.message)):
            if said:
                measurement[key] = safe(said)
        if measured.metadata:
            measurement["metadata"] = {key: safe(each) for key, each in measured.metadata.items()}
        if measured.phase in FINAL:
            measurement["finishedAt"] = self._timing.stamp()
            self._timing.stamped(subject, f"{named} finished", measurement["finishedAt"])
            memory = self._runs._finished.setdefault(subject, {})
            memory[named] = self._cluster.clock.monotonic()
            assessment.count_in(result, measured.phase)
        else:
            # A measurement that has just begun is asked for at once, and then each second.
            measurement["resumeAt"] = self._timing.stamp_in(job.POLL_SECONDS if goes_on else 0.0)
        taken.append(measurement)

    # What follows

    def _assess(self, metrics: list[Obj], dry_run: set[str]) -> None:
        if not self._status.get("startedAt"):
            self._status["startedAt"] = self._timing.stamp()
            self._timing.stamped(uid(self._run), "started", self._status["startedAt"])
        assessment.assess(self._run, self._status, metrics, dry_run, self._tell)
        phase = text(self._status, "phase")
        if phase in FINAL:
            self._status["completedAt"] = self._timing.stamp()
            self._timing.stamped(uid(self._run), "completed", self._status["completedAt"])
            said = f"Analysis Completed. Result: {phase}"
            self._tell(event_type(phase), f"AnalysisRun{phase}", said)

    def _trim(self, metrics: list[Obj], kept: dict[str, int]) -> None:
        """Leave out measurements, and Jobs, that are more than are kept."""
        for metric in metrics:
            most = kept.get(text(metric, "name"), KEPT)
            result = result_of(self._status, text(metric, "name"))
            taken = items(result, "measurements")
            if result is None or len(taken) <= most:
                continue
            if mapping(metric, "provider").get("job") is not None:
                job.collect(self._run, most, self._runs._means)
            result["measurements"] = taken[-most:]

    def _come_back(self, metrics: list[Obj]) -> None:
        waits = [wait for wait in map(self._left, metrics) if wait is not None]
        if waits:
            self._cluster.later(self._key, min(waits) + _HAIR)
