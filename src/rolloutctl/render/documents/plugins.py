"""Plugins as data: `{"apiVersion": "rolloutctl/v1", "kind": ...}`.

Kinds: PluginList (list), Plugin (show), PluginRunList (status), PluginRunsInFlight (the file
written before runs are abandoned), PluginSwitch (disable, enable), PluginSwitchPlan (their
--dry-run).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rolloutctl.domain.plugin_change import Outcome, Plan
from rolloutctl.domain.plugin_use import (
    ControllerFacts,
    Overview,
    PluginFacts,
    RunOf,
)
from rolloutctl.render.documents.shapes import VERSION


def list_document(overview: Overview) -> dict[str, Any]:
    """Everything `plugins list` shows, as one PluginList."""
    return {
        "apiVersion": VERSION,
        "kind": "PluginList",
        "controller": controller_document(overview.controller),
        "countedIn": overview.counted,
        "problems": [
            {"key": p.key, "line": p.line, "column": p.column, "message": p.message}
            for p in overview.config.problems
        ],
        "notes": list(overview.notes),
        "items": [plugin_document(plugin) for plugin in overview.plugins],
    }


def controller_document(controller: ControllerFacts) -> dict[str, Any]:
    """`pendingRestart` is null when it is not known; `unknown` then says why."""
    return {
        "namespace": controller.namespace,
        "deployment": controller.deployment or None,
        "startedAt": controller.started,
        "configChangedAt": controller.changed,
        "pendingRestart": controller.pending,
        "unknown": controller.unknown or None,
    }


def plugin_document(plugin: PluginFacts) -> dict[str, Any]:
    """One plugin; `usedBy` counts, `rollouts` are "namespace/name"."""
    item, note = plugin.item, plugin.note
    return {
        "apiVersion": VERSION,
        "kind": "Plugin",
        "name": plugin.name,
        "type": plugin.kind,
        "configured": plugin.configured,
        "disabled": plugin.disabled,
        "location": item.location if item else None,
        "sha256": (item.sha256 or None) if item else None,
        "disabledNote": {"reason": note.reason, "by": note.by, "at": note.at} if note else None,
        "usedBy": {
            "rollouts": plugin.rollouts,
            "steps": plugin.steps,
            "templates": plugin.templates,
        },
        "inFlight": len(plugin.in_flight),
        "failed24h": plugin.failed_day,
        "rollouts": [str(ref) for ref in plugin.used_by],
        "runs": [run_document(each) for each in plugin.runs],
    }


def run_document(each: RunOf) -> dict[str, Any]:
    """One run; `number` is 1-based as in messages, `index` 0-based as in the rollout's status."""
    run = each.run
    return {
        "namespace": each.ref.namespace,
        "rollout": each.ref.name,
        "rolloutPhase": each.rollout_phase or None,
        "plugin": run.name,
        "number": run.index + 1,
        "index": run.index,
        "phase": run.phase,
        "message": run.message,
        "executions": run.executions,
        "startedAt": run.started_at,
        "updatedAt": run.updated_at,
        "nextCallAt": run.next_call,
        "status": run.status,
    }


def status_document(plugins: Iterable[PluginFacts], overview: Overview) -> dict[str, Any]:
    """The runs in flight or failing."""
    return {
        "apiVersion": VERSION,
        "kind": "PluginRunList",
        "controller": controller_document(overview.controller),
        "countedIn": overview.counted,
        "items": [run_document(run) for plugin in plugins for run in plugin.runs],
    }


def in_flight_document(
    names: Sequence[str], runs: Sequence[RunOf], saved: datetime
) -> dict[str, Any]:
    """What the disabled plugins leave behind, with the state they kept (a job's id...)."""
    return {
        "apiVersion": VERSION,
        "kind": "PluginRunsInFlight",
        "plugins": list(names),
        "savedAt": saved,
        "items": [run_document(run) for run in runs],
    }


def plan_document(plan: Plan) -> dict[str, Any]:
    """What would be done: the diff, the patch, and who is affected."""
    change = plan.edit.change
    return {
        "apiVersion": VERSION,
        "kind": "PluginSwitchPlan",
        "disable": plan.disable,
        "changed": list(plan.edit.changed),
        "unchanged": list(plan.edit.unchanged),
        "diff": list(plan.edit.diff),
        "patch": list(change.operations) if change else [],
        "controller": controller_document(plan.controller),
        "inFlight": [run_document(run) for run in plan.in_flight],
        "locations": [
            {
                "plugin": check.plugin,
                "location": check.location,
                "reachable": check.reachable,
                "detail": check.detail,
            }
            for check in plan.locations
        ],
        "managedBy": [
            {"tool": str(one.tool), "application": one.application or None} for one in plan.keepers
        ],
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What was done. `pendingRestart` null: not known."""
    restart = outcome.restart
    return {
        "apiVersion": VERSION,
        "kind": "PluginSwitch",
        "disable": outcome.disable,
        "namespace": outcome.namespace,
        "changed": list(outcome.changed),
        "unchanged": list(outcome.unchanged),
        "diff": list(outcome.diff),
        "attempts": outcome.attempts,
        "pendingRestart": outcome.pending,
        "inFlightSavedTo": outcome.saved or None,
        "restart": {
            "outcome": restart.outcome.value,
            "seconds": round(restart.seconds, 1),
            "pod": restart.pod,
            "fatal": restart.fatal or None,
            "problem": restart.problem or None,
        }
        if restart
        else None,
        "passedOver": [run_document(run) for run in outcome.passed],
        "notPassedOver": [run_document(run) for run in outcome.waiting],
        "unblocked": [str(ref) for ref in outcome.unblocked],
    }
