"""A whole fleet on one page: what is wrong first, then who waits, then how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from rolloutctl.domain.facts import RolloutRow
from rolloutctl.domain.fleet.causes import Cause, Why
from rolloutctl.domain.fleet.summary import (
    NAMESPACE,
    CauseGroup,
    Counts,
    Group,
    Place,
    PluginUse,
    Stuck,
    Summary,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap
from rolloutctl.render.views.table import step_cell

T = TypeVar("T")

EXAMPLES = 3
"""Rollouts named for each cause."""
_COLUMNS: tuple[tuple[str, Callable[[Counts], int], str], ...] = (
    ("TOTAL", lambda counts: counts.total, ""),
    ("DEGRADED", lambda counts: counts.degraded, "bad"),
    ("ABORTED", lambda counts: counts.aborted, "bad"),
    ("PAUSED", lambda counts: counts.paused, ""),
    ("AWAITING", lambda counts: counts.awaiting, "wait"),
    ("PROGRESSING", lambda counts: counts.progressing, ""),
    ("HEALTHY", lambda counts: counts.healthy, ""),
)
_OTHER = ("OTHER", lambda counts: counts.other, "warn")
_AWAITED = {
    Awaiting.PROMOTION: "promotion",
    Awaiting.RESUME: "resume",
    Awaiting.INCONCLUSIVE: "decision",
}


def lines(
    summary: Summary,
    surface: Surface,
    *,
    top: int = 0,
    scope: str = "",
    unread: Mapping[str, str] | None = None,
) -> list[Line]:
    """The page. `top`: how many of each kind are shown (0: all). `scope`: the options of a command
    that lists the same rollouts (" -A"). `unread`: why a cluster's plugins' configuration is not
    known."""
    several = bool(summary.clusters)
    parts = (
        headline(summary.counts, surface),
        _aborted(summary, surface, top),
        _degraded(summary, surface, top),
        _awaiting(summary, surface, top, scope, several),
        _stuck(summary, surface, top, several),
        _plugins(summary, surface, top, unread or {}),
        _counted(summary, surface, top),
    )
    page: list[Line] = []
    for part in parts:
        found = list(part)
        if found:
            page += [*([()] if page else []), *found]
    return page


class Trouble(NamedTuple):
    """Rollouts with which something is wrong alike, or that wait alike; each with a line of it."""

    key: str
    head: Line
    members: list[tuple[tuple[str, Ref], Line]]


def troubles(summary: Summary, surface: Surface) -> list[Trouble]:
    """What somebody may have to look at, for a screen on which groups unfold: aborted within the
    time looked back on, degraded otherwise, waiting for a person, too long on the way."""
    found: list[Trouble] = []
    since = words.elapsed(summary.since)
    for what, groups in (("aborted", summary.aborted), ("degraded", summary.degraded)):
        for group in groups:
            count = len(group.places)
            head = line(
                Span(f"{count:,} {what}", "bad"),
                f"  {cause(group.why)}",
                Span(f"  in the last {since}" if what == "aborted" else "", "dim"),
            )
            members = [
                ((place.cluster, place.ref), line(_place(place, surface))) for place in group.places
            ]
            found.append(Trouble(f"{what} {group.why!r}", head, members))
    if summary.awaiting:
        head = line(
            Span(f"{len(summary.awaiting):,} awaiting a person", "wait"),
            Span("  the longest wait first", "dim"),
        )
        found.append(Trouble("awaiting", head, [_row(row, surface) for row in summary.awaiting]))
    if summary.stuck:
        longer = words.elapsed(summary.longer)
        head = line(
            Span(f"{len(summary.stuck):,} progressing for more than {longer}", "warn"),
            Span("  the longest first", "dim"),
        )
        found.append(Trouble("stuck", head, [_row(each.row, surface) for each in summary.stuck]))
    return found


def _row(row: RolloutRow, surface: Surface) -> tuple[tuple[str, Ref], Line]:
    since = words.age(row.since, surface.now)
    text = line(
        _named(row.cluster, str(row.ref)),
        f"  {since}  " if since else "  ",
        step_cell(row),
    )
    return row.place, text


def headline(counts: Counts, surface: Surface) -> list[Line]:
    """How many there are in each phase, on a line."""
    pieces: list[Piece] = [Span(words.counted(counts.total, "rollout"), "strong")]
    pieces += [":"] if counts.total else []
    said: list[tuple[str, str, int, str]] = [
        ("Degraded", "bad", counts.degraded, f"{counts.aborted:,} aborted"),
        ("Paused", "warn", counts.paused, f"{counts.awaiting:,} awaiting a person"),
        ("Progressing", "accent", counts.progressing, ""),
        ("Healthy", "good", counts.healthy, ""),
        ("other", "warn", counts.other, ""),
    ]
    shown = [item for item in said if item[2]]
    for number, (name, style, count, split) in enumerate(shown):
        pieces += [" ", Span(f"{count:,} {name}", style)]
        if split and not split.startswith("0 "):
            pieces.append(f" ({split})")
        if number < len(shown) - 1:
            pieces.append(",")
    return wrap(line(*pieces), surface.room, indent=2)


def cause(why: Why) -> str:
    """A cause in the field's words: "plugin demo/gate failed", "metric success-rate"."""
    text, name = safe(why.text, 400), safe(why.name)
    match why.cause:
        case Cause.PLUGIN:
            return f"plugin {name} failed"
        case Cause.METRIC:
            return f"metric {name}" + (
                "" if why.phase == "Failed" else f" ({safe(why.phase, 40).lower()})"
            )
        case Cause.ANALYSIS:
            return _told("analysis failed", text)
        case Cause.EXPERIMENT:
            return _told("experiment failed", text)
        case Cause.DEADLINE:
            return "progress deadline"
        case Cause.PERSON:
            return "by a person"
        case Cause.INVALID_SPEC:
            return _told("invalid spec", text)
        case Cause.PODS_NOT_CREATED | Cause.OTHER:
            return text or "no reason given"


