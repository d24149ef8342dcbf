"""The Ingresses a Rollout routes by, and whether they send anything to it.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation_references.go, utils/ingress.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from rolloutctl.domain.lint.finding import Manifest, Path
from rolloutctl.domain.lint.reading import inside, is_of_rollouts, items, mapping, objects, text
from rolloutctl.domain.lint.rollouts import CANARY
from rolloutctl.domain.lint.uses import dotted
from rolloutctl.domain.wire import Json

GROUPS = ("networking.k8s.io", "extensions")
_ROUTERS = (
    ("alb", "ingress", "ingresses", "ingresses"),
    ("nginx", "stableIngress", "stableIngresses", "StableIngresses"),
)
"""A router, its field of one Ingress, that of several, and how the controller writes that."""


class Routed(msgspec.Struct, frozen=True):
    """An Ingress that is named at `path`; the controller calls the place `said`, holding `value`.

    One of its rules has to be about `service`.
    """

    name: str
    path: Path
    said: str
    value: Any
    service: str


def routed(manifest: Manifest) -> Iterator[Routed]:
    """The Ingresses named; of two routers the controller asks the first."""
    at = _router(manifest)
    if at is None:
        return
    (router, one, several, said), settings = at
    path = (*CANARY, "trafficRouting", router)
    start = dotted(path)
    service = text(manifest.at(*CANARY), "stableService")
    if router == "alb":
        service = text(settings, "rootService") or service
    if inside(settings, several) is None:
        name = text(settings, one)
        if name:
            yield Routed(name, (*path, one), f"{start}.{one}", name, service)
        return
    names = items(settings, several)
    for index, name in enumerate(names):
        if isinstance(name, str) and name:
            yield Routed(name, (*path, several, index), f"{start}.{said}", names, service)


def unclear(manifest: Manifest) -> tuple[Path, str] | None:
    """(path, detail) of a router that names an Ingress in both ways, or in none."""
    at = _router(manifest)
    if at is None:
        return None
    (router, one, several, _), settings = at
    both = bool(text(settings, one)), bool(items(settings, several))
    if both[0] is not both[1]:
        return None
    either = f"Either {one[0].upper()}{one[1:]} or {several[0].upper()}{several[1:]}"
    how = "Both" if both[0] else "Neither"
    detail = f"{either} must be configured. {how} are configured."
    return (*CANARY, "trafficRouting", router), detail


def has_rule(ingress: Json, service: str) -> bool:
    """Whether a path of one of its rules leads to the Service; its default does not count."""
    for _, rule in objects(ingress, "spec", "rules"):
        for _, each in objects(rule, "http", "paths"):
            backend = mapping(each, "backend")
            if service in (text(backend, "service", "name"), text(backend, "serviceName")):
                return True
    return False


def _router(manifest: Manifest) -> tuple[tuple[str, str, str, str], Json] | None:
    if not is_of_rollouts(manifest, "Rollout"):
        return None
    routing = mapping(manifest.at(*CANARY), "trafficRouting")
    for fields in _ROUTERS:
        if isinstance(routing.get(fields[0]), dict):
            return fields, routing[fields[0]]
    return None
