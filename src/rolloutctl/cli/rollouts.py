"""What `get` and `list` share: rows of many rollouts in every output format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.output import blocks, write
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.cluster import Cluster, Unreadable
    from rolloutctl.domain.fleet.entry import Keep
    from rolloutctl.domain.tree import RolloutRow
    from rolloutctl.render.surface import Surface
    from rolloutctl.render.views.table import Labels


RESOURCE = "rollout.argoproj.io"

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


def parse_phases(text: str) -> frozenset[str]:
    """The phases of `--phase A,B`. Raises UsageError for an unknown one, listing all."""
    from rolloutctl.domain.goals import known_phase

    return frozenset(known_phase(part) for part in text.split(",") if part.strip())


def show_rows(
    run: Run,
    *,
    output: str | None,
    selector: str = "",
    keep: Keep | None = None,
    awaiting: bool = False,
    fresh: bool = False,
    labels: Labels | None = None,
) -> ExitCode:
    """Reads and prints a list. FAILED when some objects could not be read (they are named).

    Where a list is kept on disk it goes on from there, and says so at the end, unless `fresh`.
    """
    if run.picks_objects and output is not None:
        return show_raw_list(run, output=output, selector=selector, keep=keep)
    from msgspec.structs import replace

    from rolloutctl.cli.sources import each, no_names, sources
    from rolloutctl.cli.warm import Readings
    from rolloutctl.domain.cluster import Unreadable

    listed = sources(run)
    if output == "name" and len(listed) > 1:
        raise no_names()
    several = len(listed) > 1
    namespaces = run.common.all_namespaces or (several and not run.common.namespace)
    readings = Readings(run, selector=selector, fresh=fresh)
    unreadable: list[tuple[str, Unreadable]] = []
    count = 0

    def readable() -> Iterator[RolloutRow]:
        nonlocal count
        for source, item in each(run, readings.of, listed):
            if isinstance(item, Unreadable):
                unreadable.append((source.label, item))
            elif keep is None or keep(item):
                count += 1
                yield replace(item.row, cluster=source.label) if source.label else item.row

    rows: Iterable[RolloutRow] = readable()
    if awaiting:
        from rolloutctl.domain.fleet.ranking import wait_key

        rows = sorted(rows, key=wait_key)
    clusters = [source.label for source in listed] if several else []
    write_rows(run, rows, output=output, namespaces=namespaces, clusters=clusters, labels=labels)
    readings.tell()
    if unreadable:
        report_unreadable(run, unreadable)
        return ExitCode.FAILED
    if not count:
        run.note(nothing(place(run, listed), selector, filtered=keep is not None))
    return ExitCode.OK


def label_columns(
    run: Run, keys: Sequence[str], *, every: bool, output: str | None, watch: bool
) -> Labels | None:
    """What -L and --show-labels ask for. Raises UsageError where there is no table to put it in."""
    if not keys and not every:
        return None
    option = "-L" if keys else "--show-labels"
    against = "--watch" if watch else ""
    if run.pick is not None:
        against = "--columns" if run.common.columns is not None else "--query"
        if run.picks_objects:
            against = "-o custom-columns and -o jsonpath"
    elif output not in (None, "wide"):
        against = f"-o {output}"
    if against:
        raise UsageError(
            f"{option} does not go with {against}",
            hint="the JSON of each row has them: --columns name,TEAM:metadata.labels.team",
        )
    from rolloutctl.render.views.table import Labels

    parts = (part.strip() for key in keys for part in key.split(","))
    return Labels(tuple(part for part in parts if part), every)


def place(run: Run, listed: list[Source]) -> str:
    """Where rollouts were looked for: "in any namespace", "in namespace shop of 3 clusters"."""
    if run.common.all_namespaces:
        where = "in any namespace"
    elif len(listed) == 1 or run.common.namespace:
        where = f"in namespace {listed[0].one_namespace}"
    else:
        where = "in the namespaces of these contexts"
    return f"{where} of {len(listed)} clusters" if len(listed) > 1 else where


def nothing(where: str, selector: str, *, filtered: bool) -> str:
    """What is said when none were found."""
    what = "no rollouts"
    if selector:
        what += f" with labels {selector}"
    if filtered:
        what += " that match"
    return f"{what} {where}"


def report_unreadable(run: Run, items: list[tuple[str, Unreadable]]) -> None:
    """Names on stderr what could not be read, each with the label of its cluster."""
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
    labels: Labels | None = None,
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
            labels=labels,
        )
        for part in blocks(lines):
            run.emit(part)
    else:
        from rolloutctl.render.documents import rollout as documents

        write(run, (documents.row_document(row) for row in rows), output, listed="RolloutList")


def show_raw_list(
    run: Run, *, output: str, selector: str = "", keep: Keep | None = None
) -> ExitCode:
    """The objects of a list as the server has them, page by page."""
    from rolloutctl.domain.cluster import ROLLOUTS

    run.one_context("a format of kubectl's" if run.picks_objects else "--raw")
    pages = run.cluster().pages(ROLLOUTS, run.namespace(), dict, label_selector=selector)
    items = (item for page in pages for item in page.items if _kept(item, keep))
    write(run, items, output, listed="List")
    return ExitCode.OK


def _kept(item: dict[str, Any], keep: Keep | None) -> bool:
    """Whether a filter keeps an object; one that has not the form of a rollout is not hidden."""
    if keep is None:
        return True
    import msgspec

    from rolloutctl.domain.decoders import decoder
    from rolloutctl.domain.fleet.entry import entry
    from rolloutctl.domain.wire import Rollout

    try:
        return keep(entry(decoder(Rollout).decode(msgspec.json.encode(item))))
    except msgspec.MsgspecError:
        return True
