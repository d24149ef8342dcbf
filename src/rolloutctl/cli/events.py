"""Events of rollouts on stdout, read or followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.output import blocks, write
from rolloutctl.cli.rollouts import surface_of
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Interrupted, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.events import Circle
    from rolloutctl.actions.inspect import Missing
    from rolloutctl.domain.happenings import Happening
    from rolloutctl.domain.refs import Ref


class Asked(NamedTuple):
    """The options of `events`: `own` the rollout's only, `gone` those of objects that are gone."""

    own: bool = False
    gone: bool = False
    types: frozenset[str] = frozenset()
    output: str | None = None

    def wanted(self, event: Happening) -> bool:
        return not self.types or event.type in self.types


def show(run: Run, refs: Sequence[Ref], asked: Asked) -> ExitCode:
    """Prints the events there are, the oldest first. FAILED where something could not be read.

    Raises NotFound, and what reading rollouts and events raises.
    """
    from rolloutctl.actions.events import read
    from rolloutctl.render.documents import events as documents
    from rolloutctl.render.views import events as views

    if asked.output == "name":
        raise _no_names()
    circles = _circles(run, refs, asked)
    found, missing = read(run.cluster(), circles, asked.wanted)
    if asked.output in (None, "wide"):
        surface = surface_of(run, run.cluster())
        for part in blocks(views.lines(found, surface, wide=asked.output == "wide")):
            run.emit(part)
    else:
        write(run, map(documents.event, found), asked.output, listed="EventList")
    if not found:
        kinds = f"{' or '.join(sorted(asked.types))} " if asked.types else ""
        run.note(f"no {kinds}events of {', '.join(map(str, refs))}: a cluster keeps them an hour")
    return tell_missing(run, missing)


def follow(run: Run, refs: Sequence[Ref], asked: Asked, timeout: float | None) -> ExitCode:
    """The events there are, then each that comes or is repeated. Raises Timeout, Interrupted."""
    if asked.output in ("name", "yaml"):
        raise UsageError(
            f"-o {asked.output} does not go with watching",
            hint="-o jsonl gives a document per event",
        )
    try:
        _follow(run, refs, asked, timeout or None)
    except KeyboardInterrupt:
        raise Interrupted("stopped watching") from None
    if timeout:
        raise Timeout(f"stopped watching after {timeout:g} s")
    return ExitCode.OK


def _follow(run: Run, refs: Sequence[Ref], asked: Asked, timeout: float | None) -> None:
    from rolloutctl.actions.events import watch
    from rolloutctl.cli.listing_runs import tell_connection
    from rolloutctl.domain.happenings import Happening
    from rolloutctl.render.documents import events as documents
    from rolloutctl.render.views import events as views

    circles = _circles(run, refs, asked)
    tell_missing(run, [each for circle in circles for each in circle.missing])
    told = watch(run.cluster(), circles, asked.wanted, timeout=timeout)

    def events(until: Callable[[object], bool]) -> Iterator[Happening]:
        for item in told:
            if until(item):
                return
            if isinstance(item, Happening):
                yield item
            elif item is not None:
                tell_connection(run, item)

    first = list(events(lambda item: item is None))
    later = events(lambda item: False)
    if asked.output in ("json", "jsonl"):
        for event in chain(first, later):
            write(run, [documents.event(event)], "jsonl")
        return
    lines = views.lines(
        chain(first, later),
        surface_of(run, run.cluster()),
        wide=asked.output == "wide",
        sample=max(1, len(first)),
    )
    for line in lines:
        run.emit([line])


def _circles(run: Run, refs: Sequence[Ref], asked: Asked) -> list[Circle]:
    from rolloutctl.actions.events import Circle

    return [Circle(run.cluster(), ref, own=asked.own, gone=asked.gone) for ref in refs]


def _no_names() -> UsageError:
    return UsageError("-o name does not go with events", hint="-o jsonl gives a document per event")


def tell_missing(run: Run, missing: Sequence[Missing]) -> ExitCode:
    """Says on stderr what could not be read; FAILED if there is anything."""
    from rolloutctl.render import narrate
    from rolloutctl.render.text import safe

    surface = run.surface()
    distinct = dict.fromkeys((item.what, item.why) for item in missing)
    if distinct:
        run.note(
            [
                narrate.failed(surface, f"not shown: {safe(what)}: {safe(why, 400)}")
                for what, why in distinct
            ]
        )
    return ExitCode.FAILED if distinct else ExitCode.OK
