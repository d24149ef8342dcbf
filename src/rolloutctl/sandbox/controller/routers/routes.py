"""The routes of an Istio VirtualService: which are ours, and what they become.

Everything here works on plain lists of routes and changes none of what it is given.

Source: argo-rollouts, rollout/trafficrouting/istio/istio.go.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, number, text

Routes = list[Obj]


@dataclass(frozen=True, slots=True)
class Split:
    """How the destinations of a route share its traffic."""

    canary_service: str
    stable_service: str
    canary_subset: str
    stable_subset: str
    weight: int
    additional: dict[str, int] = field(default_factory=dict)
    """Service to weight, of Experiments."""
    kept_subsets: frozenset[str] = frozenset()
    """Subsets somebody else weighs; what they have is taken from the stable share."""
    host: str = ""
    """Where not empty, only destinations of this host are looked at."""


def routes_of(virtual_service: Obj, kind: str) -> Routes:
    """The routes of one `kind`: http, tls or tcp."""
    return [each for each in items(virtual_service, "spec", kind) if isinstance(each, dict)]


def chosen_http(routes: Routes, names: list[str], managed: Iterable[str] = ()) -> list[int]:
    """Places of the routes to weigh: those named, and mirror routes of ours.

    Raises LookupError, in the controller's words, for a name no route has.
    """
    found = []
    for wanted in names:
        at = next((i for i, each in enumerate(routes) if text(each, "name") == wanted), None)
        if at is None:
            raise LookupError(f"HTTP Route '{wanted}' is not found in the defined Virtual Service.")
        found.append(at)
    ours = set(managed)
    if not names:
        own = [i for i, each in enumerate(routes) if text(each, "name") not in ours]
        unnamed = [i for i in own if not text(routes[i], "name")]
        found = own if len(own) == 1 else unnamed[:1]
    mirrors = (i for i, r in enumerate(routes) if "mirror" in r and text(r, "name") in ours)
    return [*found, *(i for i in mirrors if i not in found)]


def chosen_tls(routes: Routes, wanted: list[Any]) -> list[int]:
    """Places of the TLS routes to weigh: those of the port and SNI hosts, else the first."""
    return _chosen(
        routes, wanted, "TLS", lambda route: (_ports(route), _hosts(route)), _port_and_hosts
    )


def chosen_tcp(routes: Routes, wanted: list[Any]) -> list[int]:
    """Places of the TCP routes to weigh: those of the port, else the first."""
    return _chosen(routes, wanted, "TCP", _ports, lambda one: {number(one, "port")})


def _chosen(
    routes: Routes, wanted: list[Any], kind: str, of_route: Any, of_wanted: Any
) -> list[int]:
    if not wanted:
        return [0] if routes else []
    found: list[int] = []
    for one in wanted:
        fits = [i for i, each in enumerate(routes) if of_route(each) == of_wanted(one)]
        if not fits:
            raise LookupError(f"No matching {kind} routes found in the defined Virtual Service.")
        found += fits
    return found


def _ports(route: Obj) -> set[int]:
    return {number(each, "port") for each in items(route, "match")} or {0}


def _hosts(route: Obj) -> set[str]:
    return {host for each in items(route, "match") for host in items(each, "sniHosts")}


def _port_and_hosts(wanted: Obj) -> tuple[set[int], set[str]]:
    return {number(wanted, "port")}, set(items(wanted, "sniHosts"))


def weighed(route: Obj, split: Split) -> Obj:
    """`route` with the weights of `split`; only what has to change differs."""
    wanted = dict(split.additional)
    destinations = [each for each in items(route, "route") if isinstance(each, dict)]
    kept = sum(
        number(each, "weight")
        for each in destinations
        if text(each, "destination", "subset") in split.kept_subsets
    )
    stable = 100 - split.weight - sum(split.additional.values()) - kept
    result: Routes = []
    for each in destinations:
        host, subset = host_of(each), text(each, "destination", "subset")
        if not host or subset in split.kept_subsets or _is_foreign(each, split):
            result.append(each)
        elif host == split.canary_service or (subset and subset == split.canary_subset):
            result.append(_with(each, split.weight))
        elif host == split.stable_service or (subset and subset == split.stable_subset):
            result.append(_with(each, stable))
        elif host in wanted:
            result.append(_with(each, wanted.pop(host)))
        elif number(each, "weight") == 0:
            result.append(each)
    result += [{"destination": {"host": host}, "weight": w} for host, w in wanted.items()]
    return {**route, "route": result}


def host_of(destination: Obj) -> str:
    """The Service a destination names, without its namespace and domain."""
    return text(destination, "destination", "host").partition(".")[0]


def _is_foreign(destination: Obj, split: Split) -> bool:
    return split.host not in ("", text(destination, "destination", "host"))


def _with(destination: Obj, weight: int) -> Obj:
    return (
        destination
        if number(destination, "weight") == weight
        else {**destination, "weight": weight}
    )


def in_order(routes: Routes, managed: list[str]) -> Routes:
    """The managed routes first, in the order they are listed in, then all others."""
    named = {text(each, "name"): each for each in reversed(routes)}
    first = [named[each] for each in managed if each in named]
    return [*first, *(each for each in routes if text(each, "name") not in managed)]


def without(routes: Routes, names: Iterable[str]) -> Routes:
    gone = set(names)
    return [each for each in routes if text(each, "name") not in gone]


def header_route(step: Obj, destination: Obj) -> Obj:
    """The route that sends what a `setHeaderRoute` matches to the canary's `destination`."""
    matches = [
        {"headers": {text(each, "headerName"): _value(mapping(each, "headerValue"))}}
        for each in items(step, "match")
    ]
    route = [{"destination": destination, "weight": 100}]
    return {"name": text(step, "name"), "match": matches, "route": route}


def _value(value: Obj) -> Obj:
    return {key: value[key] for key in ("exact", "regex", "prefix") if value.get(key)}


def mirror_route(step: Obj, destination: Obj, like: Obj) -> Obj:
    """The route that copies what a `setMirrorRoute` matches; the answers come as from `like`."""
    matches = []
    for each in items(step, "match"):
        found = {
            "method": each.get("method"),
            "uri": each.get("path"),
            "headers": each.get("headers"),
        }
        matches.append({key: value for key, value in found.items() if value})
    return {
        "name": text(step, "name"),
        "match": matches,
        "route": copy.deepcopy(items(like, "route")),
        "mirror": destination,
        "mirrorPercentage": {"value": number(step, "percentage", default=100)},
    }


def port_of(route: Obj) -> Obj | None:
    """The port of the first destination, None if it names none."""
    found = dig(next(iter(items(route, "route")), None), "destination", "port")
    return found if isinstance(found, dict) else None
