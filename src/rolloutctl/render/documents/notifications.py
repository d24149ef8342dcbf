"""Triggers and templates of notifications, as data."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.notifications import Condition, Outcome, Preview, Template, Trigger
from rolloutctl.domain.refs import Ref
from rolloutctl.render.documents.shapes import VERSION, Document


def trigger(item: Trigger) -> Document:
    """One trigger with its conditions."""
    return {
        "apiVersion": VERSION,
        "kind": "NotificationTrigger",
        "name": item.name,
        "conditions": [_condition(each) for each in item.conditions],
        "missingTemplates": list(item.lacks),
        "problem": item.problem or None,
    }


def template(item: Template) -> Document:
    """One template, as the ConfigMap has it."""
    return {
        "apiVersion": VERSION,
        "kind": "NotificationTemplate",
        "name": item.name,
        "content": dict(item.content),
        "problem": item.problem or None,
    }


def trigger_run(item: Trigger, ref: Ref | None, outcomes: Sequence[Outcome]) -> Document:
    """What the conditions of a trigger come to for a rollout."""
    return {
        "apiVersion": VERSION,
        "kind": "NotificationTriggerRun",
        "name": item.name,
        "rollout": _rollout(ref),
        "conditions": [
            {
                **_condition(each.condition),
                "holds": each.holds,
                "always": each.always,
                "reason": each.why or None,
            }
            for each in outcomes
        ],
    }


def preview(item: Preview, ref: Ref | None) -> Document:
    """A template with what can be filled in; `left` stands as it was."""
    return {
        "apiVersion": VERSION,
        "kind": "NotificationPreview",
        "name": item.name,
        "rollout": _rollout(ref),
        "texts": [{"path": each.path, "text": each.text} for each in item.texts],
        "left": list(item.left),
    }


def _condition(item: Condition) -> Document:
    return {
        "when": item.when or None,
        "oncePer": item.once_per or None,
        "send": list(item.send),
        "description": item.description or None,
    }


def _rollout(ref: Ref | None) -> Document | None:
    return None if ref is None else {"namespace": ref.namespace, "name": ref.name}
