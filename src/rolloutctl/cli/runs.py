"""Analysis runs and experiments on stdout: lists, and named ones in full, of every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutctl.cli.output import blocks, write
from rolloutctl.cli.rollouts import report_unreadable, surface_of
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.listing_runs import Asked
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.cluster import Kind, Unreadable
    from rolloutctl.render.surface import Surface
    from rolloutctl.render.text import Line

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class Sort(NamedTuple):
    """A kind of object as this module shows it.

    `table(rows, surface, **settings)` makes lines, `row` a document of one; `read(source, name)`
    reads one in full, `page(item, surface, wide)` and `document(item)` show it.
    """

    kind: Kind
    as_type: type[Any]
    called: str
    types: frozenset[str]
    """How people write the type before a slash, as "ar/NAME"."""
    table: Callable[..., Iterator[Line]]
    of: Callable[[Any], Any]
    """The row of a decoded object."""
    row: Callable[[Any], dict[str, Any]]
    change: Callable[..., dict[str, Any]]
    """The document of a row that changed or (`deleted`) is gone, at the moment `at`."""
    rows: Callable[..., Iterable[Any]]
    """The rows of a cluster, and Unreadable for what is none."""
    read: Callable[[Source, str], Any]
    page: Callable[[Any, Surface, bool], list[Line]]
    document: Callable[[Any], dict[str, Any]]
    name: Callable[[Any], str]

    @property
    def resource(self) -> str:
        return f"{self.kind.kind.lower()}.{self.kind.group}"


def analysis_runs() -> Sort:
    """AnalysisRuns."""
    from rolloutctl.actions import analyses
    from rolloutctl.domain.analyses import run_row
    from rolloutctl.domain.cluster import ANALYSIS_RUNS
    from rolloutctl.domain.wire_details import AnalysisRunDetails
    from rolloutctl.render.documents import runs as documents
    from rolloutctl.render.views import analyses as views

    return Sort(
        ANALYSIS_RUNS,
        AnalysisRunDetails,
        "analysis run",
        frozenset({"ar", "analysisrun", "analysisruns", "analysisrun.argoproj.io"}),
        views.rows,
        run_row,
        documents.run_row,
        documents.run_change,
        analyses.rows,
        lambda s, name: analyses.read(s.cluster, s.one_namespace, name, s.label),
        lambda item, surface, wide: views.page(item, surface, wide=wide),
        documents.run,
        lambda item: item.row.name,
    )


def experiments() -> Sort:
    """Experiments."""
    from rolloutctl.actions import experiments
    from rolloutctl.domain.cluster import EXPERIMENTS
    from rolloutctl.domain.experiments import experiment_row
    from rolloutctl.domain.wire_details import ExperimentDetails
    from rolloutctl.render.documents import runs as documents
    from rolloutctl.render.views import experiments as views

    return Sort(
        EXPERIMENTS,
        ExperimentDetails,
        "experiment",
        frozenset({"exp", "experiment", "experiments", "experiment.argoproj.io"}),
        views.rows,
        experiment_row,
        documents.experiment_row,
        documents.experiment_change,
        experiments.rows,
        lambda s, name: experiments.read(s.cluster, s.one_namespace, name, s.label),
        lambda item, surface, wide: views.page(item.look, surface, missing=item.missing, wide=wide),
        lambda item: documents.experiment(item.look, item.missing),
        lambda item: item.look.row.name,
    )


# --- named ones ---------------------------------------------------------------------------------


def show_analysis_run(run: Run, names: Sequence[str], output: str | None, raw: bool) -> ExitCode:
    """Shows analysis runs in full. Raises UsageError, NotFound, and what the cluster raises."""
    return _show(run, analysis_runs(), names, output, raw)


def show_experiment(run: Run, names: Sequence[str], output: str | None, raw: bool) -> ExitCode:
    """Shows experiments in full. Raises UsageError, NotFound, and what the cluster raises."""
    return _show(run, experiments(), names, output, raw)


def parse_names(run: Run, sort: Sort, names: Sequence[str]) -> list[str]:
    """The bare names, each once. Raises UsageError for another type, and for -A with names."""
    if run.common.all_namespaces:
        raise UsageError(
            f"an {sort.called} cannot be named across all namespaces",
            hint="leave out -A, or name its namespace with -n",
        )
    return list(dict.fromkeys(parse_name(sort, text) for text in names))


def parse_name(sort: Sort, text: str) -> str:
    """The bare name in `NAME` or `TYPE/NAME`. Raises UsageError."""
    type_, slash, name = text.rpartition("/")
    if (slash and type_.lower() not in sort.types) or not _NAME.fullmatch(name):
        short = min(sort.types, key=len)
        raise UsageError(
            f'"{text}" does not name an {sort.called}', hint=f"write NAME or {short}/NAME"
        )
    return name


def _show(run: Run, sort: Sort, names: Sequence[str], output: str | None, raw: bool) -> ExitCode:
    from rolloutctl.cli.everywhere import Everywhere
    from rolloutctl.cli.sources import no_names

    if raw and output not in ("json", "yaml", "jsonl"):
        raise UsageError("--raw needs -o json, yaml or jsonl")
    wanted = parse_names(run, sort, names)
    if raw:
        run.one_context("--raw")
    found = Everywhere(run, wanted, (lambda s, n: _raw(sort, s, n)) if raw else sort.read)
    if output == "name" and found.several:
        raise no_names()
    if output in (None, "wide"):
        from rolloutctl.render.views.clusters import under

        for index, (source, item) in enumerate(found):
            lines = sort.page(item, surface_of(run, source.cluster), output == "wide")
            lines = under(source.label, lines)
            run.emit([(), *lines] if index else lines)
    elif output == "name":
        for _, item in found:
            run.out(f"{sort.resource}/{sort.name(item)}")
    else:
        documents = ((item if raw else sort.document(item)) for _, item in found)
        single = len(wanted) == 1 and not found.several
        listed = "" if single else "List" if raw else f"{sort.kind.kind}List"
        write(run, documents, output, listed=listed)
    return found.ended()


def _raw(sort: Sort, source: Source, name: str) -> dict[str, Any]:
    import msgspec

    from rolloutctl.actions.analyses import not_found
    from rolloutctl.errors import NotFound

    namespace = source.one_namespace
    try:
        text = source.cluster.get_raw(sort.kind, namespace, name)
    except NotFound as error:
        raise not_found(source.cluster, sort.kind, namespace, name, sort.called) from error
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded


# --- lists --------------------------------------------------------------------------------------


def show_list(run: Run, sort: Sort, asked: Asked, *, output: str | None) -> ExitCode:
    """Prints the rows of each cluster that were asked for.

    Formats of kubectl's pick from the objects themselves, those whose row would be shown. FAILED
    when some objects could not be read. Raises UsageError and what the cluster raises.
    """
    from rolloutctl.cli.rollouts import place
    from rolloutctl.cli.sources import each, no_names, sources
    from rolloutctl.domain.cluster import Unreadable

    if run.picks_objects and output is not None:
        return _show_objects(run, sort, asked, output)
    listed = sources(run)
    several = len(listed) > 1
    if output == "name" and several:
        raise no_names()
    unreadable: list[tuple[str, Unreadable]] = []
    count = 0

    def read(source: Source) -> Iterable[Any]:
        return sort.rows(
            source.cluster,
            source.namespace,
            labels=asked.selector,
            wanted=asked.wanted(source),
            label=source.label,
        )

    def rows() -> Iterator[Any]:
        nonlocal count
        for source, item in each(run, read, listed):
            if isinstance(item, Unreadable):
                unreadable.append((source.label, item))
            else:
                count += 1
                yield item

    if output == "name":
        for block in blocks(rows()):
            run.out("".join(f"{sort.resource}/{row.name}\n" for row in block))
    elif output in (None, "wide"):
        # How far the servers' clocks are off is known once one has answered.
        rest = rows()
        first = list(islice(rest, 1))
        lines = sort.table(
            chain(first, rest),
            surface_of(run),
            namespaces=run.common.all_namespaces or (several and not run.common.namespace),
            wide=output == "wide",
            clusters=[source.label for source in listed] if several else [],
        )
        for part in blocks(lines):
            run.emit(part)
    else:
        write(run, map(sort.row, rows()), output, listed=f"{sort.kind.kind}List")
    if unreadable:
        report_unreadable(run, unreadable)
        return ExitCode.FAILED
    if not count:
        run.note(f"no {sort.called}s{asked.text} {place(run, listed)}")
    return ExitCode.OK


def _show_objects(run: Run, sort: Sort, asked: Asked, output: str) -> ExitCode:
    """The objects of a list as the server has them, page by page."""
    import msgspec

    from rolloutctl.cli.sources import sources
    from rolloutctl.domain.decoders import decoder

    run.one_context("a format of kubectl's")
    (source,) = sources(run)
    test = asked.wanted(source)

    def kept(item: dict[str, Any]) -> bool:
        if test is None:
            return True
        try:
            return test(sort.of(decoder(sort.as_type).decode(msgspec.json.encode(item))))
        except msgspec.MsgspecError:
            # What has not the form of one is not hidden.
            return True

    pages = source.cluster.pages(sort.kind, source.namespace, dict, label_selector=asked.selector)
    write(run, (item for page in pages for item in page.items if kept(item)), output, listed="List")
    return ExitCode.OK
