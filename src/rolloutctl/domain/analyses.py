"""Analysis runs by themselves: whose they are, what they measure, how they count against limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from rolloutctl.domain.explain.facts import MetricEvidence
from rolloutctl.domain.explain.runs import filled_in, run_evidence
from rolloutctl.domain.replicasets import HASH_LABEL, label, revision_of
from rolloutctl.domain.wire import IntOrString, Metadata
from rolloutctl.domain.wire_details import AnalysisRunDetails, Argument, Metric, MetricResultDetails

FINAL = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
PHASES = ("Pending", "Running", "Successful", "Failed", "Error", "Inconclusive")
JOB_NAME, JOB_NAMESPACE = "job-name", "job-namespace"

_TYPES = {
    "Step": "step",
    "Background": "background",
    "PrePromotion": "pre-promotion",
    "PostPromotion": "post-promotion",
}


class Owner(Struct, frozen=True):
    """The object that made another one: its controller reference."""

    kind: str
    name: str
    uid: str = ""


class Counts(Struct, frozen=True):
    """Measurements by how they ended, and how many counted none: of dry-run metrics."""

    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    dry_run: int = 0


class RunRow(Struct, frozen=True):
    """One analysis run of a list.

    `type`: "step", "background", "pre-promotion", "post-promotion", "experiment" or "standalone".
    `phase` is "Pending" before its first reconcile. `step_index` is 0-based. `cluster`: what a list
    of several clusters calls the one it is of.
    """

    namespace: str
    name: str
    owner: Owner | None
    type: str
    phase: str
    message: str = ""
    step_index: int | None = None
    revision: int = 0
    hash: str = ""
    counts: Counts = Counts()
    metrics: int = 0
    created: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    terminated: bool = False
    cluster: str = ""


class Tried(Struct, frozen=True):
    """What an explanation leaves out of one measurement."""

    started_at: datetime | None = None
    finished_at: datetime | None = None
    job: str = ""
    job_namespace: str = ""


class MetricLook(Struct, frozen=True):
    """One metric in full: the evidence, and what besides says how it goes on.

    `dry_run` also holds before the first measurement. `tried` goes with `evidence.measurements`.
    """

    evidence: MetricEvidence
    dry_run: bool = False
    initial_delay: str = ""
    consecutive_success: int = 0
    consecutive_success_limit: int | None = None
    tried: tuple[Tried, ...] = ()


class ArgumentLook(Struct, frozen=True):
    """An argument; `value` is None where it is not known, `source` then says where it comes from.

    `source`: "secret NAME/KEY", "" for a value that stands in the spec.
    """

    name: str
    value: str | None
    source: str = ""


class RunLook(Struct, frozen=True):
    """One analysis run in full; the metrics that decided first."""

    row: RunRow
    arguments: tuple[ArgumentLook, ...] = ()
    metrics: tuple[MetricLook, ...] = ()


def owner(metadata: Metadata) -> Owner | None:
    """The controller of an object, else the first owner it has; None for nobody."""
    references = metadata.owner_references or ()
    for reference in sorted(references, key=lambda each: each.controller is not True):
        return Owner(reference.kind, reference.name, reference.uid)
    return None


def run_row(run: AnalysisRunDetails, cluster: str = "") -> RunRow:
    """A run as a line of a list."""
    made_by = owner(run.metadata)
    index = label(run.metadata, "step-index")
    results = run.status.metric_results or ()
    return RunRow(
        namespace=run.metadata.namespace,
        name=run.metadata.name,
        owner=made_by,
        type=_type(run, made_by),
        phase=run.status.phase or "Pending",
        message=run.status.message,
        step_index=int(index) if re.fullmatch(r"\d{1,4}", index, re.ASCII) else None,
        revision=revision_of(run.metadata),
        hash=label(run.metadata, HASH_LABEL),
        counts=counts(results),
        metrics=len(run.spec.metrics or ()),
        created=run.metadata.creation_timestamp,
        started_at=run.status.started_at,
        completed_at=run.status.completed_at,
        terminated=run.spec.terminate,
        cluster=cluster,
    )


def counts(results: Iterable[MetricResultDetails]) -> Counts:
    """The measurements that count for the run, by how they ended."""
    real = [each for each in results if not each.dry_run]
    tried = (each for each in results if each.dry_run)
    return Counts(
        successful=sum(each.successful for each in real),
        failed=sum(each.failed for each in real),
        inconclusive=sum(each.inconclusive for each in real),
        error=sum(each.error for each in real),
        dry_run=sum(each.count + each.error for each in tried),
    )


def run_look(run: AnalysisRunDetails, cluster: str = "") -> RunLook:
    """Everything a run says."""
    args = {entry.name: entry.value for entry in run.spec.args or () if entry.value is not None}
    specs = {metric.name: metric for metric in run.spec.metrics or ()}
    results = {result.name: result for result in run.status.metric_results or ()}
    rules = [rule.metric_name for rule in run.spec.dry_run or ()]
    return RunLook(
        row=run_row(run, cluster),
        arguments=tuple(map(_argument, run.spec.args or ())),
        metrics=tuple(
            _metric(evidence, specs.get(evidence.name), results.get(evidence.name), rules, args)
            for evidence in run_evidence(run).metrics
        ),
    )


def is_dry_run(name: str, rules: Sequence[str]) -> bool:
    """Whether a rule of `spec.dryRun` matches: a regular expression, anywhere in the name.

    Source: argo-rollouts, utils/analysis/helpers.go (GetDryRunMetrics).
    """
    for rule in rules:
        try:
            if re.search(rule, name):
                return True
        except re.error:
            # Go's syntax and ours differ in corners; a name is the common case.
            if rule == name:
                return True
    return False


class _Made(Protocol):
    """What rows of runs and of experiments have in common."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def created(self) -> datetime | None: ...


