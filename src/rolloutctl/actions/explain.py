"""Reading what explains one rollout: exactly what concerns it, several lists at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from rolloutctl.actions import inspect, promotion
from rolloutctl.actions.inspect import Missing
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    EVENTS,
    EXPERIMENTS,
    PODS,
    REPLICA_SETS,
    Cluster,
    Kind,
)
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.facts import Explanation
from rolloutctl.domain.explain.pods import puzzling
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import HASH_LABEL
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails
from rolloutctl.errors import RolloutctlError

T = TypeVar("T")
Part = Callable[[], tuple[list[Any], list[Missing]]]

_MOST_RUNS = 5
"""Analysis runs of an experiment that are read by name."""


class Reading(Struct, frozen=True):
    """An explanation, with what could not be read for it."""

    explanation: Explanation
    missing: tuple[Missing, ...] = ()


def read(cluster: Cluster, ref: Ref) -> Reading:
    """Why the rollout is as it is.

    One get, then lists of just what belongs to it. What may not be read is in `missing`, and the
    rest explains what it can. Raises NotFound (with near names), and ClusterError and its kin when
    the rollout itself cannot be read.
    """
    seen = promotion.read(cluster, ref)
    rollout = seen.rollout
    namespace = rollout.metadata.namespace or ref.namespace

    def part(kind: Kind, as_type: type[Any], labels: str, fields: str = "") -> Part:
        return lambda: inspect.readable(cluster, kind, namespace, as_type, labels, fields)

    parts: dict[str, Part] = {
        "events": part(EVENTS, wire.Event, "", _about("Rollout", rollout.metadata))
    }
    children = inspect.children_selector(rollout)
    if children:
        parts["replica_sets"] = part(REPLICA_SETS, wire.ReplicaSet, children)
        parts["pods"] = part(PODS, wire.Pod, children)
    versions = inspect.revision_selector(rollout)
    if versions and inspect.uses_analysis(rollout):
        parts["runs"] = part(ANALYSIS_RUNS, AnalysisRunDetails, versions)
    if versions and inspect.uses_experiments(rollout):
        parts["experiments"] = part(EXPERIMENTS, ExperimentDetails, versions)
    if inspect.uses_plugins(rollout):
        parts["config"] = lambda: _plugins(cluster)
    found = _together(parts)
    missing = [item for _, not_read in found.values() for item in not_read]
    configs, _ = found.pop("config", ([], []))
    lists = {name: items for name, (items, _) in found.items()}
    material = Material(seen=seen, config=configs[0] if configs else None, **lists)
    material, more = _looked_closer(cluster, namespace, material)
    return Reading(explain(material), (*missing, *more))


def _plugins(cluster: Cluster) -> tuple[list[Any], list[Missing]]:
    config, problem = inspect.plugin_configuration(cluster)
    return [config] if config is not None else [], [problem] if problem is not None else []


def _together(parts: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """The result of each, all at the same time. Ctrl-C does not wait for a server that is silent.

    Raises what one of them raised.
    """
    found: dict[str, T] = {}
    problems: list[BaseException] = []

    def run(name: str, part: Callable[[], T]) -> None:
        try:
            found[name] = part()
        except BaseException as problem:
            problems.append(problem)

    threads = [
        threading.Thread(target=run, args=item, name="explain", daemon=True)
        for item in parts.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return {name: found[name] for name in parts}


def _about(kind: str, metadata: wire.Metadata) -> str:
    """The field selector of the events about one object."""
    terms = [f"involvedObject.kind={kind}", f"involvedObject.name={metadata.name}"]
    if metadata.uid:
        terms.append(f"involvedObject.uid={metadata.uid}")
    return ",".join(terms)


def _looked_closer(
    cluster: Cluster, namespace: str, material: Material
) -> tuple[Material, list[Missing]]:
    """What only shows up once the rest is known: runs of experiments, events of a puzzling pod."""
    from msgspec.structs import replace

    runs, missing = _runs_of_experiments(cluster, namespace, material)
    material = replace(material, runs=[*material.runs, *runs])
    for cause in explain(material).causes:
        pod = puzzling(cause.pods.pods) if cause.pods is not None else None
        if pod is None:
            continue
        about = _about("Pod", wire.Metadata(name=pod.name))
        events, not_read = inspect.readable(cluster, EVENTS, namespace, wire.Event, "", about)
        if events:
            material = replace(material, events=[*material.events, *events])
        # Where events are forbidden altogether, that has been said already.
        missing += [item for item in not_read if item.what != EVENTS.plural]
        break
    return material, missing


def _runs_of_experiments(
    cluster: Cluster, namespace: str, material: Material
) -> tuple[list[AnalysisRunDetails], list[Missing]]:
    """The analysis runs of the new version's experiments: those belong to the experiment."""
    current = material.seen.rollout.status.current_pod_hash
    names = [
        entry.analysis_run
        for experiment in material.experiments
        if (experiment.metadata.labels or {}).get(HASH_LABEL) == current
        for entry in experiment.status.analysis_runs or ()
        if entry.analysis_run
    ]
    runs: list[AnalysisRunDetails] = []
    missing: list[Missing] = []
    for name in names[:_MOST_RUNS]:
        try:
            runs.append(cluster.get(ANALYSIS_RUNS, namespace, name, AnalysisRunDetails))
        except RolloutctlError as error:
            missing.append(Missing(f"AnalysisRun {name}", error.message))
    return runs, missing
