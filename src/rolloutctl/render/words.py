"""How the facts of a rollout are put into words, the same in every view."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from rolloutctl.domain.durations import format_age
from rolloutctl.domain.plugins import Availability, PluginCall, PluginRun
from rolloutctl.domain.status import Awaiting, Status
from rolloutctl.domain.steps import (
    Analysis,
    Experiment,
    Pause,
    Plugin,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    Step,
)
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Span, safe

PHASE_STYLE = {
    "Healthy": "good",
    "Degraded": "bad",
    "Progressing": "accent",
    "Paused": "warn",
}
PLUGIN_STYLE = {
    "Successful": "good",
    "Running": "accent",
    "Failed": "bad",
    "Error": "bad",
    "Inconclusive": "warn",
    "Pending": "dim",
}
AWAITING = {
    Awaiting.PROMOTION: "waits for a person to promote",
    Awaiting.RESUME: "paused by a person, waits for resume",
    Awaiting.INCONCLUSIVE: "inconclusive, waits for a person to decide",
}
MESSAGE = 2000
"""Characters of a message that are shown; what is longer is a dump, not a message."""


def elapsed(span: timedelta) -> str:
    """A span of time in at most two units: "41s", "4m10s", "3h4m", "6d"; never negative."""
    return format_age(span)


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago `moment` was; "" if unknown."""
    return "" if moment is None else format_age(now - moment)


def clock(moment: datetime, now: datetime) -> str:
    """A moment as a person reads it: the time of day (UTC), with the date when it is not today."""
    return f"{moment:%H:%M:%S}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


@lru_cache(maxsize=64)
def phase(text: str) -> Span:
    """A rollout's phase; one the tool does not know stays as it is, uncoloured."""
    shown = safe(text, 40) or "Unknown"
    return Span(shown, PHASE_STYLE.get(text, ""))


def plugin_phase(text: str) -> Span:
    return Span(safe(text, 40), PLUGIN_STYLE.get(text, ""))


def awaiting(status: Status) -> str:
    """What a person has to do, "" if nothing."""
    return AWAITING.get(status.awaiting, "") if status.awaiting is not None else ""


def awaiting_hint(status: Status, name: str, namespace: str) -> str:
    """The command with which a person goes on, "" if nobody has to."""
    match status.awaiting:
        case Awaiting.RESUME:
            return f"rolloutctl resume {name} -n {namespace}"
        case Awaiting.PROMOTION | Awaiting.INCONCLUSIVE:
            return f"rolloutctl promote {name} -n {namespace}, or abort"
    return ""


def step(item: Step) -> str:
    """A step as a person says it: "set weight 40", "pause 10m", "plugin intuit/gate"."""
    match item:
        case SetWeight():
            return f"set weight {item.weight}"
        case Pause():
            if item.duration is None:
                return "pause"
            if item.duration.total_seconds() < 0:
                return f"pause {safe(item.text, 40)} (not a duration)"
            return f"pause {elapsed(item.duration)}"
        case Plugin():
            return f"plugin {safe(item.name)}"
        case Analysis():
            names = ", ".join(safe(name) for name in item.templates)
            return f"analysis {names}".rstrip()
        case Experiment():
            return "experiment"
        case SetCanaryScale():
            if item.match_traffic_weight:
                return "set canary scale to match the traffic"
            if item.replicas is not None:
                return f"set canary scale {item.replicas} pods"
            return f"set canary scale {item.weight or 0} %"
        case SetHeaderRoute():
            verb = "remove" if item.removes else "set"
            return f"{verb} header route {safe(item.name)}".rstrip()
        case SetMirrorRoute():
            if item.removes:
                return f"remove mirror route {safe(item.name)}".rstrip()
            share = "" if item.percentage is None else f" {item.percentage} %"
            return f"set mirror route {safe(item.name)}".rstrip() + share
    return "unknown step"


def call_outcome(kind: str, call: PluginCall) -> list[Span]:
    """ "Abort: Successful", with the message if it has one."""
    spans = [Span(f"{kind}: "), plugin_phase(call.phase)]
    if call.message:
        spans.append(Span(f' "{safe(call.message, MESSAGE)}"'))
    return spans


def availability(run: PluginRun) -> str:
    """What argo-rollouts-config means for a plugin step, "" when nothing special."""
    if run.disabled:
        return "disabled, was passed over"
    match run.availability:
        case Availability.DISABLED:
            return "disabled in argo-rollouts-config"
        case Availability.NOT_CONFIGURED:
            return "not configured in argo-rollouts-config"
    return ""


def calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def compact(value: Any, limit: int = 120) -> str:
    """A plugin's own state on one line."""
    return safe(json.dumps(value, ensure_ascii=False, default=str), limit)


def image(text: str) -> str:
    """An image without its registry and path; a digest shortened."""
    name, at, digest = text.partition("@")
    short = name.rpartition("/")[2]
    if at:
        short += f"@{digest.partition(':')[2][:7] or digest[:7]}"
    return safe(short, 120)


@lru_cache(maxsize=2048)
def tag(text: str) -> str:
    """Only the tag (or short digest) of an image, the short image if it has none."""
    short = image(text)
    name, colon, tag_ = short.partition(":")
    if colon:
        return tag_
    return short.partition("@")[2] or name


def images(before: Sequence[str], now: Sequence[str], surface: Surface) -> str:
    """ "checkout:v1.9.2 → v1.10.0"; just the images when there is no change."""
    arrow = surface.symbols.arrow
    if not before or tuple(before) == tuple(now):
        return ", ".join(image(item) for item in now)
    if len(before) != len(now):
        return f"{', '.join(map(image, before))} {arrow} {', '.join(map(image, now))}"
    parts = []
    for old, new in zip(before, now, strict=True):
        if old == new:
            continue
        same = _repository(old) == _repository(new)
        parts.append(f"{image(old)} {arrow} {tag(new) if same else image(new)}")
    return ", ".join(parts)


def tags(before: Sequence[str], now: Sequence[str], surface: Surface) -> str:
    """As `images`, for a narrow column: "v1.9.2→v1.10.0"."""
    if not now:
        return ""
    if not before or tuple(before) == tuple(now):
        return tag(now[0]) if len(now) == 1 else ",".join(map(tag, now))
    if len(before) == len(now):
        pairs = [(a, b) for a, b in zip(before, now, strict=True) if a != b]
        return ",".join(f"{tag(a)}{surface.symbols.arrow}{tag(b)}" for a, b in pairs)
    return f"{','.join(map(tag, before))}{surface.symbols.arrow}{','.join(map(tag, now))}"


def _repository(text: str) -> str:
    name = text.partition("@")[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}"
