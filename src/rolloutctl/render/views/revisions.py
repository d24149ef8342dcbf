"""Revisions, their ReplicaSets and pods, as a tree told by indentation."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.tree import PodFacts, ReplicaSetFacts, RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, pad, safe, wrap

_FOLD = 4
"""More healthy pods than this are a count; what is broken is always named."""
_MOST_BROKEN = 10
_FINE = frozenset({"Running", "Succeeded", "Completed"})
_COMING = frozenset({"Pending", "ContainerCreating", "PodInitializing"})


def lines(
    picture: RolloutPicture, surface: Surface, *, wide: bool = False, folded: bool = False
) -> list[Line]:
    """The tree, newest revision first; [] without ReplicaSets.

    `folded`: only revisions that have a part or pods, and only pods that are not fine.
    """
    items = picture.replica_sets
    if folded:
        items = tuple(item for item in items if item.role or item.desired or item.current)
    if not items:
        return []
    number = max(len(str(item.revision)) for item in items)
    result = [line(Span("Revisions", "strong"))]
    for item, head in zip(items, _heads(items, surface), strict=True):
        result += wrap((Span("  "), *head), surface.room, indent=6 + number)
        result += _pods(item, surface, wide=wide, folded=folded, indent=4 + number)
    return result


def tree(
    picture: RolloutPicture, surface: Surface
) -> list[tuple[ReplicaSetFacts, list[Line], list[Line]]]:
    """Each ReplicaSet, newest revision first, with the lines about it and those of all its pods."""
    items = picture.replica_sets
    return [
        (
            item,
            wrap(head, surface.room, indent=4),
            _pods(item, surface, wide=True, folded=False, indent=2),
        )
        for item, head in zip(items, _heads(items, surface), strict=True)
    ]


def _heads(items: Sequence[ReplicaSetFacts], surface: Surface) -> list[Line]:
    number = max((len(str(item.revision)) for item in items), default=0)
    roles = max((len(role(item)) for item in items), default=0)
    name = max((len(item.name) for item in items), default=0)
    return [
        join(
            [
                Span(f"{item.revision:>{number}}"),
                Span(pad(role(item), roles), "strong"),
                Span(pad(safe(item.name), name)),
                _state(item, surface),
                Span(", ".join(words.image(image) for image in item.images), "dim"),
                Span(_age(item, surface), "dim"),
            ],
            "  ",
        )
        for item in items
    ]


def role(item: ReplicaSetFacts) -> str:
    """What the ReplicaSet is for: "stable, active"; "" for an older revision."""
    order = ("stable", "active", "canary", "preview")
    known = [name for name in order if name in item.role]
    return ", ".join([*known, *sorted(item.role - set(order))])


def _state(item: ReplicaSetFacts, surface: Surface) -> Span:
    if not item.desired and not item.current:
        # A new version may not have had any yet.
        coming = item.role & {"canary", "preview"}
        return Span("no pods" if coming else "scaled down", "dim")
    text = f"{item.ready}/{item.desired} ready"
    if item.current > item.desired:
        text += f", {item.current - item.desired} ending"
    if item.state == "ReplicaFailure":
        text += ", ReplicaFailure"
    if item.scale_down_deadline is not None and item.desired:
        left = item.scale_down_deadline - surface.now
        when = f"in {words.elapsed(left)}" if left.total_seconds() > 0 else "now"
        text += f", scaled down {when}"
    good = item.ready >= item.desired and item.state != "ReplicaFailure"
    return Span(text, "good" if good else "warn")


def _age(item: ReplicaSetFacts, surface: Surface) -> str:
    return f"{words.age(item.created, surface.now)} old" if item.created is not None else ""


def _pods(
    item: ReplicaSetFacts, surface: Surface, *, wide: bool, folded: bool, indent: int
) -> list[Line]:
    healthy = [pod for pod in item.pods if _healthy(pod)]
    others = [pod for pod in item.pods if not _healthy(pod)]
    space = " " * indent
    result: list[Line] = []
    if folded:
        pass
    elif wide or len(healthy) <= _FOLD:
        result += [_pod(pod, surface, space) for pod in healthy]
    else:
        result.append(line(space, Span(f"{len(healthy)} pods ready", "dim")))
    shown = others if wide else others[:_MOST_BROKEN]
    for pod in shown:
        result += wrap(_pod(pod, surface, space), surface.room, indent=indent + 4)
    if len(others) > len(shown):
        result.append(line(space, Span(f"{len(others) - len(shown)} more pods not ready", "bad")))
    return result


def _healthy(pod: PodFacts) -> bool:
    return pod.ready and pod.state in _FINE


def _pod(pod: PodFacts, surface: Surface, space: str) -> Line:
    style = "good" if _healthy(pod) else "dim" if pod.state in _COMING else "bad"
    restarts = words.counted(pod.restarts, "restart") if pod.restarts else ""
    ready = "" if pod.ready or pod.state not in _FINE else "not ready"
    return (
        Span(space),
        *join(
            [
                Span(f"pod {safe(pod.name)}"),
                Span(safe(pod.state, 60) or "Unknown", style),
                Span(ready, "warn"),
                Span(restarts, "warn"),
                Span("" if _healthy(pod) else safe(pod.message, 300)),
            ],
            "  ",
        ),
    )
