"""Lists that are followed: redrawn in place on a terminal, elsewhere a line per change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.living import can_redraw, live, stale_lines
from rolloutctl.cli.rollouts import surface_of
from rolloutctl.cli.run import Run
from rolloutctl.cli.sources import of_cluster, several
from rolloutctl.errors import ExitCode, Interrupted, Timeout, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rolloutctl.actions.following_rows import RowUpdate
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.facts import Place
    from rolloutctl.domain.fleet.entry import Keep
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.tree import RolloutRow
    from rolloutctl.errors import RolloutctlError
    from rolloutctl.render.surface import Surface

_FRESH = 3.0
"""Seconds for which a changed row of a living table stands out."""
_BLOCK = 500
"""Lines that are written at once at most."""


@dataclass(frozen=True)
class Asked:
    """What is followed, and how it is shown. `timeout` in seconds."""

    output: str | None = None
    selector: str = ""
    keep: Keep | None = None
    awaiting: bool = False
    timeout: float | None = None
    fresh: bool = False


def follow_rows(run: Run, asked: Asked) -> ExitCode:
    """A list that lives, until it is interrupted or its time is up."""
    if asked.output in ("name", "yaml"):
        raise UsageError(
            f"-o {asked.output} does not go with --watch", hint="-o jsonl gives a line per change"
        )
    show: _Lines | _Table
    if asked.output in (None, "wide") and can_redraw(run):
        show = _Table(run, asked)
    else:
        show = _Lines(run, asked)
    try:
        show.follow()
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    if asked.timeout:
        raise Timeout(f"stopped watching after {asked.timeout:g} s")
    return ExitCode.OK


def _updates(
    run: Run,
    asked: Asked,
    failed: Callable[[str, RolloutctlError], None],
    tick: float | None = None,
) -> Iterator[RowUpdate]:
    """What the following says; `failed` is told of a cluster among several that ends with one."""
    from rolloutctl.actions.following_clusters import follow_clusters
    from rolloutctl.actions.following_rows import follow_rows
    from rolloutctl.cli import warm
    from rolloutctl.cli.sources import sources

    warm.check(asked.selector)
    listed = sources(run)

    def follow(source: Source, tick: float | None) -> Iterator[RowUpdate]:
        return follow_rows(
            source.cluster,
            source.namespace,
            label_selector=asked.selector,
            keep=asked.keep,
            snapshots=warm.snapshots(run, source.cluster, fresh=asked.fresh),
            tick=tick,
            timeout=asked.timeout or None,
            now=run.environment.now,
        )

    if len(listed) == 1:
        return follow(listed[0], tick)
    return follow_clusters(
        {source.label: partial(follow, source, None) for source in listed},
        failed,
        tick=tick,
        timeout=asked.timeout or None,
    )


def _told(update: RowUpdate) -> str:
    """The problem, with the name of its cluster where there are several."""
    return f"{update.cluster}: {update.problem}" if update.cluster else update.problem


class _Lines:
    """A line or a document per change, written in blocks: one for each burst."""

    def __init__(self, run: Run, asked: Asked) -> None:
        self._run = run
        self._asked = asked
        self._pending: list[RowUpdate] = []

    def follow(self) -> None:
        from rolloutctl.actions.following import News
        from rolloutctl.render.text import safe

        run = self._run
        try:
            for update in _updates(run, self._asked, self._failed):
                if update.row is not None:
                    self._pending.append(update)
                    if len(self._pending) >= _BLOCK:
                        self._flush()
                    continue
                self._flush()
                problem = safe(_told(update), 400)
                if update.news is News.STALE:
                    run.note(f"the connection dropped ({problem}); going on when it is back")
                elif update.news is News.BACK:
                    of = f" of {safe(update.cluster)}" * bool(update.cluster)
                    run.note(f"the connection{of} is back")
                elif update.news is News.UNREADABLE:
                    run.note(f"not readable: {problem}")
        finally:
            self._flush()

    def _failed(self, cluster: str, error: RolloutctlError) -> None:
        self._flush()
        self._run.fail(of_cluster(cluster, error))

    def _flush(self) -> None:
        updates, self._pending = self._pending, []
        if not updates:
            return
        surface = surface_of(self._run)
        if self._asked.output in ("json", "jsonl"):
            from rolloutctl.cli.output import write

            write(self._run, (_document(update, surface) for update in updates), "jsonl")
        else:
            self._run.emit(line for update in updates if (line := _line(update, surface)))


def _document(update: RowUpdate, surface: Surface) -> dict[str, Any]:
    from rolloutctl.actions.following import News
    from rolloutctl.render.documents import rollout as documents

    assert update.row is not None
    deleted = update.news is News.DELETED
    return documents.row_change(update.row, update.before, at=surface.now, deleted=deleted)


def _line(update: RowUpdate, surface: Surface) -> Any:
    """The line of an update; None when it says what the one before said."""
    from rolloutctl.actions.following import News
    from rolloutctl.render.views import movement

    assert update.row is not None
    deleted = update.news is News.DELETED
    line = movement.row_line(update.row, surface, deleted=deleted)
    if deleted or update.before is None:
        return line
    # A row holds more than its line shows: messages, moments.
    return None if movement.row_line(update.before, surface) == line else line


class _Table:
    """The table, redrawn in place: what is not Healthy comes first where not all rows fit."""

    def __init__(self, run: Run, asked: Asked) -> None:
        from rolloutctl.domain.fleet.ranking import Ranking

        self._run = run
        self._asked = asked
        self._rows = Ranking(longest_wait=asked.awaiting)
        self._changed: dict[Place, float] = {}
        """When the rows that stand out changed."""
        self._unreadable: dict[tuple[str, Ref | None], str] = {}
        self._stale: dict[str, tuple[str, str]] = {}
        """By cluster: since when, and why."""
        self._failures: list[Any] = []
        """Lines about the clusters that cannot be followed."""
        self._reading = True
        """Whether there is more than has been read."""
        self._room = 0
        self._clusters = several(run)
        common = run.common
        self._namespaces = common.all_namespaces or bool(self._clusters and not common.namespace)

    def follow(self) -> None:
        from rolloutctl.actions.following import News

        with live(self._run) as draw:
            for update in _updates(self._run, self._asked, self._failed, tick=1.0):
                self._take(update)
                if update.news in (News.TICK, News.STALE, News.BACK):
                    draw(self._picture)

    def _take(self, update: RowUpdate) -> None:
        from rolloutctl.actions.following import News

        if update.news is News.STALE:
            now = self._run.environment.now()
            self._stale[update.cluster] = (f"{now:%H:%M:%S}Z", _told(update))
        elif update.news is News.BACK:
            self._stale.pop(update.cluster, None)
        elif update.news is News.UNREADABLE:
            self._unreadable[update.cluster, update.ref] = _told(update)
        elif update.news is News.TICK:
            self._reading = update.first
        elif update.row is not None:
            place = update.row.place
            self._unreadable.pop(place, None)
            if update.news is News.DELETED:
                self._rows.drop(place)
                self._changed.pop(place, None)
                return
            self._rows.put(update.row)
            if not update.first:
                self._changed[place] = monotonic()

    def _failed(self, cluster: str, error: RolloutctlError) -> None:
        from rolloutctl.render.problems import error_lines

        told = of_cluster(cluster, error)
        self._failures += error_lines(told.message, "", self._run.surface())
        self._stale.pop(cluster, None)

    def _in_order(self, row: RolloutRow) -> Any:
        at = self._clusters.index(row.cluster) if self._clusters else 0
        return (at, row.ref)

    def _picture(self, room: int | None) -> list[Any]:
        from rolloutctl.render.text import Span, line, safe, wrap
        from rolloutctl.render.views import table

        # At the end no whole fleet scrolls by: `list` prints it.
        room = self._room = self._room if room is None else room
        now = monotonic()
        for place in [at for at, moment in self._changed.items() if now - moment >= _FRESH]:
            del self._changed[place]
        above = list(self._failures)
        for stale in self._stale.values():
            above += stale_lines(self._run, *stale)
        above += [
            line(Span(f"not readable: {safe(problem, 400)}", "warn"))
            for problem in self._unreadable.values()
        ]
        if self._reading:
            above.append(line(Span("reading; there are more", "dim")))
        if not len(self._rows):
            return above if self._reading else [*above, line(Span("no rollouts", "dim"))]
        fit = room - len(above) - 1
        left = max(0, len(self._rows) - fit)
        if left:
            counts = table.counts(self._rows.phases, self._rows.awaiting)
            on_top = wrap(counts, self._run.environment.width, indent=2)
            above += on_top
            fit = max(1, fit - len(on_top) - 1)
            left = len(self._rows) - fit
        shown = self._rows.first(fit)
        if not left and not self._asked.awaiting:
            shown.sort(key=self._in_order)
        lines = table.lines(
            shown,
            surface_of(self._run),
            namespaces=self._namespaces,
            clusters=self._clusters,
            wide=self._asked.output == "wide",
            fresh=self._changed,
        )
        result = [*above, *lines]
        if left:
            first = "the longest wait" if self._asked.awaiting else "what is not Healthy"
            result.append(line(Span(f"{left:,} more; {first} comes first", "dim")))
        return result
