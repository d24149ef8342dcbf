"""What `get` and `list` share: rows of many rollouts in every output format, also followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from rolloutctl.cli.living import can_redraw, live, stale_lines
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Interrupted, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.cluster import Cluster, Unreadable
    from rolloutctl.domain.fleet.entry import Entry, Keep
    from rolloutctl.domain.tree import RolloutRow
    from rolloutctl.render.surface import Surface

T = TypeVar("T")

RESOURCE = "rollout.argoproj.io"
_BLOCK = 500
"""Lines written at once: a fleet's table must not cost a system call per row."""

_FRESH = 3.0
"""Seconds for which a changed row of a living table stands out."""
_SKEW = 2.0
"""Seconds a server's clock may differ before spans of time are counted by it (its stamps have
whole seconds)."""


def surface_of(run: Run, cluster: Cluster | None = None) -> Surface:
    """What stdout can show, at the server's time: the moments in its objects are of its clock.

    For what is of several clusters (`cluster` is None) it is the middle one of those that have
    answered: the wrong clock of one must not be everybody's.
    """
    surface = run.surface()
    among = run.opened if cluster is None else [cluster]
    skews = sorted(found for each in among if (found := each.server_time_skew()))
    skew = skews[len(skews) // 2] if skews else 0.0
    return (
        surface._replace(now=surface.now - timedelta(seconds=skew))
        if abs(skew) > _SKEW
        else surface
    )


def blocks(items: Iterable[T], size: int = _BLOCK) -> Iterator[list[T]]:
    """The items in lists of `size`, as they come."""
    source = iter(items)
    while block := list(islice(source, size)):
        yield block


def parse_phases(text: str) -> frozenset[str]:
    """The phases of `--phase A,B`. Raises UsageError for an unknown one, listing all."""
    from rolloutctl.actions.until import known_phase

    return frozenset(known_phase(part) for part in text.split(",") if part.strip())


def keep_for(phases: frozenset[str], plugin: str, awaiting: bool) -> Keep | None:
    """The filter of the options, None when they let everything pass."""
    if not phases and not plugin and not awaiting:
        return None

    def keep(found: Entry) -> bool:
        if phases and found.row.phase not in phases:
            return False
        if awaiting and found.row.awaiting is None:
            return False
        return not plugin or any(_names(plugin, name) for name in found.plugins)

    return keep


def _names(wanted: str, name: str) -> bool:
    return name == wanted or name.partition("/")[2] == wanted


def longest_wait_first(rows: list[RolloutRow]) -> list[RolloutRow]:
    """Sorted by the moment waiting began; unknown moments last."""
    return sorted(
        rows,
        key=lambda row: (row.since is None, row.since.timestamp() if row.since else 0.0, row.ref),
    )


def show_rows(
    run: Run,
    *,
    output: str | None,
    selector: str = "",
    keep: Keep | None = None,
    awaiting: bool = False,
) -> ExitCode:
    """Reads and prints a list. FAILED when some objects could not be read (they are named)."""
    from msgspec.structs import replace

    from rolloutctl.actions.reading import Reading
    from rolloutctl.cli.sources import each, no_names, sources
    from rolloutctl.domain.cluster import Unreadable

    listed = sources(run)
    if output == "name" and len(listed) > 1:
        raise no_names()
    several = len(listed) > 1
    namespaces = run.common.all_namespaces or (several and not run.common.namespace)
    unreadable: list[tuple[str, Unreadable]] = []
    count = 0

    def readable() -> Iterator[RolloutRow]:
        nonlocal count
        found = each(
            run,
            lambda source: Reading(
                source.cluster, source.namespace, label_selector=selector, now=run.environment.now
            ),
            listed,
        )
        for source, item in found:
            if isinstance(item, Unreadable):
                unreadable.append((source.label, item))
            elif keep is None or keep(item):
                count += 1
                yield replace(item.row, cluster=source.label) if source.label else item.row

    rows: Iterable[RolloutRow] = readable()
    if awaiting:
        rows = longest_wait_first(list(rows))
    clusters = [source.label for source in listed] if several else []
    write_rows(run, rows, output=output, namespaces=namespaces, clusters=clusters)
    if unreadable:
        _report_unreadable(run, unreadable)
        return ExitCode.FAILED
    if not count:
        run.note(_nothing(_where(run, listed), selector, filtered=keep is not None))
    return ExitCode.OK


def _where(run: Run, listed: list[Source]) -> str:
    if run.common.all_namespaces:
        where = "in any namespace"
    elif len(listed) == 1 or run.common.namespace:
        where = f"in namespace {listed[0].one_namespace}"
    else:
        where = "in the namespaces of these contexts"
    return f"{where} of {len(listed)} clusters" if len(listed) > 1 else where


def _nothing(where: str, selector: str, *, filtered: bool) -> str:
    what = "no rollouts"
    if selector:
        what += f" with labels {selector}"
    if filtered:
        what += " that match"
    return f"{what} {where}"


def _report_unreadable(run: Run, items: list[tuple[str, Unreadable]]) -> None:
    from rolloutctl.render import narrate
    from rolloutctl.render.text import safe

    surface = run.surface()
    run.note(
        [
            narrate.failed(
                surface,
                f"{safe(label)}: "
                * bool(label)
                + f"{safe(item.namespace)}/{safe(item.name)} is not readable: "
                f"{safe(item.problem, 400)}",
            )
            for label, item in items
        ]
    )


def write_rows(
    run: Run,
    rows: Iterable[RolloutRow],
    *,
    output: str | None,
    namespaces: bool,
    clusters: Sequence[str] = (),
) -> None:
    """The rows in the format asked for, written as they come; `clusters` as in the table."""
    if output == "name":
        for block in blocks(rows):
            run.out("".join(f"{RESOURCE}/{row.ref.name}\n" for row in block))
    elif output in (None, "wide"):
        from rolloutctl.render.views import table

        # How far the servers' clocks are off is known once one has answered.
        rest = iter(rows)
        first = list(islice(rest, 1))
        lines = table.lines(
            chain(first, rest),
            surface_of(run),
            namespaces=namespaces,
            wide=output == "wide",
            clusters=clusters,
        )
        for part in blocks(lines):
            run.emit(part)
    else:
        from rolloutctl.render.documents import rollout as documents

        write_documents(
            run, (documents.row_document(row) for row in rows), output, kind="RolloutList"
        )


def write_documents(
    run: Run, items: Iterable[dict[str, Any]], output: str | None, *, kind: str
) -> None:
    """Documents as one JSON list object, as JSON lines, or as YAML documents; streamed."""
    from rolloutctl.render import serialize

    if output == "jsonl":
        for block in blocks(items):
            run.out("".join(serialize.to_jsonl(item) for item in block))
    elif output == "yaml":
        for index, item in enumerate(items):
            run.out(("---\n" if index else "") + serialize.to_yaml(item))
    else:
        run.out(f'{{\n  "apiVersion": "rolloutctl/v1",\n  "kind": "{kind}",\n  "items": [')
        first = True
        for block in blocks(items):
            text = ",\n".join(
                "\n".join("    " + line for line in serialize.to_json(item).splitlines())
                for item in block
            )
            run.out(text if first else "    ," + text[4:])
            first = False
        run.out("  ]\n}")


def show_raw_list(run: Run, *, output: str, selector: str = "") -> ExitCode:
    """The objects of a list as the server has them, page by page."""
    from rolloutctl.domain.cluster import ROLLOUTS

    run.one_context("--raw")
    pages = run.cluster().pages(ROLLOUTS, run.namespace(), dict, label_selector=selector)
    items = (item for page in pages for item in page.items)
    write_documents(run, items, output, kind="List")
    return ExitCode.OK


# --- following ----------------------------------------------------------------------------------


def follow_rows(
    run: Run,
    *,
    output: str | None,
    selector: str = "",
    keep: Keep | None = None,
    awaiting: bool = False,
    timeout: float | None = None,
) -> ExitCode:
    """A list that lives: redrawn in place on a terminal, else a line per change."""
    run.one_context("--watch")
    if output in ("name", "yaml"):
        raise UsageError(
            f"-o {output} does not go with --watch", hint="-o jsonl gives a line per change"
        )
    if output in (None, "wide") and can_redraw(run):
        show = _live_rows
    else:
        show = _row_lines
    try:
        show(run, output, selector, keep, awaiting, timeout or None)
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    if timeout:
        raise Timeout(f"stopped watching after {timeout:g} s")
    return ExitCode.OK


def _row_lines(
    run: Run,
    output: str | None,
    selector: str,
    keep: Keep | None,
    awaiting: bool,
    timeout: float | None,
) -> None:
    from rolloutctl.actions.following import News
    from rolloutctl.actions.following_rows import follow_rows
    from rolloutctl.render import serialize
    from rolloutctl.render.documents import rollout as documents
    from rolloutctl.render.text import safe
    from rolloutctl.render.views import movement

    namespace = run.namespace()
    said: dict[Any, str] = {}
    for update in follow_rows(
        run.cluster(), namespace, label_selector=selector, keep=keep, timeout=timeout
    ):
        if update.news is News.STALE:
            run.note(f"the connection dropped ({safe(update.problem)}); going on when it is back")
        elif update.news is News.BACK:
            run.note("the connection is back")
        elif update.news is News.UNREADABLE:
            run.note(f"not readable: {safe(update.problem, 400)}")
        elif update.row is not None:
            deleted = update.news is News.DELETED
            surface = surface_of(run)
            if output in ("json", "jsonl"):
                document = documents.row_change(
                    update.row, update.before, at=surface.now, deleted=deleted
                )
                run.out(serialize.to_jsonl(document))
            else:
                line = movement.row_line(update.row, surface, deleted=deleted)
                # A row holds more than its line shows (messages, moments): say nothing twice.
                text = "".join(span.text for span in line[1:])
                if said.get(update.row.ref) != text:
                    run.emit([line])
                said[update.row.ref] = text


def _live_rows(
    run: Run,
    output: str | None,
    selector: str,
    keep: Keep | None,
    awaiting: bool,
    timeout: float | None,
) -> None:
    from rolloutctl.actions.following import News
    from rolloutctl.actions.following_rows import follow_rows
    from rolloutctl.render.text import Span, line, safe
    from rolloutctl.render.views import table

    namespace = run.namespace()
    rows: dict[Any, RolloutRow] = {}
    changed: dict[Any, float] = {}
    unreadable: set[str] = set()
    stale: tuple[str, str] | None = None
    last_room = 0

    def picture(room: int | None) -> list[Any]:
        nonlocal last_room
        # At the end no whole fleet scrolls by: `list` prints it.
        room = last_room = last_room if room is None else room
        surface = surface_of(run)
        now = monotonic()
        for ref in [ref for ref, moment in changed.items() if now - moment >= _FRESH]:
            del changed[ref]
        above = stale_lines(run, *stale) if stale else []
        above += [line(Span(f"not readable: {safe(item, 400)}", "warn")) for item in unreadable]
        shown, left = _ordered(rows, awaiting, room - len(above) - 1)
        lines = table.lines(
            shown, surface, namespaces=namespace is None, wide=output == "wide", fresh=changed
        )
        result = [*above, *lines]
        if left:
            first = "the longest wait" if awaiting else "what is not Healthy"
            result.append(line(Span(f"{left:,} more; {first} comes first", "dim")))
        return result if rows else [*above, line(Span("no rollouts", "dim"))]

    with live(run) as draw:
        for update in follow_rows(
            run.cluster(),
            namespace,
            label_selector=selector,
            keep=keep,
            tick=1.0,
            timeout=timeout,
        ):
            if update.news is News.STALE:
                stale = (f"{run.environment.now():%H:%M:%S}Z", update.problem)
            elif update.news is News.BACK:
                stale = None
            elif update.news is News.UNREADABLE:
                unreadable.add(update.problem)
            elif update.news is News.DELETED and update.row is not None:
                rows.pop(update.row.ref, None)
            elif update.row is not None:
                rows[update.row.ref] = update.row
                if not update.first:
                    changed[update.row.ref] = monotonic()
            if update.news in (News.TICK, News.STALE, News.BACK):
                draw(picture)


_URGENCY = {"Degraded": 0, "Paused": 2, "Progressing": 3, "Healthy": 5}


def _ordered(
    rows: dict[Any, RolloutRow], awaiting: bool, room: int
) -> tuple[list[RolloutRow], int]:
    """The rows that fit, and how many do not: then what is not Healthy comes first."""
    if awaiting:
        found = longest_wait_first(list(rows.values()))
    else:
        found = sorted(rows.values(), key=lambda row: row.ref)
    if len(found) <= room:
        return found, 0
    if not awaiting:
        found.sort(key=lambda row: 1 if row.awaiting else _URGENCY.get(row.phase, 4))
    fit = max(1, room - 1)
    return found[:fit], len(found) - fit
