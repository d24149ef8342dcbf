"""Events in JSON and YAML, version `rolloutctl/v1` (docs/output.md)."""

from __future__ import annotations

from rolloutctl.domain.happenings import Happening
from rolloutctl.render.documents.shapes import VERSION, Document


def event(item: Happening) -> Document:
    """One event; `audit` is null but for changes by this tool."""
    audit = item.audit
    return {
        "apiVersion": VERSION,
        "kind": "Event",
        "namespace": item.namespace,
        "name": item.name,
        "object": {"kind": item.kind, "name": item.object, "uid": item.object_uid or None},
        "type": item.type,
        "reason": item.reason,
        "message": item.message,
        "count": item.count,
        "firstAt": item.first,
        "lastAt": item.at,
        "component": item.component or None,
        "audit": {
            "action": audit.action,
            "by": audit.by or None,
            "reason": audit.reason or None,
            "from": audit.before or None,
            "to": audit.after or None,
        }
        if audit is not None
        else None,
    }
