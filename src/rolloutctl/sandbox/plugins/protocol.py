"""What a step plugin is: a class with `run`, `terminate` and `abort`.

Source: argo-rollouts, rollout/steps/plugin and utils/plugin/types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

PHASES = frozenset({"Running", "Successful", "Failed", "Error"})
"""What `Result.phase` may say. The empty string leaves the phase as it was."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the controller hands to a plugin beside the rollout.

    `config` is the step's `plugin.config`; `status` is what the last `run` of this step left in
    `Result.status`, None before the first one. `terminate` and `abort` get the status of `run`.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to.

    `phase`: `Running` asks to be called again after `requeue_after` seconds (heeded only above
    10 s, else 30 s); `Successful` passes the step; `Failed` aborts the rollout. To have a call
    repeated after an error, raise: the record's phase becomes `Error` and Run is called again
    30 s later. `status` is kept in the rollout until the next call; it must be JSON.
    """

    phase: str
    message: str = ""
    requeue_after: float | None = None
    status: Mapping[str, Any] | None = None


class StepPlugin(Protocol):
    """A step plugin. Its calls block the controller, so they should be short.

    An exception in any of them becomes a record in phase `Error`.
    """

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        """Start the step's work, or look after what an earlier call started."""

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        """The rollout went past this step while it was running: stop what was started."""

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        """The rollout was aborted after this step ran: undo it."""