Row = TypeVar("Row", bound=_Made)


def newest_first(rows: Iterable[Row]) -> list[Row]:
    """By namespace, in it the youngest first."""
    return sorted(rows, key=_order)


def _order(row: _Made) -> tuple[str, float, str]:
    return (row.namespace, -(row.created.timestamp() if row.created else 0.0), row.name)


def _type(run: AnalysisRunDetails, made_by: Owner | None) -> str:
    if made_by is None:
        return "standalone"
    if made_by.kind == "Experiment":
        return "experiment"
    kind = label(run.metadata, "rollout-type")
    return _TYPES.get(kind, kind.lower() or made_by.kind.lower())


def _argument(entry: Argument) -> ArgumentLook:
    if entry.value is not None:
        return ArgumentLook(entry.name, entry.value)
    return ArgumentLook(entry.name, None, value_source(entry.value_from))


def value_source(source: Mapping[str, Any] | None) -> str:
    """Where a value comes from that does not stand in the object, "" if nothing says."""
    for key, called in (
        ("secretKeyRef", "secret"),
        ("podTemplateHashValue", "the pod template hash of"),
        ("fieldRef", "the rollout's"),
    ):
        found = (source or {}).get(key)
        if isinstance(found, str):
            return f"{called} {found}"
        if isinstance(found, Mapping):
            if key == "fieldRef":
                return f"{called} {found.get('fieldPath', '')}"
            return f"{called} {found.get('name', '')}/{found.get('key', '')}"
    return ""


def _metric(
    evidence: MetricEvidence,
    spec: Metric | None,
    result: MetricResultDetails | None,
    rules: Sequence[str],
    args: Mapping[str, str],
) -> MetricLook:
    spec, found = spec or Metric(), result or MetricResultDetails()
    return MetricLook(
        evidence=evidence,
        dry_run=evidence.dry_run or is_dry_run(evidence.name, rules),
        initial_delay=filled_in(spec.initial_delay, args),
        consecutive_success=found.consecutive_success,
        consecutive_success_limit=_limit(spec.consecutive_success_limit, args),
        tried=tuple(
            Tried(
                started_at=each.started_at,
                finished_at=each.finished_at,
                job=(each.metadata or {}).get(JOB_NAME, ""),
                job_namespace=(each.metadata or {}).get(JOB_NAMESPACE, ""),
            )
            for each in found.measurements or ()
        ),
    )


def _limit(value: IntOrString | None, args: Mapping[str, str]) -> int | None:
    """The number of successes in a row that end a metric; None where it has no such limit."""
    text = filled_in(value, args).strip() if isinstance(value, str) else str(value or 0)
    number = int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else 0
    return number if number > 0 else None
