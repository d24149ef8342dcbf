"""What the documents of every kind share."""

from __future__ import annotations

from typing import Any

from rolloutctl.domain.plugins import PluginCall

VERSION = "rolloutctl/v1"

Document = dict[str, Any]


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
