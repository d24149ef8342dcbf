"""What a Rollout names: Services, the workload, Ingresses, VirtualServices.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation_references.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Severity
from rolloutctl.domain.lint.ingresses import GROUPS, has_rule, routed, unclear
from rolloutctl.domain.lint.known import known
from rolloutctl.domain.lint.reading import inside, is_of_rollouts, items, mapping, objects, text
from rolloutctl.domain.lint.rollouts import CANARY
from rolloutctl.domain.lint.uses import TEMPLATES, dotted, references_of, uses
from rolloutctl.domain.lint.uses import find as find_template
from rolloutctl.domain.lint.wording import internal, invalid
from rolloutctl.domain.wire import Json

MISSING = frozenset(
    {
        *("missing-service", "missing-workload", "missing-ingress"),
        *("missing-virtual-service", "missing-template"),
    }
)
"""Rules about what is not among the manifests: doubtful while only files were read."""

_SERVICES: tuple[tuple[str, ...], ...] = (
    ("blueGreen", "activeService"),
    ("blueGreen", "previewService"),
    ("canary", "stableService"),
    ("canary", "canaryService"),
    ("canary", "pingPong", "pingService"),
    ("canary", "pingPong", "pongService"),
)
_WORKLOADS = {"apps/Deployment", "apps/ReplicaSet", "PodTemplate"}
_MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"
_ISTIO = (*CANARY, "trafficRouting", "istio")
_GROUP = "networking.istio.io"
_HASH = "rollouts-pod-template-hash"
_HINT = "it is not in what was read; --cluster looks for it in the cluster"


class Named(msgspec.Struct, frozen=True):
    """An object that a manifest refers to; `namespace` is "" where it does not say one."""

    kind: str
    namespace: str
    name: str


def named(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Named]:
    """What `manifest` refers to and `manifests` do not hold."""
    here = manifest.namespace
    for reference in references_of(manifest) if is_of_rollouts(manifest, *TEMPLATES) else ():
        if find_template(reference, here, manifests) is None:
            yield Named(reference.kind, "" if reference.cluster else here, reference.name)
    for use in uses(manifest):
        for reference in use.references:
            if find_template(reference, here, manifests) is None:
                yield Named(reference.kind, "" if reference.cluster else here, reference.name)
    if not is_of_rollouts(manifest, "Rollout"):
        return
    for place in _SERVICES:
        wanted = text(manifest.data, "spec", "strategy", *place)
        if wanted and find(manifests, "", "Service", here, wanted) is None:
            yield Named("Service", here, wanted)
    workload = mapping(manifest.data, "spec", "workloadRef")
    group = text(workload, "apiVersion").rpartition("/")[0]
    kind = text(workload, "kind")
    known = (f"{group}/{kind}" if group else kind) in _WORKLOADS
    if known and find(manifests, group, kind, here, text(workload, "name")) is None:
        yield Named(kind, here, text(workload, "name"))
    for one in routed(manifest):
        if find_ingress(manifests, here, one.name) is None:
            yield Named("Ingress", here, one.name)
    istio = manifest.at(*_ISTIO)
    several = [each for _, each in objects(istio, "virtualServices")]
    for each in (mapping(istio, "virtualService"), *several):
        short, _, elsewhere = text(each, "name").partition(".")
        around = elsewhere or here
        if short and find(manifests, _GROUP, "VirtualService", around, short) is None:
            yield Named("VirtualService", around, short)


def find(
    manifests: Sequence[Manifest], group: str, kind: str, namespace: str, name: str
) -> Manifest | None:
    """The object meant; one without a namespace is of any."""
    for each in known(manifests).called(kind, name):
        own = each.api_version.rpartition("/")[0]
        if own == group and (not namespace or each.namespace in ("", namespace)):
            return each
    return None


def find_ingress(manifests: Sequence[Manifest], namespace: str, name: str) -> Manifest | None:
    """The Ingress meant."""
    there = (find(manifests, group, "Ingress", namespace, name) for group in GROUPS)
    return next((each for each in there if each is not None), None)


def missing(rule: str, manifest: Manifest, path: Path, said: str, value: Any, what: str) -> Finding:
    """The finding for an object that is not there, in the controller's words."""
    message = invalid(manifest, path, said, value, what).message
    return Finding(rule, Severity.WARNING, message, manifest, path, _HINT)


