"""Looking at one rollout in full. Nothing here changes anything."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from rolloutctl.domain import wire
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    CONFIG_MAPS,
    EXPERIMENTS,
    PODS,
    REPLICA_SETS,
    ROLLOUTS,
    Cluster,
    Kind,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import HASH_LABEL
from rolloutctl.domain.tree import RolloutPicture, picture
from rolloutctl.errors import NotFound, RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

T = TypeVar("T")


class Missing(NamedTuple):
    """A part of the picture that could not be read, and why."""

    what: str
    """The plural of the resource, e.g. "pods"."""
    why: str


class Look(msgspec.Struct, frozen=True):
    """One rollout in full, with what could not be read for it."""

    picture: RolloutPicture
    missing: tuple[Missing, ...] = ()


class Named(wire.Wire):
    """An object of which only the name matters."""

    metadata: wire.Metadata = msgspec.field(default_factory=wire.Metadata)


# --- one rollout --------------------------------------------------------------------------------


def get_rollout(cluster: Cluster, ref: Ref) -> wire.Rollout:
    """The rollout itself. Raises NotFound with near names, and what the cluster raises."""
    try:
        return cluster.get(ROLLOUTS, ref.namespace, ref.name, wire.Rollout)
    except NotFound as error:
        raise not_found(cluster, ref) from error


def look(cluster: Cluster, ref: Ref) -> RolloutPicture:
    """The full picture of one rollout. Raises as `examine` does."""
    return examine(cluster, ref).picture


def examine(cluster: Cluster, ref: Ref) -> Look:
    """One get, then lists of just what belongs to the rollout; says what it was not allowed to see.

    Raises NotFound (with near names), and ClusterError when the rollout itself cannot be read.
    """
    return complete(cluster, get_rollout(cluster, ref))


def complete(cluster: Cluster, rollout: wire.Rollout) -> Look:
    """The picture around a rollout already read."""
    namespace = rollout.metadata.namespace
    missing: list[Missing] = []

    def read(kind: Kind, as_type: type[T], labels: str) -> list[T]:
        found, not_read = readable(cluster, kind, namespace, as_type, labels)
        missing.extend(not_read)
        return found

    selector = children_selector(rollout)
    replica_sets: list[wire.ReplicaSet] = []
    pods: list[wire.Pod] = []
    if selector:
        replica_sets = read(REPLICA_SETS, wire.ReplicaSet, selector)
        pods = read(PODS, wire.Pod, selector)
    runs: list[wire.AnalysisRun] = []
    experiments: list[wire.Experiment] = []
    of_hash = revision_selector(rollout)
    if of_hash and uses_analysis(rollout):
        from rolloutctl.domain.wire_details import AnalysisRunDetails

        runs += read(ANALYSIS_RUNS, AnalysisRunDetails, of_hash)
    if of_hash and uses_experiments(rollout):
        from rolloutctl.domain.wire_details import ExperimentDetails

        experiments += read(EXPERIMENTS, ExperimentDetails, of_hash)
    config = None
    if uses_plugins(rollout):
        config, problem = plugin_configuration(cluster)
        if problem is not None:
            missing.append(problem)
    return Look(picture(rollout, replica_sets, pods, runs, experiments, config), tuple(missing))


def readable(
    cluster: Cluster,
    kind: Kind,
    namespace: str,
    as_type: type[T],
    labels: str = "",
    fields: str = "",
) -> tuple[list[T], list[Missing]]:
    """What can be read of the objects two selectors pick, and what cannot; raises nothing."""
    found: list[T] = []
    missing: list[Missing] = []
    try:
        for page in cluster.pages(
            kind, namespace, as_type, label_selector=labels, field_selector=fields
        ):
            found += page.items
            for item in page.unreadable:
                missing.append(Missing(f"{kind.kind} {item.name}", item.problem))
    except RolloutctlError as error:
        missing.append(Missing(kind.plural, error.message))
    return found, missing


def listed(cluster: Cluster, kind: Kind, namespace: str, as_type: type[T], labels: str) -> list[T]:
    """All objects of a kind that a label selector picks, read whole."""
    return [
        item
        for page in cluster.pages(kind, namespace, as_type, label_selector=labels)
        for item in page.items
    ]


def plugin_configuration(cluster: Cluster) -> tuple[PluginConfiguration | None, Missing | None]:
    """What argo-rollouts-config says; None with the reason when it could not be read.

    The controller may run in another namespace than the usual one, so a ConfigMap that is not
    there means "unknown", not "no plugins".
    """
    # YAML is slow to import, and most rollouts have no plugin.
    from rolloutctl.domain.plugin_config import CONFIG_MAP, CONTROLLER_NAMESPACE, parse

    try:
        config = cluster.get(CONFIG_MAPS, CONTROLLER_NAMESPACE, CONFIG_MAP, wire.ConfigMap)
    except NotFound:
        return None, Missing(
            "plugin configuration", f"no ConfigMap {CONTROLLER_NAMESPACE}/{CONFIG_MAP}"
        )
    except RolloutctlError as error:
        return None, Missing("plugin configuration", error.message)
    return parse(config.data or {}), None


def children_selector(rollout: wire.Rollout) -> str:
    """The label selector of the rollout's ReplicaSets and pods; "" if it has none.

    With a workloadRef the selector may stand in the status only; the hash that blue-green adds
    there is left out (Source: argo-rollouts reference, `status.selector`).
    """
    text = selector_text(rollout.spec.selector)
    if not text:
        text = ",".join(
            term
            for term in rollout.status.selector.split(",")
            if term and not term.startswith(HASH_LABEL)
        )
    return f"{text},{HASH_LABEL}" if text else ""


def revision_selector(rollout: wire.Rollout) -> str:
    """The label selector of analysis runs and experiments of the new and the stable version."""
    hashes = sorted({rollout.status.current_pod_hash, rollout.status.stable_rs} - {""})
    return f"{HASH_LABEL} in ({','.join(hashes)})" if hashes else ""


def selector_text(selector: wire.LabelSelector | None) -> str:
    """A label selector as the API takes it in a query."""
    if selector is None:
        return ""
    terms = [f"{key}={value}" for key, value in sorted((selector.match_labels or {}).items())]
    for item in selector.match_expressions or ():
        values = ",".join(item.values or ())
        match item.operator:
            case "In":
                terms.append(f"{item.key} in ({values})")
            case "NotIn":
                terms.append(f"{item.key} notin ({values})")
            case "Exists":
                terms.append(item.key)
            case "DoesNotExist":
                terms.append(f"!{item.key}")
    return ",".join(terms)


def uses_plugins(rollout: wire.Rollout) -> bool:
    """Whether a canary step is a plugin."""
    canary = rollout.spec.strategy.canary
    return bool(canary and any(step.plugin for step in canary.steps or ()))


def uses_analysis(rollout: wire.Rollout) -> bool:
    """Whether the rollout can have analysis runs."""
    canary, blue_green = rollout.spec.strategy.canary, rollout.spec.strategy.blue_green
    if canary and (canary.analysis or any(step.analysis for step in canary.steps or ())):
        return True
    return bool(
        blue_green and (blue_green.pre_promotion_analysis or blue_green.post_promotion_analysis)
    )


def uses_experiments(rollout: wire.Rollout) -> bool:
    """Whether a canary step is an experiment."""
    canary = rollout.spec.strategy.canary
    return bool(canary and any(step.experiment for step in canary.steps or ()))


# --- names --------------------------------------------------------------------------------------


def names(cluster: Cluster, namespace: str | None, *, field_selector: str = "") -> Iterator[Ref]:
    """The rollouts there are, by name only."""
    for page in cluster.pages(ROLLOUTS, namespace, Named, field_selector=field_selector):
        for item in page.items:
            yield Ref(item.metadata.namespace, item.metadata.name)


def not_found(cluster: Cluster, ref: Ref) -> NotFound:
    """The error for a rollout that is not there: near names, or the namespace it is in."""
    hints: list[str] = []
    try:
        known = [found.name for found in names(cluster, ref.namespace)]
        near = difflib.get_close_matches(ref.name, known, n=3, cutoff=0.6)
        if near:
            hints.append(f"did you mean {' or '.join(near)}?")
        elif not known:
            hints.append(f"there are no rollouts in namespace {ref.namespace}")
    except RolloutctlError:
        pass
    try:
        elsewhere = sorted(
            found.namespace
            for found in names(cluster, None, field_selector=f"metadata.name={ref.name}")
        )
    except RolloutctlError:
        elsewhere = []
    if elsewhere:
        more = f" and {len(elsewhere) - 3} more" if len(elsewhere) > 3 else ""
        hints.append(
            f"there is one in namespace {', '.join(elsewhere[:3])}{more}: add -n {elsewhere[0]}"
        )
    if not hints:
        hints.append(f"rolloutctl list -n {ref.namespace} shows what is there")
    return NotFound(
        f'no rollout "{ref.name}" in namespace {ref.namespace}', subject=str(ref), hint=hints
    )