def _told(what: str, text: str) -> str:
    return f"{what}: {text}" if text else what


# --- what is wrong ------------------------------------------------------------------------------


def _aborted(summary: Summary, surface: Surface, top: int) -> Iterator[Line]:
    recent = sum(len(group.places) for group in summary.aborted)
    if not recent and not summary.aborted_before:
        return
    title = f"ABORTED in the last {words.elapsed(summary.since)}"
    before = f"{summary.aborted_before:,} aborted before that, and still are"
    if not recent:
        yield line(Span(title, "dim"), ": none", Span(f"; {before}", "dim"))
        return
    yield line(Span(title, "dim"), f": {recent:,}")
    yield from _causes(summary.aborted, surface, top)
    if summary.aborted_before:
        yield line(Span(before, "dim"))


def _degraded(summary: Summary, surface: Surface, top: int) -> Iterator[Line]:
    if summary.degraded:
        count = sum(len(group.places) for group in summary.degraded)
        yield line(Span("DEGRADED, not aborted", "dim"), f": {count:,}")
        yield from _causes(summary.degraded, surface, top)


def _causes(groups: Sequence[CauseGroup], surface: Surface, top: int) -> Iterator[Line]:
    shown, left = _capped(groups, top)
    digits = max(len(f"{len(group.places):,}") for group in shown) + 2
    for group in shown:
        count = f"{len(group.places):,}".rjust(digits)
        text = f"{count}  {cause(group.why)}"
        yield from wrap(line(Span(text, "bad")), surface.room, indent=digits + 2)
        named = [_place(place, surface) for place in group.places[:EXAMPLES]]
        more = len(group.places) - len(named)
        rest = ", ".join([*named, *([f"{more:,} more"] if more else [])])
        yield from wrap(line(" " * (digits + 2), rest), surface.room, indent=digits + 2)
    yield from _more(left, "cause")


def _place(place: Place, surface: Surface) -> str:
    text = _named(place.cluster, str(place.ref))
    return text if place.at is None else f"{text} {words.age(place.at, surface.now)} ago"


def _named(cluster: str, ref: str) -> str:
    return f"{safe(cluster)}:{safe(ref, 520)}" if cluster else safe(ref, 520)


def _stuck(summary: Summary, surface: Surface, top: int, several: bool) -> Iterator[Line]:
    if not summary.stuck:
        return
    title = f"PROGRESSING for more than {words.elapsed(summary.longer)}"
    yield line(Span(title, "dim"), f": {len(summary.stuck):,}; the longest first")
    shown, left = _capped(summary.stuck, top)
    cells: list[list[Piece]] = [
        [
            *_where(each.row, several),
            words.age(each.since, surface.now),
            _held(each),
        ]
        for each in shown
    ]
    header = [*(["CLUSTER"] if several else []), "ROLLOUT", "FOR", "STEP"]
    yield from table(header, cells, surface, flex="ROLLOUT")
    yield from _more(left)


def _held(each: Stuck) -> Span:
    """The step it stands at, and the plugin that runs where that is another step's."""
    step = step_cell(each.row)
    name = safe(each.plugin)
    if not name or name in step.text:
        return step
    said = f"plugin {name} running"
    return Span(said if step.text == "-" else f"{step.text}, {said}", step.style)


# --- who waits ----------------------------------------------------------------------------------


def _awaiting(
    summary: Summary, surface: Surface, top: int, scope: str, several: bool
) -> Iterator[Line]:
    if not summary.awaiting:
        return
    count = words.counted(len(summary.awaiting), "rollout")
    yield line(Span("AWAITING a person", "dim"), f": {count}; the longest wait first")
    shown, left = _capped(summary.awaiting, top)
    cells: list[list[Piece]] = [
        [
            *_where(row, several),
            words.age(row.since, surface.now) or "-",
            _AWAITED[row.awaiting] if row.awaiting is not None else "-",
            step_cell(row),
        ]
        for row in shown
    ]
    header = [*(["CLUSTER"] if several else []), "ROLLOUT", "FOR", "WAITS FOR", "STEP"]
    yield from table(header, cells, surface, flex="ROLLOUT")
    yield from _more(left)
    arrow = surface.symbols.arrow
    commands = [_next(shown[0])] if shown else []
    commands.append(f"rolloutctl list{scope} --awaiting")
    for command in commands:
        yield from wrap(line(Span(f"{arrow} {command}", "dim")), surface.room, indent=2)


