"""What carries the weights out: the routers under `canary.trafficRouting`.

Source: argo-rollouts, rollout/trafficrouting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.sandbox.controller.objects import mapping

from .in_memory import InMemory
from .istio import Istio
from .protocol import Router, RouterError

if TYPE_CHECKING:
    from rolloutctl.sandbox.controller.context import Context

__all__ = ["Router", "RouterError", "routers_of"]

_RECORDED = ("nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix")
"""Those nothing is done for, in the order the controller handles them after Istio."""


def routers_of(context: Context) -> list[Router]:
    """The routers of the strategy in the order they are handled; several at once are allowed."""
    routing = mapping(context.rollout, "spec", "strategy", "canary", "trafficRouting")
    found: list[Router] = []
    if routing.get("istio") is not None:
        found.append(Istio(context))
    found += [InMemory(context, f"{k} router") for k in _RECORDED if routing.get(k) is not None]
    plugins = mapping(routing, "plugins")
    found += [InMemory(context, f"router plugin {named}") for named in sorted(plugins)]
    return found
