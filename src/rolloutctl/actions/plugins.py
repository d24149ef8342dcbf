"""Looking at plugins: what is configured, who uses it, and what the running controller knows.

Uses are counted over all namespaces the caller may read, else over one, and it is said which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from rolloutctl.domain.cluster import (
    ANALYSIS_TEMPLATES,
    CLUSTER_ANALYSIS_TEMPLATES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    ROLLOUTS,
    Cluster,
)
from rolloutctl.domain.plugin_change import CHANGED_AT, moment, notes_of, unknown_plugin
from rolloutctl.domain.plugin_config import (
    CONFIG_MAP,
    CONTROLLER_NAMESPACE,
    KEYS,
    METRIC,
    PluginConfiguration,
    parse,
)
from rolloutctl.domain.plugin_use import (
    ControllerFacts,
    Overview,
    PluginFacts,
    Uses,
    metric_plugins,
)
from rolloutctl.domain.wire import ConfigMap, Deployment, Metadata, Pod, Rollout, Wire
from rolloutctl.errors import ClusterError, Forbidden, NotFound, RolloutctlError, UsageError

DEPLOYMENT_NAME = "argo-rollouts"
_LABEL = "app.kubernetes.io/name=argo-rollouts"
READ_BY = "rolloutctl.dev/plugins-sha256"
"""Annotation of the controller's pod template: the plugins' configuration it was restarted for."""


class ManagedFields(Wire):
    """Who wrote which fields, and when last."""

    manager: str = ""
    time: datetime | None = None
    fields_v1: Any = msgspec.field(default=None, name="fieldsV1")


class HistoryMetadata(Metadata):
    """Metadata with what tells when which field was written."""

    managed_fields: list[ManagedFields] | None = None


class DatedConfigMap(ConfigMap):
    """A ConfigMap of which it can be told when its data was last written."""

    metadata: HistoryMetadata = msgspec.field(default_factory=HistoryMetadata)


class Controller(msgspec.Struct, frozen=True):
    """Where the controller is, and its Deployment if it was found; `problem` says why not."""

    namespace: str
    deployment: Deployment | None
    problem: str = ""


class Template(Wire):
    spec: Any = None


# --- the controller -----------------------------------------------------------------------------


def find_controller(cluster: Cluster, namespace: str | None) -> Controller:
    """The controller in `namespace`, or by default in argo-rollouts, else wherever it is.

    Raises UsageError when there are several; never because it is not there or not readable.
    """
    place = namespace or CONTROLLER_NAMESPACE
    problem = ""
    try:
        found = cluster.get(DEPLOYMENTS, place, DEPLOYMENT_NAME, Deployment)
        return Controller(place, found)
    except NotFound:
        problem = f"no Deployment {DEPLOYMENT_NAME} in namespace {place}"
    except Forbidden as error:
        problem = error.message
    for scope in (place, None) if namespace is None else (place,):
        try:
            labelled = _controllers(cluster, scope)
        except (Forbidden, NotFound):
            continue
        if len(labelled) == 1:
            return Controller(labelled[0].metadata.namespace, labelled[0])
        if labelled:
            places = sorted({each.metadata.namespace for each in labelled})
            raise UsageError(
                f"there are {len(labelled)} controllers, in {', '.join(places)}",
                hint="say which with --controller-namespace",
            )
    return Controller(place, None, problem)


def _controllers(cluster: Cluster, namespace: str | None) -> list[Deployment]:
    return [
        item
        for page in cluster.pages(DEPLOYMENTS, namespace, Deployment, label_selector=_LABEL)
        for item in page.items
    ]


def controller_facts(
    cluster: Cluster, controller: Controller, config: DatedConfigMap | None
) -> ControllerFacts:
    """Since when it runs, when the ConfigMap changed, and so whether a restart is pending."""
    deployment = controller.deployment
    changed = None if config is None else last_change(config)
    if deployment is None:
        return ControllerFacts(controller.namespace, changed=changed, unknown=controller.problem)
    pods: list[Pod] = []
    unknown = ""
    try:
        pods = controller_pods(cluster, deployment)
    except ClusterError as error:
        unknown = error.message
    running = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    starts = [start for start in map(started_at, running) if start is not None]
    started = min(starts, default=None)
    pending: bool | None = None
    if started is None:
        unknown = unknown or "no pod of the controller is running"
    elif config is not None and _all_read(running, fingerprint(config)):
        pending = False
    elif changed is None:
        created = config.metadata.creation_timestamp if config is not None else None
        pending = True if created is not None and created > started else None
        unknown = "the ConfigMap does not say when it was changed" if pending is None else ""
        if config is None:
            pending, unknown = None, f"there is no ConfigMap {CONFIG_MAP}"
    elif not _is_dated(config) and changed <= started:
        unknown = "this server does not say when the ConfigMap was changed by others"
    elif changed.replace(microsecond=0) == started:
        unknown = "the ConfigMap was changed in the second in which the controller started"
    else:
        pending = changed > started
    return ControllerFacts(
        namespace=controller.namespace,
        deployment=deployment.metadata.name,
        replicas=deployment.spec.replicas,
        ready=deployment.status.ready_replicas,
        started=started,
        changed=changed,
        pending=pending,
        unknown=unknown,
    )


def controller_pods(cluster: Cluster, deployment: Deployment) -> list[Pod]:
    """The pods of the controller's Deployment, by its selector. Raises ClusterError."""
    labels = (deployment.spec.selector.match_labels if deployment.spec.selector else None) or {}
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    if not selector:
        return []
    namespace = deployment.metadata.namespace
    return [
        pod
        for page in cluster.pages(PODS, namespace, Pod, label_selector=selector)
        for pod in page.items
    ]