def template_of(manifest: Manifest, manifests: Sequence[Manifest]) -> Json | None:
    """The pod template of a Rollout: its own, or the workload's; None where that is not read."""
    reference = manifest.at("spec", "workloadRef")
    if reference is None:
        return mapping(manifest.data, "spec", "template")
    group = text(reference, "apiVersion").rpartition("/")[0]
    kind, name = text(reference, "kind"), text(reference, "name")
    found = find(manifests, group, kind, manifest.namespace, name)
    if found is None:
        return None
    own = () if kind == "PodTemplate" else ("spec",)
    return mapping(found.data, *own, "template")


def check_workload(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The workload that holds the template."""
    reference = manifest.at("spec", "workloadRef")
    if not is_of_rollouts(manifest, "Rollout") or not isinstance(reference, dict):
        return
    group = text(reference, "apiVersion").rpartition("/")[0]
    kind, name = text(reference, "kind"), text(reference, "name")
    path, said = ("spec", "workloadRef"), "spec.workloadRef"
    called = f"{group}/{kind}" if group else kind
    if called not in _WORKLOADS:
        detail = f"workload of type {group}/{kind} is not supported"
        yield invalid(manifest, path, said, name, detail)
    elif template_of(manifest, manifests) is None:
        resource = kind.lower() + "s" + (f".{group}" if group else "")
        what = f'{resource} "{name}" not found'
        yield missing("missing-workload", manifest, (*path, "name"), said, name, what)


def check_services(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Services the strategy names, and that they select this rollout's pods."""
    if not is_of_rollouts(manifest, "Rollout"):
        return
    template = template_of(manifest, manifests)
    for place in _SERVICES:
        path = ("spec", "strategy", *place)
        wanted = manifest.at(*path)
        if not isinstance(wanted, str) or not wanted:
            continue
        said = dotted(path)
        found = find(manifests, "", "Service", manifest.namespace, wanted)
        if found is None:
            what = f'service "{wanted}" not found'
            yield missing("missing-service", manifest, path, said, wanted, what)
            continue
        labels = mapping(template, "metadata", "labels")
        for label, value in mapping(found.data, "spec", "selector").items():
            if template is not None and label != _HASH and labels.get(label) != value:
                detail = f'Service "{wanted}" has unmatch label "{label}" in rollout'
                yield invalid(manifest, path, said, wanted, detail)
        owner = mapping(found.data, "metadata", "annotations").get(_MANAGED_BY)
        if owner and owner != manifest.name:
            detail = f'Service "{wanted}" is managed by another Rollout'
            yield invalid(manifest, path, said, wanted, detail)
        for other in known(manifests).derive(_by_service).get((manifest.namespace, wanted), ()):
            if other is not manifest and other.name != manifest.name:
                yield Finding(
                    "shared-service",
                    Severity.ERROR,
                    f"Service {wanted} is named by Rollout {other.name} too: they would both"
                    " change what it selects",
                    manifest,
                    path,
                )


def _by_service(manifests: Sequence[Manifest]) -> dict[tuple[str, str], list[Manifest]]:
    """The Rollouts that name a Service, by its namespace and name."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for each in manifests:
        if is_of_rollouts(each, "Rollout"):
            named = {text(each.data, "spec", "strategy", *place) for place in _SERVICES} - {""}
            for name in named:
                found.setdefault((each.namespace, name), []).append(each)
    return found


# --- Ingresses ----------------------------------------------------------------------------------


def check_ingresses(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Ingresses of NGINX and of the AWS load balancer: that they are there, and lead to it."""
    wrong = unclear(manifest)
    if wrong is not None:
        path, detail = wrong
        yield internal(manifest, path, dotted(path), detail)
        return
    for one in routed(manifest):
        found = find_ingress(manifests, manifest.namespace, one.name)
        if found is None:
            what = f'ingress.networking.k8s.io "{one.name}" not found'
            yield missing("missing-ingress", manifest, one.path, one.said, one.value, what)
        elif one.service and not has_rule(found.data, one.service):
            detail = f"ingress `{one.name}` has no rules using service {one.service} backend"
            yield invalid(manifest, one.path, one.said, one.name, detail)


# --- Istio --------------------------------------------------------------------------------------


def check_virtual_services(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """VirtualServices: that they are there, and route to both versions."""
    istio = manifest.at(*_ISTIO)
    if not is_of_rollouts(manifest, "Rollout") or not isinstance(istio, dict):
        return
    several = bool(items(istio, "virtualServices"))
    if several == (istio.get("virtualService") is not None):
        detail = "either VirtualService or VirtualServices must be configured"
        yield internal(manifest, _ISTIO, dotted(_ISTIO), detail)
        return
    said = f"{dotted(_ISTIO)}.{'virtualServices' if several else 'virtualService'}.name"
    named: list[tuple[Path, Json]] = (
        [((*_ISTIO, "virtualServices", at), each) for at, each in objects(istio, "virtualServices")]
        if several
        else [((*_ISTIO, "virtualService"), mapping(istio, "virtualService"))]
    )
    for path, reference in named:
        short, _, elsewhere = text(reference, "name").partition(".")
        where = (*path, "name")
        found = find(manifests, _GROUP, "VirtualService", elsewhere or manifest.namespace, short)
        if found is None:
            what = f'virtualservices.networking.istio.io "{short}" not found'
            yield missing("missing-virtual-service", manifest, where, said, short, what)
            continue
        for detail in _route_faults(manifest, reference, found):
            yield invalid(manifest, where, said, short, detail)


def _route_faults(manifest: Manifest, reference: Json, found: Manifest) -> Iterator[str]:
    routes = {kind: [each for _, each in objects(found.data, "spec", kind)] for kind in _KINDS}
    if not any(routes.values()):
        yield "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"
    managed = {
        text(each, "name")
        for each in items(manifest.at(*CANARY, "trafficRouting", "managedRoutes") or [])
    }
    for kind, key in _KINDS.items():
        own = [each for each in routes[kind] if kind != "http" or text(each, "name") not in managed]
        said = _of_kind(manifest, own, kind, key, items(reference, key)) if routes[kind] else ""
        if said:
            yield f"Istio VirtualService has invalid {kind.upper()} routes. Error: {said}"


_KINDS = {"http": "routes", "tls": "tlsRoutes", "tcp": "tcpRoutes"}
"""Routes of a VirtualService, and what names them in a Rollout."""


def _of_kind(manifest: Manifest, routes: list[Json], kind: str, key: str, wanted: list[Any]) -> str:
    chosen: list[Json] = []
    for one in wanted:
        if kind == "http":
            fits = [each for each in routes if text(each, "name") == one][:1]
            lost = f"HTTP Route '{one}' is not found in the defined Virtual Service."
        else:
            fits = [each for each in routes if _ports(each) == {_port(one)}]
            if kind == "tls":
                hosts = set(items(one, "sniHosts"))
                fits = [each for each in fits if _hosts(each) == hosts]
            lost = f"No matching {kind.upper()} routes found in the defined Virtual Service."
        if not fits:
            return lost
        chosen += fits
    if not wanted and routes:
        unnamed = [each for each in routes if not text(each, "name")]
        only_one = len(routes) == 1 or kind != "http"
        chosen = routes[:1] if only_one else unnamed[:1]
    for route in chosen:
        said = _destinations(manifest, route)
        if said:
            return said
    if not wanted and len(routes) > 1:
        return (
            f"spec.{kind}[] should be set in VirtualService and it must have exactly one route"
            f" when omitting spec.strategy.canary.trafficRouting.istio.virtualService.{key}"
        )
    return ""


def _destinations(manifest: Manifest, route: Json) -> str:
    canary = mapping(manifest.at(*CANARY))
    there = [each for _, each in objects(route, "route")]
    rule = mapping(canary, "trafficRouting", "istio", "destinationRule")
    if rule:
        subsets = {text(each, "destination", "subset") for each in there}
        for which in ("canary", "stable"):
            subset = text(rule, f"{which}SubsetName")
            if subset not in subsets:
                return f"{which.title()} DestinationRule subset '{subset}' not found in route"
        return ""
    hosts = {text(each, "destination", "host").partition(".")[0] for each in there}
    ping_pong = mapping(canary, "pingPong")
    wanted = (
        {"Ping": text(ping_pong, "pingService"), "Pong": text(ping_pong, "pongService")}
        if ping_pong
        else {"Canary": text(canary, "canaryService"), "Stable": text(canary, "stableService")}
    )
    for which, service in wanted.items():
        if service not in hosts:
            return f"{which} Service '{service}' not found in route"
    return ""


def _port(value: Any) -> int:
    found = inside(value, "port")
    return found if isinstance(found, int) else 0


def _ports(route: Json) -> set[int]:
    return {_port(each) for _, each in objects(route, "match")} or {0}


def _hosts(route: Json) -> set[str]:
    return {str(host) for _, each in objects(route, "match") for host in items(each, "sniHosts")}
