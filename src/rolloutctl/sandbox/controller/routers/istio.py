"""Weights as an Istio VirtualService has them, and subsets as a DestinationRule has them.

Source: argo-rollouts, rollout/trafficrouting/istio/istio.go.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rolloutctl.sandbox.controller.objects import (
    HASH_LABEL,
    MANAGED_BY,
    Obj,
    annotation,
    items,
    mapping,
    name,
    namespace,
    spec_replicas,
    text,
)
from rolloutctl.sandbox.controller.references import Named
from rolloutctl.sandbox.controller.routed_sizes import strategy_of
from rolloutctl.sandbox.controller.sizes import available

from .protocol import RouterError
from .routes import (
    Routes,
    Split,
    chosen_http,
    chosen_tcp,
    chosen_tls,
    header_route,
    in_order,
    mirror_route,
    port_of,
    routes_of,
    weighed,
    without,
)

if TYPE_CHECKING:
    from rolloutctl.sandbox.controller.cluster import Cluster
    from rolloutctl.sandbox.controller.context import Context


def virtual_services_of(rollout: Obj) -> list[Obj]:
    """What the strategy says of each VirtualService: `virtualServices`, else the only one."""
    istio = mapping(strategy_of(rollout), "trafficRouting", "istio")
    several = [each for each in items(istio, "virtualServices") if isinstance(each, dict)]
    one = mapping(istio, "virtualService")
    return several or ([one] if one else [])


def place_of(rollout: Obj, named: Obj) -> tuple[str, str]:
    """(namespace, name) of a VirtualService given as `name` or `name.namespace`."""
    found, _, elsewhere = text(named, "name").partition(".")
    return elsewhere or namespace(rollout), found


def managed_routes(rollout: Obj) -> list[str]:
    routing = mapping(strategy_of(rollout), "trafficRouting")
    return [text(each, "name") for each in items(routing, "managedRoutes")]


def let_go(cluster: Cluster, rollout: Obj, names: Iterable[Named]) -> None:
    """`rollout` no longer refers to these DestinationRules: hashes and annotation are taken out.

    Source: argo-rollouts, rollout/trafficrouting/istio/controller.go.
    """
    for plural, place, named in names:
        rule = cluster.destination_rules.get(place, named) if plural == "destinationrules" else None
        if rule is None or annotation(rule, MANAGED_BY) != name(rollout):
            continue
        written = copy.deepcopy(rule)
        del written["metadata"]["annotations"][MANAGED_BY]
        for subset in items(written, "spec", "subsets"):
            mapping(subset, "labels").pop(HASH_LABEL, None)
        cluster.destination_rules.put(cluster.client.update("destinationrules", written))


class Istio:
    """The VirtualServices and the DestinationRule of one rollout."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cluster = context.cluster
        self._rollout = context.rollout
        self._strategy = strategy_of(context.rollout)
        self._managed = managed_routes(context.rollout)
        istio = mapping(self._strategy, "trafficRouting", "istio")
        self._rule_named = mapping(istio, "destinationRule")

    def remove_managed_routes(self) -> None:
        if not self._managed:
            return
        for named, found in self._all():
            http = routes_of(found, "http")
            if http:
                self._write(found, http=without(http, self._managed))
                self._tell(named, "removed all managed routes.")

    def set_header_route(self, step: Obj) -> None:
        for named, found in self._all():
            http = without(routes_of(found, "http"), [text(step, "name")])
            if items(step, "match"):
                like = self._weighed_route(http, named)
                destination = self._canary_destination(self._canary_service(), like)
                http.append(header_route(step, destination))
            self._write(found, http=in_order(http, self._managed))
            self._tell(named, f"set headerRoute '{text(step, 'name')}'")

    def set_mirror_route(self, step: Obj) -> None:
        for named, found in self._all():
            http = without(routes_of(found, "http"), [text(step, "name")])
            if items(step, "match"):
                like = self._weighed_route(http, named)
                destination = self._canary_destination(self._canary_service(), like)
                http.insert(0, mirror_route(step, destination, like))
            self._write(found, http=in_order(http, self._managed))
            self._tell(named, f"set mirrorRoute '{text(step, 'name')}'")

    def update_hash(self, canary: str, stable: str, additional: list[Obj]) -> bool:
        if not self._rule_named:
            return True
        if not any(text(self._strategy, f"{which}Service") for which in ("canary", "stable")):
            # Without Services the subsets are what sends pods traffic: they wait for the pods.
            for each in (self._context.new, self._context.stable):
                if spec_replicas(each) > available(each):
                    return False
        rule = self._rule()
        of_subset = {
            text(self._rule_named, "canarySubsetName"): canary,
            text(self._rule_named, "stableSubsetName"): stable,
            **{each["serviceName"]: each["podTemplateHash"] for each in additional},
        }
        subsets = []
        for each in items(rule, "spec", "subsets"):
            hashed = of_subset.get(text(each, "name"))
            if hashed is not None:
                labels = {**mapping(each, "labels"), HASH_LABEL: hashed}
                subsets.append({**each, "labels": labels})
        present = {each["name"] for each in subsets}
        for each in additional:
            if each["serviceName"] not in present:
                labels = {HASH_LABEL: each["podTemplateHash"]}
                subsets.append({"name": each["serviceName"], "labels": labels})
        self._write_rule(rule, subsets, canary, stable)
        return True

    def set_weight(self, weight: int, additional: list[Obj]) -> None:
        try:
            for named, found in self._all():
                self._weigh(named, found, self._split(weight, additional))
        except LookupError as error:
            said = str(error)
            self._context.event("Warning", "TrafficRoutingError", said)
            raise RouterError(said) from error

    def _weigh(self, named: Obj, found: Obj, split: Split) -> None:
        http, tls, tcp = (routes_of(found, kind) for kind in ("http", "tls", "tcp"))
        chosen = (
            (http, chosen_http(http, items(named, "routes"), self._managed) if http else []),
            (tls, chosen_tls(tls, items(named, "tlsRoutes"))),
            (tcp, chosen_tcp(tcp, items(named, "tcpRoutes"))),
        )
        changed = False
        for routes, places in chosen:
            for at in places:
                new = weighed(routes[at], split)
                changed |= new != routes[at]
                routes[at] = new
        if changed:
            self._write(found, http=in_order(http, self._managed), tls=tls, tcp=tcp)
            self._tell(named, f"set to desiredWeight '{split.weight}'")

    def _split(self, weight: int, additional: list[Obj]) -> Split:
        canary, stable = self._services()
        return Split(
            canary_service=canary,
            stable_service=stable,
            canary_subset=text(self._rule_named, "canarySubsetName"),
            stable_subset=text(self._rule_named, "stableSubsetName"),
            weight=weight,
            additional={each["serviceName"]: each["weight"] for each in additional},
            kept_subsets=frozenset(items(self._rule_named, "additionalSubsetNames")),
            host=self._rule_host(),
        )

    def _services(self) -> tuple[str, str]:
        return self._context.routed_services()

    def _canary_service(self) -> str:
        return self._rule_host() or self._services()[0]

    def _canary_destination(self, host: str, like: Obj) -> Obj:
        destination: Obj = {"host": host}
        port = port_of(like)
        if port is not None:
            destination["port"] = port
        subset = text(self._rule_named, "canarySubsetName")
        if subset:
            destination["subset"] = subset
        return destination

    def _weighed_route(self, http: Routes, named: Obj) -> Obj:
        """The first of the routes that share the traffic, {} if there is none."""
        try:
            places = chosen_http(http, items(named, "routes"))
        except LookupError:
            return {}
        return http[places[0]] if places else {}

    def _all(self) -> list[tuple[Obj, Obj]]:
        """(what the strategy says of it, the VirtualService)"""
        found = []
        for named in virtual_services_of(self._rollout):
            place, wanted = place_of(self._rollout, named)
            each = self._cluster.virtual_services.get(place, wanted)
            if each is None:
                said = f"VirtualService `{wanted}` not found"
                self._context.event("Warning", "VirtualServiceNotFound", said)
                raise RouterError(said)
            found.append((named, each))
        return found

    def _rule(self) -> Obj:
        wanted = text(self._rule_named, "name")
        found = self._cluster.destination_rules.get(namespace(self._rollout), wanted)
        if found is None:
            said = f"DestinationRule `{wanted}` not found"
            self._context.event("Warning", "DestinationRuleNotFound", said)
            raise RouterError(said)
        return found

    def _rule_host(self) -> str:
        return text(self._rule(), "spec", "host") if self._rule_named else ""

    def _tell(self, named: Obj, what: str) -> None:
        wanted = place_of(self._rollout, named)[1]
        self._context.event("Normal", "Updated VirtualService", f"VirtualService `{wanted}` {what}")

    def _write(self, found: Obj, **routes: Routes) -> None:
        """Write the object whole, with routes of the kinds it has replaced, if any differ."""
        spec = mapping(found, "spec")
        kept = {kind: each for kind, each in routes.items() if kind in spec}
        if all(spec[kind] == each for kind, each in kept.items()):
            return
        written = copy.deepcopy({**found, "spec": {**spec, **kept}})
        self._cluster.virtual_services.put(self._cluster.client.update("virtualservices", written))

    def _write_rule(self, rule: Obj, subsets: Routes, canary: str, stable: str) -> None:
        ours = annotation(rule, MANAGED_BY) == name(self._rollout)
        if ours and items(rule, "spec", "subsets") == subsets:
            return
        written = copy.deepcopy({**rule, "spec": {**rule["spec"], "subsets": subsets}})
        notes = written["metadata"].get("annotations") or {}
        written["metadata"]["annotations"] = {**notes, MANAGED_BY: name(self._rollout)}
        self._cluster.destination_rules.put(
            self._cluster.client.update("destinationrules", written)
        )
        named = self._rule_named
        hashes = f"{text(named, 'canarySubsetName')}: {canary}, "
        hashes += f"{text(named, 'stableSubsetName')}: {stable}"
        said = f"DestinationRule {name(rule)} subset updated ({hashes})"
        self._context.event("Normal", "UpdatedDestinationRule", said)
