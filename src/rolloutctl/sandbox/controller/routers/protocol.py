"""What a router can do."""

from __future__ import annotations

from typing import Protocol

from rolloutctl.sandbox.controller.objects import Obj


class RouterError(Exception):
    """A router refuses, in the controller's words; the reconcile is tried again later."""


class Router(Protocol):
    """One router of one rollout, for one reconcile.

    `additional`: destinations beside canary and stable, each {weight, serviceName,
    podTemplateHash}; the stable one gets what is left.
    """

    def remove_managed_routes(self) -> None:
        """Take away all header and mirror routes."""

    def set_header_route(self, step: Obj) -> None:
        """Do what a `setHeaderRoute` says; one without `match` takes the route away."""

    def set_mirror_route(self, step: Obj) -> None:
        """Do what a `setMirrorRoute` says; one without `match` takes the route away."""

    def update_hash(self, canary: str, stable: str, additional: list[Obj]) -> bool:
        """Tell which pods are which; False if it is too early, and for the weight as well."""

    def set_weight(self, weight: int, additional: list[Obj]) -> None:
        """Have the canary get `weight`. Raises RouterError."""
