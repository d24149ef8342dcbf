"""A fleet's summary as data: `{"apiVersion": "rolloutctl/v1", "kind": "FleetSummary"}`.

Lists have at most `top` items, and the number of all beside them: `{"total": 720, "items": []}`.

    at, sinceSeconds, stuckSeconds      when it was made; how far back it looks; what is too long
    counts                              total, healthy, progressing, paused, awaiting, degraded,
                                        aborted, other: aborted are among the degraded, awaiting
                                        among the paused
    strategies, clusters, groups        total, items[]: name (null: none), counts; the worst first
    by                                  "namespace", or the label that groups have in common
    awaiting                            total, items[]: cluster, namespace, name, awaiting, since,
                                        forSeconds
    aborted, degraded                   total, causes: total, items[]: cause, name, phase, text,
                                        count, message (of the newest), rollouts[] (the newest)
    abortedBefore                       how many were aborted before that, and still are
    plugins                             total, items[]: name, rollouts, steps, running, failing,
                                        failed: total, items[] (cluster, namespace, name, at);
                                        disabledIn, notConfiguredIn, unknownIn: clusters ("" is
                                        the only one)
    stuck                               total, items[]: cluster, namespace, name, since,
                                        forSeconds, plugin
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import to_builtins

from rolloutctl.domain.facts import RolloutRow
from rolloutctl.domain.fleet.summary import CauseGroup, Group, Place, PluginUse, Stuck, Summary
from rolloutctl.domain.refs import Ref
from rolloutctl.render.documents.shapes import VERSION

T = TypeVar("T")


def summary_document(summary: Summary, *, at: datetime, top: int = 0) -> dict[str, Any]:
    """The whole summary as of `at`; `top` 0: nothing is left out."""
    document = {"apiVersion": VERSION, "kind": "FleetSummary", "at": at}
    return document | facts(summary, at=at, top=top)


def facts(summary: Summary, *, at: datetime, top: int = 0) -> dict[str, Any]:
    """What there is to say, without what it is."""

    def listed(items: Sequence[T], document: Callable[[T], Any]) -> dict[str, Any]:
        shown = items[:top] if top > 0 else items
        return {"total": len(items), "items": [document(item) for item in shown]}

    def caused(groups: Sequence[CauseGroup]) -> dict[str, Any]:
        return {
            "total": sum(len(group.places) for group in groups),
            "causes": listed(groups, lambda group: _cause(group, top)),
        }

    def use(item: PluginUse) -> dict[str, Any]:
        return {
            "name": item.name,
            "rollouts": item.rollouts,
            "steps": item.steps,
            "running": listed(item.running, _place),
            "failing": listed(item.failing, _place),
            "failed": listed(item.failed, _place),
            "disabledIn": list(item.disabled),
            "notConfiguredIn": list(item.unconfigured),
            "unknownIn": list(item.unread),
        }

    return {
        "sinceSeconds": int(summary.since.total_seconds()),
        "stuckSeconds": int(summary.longer.total_seconds()),
        "counts": to_builtins(summary.counts),
        "by": summary.by,
        "strategies": listed(summary.strategies, _group),
        "clusters": listed(summary.clusters, _group),
        "groups": listed(summary.groups, _group),
        "awaiting": listed(summary.awaiting, lambda row: _awaiting(row, at)),
        "aborted": caused(summary.aborted),
        "abortedBefore": summary.aborted_before,
        "degraded": caused(summary.degraded),
        "plugins": listed(summary.plugins, use),
        "stuck": listed(summary.stuck, lambda item: _stuck(item, at)),
    }


def _group(group: Group) -> dict[str, Any]:
    return {"name": group.name or None, "counts": to_builtins(group.counts)}


def _named(cluster: str, ref: Ref) -> dict[str, Any]:
    return {"cluster": cluster or None, "namespace": ref.namespace, "name": ref.name}


def _place(place: Place) -> dict[str, Any]:
    return {**_named(place.cluster, place.ref), "at": place.at}


def _cause(group: CauseGroup, top: int) -> dict[str, Any]:
    places = group.places[:top] if top > 0 else group.places
    return {
        "cause": group.why.cause,
        "name": group.why.name or None,
        "phase": group.why.phase or None,
        "text": group.why.text or None,
        "count": len(group.places),
        "message": group.said or None,
        "rollouts": [_place(place) for place in places],
    }


def _awaiting(row: RolloutRow, at: datetime) -> dict[str, Any]:
    return {
        **_named(row.cluster, row.ref),
        "awaiting": row.awaiting,
        "since": row.since,
        "forSeconds": _seconds(row.since, at),
    }


def _stuck(item: Stuck, at: datetime) -> dict[str, Any]:
    return {
        **_named(item.row.cluster, item.row.ref),
        "since": item.since,
        "forSeconds": _seconds(item.since, at),
        "plugin": item.plugin or None,
    }


def _seconds(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else int((at - since).total_seconds())
