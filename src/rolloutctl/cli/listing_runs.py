"""Lists of analysis runs and experiments: what they are narrowed down by, and following them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Interrupted, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.following_objects import Told
    from rolloutctl.cli.runs import Sort
    from rolloutctl.cli.sources import Source


class Asked(NamedTuple):
    """The options of a list, as written on the command line."""

    selector: str = ""
    rollout: str = ""
    phase: str = ""

    @property
    def text(self) -> str:
        """What is said of it where nothing was found, with a space in front."""
        labels = f" with labels {self.selector}" if self.selector else ""
        return labels + (" that match" if self.rollout or self.phase else "")

    def check(self, run: Run) -> None:
        """Raises UsageError for what cannot be meant."""
        self.phases()
        if self.rollout:
            run.names([self.rollout])

    def phases(self) -> frozenset[str]:
        """The phases of `--phase A,B`. Raises UsageError for an unknown one, listing all."""
        from rolloutctl.domain.analyses import PHASES

        known = {name.lower(): name for name in PHASES}
        found = set()
        for part in filter(None, (part.strip() for part in self.phase.split(","))):
            name = known.get(part.lower())
            if name is None:
                near = difflib.get_close_matches(part.lower(), known, n=1)
                meant = f"; did you mean {known[near[0]]}?" if near else ""
                raise UsageError(
                    f'"{part}" is no phase of a run{meant}', hint=f"there are {', '.join(PHASES)}"
                )
            found.add(name)
        return frozenset(found)

    def wanted(self, source: Source) -> Callable[[Any], bool] | None:
        """The test a row of that cluster has to pass; None for all. Raises NotFound."""
        phases = self.phases()
        if not phases and not self.rollout:
            return None
        belongs = None
        if self.rollout:
            from rolloutctl.actions.analyses import of_rollout
            from rolloutctl.domain.refs import parse_rollout

            name = parse_rollout(self.rollout, "").name
            belongs = of_rollout(source.cluster, source.ref(name))

        def test(row: Any) -> bool:
            if phases and row.phase not in phases:
                return False
            return belongs is None or belongs(row.owner)

        return test


def show(
    run: Run, sort: Sort, asked: Asked, *, watch: bool, output: str | None, timeout: float | None
) -> ExitCode:
    """The list, or with `watch` what becomes of it. Raises UsageError, and what either raises."""
    from rolloutctl.cli.runs import show_list

    asked.check(run)
    if watch:
        return follow(run, sort, asked, output=output, timeout=timeout)
    if timeout is not None:
        raise UsageError("--timeout needs --watch")
    return show_list(run, sort, asked, output=output)


def check_watched(output: str | None) -> None:
    """Raises UsageError for a format in which nothing can be followed."""
    if output in ("name", "yaml"):
        raise UsageError(
            f"-o {output} does not go with watching", hint="-o jsonl gives a document per change"
        )


def follow(
    run: Run, sort: Sort, asked: Asked, *, output: str | None, timeout: float | None
) -> ExitCode:
    """The objects there are, then a row for each that is new, changed or gone.

    Raises UsageError, Timeout, Interrupted, and what the cluster raises.
    """
    check_watched(output)
    try:
        _Rows(run, sort, asked, output).follow(timeout or None)
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    if timeout:
        raise Timeout(f"stopped watching after {timeout:g} s")
    return ExitCode.OK


class _Rows:
    """Rows as a watch tells of them: those there are first, then what changes."""

    def __init__(self, run: Run, sort: Sort, asked: Asked, output: str | None) -> None:
        from rolloutctl.cli.sources import sources

        run.one_context("--watch")
        self._run = run
        self._sort = sort
        self._output = output
        (self._source,) = sources(run)
        self._labels = asked.selector
        self._wanted = asked.wanted(self._source)
        self._known: dict[tuple[str, str], Any] = {}

    def follow(self, timeout: float | None) -> None:
        from rolloutctl.cli.output import write
        from rolloutctl.cli.rollouts import surface_of
        from rolloutctl.domain.analyses import newest_first

        run = self._run
        changes = self._changes(timeout)
        # All there is comes in one order, before anything that changes.
        first: list[Any] = []
        for change in changes:
            if change is None:
                break
            first.append(change[0])
        there = newest_first(first)
        later = filter(None, changes)
        rows = chain(((row, False) for row in there), later)
        if self._output in ("json", "jsonl"):
            for row, deleted in rows:
                at = surface_of(run, self._source.cluster).now
                write(run, [self._sort.change(row, at=at, deleted=deleted)], "jsonl")
            return
        lines = self._sort.table(
            (replace(row, phase="Deleted") if deleted else row for row, deleted in rows),
            surface_of(run, self._source.cluster),
            namespaces=run.common.all_namespaces,
            wide=self._output == "wide",
            sample=max(1, len(there)),
        )
        for line in lines:
            run.emit([line])

    def _changes(self, timeout: float | None) -> Iterator[tuple[Any, bool] | None]:
        """Each row with whether it is gone; None once all that was there is out."""
        from rolloutctl.actions.following_objects import Listed, Tidings, follow

        source, sort = self._source, self._sort
        listed = Listed(sort.kind, source.namespace, sort.as_type, self._labels)
        for told in follow(source.cluster, [listed], timeout=timeout):
            if told.what is Tidings.READ:
                yield None
            if told.item is None:
                tell_connection(self._run, told)
                continue
            row = sort.of(told.item)
            key = (row.namespace, row.name)
            if told.what is Tidings.DELETED:
                if self._known.pop(key, None) is not None:
                    yield row, True
            elif self._wanted is None or self._wanted(row):
                if self._known.get(key) != row:
                    self._known[key] = row
                    yield row, False
            elif self._known.pop(key, None) is not None:
                # It was shown, and is no longer what was asked for: how it is now ends its story.
                yield row, False


def tell_connection(run: Run, told: Told) -> None:
    """Says on stderr that a watch broke, is back, or could not read something."""
    from rolloutctl.actions.following_objects import Tidings
    from rolloutctl.render.text import safe

    problem = safe(told.problem, 400)
    if told.what is Tidings.STALE:
        run.note(f"the connection dropped ({problem}); going on when it is back")
    elif told.what is Tidings.BACK:
        run.note("the connection is back")
    elif told.what is Tidings.UNREADABLE:
        run.note(f"not readable: {problem}")
