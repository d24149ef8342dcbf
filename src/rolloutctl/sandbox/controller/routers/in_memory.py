"""A router of which only the weights in the rollout's status can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.sandbox.controller.objects import Obj

if TYPE_CHECKING:
    from rolloutctl.sandbox.controller.context import Context


class InMemory:
    """Takes every weight at once and writes no object; the sandbox's log says so, once."""

    def __init__(self, context: Context, what: str) -> None:
        context.cluster.leaves_out(context.rollout, f"the {what}: weights are only recorded")

    def remove_managed_routes(self) -> None:
        pass

    def set_header_route(self, step: Obj) -> None:
        pass

    def set_mirror_route(self, step: Obj) -> None:
        pass

    def update_hash(self, canary: str, stable: str, additional: list[Obj]) -> bool:
        return True

    def set_weight(self, weight: int, additional: list[Obj]) -> None:
        pass
