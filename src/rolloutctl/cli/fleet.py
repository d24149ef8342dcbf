"""The summary of a fleet, once or followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.rollouts import nothing, place, report_unreadable, surface_of
from rolloutctl.cli.run import Broken, Run
from rolloutctl.errors import ExitCode, Interrupted, RolloutctlError, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.fleet import Following, Member
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.fleet.summary import Summary
    from rolloutctl.domain.fleet.tally import Tally
    from rolloutctl.render.surface import Surface

_LESS = (7, 5, 3, 2, 1)
"""How many of each kind a screen shows on which more do not fit."""
_UNREADABLE = 5
"""Rollouts that cannot be read, of which a page that is followed says why."""


@dataclass(frozen=True)
class Asked:
    """What is summed up, and how it is shown; `timeout` in seconds, `top` 0: all is listed."""

    selector: str
    by: str
    since: timedelta
    stuck: timedelta
    top: int
    output: str | None
    timeout: float | None
    fresh: bool


def show(run: Run, asked: Asked) -> ExitCode:
    """Reads everything and says what there is. FAILED when some could not be read."""
    from rolloutctl.actions import fleet
    from rolloutctl.cli.sources import each
    from rolloutctl.cli.warm import Readings
    from rolloutctl.domain.cluster import Unreadable

    listed = _sources(run, asked)
    readings = Readings(run, selector=asked.selector, fresh=asked.fresh)
    tally = _tally(asked, listed)
    unread: dict[str, str] = {}
    unreadable: list[tuple[str, Unreadable]] = []
    for source, item in each(
        run, lambda source: fleet.read(readings.of(source), source.cluster), listed
    ):
        if isinstance(item, Unreadable):
            unreadable.append((source.label, item))
        elif isinstance(item, fleet.Configured):
            tally.configure(item.config, source.label)
            if item.problem:
                unread[source.label] = item.problem
        else:
            tally.put(item, source.label)
    for broken in run.broken:
        # A part of a cluster is worse than none: nobody could tell what the numbers are of.
        tally.leave(broken.label)
    surface = surface_of(run, _only(listed))
    summary = _summary(tally, surface, asked)
    if asked.output is None:
        run.emit(_page(run, summary, surface, asked, unread))
    else:
        _write(run, summary, surface, asked, asked.output)
    readings.tell()
    if unreadable:
        report_unreadable(run, unreadable)
        return ExitCode.FAILED
    if not len(tally):
        run.note(nothing(place(run, listed), asked.selector, filtered=False))
    return ExitCode.OK


def follow(run: Run, asked: Asked) -> ExitCode:
    """Says it again as it changes, until it is interrupted or its time is up."""
    from rolloutctl.actions.fleet import Following
    from rolloutctl.cli.living import can_redraw

    listed = _sources(run, asked)
    if asked.output == "yaml":
        raise UsageError(
            "-o yaml does not go with --watch", hint="-o jsonl gives a document per change"
        )
    tally = _tally(asked, listed)
    members, broken = _members(run, asked, listed)
    if not members:
        raise next(iter(broken.values()))
    for label in broken:
        tally.leave(label)
    following = Following(
        members,
        tally,
        label_selector=asked.selector,
        timeout=asked.timeout,
        now=run.environment.now,
    )
    following.broken |= broken
    shown = _redrawn if asked.output is None and can_redraw(run) else _repeated
    only = _only(listed)
    try:
        shown(run, asked, following, only)
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    finally:
        run.broken += [Broken(label, error) for label, error in following.broken.items()]
    if asked.timeout:
        raise Timeout(f"stopped watching after {asked.timeout:g} s")
    return ExitCode.FAILED if following.unreadable else ExitCode.OK


# ------------------------------------------------------------------------------------------------


def _sources(run: Run, asked: Asked) -> list[Source]:
    from rolloutctl.cli.sources import sources
    from rolloutctl.cli.warm import check

    if asked.output in ("name", "wide"):
        raise UsageError(
            f"-o {asked.output} is no form of a summary", hint="there are json, yaml and jsonl"
        )
    check(asked.selector)
    # A fleet is everything, unless one namespace is named.
    run.common.all_namespaces = run.common.all_namespaces or not run.common.namespace
    return sources(run)


def _only(listed: list[Source]) -> Cluster | None:
    return listed[0].cluster if len(listed) == 1 else None


def _tally(asked: Asked, listed: list[Source]) -> Tally:
    from rolloutctl.domain.fleet.tally import Tally

    return Tally(asked.by, [source.label for source in listed] if len(listed) > 1 else ())


def _members(
    run: Run, asked: Asked, listed: list[Source]
) -> tuple[list[Member], dict[str, RolloutctlError]]:
    """The clusters to follow, and of several those whose configuration is broken."""
    from rolloutctl.actions.fleet import Member
    from rolloutctl.cli.warm import snapshots

    members: list[Member] = []
    broken: dict[str, RolloutctlError] = {}
    for source in listed:
        try:
            cluster = source.cluster
        except RolloutctlError as error:
            if len(listed) == 1:
                raise
            broken[source.label] = error
            continue
        kept = snapshots(run, cluster, fresh=asked.fresh)
        members.append(Member(source.label, cluster, source.namespace, kept))
    return members, broken


def _summary(tally: Tally, surface: Surface, asked: Asked) -> Summary:
    return tally.summary(surface.now, since=asked.since, stuck=asked.stuck)


def _page(
    run: Run,
    summary: Summary,
    surface: Surface,
    asked: Asked,
    unread: dict[str, str],
    room: int | None = None,
) -> list[Any]:
    """The page; with `room`, lines it should fit in, less of each kind is listed."""
    import shlex

    from rolloutctl.render.views import fleet

    common = run.common
    scope = " -A" if common.all_namespaces else f" -n {common.namespace}"
    if asked.selector:
        scope += f" -l {shlex.quote(asked.selector)}"
    if common.all_contexts:
        scope += " --all-contexts"
    elif common.context:
        scope += f" --context {shlex.quote(','.join(common.context))}"
    page: list[Any] = []
    for top in [asked.top, *(less for less in _LESS if less < (asked.top or _LESS[0] + 1))]:
        page = fleet.lines(summary, surface, top=top, scope=scope, unread=unread)
        if room is None or len(page) <= room:
            break
    return page


def _write(run: Run, summary: Summary, surface: Surface, asked: Asked, output: str) -> None:
    from rolloutctl.cli.output import write
    from rolloutctl.render.documents import fleet

    write(run, [fleet.summary_document(summary, at=surface.now, top=asked.top)], output)


def _repeated(run: Run, asked: Asked, following: Following, only: Cluster | None) -> None:
    """A page, or a document on a line, for each second in which something changed."""
    from rolloutctl.render.text import safe

    before: Any = None
    stale: dict[str, str] = {}
    for _ in following:
        for label, problem in following.stale.items():
            if label not in stale:
                run.note(
                    f"{safe(label)}: " * bool(label)
                    + f"the connection dropped ({safe(problem, 300)}); going on when it is back"
                )
        for label in stale.keys() - following.stale.keys():
            run.note(f"{safe(label)}: " * bool(label) + "the connection is back")
        stale = dict(following.stale)
        surface = surface_of(run, only)
        summary = _summary(following.tally, surface, asked)
        said = (summary, dict(following.unreadable), dict(following.unconfigured))
        if said == before:
            continue
        if asked.output is not None:
            _write(run, summary, surface, asked, "jsonl")
        else:
            from rolloutctl.render.text import Span, line

            head = line(Span(f"{surface.now:%H:%M:%S}Z", "strong"))
            page = [head, *_above(run, following)]
            page += _page(run, summary, surface, asked, following.unconfigured)
            run.emit([*([()] if before is not None else []), *page])
        before = said


def _redrawn(run: Run, asked: Asked, following: Following, only: Cluster | None) -> None:
    from rolloutctl.cli.living import live, stale_lines

    since: dict[str, str] = {}

    def picture(room: int | None) -> list[Any]:
        surface = surface_of(run, only)
        above: list[Any] = []
        for label, problem in following.stale.items():
            above += stale_lines(run, since.get(label, "now"), f"{label}: " * bool(label) + problem)
        above += _above(run, following)
        summary = _summary(following.tally, surface, asked)
        left = None if room is None else room - len(above)
        return [*above, *_page(run, summary, surface, asked, following.unconfigured, left)]

    with live(run) as draw:
        for _ in following:
            here = f"{run.environment.now():%H:%M:%S}Z"
            since = {label: since.get(label, here) for label in following.stale}
            draw(picture)


def _above(run: Run, following: Following) -> list[Any]:
    """What a page does not hold: the clusters and rollouts that are missing in it."""
    from rolloutctl.render.text import Span, line, safe, wrap

    texts = [
        f"{safe(label)} is not in this: {safe(error.message, 300)}"
        for label, error in following.broken.items()
    ]
    texts += [
        f"{safe(label)}: " * bool(label)
        + f"{safe(str(ref), 520)} is not readable: {safe(problem, 300)}"
        for (label, ref), problem in list(following.unreadable.items())[:_UNREADABLE]
    ]
    left = len(following.unreadable) - _UNREADABLE
    if left > 0:
        texts.append(f"{left:,} more are not readable")
    width = run.surface().room
    return [piece for text in texts for piece in wrap(line(Span(text, "warn")), width, indent=2)]
