"""Stand-ins for what a rollout refers to and nobody has given."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.api.resources import BY_KIND
from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, name, text


def stub(rollout: Obj, kind: str, named: str, namespace: str) -> Obj:
    """The least object of that kind with which the rollout can be played."""
    spec = {
        "Service": _service,
        "VirtualService": _virtual_service,
        "DestinationRule": _destination_rule,
        "Deployment": _workload,
        "ReplicaSet": _workload,
    }.get(kind, _template)(rollout, named)
    metadata = {"name": named, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": BY_KIND[kind].api_version(),
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }


def _labels(rollout: Obj) -> Obj:
    labels = mapping(rollout, "spec", "selector", "matchLabels")
    return dict(labels or mapping(rollout, "spec", "template", "metadata", "labels"))


def _service(rollout: Obj, named: str) -> Obj:
    return {"selector": _labels(rollout), "ports": [{"port": 80}]}


def _canary(rollout: Obj) -> Obj:
    return mapping(rollout, "spec", "strategy", "canary")


def _virtual_service(rollout: Obj, named: str) -> Obj:
    istio = mapping(_canary(rollout), "trafficRouting", "istio")
    entries = [mapping(istio, "virtualService"), *items(istio, "virtualServices")]
    entry: Any = next((e for e in entries if text(e, "name").partition(".")[0] == named), {})
    to = _destinations(rollout, istio)
    spec: Obj = {"hosts": [name(rollout) or "rehearsed"]}
    routes = [each for each in items(entry, "routes") if isinstance(each, str)]
    tls, tcp = items(entry, "tlsRoutes"), items(entry, "tcpRoutes")
    if routes or not (tls or tcp):
        spec["http"] = [
            {**({"name": each} if each else {}), "route": to} for each in routes or [""]
        ]
    if tls:
        spec["tls"] = [{"match": [_match(each)], "route": to} for each in tls]
    if tcp:
        spec["tcp"] = [{"match": [_match(each)], "route": to} for each in tcp]
    return spec


def _match(route: Any) -> Obj:
    found: Obj = {}
    if dig(route, "port") is not None:
        found["port"] = dig(route, "port")
    if items(route, "sniHosts"):
        found["sniHosts"] = items(route, "sniHosts")
    return found


def _destinations(rollout: Obj, istio: Obj) -> list[Obj]:
    canary = _canary(rollout)
    ping_pong, rule = mapping(canary, "pingPong"), mapping(istio, "destinationRule")
    services = (text(canary, "stableService"), text(canary, "canaryService"))
    if ping_pong:
        services = (text(ping_pong, "pingService"), text(ping_pong, "pongService"))
    subsets = (text(rule, "stableSubsetName"), text(rule, "canarySubsetName"))
    made = []
    for service, subset, weight in zip(services, subsets, (100, 0), strict=True):
        # Subsets are those of the rule's host, which is called as the rule is here.
        host: Obj = {"host": text(rule, "name") or service or "rehearsed"}
        if subset:
            host["subset"] = subset
        made.append({"destination": host, "weight": weight})
    return made


def _destination_rule(rollout: Obj, named: str) -> Obj:
    rule = mapping(_canary(rollout), "trafficRouting", "istio", "destinationRule")
    subsets = (text(rule, "stableSubsetName"), text(rule, "canarySubsetName"))
    return {
        "host": named,
        "subsets": [{"name": each, "labels": _labels(rollout)} for each in subsets if each],
    }


def _workload(rollout: Obj, named: str) -> Obj:
    labels = _labels(rollout) or {"app": named}
    container = {"name": "app", "image": "rehearsed:1"}
    return {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }


def _template(rollout: Obj, named: str) -> Obj:
    # What a metric asks does not matter: in a rehearsal nobody is asked.
    provider = {"web": {"url": "http://rehearsed.invalid", "jsonPath": "{$}"}}
    return {"metrics": [{"name": named, "provider": provider}]}
