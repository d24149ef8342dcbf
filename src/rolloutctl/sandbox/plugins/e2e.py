"""`step/e2e-test`: a plugin that does as its step's `config` says.

`return` is the phase `run` returns (default `Successful`; anything that is no phase makes it
raise), `requeue` a Go duration after which `run` asks to be called again; `abort.return` and
`terminate.return` are the phases of the other two calls. Its status counts the calls of `run`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from rolloutctl.sandbox.durations import parse_duration

from .protocol import PHASES, Context, Result


class E2ETest:
    """A StepPlugin without state of its own: all of it is in the rollout's status."""

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        status = dict(context.status or {})
        requeue: float | None = None
        if "requeue" in context.config:
            requeue = parse_duration(str(context.config["requeue"]))
            if requeue is None:
                raise ValueError(f"requeue {context.config['requeue']!r} is no duration")
        phase = _phase(context.config)
        count = status.get("Count")
        status.setdefault("Data", str(uuid.uuid4()))
        status["Count"] = (count if isinstance(count, int) else 0) + 1
        return Result(phase=phase, requeue_after=requeue, status=status)

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        return Result(phase=_phase(_section(context.config, "terminate")))

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        return Result(phase=_phase(_section(context.config, "abort")))


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}


def _phase(config: Mapping[str, Any]) -> str:
    phase = config.get("return", "Successful")
    if phase not in PHASES:
        raise ValueError(f"could not parse phase: phase '{phase}' is not valid")
    return str(phase)
