"""Finding out how it stands with a cluster and its controller. Nothing here changes anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from rolloutctl.actions import plugins
from rolloutctl.actions.crew import Crew
from rolloutctl.domain.cluster import ACCESS_REVIEWS, REPLICA_SETS, ROLLOUTS, Cluster
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.doctor import Gathered, Metrics, UnhealthyStable, Used
from rolloutctl.domain.plugin_config import STEP, TRAFFIC_ROUTER, parse
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.replicasets import HASH_LABEL, is_owned
from rolloutctl.domain.rights import CommandRights, Need, Place, assess, rights
from rolloutctl.domain.status import is_fully_promoted, status_of
from rolloutctl.domain.wire import ReplicaSet, Rollout, Wire
from rolloutctl.errors import Forbidden, RolloutctlError, UsageError

AT_ONCE = 8
"""Access reviews asked for at the same time."""
METRICS_PORT = 8090
_CANDIDATES = 20
"""Updates under way whose stable version is looked at."""
_GROUP = "/apis/argoproj.io/v1alpha1"
_VERSION = re.compile(r'^(?:argo_rollouts_controller_info|build_info)\{[^}\n]*version="([^"\n]*)"')


class _Version(Wire):
    git_version: str = ""
    platform: str = ""


class _GroupVersion(Wire):
    version: str = ""


class _ApiGroup(Wire):
    name: str = ""
    versions: list[_GroupVersion] | None = None


class _Groups(Wire):
    groups: list[_ApiGroup] | None = None


class _Resource(Wire):
    name: str = ""


class _Resources(Wire):
    resources: list[_Resource] | None = None


class _Allowed(Wire):
    allowed: bool = False


class _Review(Wire):
    status: _Allowed = msgspec.field(default_factory=_Allowed)


def gather(
    cluster: Cluster,
    *,
    client: str,
    now: datetime,
    namespace: str | None,
    controller_namespace: str | None = None,
) -> Gathered:
    """All there is to know; what cannot be found out is told as a problem. Raises nothing.

    `namespace`: whose rollouts are looked at and for which rights are asked, None for all.
    """
    seen = Gathered(client, now=now)
    try:
        version = decoder(_Version).decode(cluster.ask("/version"))
        seen = replace(seen, server=version.git_version, platform=version.platform)
    except Forbidden as error:
        seen = replace(seen, problem=error.message)
    except RolloutctlError as error:
        return replace(seen, reachable=False, problem=_told(error))
    except msgspec.MsgspecError as error:
        seen = replace(seen, problem=f"/version is not what a Kubernetes API answers: {error}")
    seen = replace(seen, skew=cluster.server_time_skew())
    seen = _served(cluster, seen)
    seen = _controller(cluster, seen, controller_namespace)
    seen = replace(seen, used=_used(cluster, namespace))
    place = seen.controller.namespace if seen.controller is not None else ""
    return with_rights(cluster, seen, namespace, place)


def with_rights(
    cluster: Cluster, seen: Gathered, namespace: str | None, controller: str
) -> Gathered:
    """What the caller may do, by command."""
    try:
        found = command_rights(cluster, namespace, controller)
    except RolloutctlError as error:
        return replace(seen, rights_problem=error.message)
    return replace(seen, rights=tuple(found))


def command_rights(
    cluster: Cluster,
    namespace: str | None,
    controller: str,
    needs: Iterable[Need] | None = None,
) -> list[CommandRights]:
    """Asks for each right that some command needs, or only for `needs`. Raises the error if none
    could be asked for."""

    def ask(need: Need) -> bool:
        place = controller if need.place is Place.CONTROLLER else namespace
        resource, _, part = need.resource.partition("/")
        attributes = {"verb": need.verb, "group": need.group, "resource": resource}
        attributes |= {"subresource": part} if part else {}
        attributes |= {"namespace": place} if place else {}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return decoder(_Review).decode(cluster.create(ACCESS_REVIEWS, "", review)).status.allowed

    crew: Crew[Need, bool] = Crew(ask, AT_ONCE)
    allowed: dict[tuple[str, str, Place], bool] = {}
    errors: list[BaseException] = []
    waiting = rights() if needs is None else list(needs)
    try:
        while waiting or crew.busy:
            while waiting and crew.free and not errors:
                crew.begin(waiting.pop())
            if errors:
                waiting.clear()
            done = crew.take() if crew.busy else None
            if done is not None and done.result is not None:
                allowed[done.item.right] = done.result
            elif done is not None and done.error is not None:
                errors.append(done.error)
    finally:
        crew.close()
    for error in errors:
        if not isinstance(error, (RolloutctlError, msgspec.MsgspecError)):
            raise error
        if not allowed:
            raise error if isinstance(error, RolloutctlError) else RolloutctlError(str(error))
    return assess(allowed)


# --- the parts ----------------------------------------------------------------------------------


def _told(error: RolloutctlError) -> str:
    hint = error.hint.splitlines()
    return f"{error.message}: {hint[0]}" if hint else error.message


def _served(cluster: Cluster, seen: Gathered) -> Gathered:
    try:
        found = decoder(_Groups).decode(cluster.ask("/apis"))
    except RolloutctlError as error:
        return replace(seen, problem=seen.problem or error.message)
    except msgspec.MsgspecError as error:
        return replace(seen, problem=seen.problem or f"/apis: {error}")
    groups = {
        group.name: tuple(each.version for each in group.versions or ())
        for group in found.groups or ()
    }
    resources: tuple[str, ...] = ()
    if "v1alpha1" in groups.get("argoproj.io", ()):
        try:
            listed = decoder(_Resources).decode(cluster.ask(_GROUP))
            resources = tuple(each.name for each in listed.resources or ())
        except (RolloutctlError, msgspec.MsgspecError) as error:
            return replace(seen, problem=seen.problem or str(error))
    return replace(seen, groups=groups, resources=resources)


def _controller(cluster: Cluster, seen: Gathered, namespace: str | None) -> Gathered:
    try:
        controller = plugins.find_controller(cluster, namespace)
    except UsageError as error:
        return replace(seen, controllers=(error.message,))
    except RolloutctlError as error:
        return replace(seen, config_problem=error.message)
    config_map, problem = None, ""
    try:
        config_map = plugins.read_config(cluster, controller.namespace)
    except RolloutctlError as error:
        problem = error.message
    facts = plugins.controller_facts(cluster, controller, config_map)
    # Without a controller, that its ConfigMap is missing is no finding of its own.
    known = not problem and (config_map is not None or controller.deployment is not None)
    seen = replace(
        seen,
        controller=facts,
        config=parse(config_map.data if config_map is not None else None) if known else None,
        config_found=config_map is not None,
        config_problem=problem,
    )
    if controller.deployment is None:
        return seen
    template = controller.deployment.spec.template
    containers = (template.spec.containers or ()) if template and template.spec else ()
    image = next((each.image for each in containers), "")
    return replace(seen, controller_image=image, metrics=_metrics(cluster, controller.deployment))


def _metrics(cluster: Cluster, deployment: Any) -> Metrics:
    namespace = deployment.metadata.namespace
    try:
        pods = plugins.controller_pods(cluster, deployment)
        running = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
        if not running:
            return Metrics(problem="no pod of the controller is running")
        name = running[0].metadata.name
        path = f"/api/v1/namespaces/{namespace}/pods/{name}:{METRICS_PORT}/proxy/metrics"
        text = cluster.ask(path).decode("utf-8", "replace")
    except Forbidden:
        return Metrics(problem=f"not allowed to get pods/proxy in namespace {namespace}")
    except RolloutctlError as error:
        what = error.message.replace(path, f"port {METRICS_PORT} of pod {name}")
        return Metrics(problem=what)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    told = (match[1] for line in lines if (match := _VERSION.match(line)))
    return Metrics(len(lines), next(told, ""))


def _used(cluster: Cluster, namespace: str | None) -> Used:
    found: Counter[tuple[str, str]] = Counter()
    routers: Counter[str] = Counter()
    count = unreadable = 0
    doubtful: list[Rollout] = []
    try:
        for page in cluster.pages(ROLLOUTS, namespace, Rollout):
            unreadable += len(page.unreadable)
            count += len(page.items)
            for rollout in page.items:
                names, fields = _names(rollout)
                found.update(names)
                routers.update(fields)
                if len(doubtful) < _CANDIDATES and _may_be_held(rollout):
                    doubtful.append(rollout)
        stable = _unhealthy(cluster, doubtful)
    except RolloutctlError as error:
        return Used(namespace, count, unreadable, found, routers, problem=error.message)
    return Used(namespace, count, unreadable, found, routers, stable)


def _names(rollout: Rollout) -> tuple[set[tuple[str, str]], set[str]]:
    """The plugins a rollout uses, and the fields by which it names its routers."""
    canary = rollout.spec.strategy.canary
    if canary is None:
        return set(), set()
    names = {(STEP, step.plugin.name) for step in canary.steps or () if step.plugin is not None}
    routing = canary.traffic_routing or {}
    own = routing.get("plugins")
    names |= {(TRAFFIC_ROUTER, str(name)) for name in own} if isinstance(own, dict) else set()
    return names, {field for field, settings in routing.items() if settings is not None}


def _may_be_held(rollout: Rollout) -> bool:
    status = rollout.status
    return (
        bool(status.stable_rs)
        and not is_fully_promoted(rollout)
        and not status.abort
        and status_of(rollout).phase == "Progressing"
        and status.available_replicas < (rollout.spec.replicas or 0)
    )


def _unhealthy(cluster: Cluster, doubtful: Sequence[Rollout]) -> tuple[UnhealthyStable, ...]:
    """Those whose stable version lacks pods: the controller then keeps what it has of it."""
    found = []
    for rollout in doubtful:
        selector = f"{HASH_LABEL}={rollout.status.stable_rs}"
        namespace = rollout.metadata.namespace
        for page in cluster.pages(REPLICA_SETS, namespace, ReplicaSet, label_selector=selector):
            for owned in page.items:
                desired = owned.spec.replicas or 0
                available = owned.status.available_replicas
                if is_owned(owned.metadata, rollout.metadata, "Rollout") and available < desired:
                    ref = Ref(namespace, rollout.metadata.name)
                    found.append(UnhealthyStable(ref, available, desired))
    return tuple(found)
