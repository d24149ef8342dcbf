"""What the documents of every kind share."""

from __future__ import annotations

from typing import Any

from rolloutctl.domain.plugins import PluginCall

VERSION = "rolloutctl/v1"

Document = dict[str, Any]


def in_cluster(document: Document, label: str) -> Document:
    """The document with a field that says which of several clusters it is of.

    With label "", of the only cluster, it is as it was.
    """
    if not label:
        return document
    first: Document = {key: document[key] for key in ("apiVersion", "kind") if key in document}
    return {**first, "cluster": label, **document}


def plugin_call(call: PluginCall | None) -> Document | None:
    """An Abort or Terminate call; None where there was none."""
    if call is None:
        return None
    return {
        "phase": call.phase,
        "message": call.message,
        "startedAt": call.started_at,
        "finishedAt": call.finished_at,
    }
