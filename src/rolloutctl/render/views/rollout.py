"""The full picture of one rollout.

The first line answers the question; what needs a person stands out; nothing is cut on a narrow
terminal but wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.status import desired_replicas
from rolloutctl.domain.tree import RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap
from rolloutctl.render.views import next_actions, revisions, routing, steps, trials

_BAR = 20


def lines(
    picture: RolloutPicture,
    surface: Surface,
    *,
    missing: Sequence[tuple[str, str]] = (),
    wide: bool = False,
    rows: int | None = None,
) -> list[Line]:
    """The picture; `missing` is what could not be read, and why; `wide` leaves nothing folded.

    Where it takes more than `rows` lines, pods that are fine and revisions without pods are left
    out, and what can be done stands before the revisions, so that what matters fits.
    """
    parts = [
        [*head(picture, surface), *_summary(picture, surface, wide=wide)],
        [
            *traffic(picture, surface),
            *routing.lines(picture, surface),
            *pods(picture, surface),
        ],
        steps.lines(picture, surface, wide=wide) if picture.steps else [],
        steps.abort_calls(picture.steps, surface),
    ]
    tree = revisions.lines(picture, surface, wide=wide)
    runs = trials.lines(picture, surface)
    end = [*_missing(missing, surface), *next_actions.lines(picture, surface)]
    whole = _apart([*parts, tree, runs, end])
    if rows is None or len(whole) <= rows:
        return whole
    tree = revisions.lines(picture, surface, folded=True)
    return _apart([*parts, runs, end, tree])


def overview(
    picture: RolloutPicture, surface: Surface, *, missing: Sequence[tuple[str, str]] = ()
) -> list[Line]:
    """Where it stands and what can be done, without its first line, revisions and analyses."""
    return _apart(
        [
            _summary(picture, surface, wide=False),
            [
                *traffic(picture, surface),
                *routing.lines(picture, surface),
                *pods(picture, surface),
            ],
            steps.lines(picture, surface) if picture.steps else [],
            steps.abort_calls(picture.steps, surface),
            [*_missing(missing, surface), *next_actions.lines(picture, surface)],
        ]
    )


def _apart(blocks: Sequence[list[Line]]) -> list[Line]:
    result: list[Line] = []
    for block in blocks:
        if block and result:
            result.append(())
        result += block
    return result


def head(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """The first line: name, phase and since when, what a person has to do."""
    status = picture.status
    phase = words.phase(status.phase)
    spans = [
        Span(safe(picture.ref.name), "strong"),
        Span(safe(picture.ref.namespace), "dim"),
        phase,
    ]
    since = words.age(status.since, surface.now)
    if status.aborted:
        aborted = words.age(picture.rollout.status.aborted_at, surface.now)
        spans.append(Span(f"aborted {aborted} ago" if aborted else "aborted", "bad"))
    elif since:
        spans.append(Span(f"for {since}", "dim"))
    if picture.rollout.metadata.deletion_timestamp is not None:
        spans.append(Span("being deleted", "bad"))
    if status.promoting_fully:
        spans.append(Span("full promotion under way", "accent"))
    waits = words.awaiting(status)
    if waits:
        spans.append(Span(waits, "wait"))
    return wrap(join(spans, "  "), surface.room, indent=2)


def _summary(picture: RolloutPicture, surface: Surface, *, wide: bool) -> list[Line]:
    status = picture.status
    result: list[Line] = []
    message = safe(status.message, words.MESSAGE)
    if message:
        result += wrap(line(message), surface.room, indent=2)
    cause = safe(picture.cause, words.MESSAGE)
    if cause and cause not in message:
        result += wrap(line(Span("cause: ", "strong"), Span(cause, "bad")), surface.room, indent=2)
    revision = f"revision {picture.revision}" if picture.revision else ""
    stable = picture.stable_revision
    if stable is not None and stable != picture.revision:
        revision = f"revision {stable} {surface.symbols.arrow} {picture.revision}"
    if wide:
        arrow = f" {surface.symbols.arrow} "
        sides = [picture.images_from, picture.images_to]
        if sides[0] == sides[1]:
            sides = sides[1:]
        images = arrow.join(", ".join(safe(item, 300) for item in side) for side in sides if side)
    else:
        to = picture.images_to or picture.images_from
        images = words.images(picture.images_from, to, surface)
    strategy = {"blueGreen": "blue-green", "": "no strategy"}
    holder = ""
    if picture.workload:
        holder = f"template of {safe(picture.workload)}"
        if not picture.images_to:
            holder += ", as it is now not observed yet"
    facts = join([strategy.get(picture.strategy, picture.strategy), revision, images, holder], "  ")
    return [*result, *routing.countdown(picture, surface), *wrap(facts, surface.room, indent=2)]


def traffic(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """Who gets how much; [] where nothing is split."""
    weights = picture.weights
    shown = weights.actual if weights.set is None else weights.set
    if picture.strategy != "canary" or shown is None or not picture.stable_revision:
        return []
    if picture.status.fully_promoted:
        by = f"   by {safe(weights.router)}" if weights.router else ""
        return [line(Span("Traffic   ", "strong"), f"stable 100 %{by}")]
    whole = max(1, weights.maximum)
    full = max(0, min(_BAR, round(shown * _BAR / whole)))
    unit = "%" if whole == 100 else f"of {whole}"
    facts = []
    if weights.desired is not None and weights.desired != shown:
        facts.append(f"{weights.desired} {unit} wanted")
    if weights.router:
        routes = f" {', '.join(safe(name) for name in weights.routes)}" if weights.routes else ""
        facts.append(f"set by {safe(weights.router)}{routes}")
        if weights.set is None:
            facts.append("not set yet")
        if weights.verified is not None:
            facts.append("verified" if weights.verified else "not verified yet")
    else:
        facts.append("by pods")
    stable = max(0, whole - shown) if weights.stable is None else weights.stable
    bar = surface.symbols.full * full + surface.symbols.empty * (_BAR - full)
    drawn = [Span(bar, "accent"), Span(" ")] if surface.terminal else []
    text = line(
        Span("Traffic   ", "strong"),
        "canary ",
        *drawn,
        Span(f"{shown} {unit}", "strong"),
        f"   stable {stable} {unit}   ",
        ", ".join(facts),
    )
    return wrap(text, surface.room, indent=10)


def pods(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """How many pods of each version are ready."""
    parts: list[Line] = []
    for item in picture.replica_sets:
        if not item.role or not (item.desired or item.current):
            continue
        role = revisions.role(item).replace(", ", "/")
        style = "" if item.ready >= item.desired else "warn"
        count = f"{item.ready} of {item.desired} ready"
        if item.ready > item.desired:
            count = f"{item.ready} ready, {item.desired} wanted"
        few = picture.blue_green.preview_replicas if picture.blue_green is not None else None
        if few is not None and "preview" in item.role:
            count += f" (before the switch; then {desired_replicas(picture.rollout)})"
        parts.append(line(f"{role} ", Span(count, style)))
    if not parts:
        status = picture.rollout.status
        wanted = picture.rollout.spec.replicas
        text = f"{status.ready_replicas} of {1 if wanted is None else wanted} ready"
        parts.append(line(text))
    text_line: Line = (Span("Pods      ", "strong"), *join(parts, "   "))
    return wrap(text_line, surface.room, indent=10)


def _missing(missing: Sequence[tuple[str, str]], surface: Surface) -> list[Line]:
    result: list[Line] = []
    for what, why in missing:
        text = line(Span(f"{safe(what)} not shown: {safe(why, 400)}", "warn"))
        result += wrap(text, surface.room, indent=2)
    return result
