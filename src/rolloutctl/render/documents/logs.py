"""Lines of logs in JSON and YAML, version `rolloutctl/v1` (docs/output.md)."""

from __future__ import annotations

from rolloutctl.domain.pod_logs import LogLine
from rolloutctl.render.documents.shapes import VERSION, Document


def log_line(item: LogLine) -> Document:
    """One line; `at` in the precision of microseconds, null where the server did not say."""
    origin = item.origin
    return {
        "apiVersion": VERSION,
        "kind": "LogLine",
        "namespace": origin.namespace,
        "of": origin.owner,
        "role": origin.role or None,
        "pod": origin.pod,
        "container": origin.container,
        "at": item.at,
        "message": item.text,
    }
