"""Step plugins: when they are called, and what is recorded of it.

Source: argo-rollouts, rollout/stepplugin.go and rollout/steps/plugin/plugin.go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rolloutctl.sandbox.durations import parse_duration
from rolloutctl.sandbox.plugins.protocol import PHASES, Context, Result, StepPlugin

from .objects import Obj, dig, items, mapping, number, stamp, text
from .steps import current_step, index_of, is_kind, steps_of

MINIMUM_REQUEUE = 10.0
DEFAULT_REQUEUE = 30.0
ERROR_BACKOFF = 30.0
SLACK = 5.0
"""Added to a timer, so that it does not go off a moment before the backoff is over."""

_DONE = ("Successful", "Failed")


class Unresolvable(Exception):
    """No such plugin can be called; the text is what the controller says of it."""


class Disabled:
    """What resolving a disabled plugin gives: nothing of it is ever called."""


Resolve = Callable[[str], "StepPlugin | Disabled"]
"""Plugin name to its implementation. Raises Unresolvable."""


@dataclass(slots=True)
class Round:
    """What one reconcile did with the plugins of one rollout."""

    records: list[Obj]
    """`status.canary.stepPluginStatuses` as it should be written."""
    events: list[tuple[str, str, str]] = field(default_factory=list)
    """(type, reason, message)"""
    abort_cause: str | None = None
    called: list[Obj] = field(default_factory=list)
    """The records of steps whose Run was called."""
    failed: bool = False
    """The reconcile had an error, so no plugin step is done in it."""
    again_in: float | None = None
    """Seconds until the rollout should be looked at again."""


def record(records: list[Obj], index: int, operation: str) -> Obj | None:
    for each in records:
        if each.get("index") == index and each.get("operation") == operation:
            return each
    return None


def is_done(records: list[Obj], index: int) -> bool:
    """Whether the plugin step at `index` may be left."""
    run = record(records, index, "Run")
    if run is None:
        return False
    if run.get("disabled") or run.get("phase") in _DONE:
        return True
    stopped = record(records, index, "Terminate") or record(records, index, "Abort")
    return run.get("phase") == "Running" and stopped is not None


class Calls:
    """Calls the plugins of one rollout as its state asks for; `round` tells what came of it."""

    def __init__(
        self,
        rollout: Obj,
        *,
        resolve: Resolve,
        now: datetime,
        elapsed: Callable[[str, str], float],
    ) -> None:
        """`elapsed(what, stamp)`: seconds of the cluster since `stamp` was written."""
        self._rollout = rollout
        self._resolve = resolve
        self._now = stamp(now)
        self._elapsed = elapsed
        stored = items(rollout, "status", "canary", "stepPluginStatuses")
        self.round = Round([dict(each) for each in stored if isinstance(each, dict)])

    def abort(self) -> None:
        """Undo every step that ran, the last one first."""
        for run in reversed(list(self.round.records)):
            if run.get("operation") != "Run":
                continue
            plugin = self._plugin(number(run, "index"), text(run, "name"))
            if plugin is None:
                return
            if run.get("phase") in ("Running", "Successful"):
                self._stop(run, plugin, "Abort")

    def terminate(self) -> None:
        """Stop the last step that is still running."""
        for run in reversed(self.round.records):
            if run.get("operation") == "Run" and run.get("phase") == "Running":
                plugin = self._plugin(number(run, "index"), text(run, "name"))
                if plugin is not None:
                    self._stop(run, plugin, "Terminate")
                return

    def proceed(self) -> None:
        """Run the plugin of the current step, unless it is not its time."""
        step, index = current_step(self._rollout), index_of(self._rollout)
        records, steps = self.round.records, steps_of(self._rollout)
        stale = steps and (not is_kind(steps[0], "plugin") or is_done(records, 0))
        if index == 0 and records and stale:
            records.clear()  # they are of the attempt before, which was aborted
            return
        if not is_kind(step, "plugin") or dig(self._rollout, "status", "phase") != "Progressing":
            return
        assert step is not None
        self._run(index, text(step, "plugin", "name"), mapping(step, "plugin", "config"))

    def _run(self, index: int, name: str, config: Obj) -> None:
        plugin = self._plugin(index, name)
        if plugin is None:
            return
        if isinstance(plugin, Disabled):
            self._put({"index": index, "name": name, "operation": "Run", "disabled": True})
            return
        old = record(self.round.records, index, "Run")
        if old is not None and old.get("phase") in _DONE:
            return
        new = dict(old or {"index": index, "name": name, "operation": "Run", "phase": "Running"})
        new.setdefault("startedAt", self._now)
        if old is not None and not self._is_due(index, old):
            return
        self._call_run(plugin, new, config)

    def _is_due(self, index: int, run: Obj) -> bool:
        backoff = parse_duration(text(run, "backoff"))
        if backoff is None:
            given = json.dumps(text(run, "backoff"))
            self._fail(
                "failed to run plugin: could not parse backoff duration: "
                f"time: invalid duration {given}"
            )
            return False
        waited = self._elapsed(f"plugin {index}", text(run, "updatedAt"))
        if waited >= backoff:
            return True
        self._again(backoff - waited + SLACK)
        return False

    def _call_run(self, plugin: StepPlugin, run: Obj, config: Obj) -> None:
        before = run["phase"] if number(run, "executions") else ""
        run["executions"] = number(run, "executions") + 1
        run["updatedAt"] = self._now
        run.pop("backoff", None)
        self.round.called.append(run)
        context = Context(text(run, "name"), config, run.get("status"))
        result = _call(plugin.run, self._rollout, context)
        backoff = ERROR_BACKOFF
        if isinstance(result, str):
            run.update(phase="Error", message=result, backoff=_go(backoff))
        elif result.phase and result.phase not in PHASES:
            self._fail(f"failed to run plugin: {_invalid(result.phase)}")
            return
        else:
            run["phase"] = result.phase or run["phase"]
            run["message"] = result.message
            if run["phase"] == "Running":
                asked = result.requeue_after or 0.0
                backoff = asked if asked > MINIMUM_REQUEUE else DEFAULT_REQUEUE
                run["backoff"] = _go(backoff)
            elif run["phase"] in _DONE:
                run["finishedAt"] = self._now
            if run["phase"] != "Error":
                run["status"] = _json(result.status)
        self._put(run)
        self._announce_run(run, before)
        if run["phase"] == "Failed":
            number_ = f"{run['index'] + 1} ({run['name']})"
            self.round.abort_cause = f"Step Plugin {number_} failed: {run.get('message', '')}"
        elif "backoff" in run:
            self._again(backoff + SLACK)
        elif run["phase"] == "Error":
            # Nothing says when to call again, and without that nothing ever does.
            self._fail('failed to parse backoff duration: time: invalid duration ""')

    def _announce_run(self, run: Obj, before: str) -> None:
        if run["phase"] in (before, "Successful"):
            return
        what = f"Step plugin {run['name']} (step {run['index'] + 1})"
        kind = "Warning" if run["phase"] in ("Error", "Failed") else "Normal"
        self._event(kind, "StepPluginTransition", f"{what} transitioned to {run['phase']}")

    def _stop(self, run: Obj, plugin: StepPlugin | Disabled, operation: str) -> None:
        index = number(run, "index")
        if isinstance(plugin, Disabled) or record(self.round.records, index, operation):
            return
        steps = steps_of(self._rollout)
        step = steps[index] if index < len(steps) else {}
        context = Context(text(run, "name"), mapping(step, "plugin", "config"), run.get("status"))
        call = plugin.abort if operation == "Abort" else plugin.terminate
        result = _call(call, self._rollout, context)
        new: Obj = {
            "index": index,
            "name": run.get("name"),
            "operation": operation,
            "phase": "Successful",
            "startedAt": self._now,
            "finishedAt": self._now,
        }
        if isinstance(result, str):
            new.update(phase="Error", message=result)
        elif result.phase and result.phase not in PHASES:
            new.update(phase="Error", message=_invalid(result.phase))
        else:
            # Nothing would ever ask again how it went on.
            phase = "Failed" if result.phase == "Running" else result.phase or "Successful"
            new.update(phase=phase, message=result.message)
        self._put(new)
        kind = "Warning" if new["phase"] in ("Error", "Failed") else "Normal"
        done = "aborted" if operation == "Abort" else "terminated"
        what = f"Step plugin {new['name']} (step {index + 1}) {done} ({new['phase']})"
        self._event(kind, "StepPluginTransition", what)

    def _plugin(self, index: int, name: str) -> StepPlugin | Disabled | None:
        try:
            return self._resolve(name)
        except Unresolvable as error:
            self._fail(f"could not create step plugin at index {index} : {error}")
            return None

    def _put(self, new: Obj) -> None:
        new = {key: value for key, value in new.items() if value not in (None, "")}
        records = self.round.records
        for at, each in enumerate(records):
            if (each.get("index"), each.get("operation")) == (new["index"], new["operation"]):
                records[at] = new
                return
        records.append(new)

    def _fail(self, error: str) -> None:
        self.round.failed = True
        message = f"Reconciliation failed with error: {error}"
        self._event("Warning", "ReconciliationError", message)
        self._again(ERROR_BACKOFF)

    def _event(self, kind: str, reason: str, message: str) -> None:
        self.round.events.append((kind, reason, message))

    def _again(self, seconds: float) -> None:
        before = self.round.again_in
        self.round.again_in = seconds if before is None else min(before, seconds)


def _call(call: Callable[[Obj, Context], Any], rollout: Obj, context: Context) -> Result | str:
    """The result, or the text of what went wrong: a plugin never takes the controller down."""
    try:
        # A copy, since a plugin may do as it likes with what it gets.
        result = call(json.loads(json.dumps(rollout)), context)
        if not isinstance(result, Result):
            return f"the plugin returned {type(result).__name__}, not a Result"
        json.dumps(dict(result.status or {}))
    except Exception as error:
        return str(error) or type(error).__name__
    return result


def _json(status: Any) -> Obj | None:
    return json.loads(json.dumps(dict(status))) if status is not None else None


def _invalid(phase: str) -> str:
    return f"could not validate rpc phase: phase '{phase}' is not valid"


def _go(seconds: float) -> str:
    """A duration as Go writes it: "12s", "1m30s", "1h0m0s"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text_ = f"{rest:g}s"
    if hours:
        return f"{hours}h{minutes}m{text_}"
    return f"{minutes}m{text_}" if minutes else text_