def started_at(pod: Pod) -> datetime | None:
    """When the process of a pod began: the controller reads the ConfigMap then, and only then."""
    starts = [
        status.state.running.started_at
        for status in pod.status.container_statuses or ()
        if status.state is not None and status.state.running is not None
    ]
    known = [start for start in starts if start is not None]
    return min(known, default=None)


def _all_read(pods: Sequence[Pod], wanted: str) -> bool:
    """All pods were started for just this configuration (they are younger than it)."""
    return bool(pods) and all(
        (pod.metadata.annotations or {}).get(READ_BY) == wanted for pod in pods
    )


def fingerprint(config: ConfigMap) -> str:
    """A digest of what the ConfigMap says of plugins."""
    digest = hashlib.sha256()
    for key in KEYS:
        digest.update(f"{key}\0{(config.data or {}).get(key, '')}\0".encode(errors="replace"))
    return digest.hexdigest()


def last_change(config: DatedConfigMap) -> datetime | None:
    """When the plugins' part of the ConfigMap was last written, None if nothing tells.

    managedFields have a time per writer; one that also wrote other fields since makes it later
    than it was, never earlier. Where a server keeps none, our own note of the time serves.
    """
    times = _write_times(config)
    noted = moment((config.metadata.annotations or {}).get(CHANGED_AT))
    if noted is not None and not times:
        times.append(noted)
    return max(times, default=None)


def _is_dated(config: DatedConfigMap | None) -> bool:
    """Whether every write would show; our own note knows only of our own."""
    return config is not None and bool(_write_times(config))


def _write_times(config: DatedConfigMap) -> list[datetime]:
    return [
        entry.time
        for entry in config.metadata.managed_fields or ()
        if entry.time is not None and _writes_plugins(entry.fields_v1)
    ]


def _writes_plugins(fields: Any) -> bool:
    data = fields.get("f:data") if isinstance(fields, dict) else None
    return isinstance(data, dict) and any(f"f:{key}" in data for key in KEYS)


# --- reading everything -------------------------------------------------------------------------


def read_config(cluster: Cluster, namespace: str) -> DatedConfigMap | None:
    """The ConfigMap, None when there is none (the controller then has no plugins)."""
    try:
        return cluster.get(CONFIG_MAPS, namespace, CONFIG_MAP, DatedConfigMap)
    except NotFound:
        return None


def overview(
    cluster: Cluster,
    *,
    now: datetime,
    controller_namespace: str | None = None,
    namespace: str | None = None,
) -> Overview:
    """All plugins with their uses. `namespace`: where to count when not everywhere is allowed.

    Raises what the cluster raises for the ConfigMap and for the rollouts.
    """
    controller = find_controller(cluster, controller_namespace)
    config_map = read_config(cluster, controller.namespace)
    config = parse(config_map.data if config_map is not None else None)
    notes: list[str] = []
    uses = Uses(now)
    counted = count_uses(cluster, uses, namespace or cluster.namespace, notes)
    _count_templates(cluster, uses, counted, config, notes)
    names = [item.name for item in config.items]
    switched = notes_of(config_map, names) if config_map is not None else {}
    return Overview(
        controller=controller_facts(cluster, controller, config_map),
        config=config,
        config_found=config_map is not None,
        plugins=uses.facts(config, switched),
        counted=counted,
        notes=tuple(notes),
    )


def count_uses(cluster: Cluster, uses: Uses, fallback: str, notes: list[str]) -> str | None:
    """Counts all rollouts, or those of `fallback` when not all may be read; returns the scope."""
    try:
        _count(cluster, uses.add, None, notes)
        return None
    except Forbidden as error:
        if uses.rollouts:
            raise
        notes.append(f"uses are counted in namespace {fallback} only: {error.message}")
    try:
        _count(cluster, uses.add, fallback, notes)
    except Forbidden as error:
        notes.append(f"uses are not known: {error.message}")
    return fallback


def _count(
    cluster: Cluster, add: Callable[[Rollout], None], namespace: str | None, notes: list[str]
) -> None:
    unreadable = 0
    for page in cluster.pages(ROLLOUTS, namespace, Rollout):
        for rollout in page.items:
            add(rollout)
        unreadable += len(page.unreadable)
    if unreadable:
        notes.append(f"{unreadable} rollouts could not be read and are not counted")


def _count_templates(
    cluster: Cluster,
    uses: Uses,
    namespace: str | None,
    config: PluginConfiguration,
    notes: list[str],
) -> None:
    for kind in (ANALYSIS_TEMPLATES, CLUSTER_ANALYSIS_TEMPLATES):
        scope = namespace if kind.namespaced else None
        try:
            for page in cluster.pages(kind, scope, Template):
                for template in page.items:
                    uses.add_template(metric_plugins({"spec": template.spec}))
        except (Forbidden, NotFound) as error:
            if any(item.kind == METRIC for item in config.items):
                notes.append(f"uses of metric plugins are not complete: {error.message}")


def named(overview_: Overview, name: str) -> tuple[PluginFacts, ...]:
    """The plugins of that name (or of that name after the slash, if only one kind of name fits).

    Raises UnknownPlugin with the known ones.
    """
    exact = tuple(plugin for plugin in overview_.plugins if plugin.name == name)
    if exact:
        return exact
    short = tuple(p for p in overview_.plugins if p.name.partition("/")[2] == name)
    if len({plugin.name for plugin in short}) == 1:
        return short
    problems = overview_.config.problems
    error: RolloutctlError = unknown_plugin(overview_.config, name)
    if problems and not overview_.config.items:
        error = NotFound(
            f'plugin "{name}" is not known: {problems[0].place} cannot be read',
            hint=problems[0].message,
        )
    raise error
