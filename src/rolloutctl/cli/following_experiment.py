"""One experiment, followed: redrawn in place on a terminal, elsewhere told at each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.living import can_redraw, live, stale_lines
from rolloutctl.cli.rollouts import surface_of
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Interrupted, NotFound, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.experiments import Trial
    from rolloutctl.actions.following_objects import Told
    from rolloutctl.domain.wire_details import ExperimentDetails


def follow(
    run: Run, names: Sequence[str], *, output: str | None, raw: bool, timeout: float | None
) -> ExitCode:
    """Shows it until it is deleted, the time is up, or somebody interrupts.

    Raises UsageError, NotFound, Timeout, Interrupted, and what the cluster raises.
    """
    from rolloutctl.cli import listing_runs, runs

    listing_runs.check_watched(output)
    if raw:
        raise UsageError("--raw does not go with --watch")
    run.one_context("--watch")
    found = runs.parse_names(run, runs.experiments(), names)
    if len(found) != 1:
        raise UsageError(
            "one experiment can be watched in full at a time",
            hint="rolloutctl experiment list -w follows all of a namespace as rows",
        )
    following = _Following(run, run.one_namespace(), found[0])
    show = _picture if output in (None, "wide") and can_redraw(run) else _lines
    try:
        show(run, following, output, timeout or None)
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    if following.deleted:
        raise NotFound(f"experiment {following} was deleted while it was watched")
    if timeout:
        raise Timeout(f"stopped watching after {timeout:g} s")
    return ExitCode.OK


class _Following:
    """What is told of one experiment; raises NotFound where there is none."""

    def __init__(self, run: Run, namespace: str, name: str) -> None:
        self.cluster = run.cluster()
        self.deleted = False
        self.item: ExperimentDetails | None = None
        """How it was last."""
        self._namespace, self._name = namespace, name

    def __str__(self) -> str:
        return f"{self._namespace}/{self._name}"

    def told(self, timeout: float | None, tick: float | None = None) -> Iterator[Told]:
        """CHANGE where it is another one than before, and what else there is to say."""
        from rolloutctl.actions.analyses import not_found
        from rolloutctl.actions.following_objects import Listed, Tidings, follow
        from rolloutctl.domain.cluster import EXPERIMENTS
        from rolloutctl.domain.wire_details import ExperimentDetails

        one = Listed(
            EXPERIMENTS,
            self._namespace,
            ExperimentDetails,
            fields=f"metadata.name={self._name}",
        )
        for told in follow(self.cluster, [one], timeout=timeout, tick=tick):
            if told.what is Tidings.DELETED:
                self.item, self.deleted = told.item, True
                yield told
                return
            if told.what is Tidings.CHANGE:
                before, self.item = self.item, told.item
                if before == self.item:
                    continue
            elif told.what is Tidings.READ:
                if self.item is None:
                    raise not_found(
                        self.cluster, EXPERIMENTS, self._namespace, self._name, "experiment"
                    )
                continue
            yield told

    def trial(self) -> Trial:
        """It, with what belongs to it read now."""
        from rolloutctl.actions.experiments import complete

        assert self.item is not None
        return complete(self.cluster, self.item)


def _lines(run: Run, following: _Following, output: str | None, timeout: float | None) -> None:
    """A row for each change, or the document in full."""
    from rolloutctl.actions.following_objects import Tidings
    from rolloutctl.cli.listing_runs import tell_connection
    from rolloutctl.cli.output import write
    from rolloutctl.cli.runs import experiments

    sort = experiments()

    def rows() -> Iterator[Any]:
        from msgspec.structs import replace

        last = None
        for told in following.told(timeout):
            if told.item is None:
                tell_connection(run, told)
                continue
            row = sort.of(told.item)
            row = replace(row, phase="Deleted") if told.what is Tidings.DELETED else row
            if row != last:
                last = row
                yield row

    if output in ("json", "jsonl"):
        for told in following.told(timeout):
            if told.what is Tidings.CHANGE:
                write(run, [sort.document(following.trial())], "jsonl")
            elif told.item is None:
                tell_connection(run, told)
        return
    lines = sort.table(rows(), surface_of(run), namespaces=False, wide=output == "wide", sample=1)
    for line in lines:
        run.emit([line])


def _picture(run: Run, following: _Following, output: str | None, timeout: float | None) -> None:
    """The whole page, redrawn each second, since it says how much time is left."""
    from rolloutctl.actions.following_objects import Tidings
    from rolloutctl.cli.runs import experiments
    from rolloutctl.render.text import Span, line, safe

    sort = experiments()
    trial: Trial | None = None
    stale, unreadable = ("", ""), ""

    def page(room: int | None) -> list[Any]:
        above = []
        if following.deleted:
            above.append(line(Span("DELETED: this is how it was last", "bad")))
        elif stale[0]:
            above += stale_lines(run, *stale)
        if unreadable:
            text = f"a newer version is not readable: {safe(unreadable, 400)}"
            above.append(line(Span(text, "warn")))
        lines = above + sort.page(trial, surface_of(run), output == "wide")
        return lines if room is None else lines[:room]

    with live(run) as draw:
        for told in following.told(timeout, tick=1.0):
            if told.what is Tidings.CHANGE or (told.what is Tidings.DELETED and trial is None):
                trial, unreadable = following.trial(), ""
            elif told.what is Tidings.STALE:
                stale = (f"{run.environment.now():%H:%M:%S}Z", told.problem)
            elif told.what is Tidings.UNREADABLE:
                unreadable = told.problem
            elif told.what is Tidings.BACK:
                stale = ("", "")
            if trial is not None:
                draw(page)