def _next(row: RolloutRow) -> str:
    """The command that goes on with one that waits."""
    verb = "resume" if row.awaiting is Awaiting.RESUME else "promote"
    context = f" --context {safe(row.cluster)}" if row.cluster else ""
    return f"rolloutctl {verb} {safe(row.ref.name)} -n {safe(row.ref.namespace)}{context}"


def _where(row: RolloutRow, several: bool) -> list[Piece]:
    name = Span(safe(str(row.ref), 520), "strong")
    return [safe(row.cluster), name] if several else [name]


# --- plugins ------------------------------------------------------------------------------------


def _plugins(
    summary: Summary, surface: Surface, top: int, unread: Mapping[str, str]
) -> Iterator[Line]:
    if not summary.plugins:
        return
    shown, left = _capped(summary.plugins, top)
    failed = f"FAILED {words.elapsed(summary.since).upper()}"
    cells: list[list[Piece]] = [
        [
            Span(safe(use.name), "strong"),
            _state(use),
            f"{use.rollouts:,}",
            f"{use.steps:,}",
            _number(len(use.running), ""),
            _longest(use, surface.now),
            _number(len(use.failing), "bad"),
            _number(len(use.failed), "bad"),
        ]
        for use in shown
    ]
    header = ["STEP PLUGIN", "STATE", "ROLLOUTS", "STEPS"]
    header += ["RUNNING", "LONGEST", "ERROR", failed]
    yield from table(
        header,
        cells,
        surface,
        right=("ROLLOUTS", "STEPS", "RUNNING", "LONGEST", "ERROR", failed),
        drop=("STEPS", "LONGEST", "ROLLOUTS"),
        flex="STEP PLUGIN",
    )
    yield from _more(left)
    for label, problem in unread.items():
        text = f"argo-rollouts-config was not read: {safe(problem, 400)}"
        text = f"{safe(label)}: {text}" if label else text
        yield from wrap(line(Span(text, "dim")), surface.room, indent=2)


def _state(use: PluginUse) -> Span:
    """What argo-rollouts-config says; of several clusters, in which or how many of them."""
    for clusters, text, style in (
        (use.unconfigured, "NOT CONFIGURED", "bad"),
        (use.disabled, "disabled", "warn"),
    ):
        if clusters:
            where = safe(clusters[0]) if len(clusters) == 1 else f"{len(clusters)} clusters"
            return Span(f"{text} in {where}" if where else text, style)
    return Span("-", "dim") if use.unread else Span("enabled")


def _longest(use: PluginUse, now: datetime) -> Piece:
    at = use.running[0].at if use.running else None
    return words.age(at, now) or "-"


# --- how many -----------------------------------------------------------------------------------


def _counted(summary: Summary, surface: Surface, top: int) -> Iterator[Line]:
    by = "NAMESPACE" if summary.by == NAMESPACE else safe(summary.by).upper()
    sections: list[tuple[str, str, Sequence[Group]]] = []
    if summary.clusters:
        sections.append(("CLUSTER", "-", summary.clusters))
    sections += [
        ("STRATEGY", "none", summary.strategies),
        (by, "(no such label)", summary.groups),
    ]
    for number, (title, nameless, groups) in enumerate(sections):
        shown, left = _capped(groups, top)
        if number and shown:
            yield ()
        yield from _counts(title, nameless, shown, surface)
        yield from _more(left)


def _counts(title: str, nameless: str, groups: Iterable[Group], surface: Surface) -> Iterator[Line]:
    listed = list(groups)
    columns = [*_COLUMNS, *([_OTHER] if any(group.counts.other for group in listed) else [])]
    names = [name for name, _, _ in columns]
    cells: list[list[Piece]] = [
        [
            Span(safe(group.name) or nameless, "strong" if group.name else "dim"),
            *(_number(count(group.counts), style) for _, count, style in columns),
        ]
        for group in listed
    ]
    yield from table(
        [title, *names],
        cells,
        surface,
        right=names,
        drop=("HEALTHY", "PAUSED", "PROGRESSING"),
        flex=title,
    )


def _number(count: int, style: str) -> Span:
    return Span(f"{count:,}", style) if count else Span("-", "dim")


def _capped(items: Sequence[T], top: int) -> tuple[Sequence[T], int]:
    shown = items[:top] if top > 0 else items
    return shown, len(items) - len(shown)


def _more(left: int, noun: str = "") -> Iterator[Line]:
    if left:
        yield line(
            Span(f"{words.counted(left, f'more {noun}') if noun else f'{left:,} more'}", "dim")
        )
