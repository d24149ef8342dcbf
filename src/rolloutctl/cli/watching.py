"""Following one rollout: `watch`, `get -w` and `status --wait`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.living import can_redraw, live, stale_lines
from rolloutctl.cli.rollouts import RESOURCE, surface_of
from rolloutctl.cli.run import Run
from rolloutctl.errors import (
    Conflict,
    ExitCode,
    Failed,
    Interrupted,
    NotFound,
    Timeout,
    UsageError,
)

if TYPE_CHECKING:
    from rolloutctl.actions.following import Update
    from rolloutctl.cli.sources import Source
    from rolloutctl.domain.goals import Goal
    from rolloutctl.domain.reaching import Verdict
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.tree import RolloutPicture, RolloutRow


_INTERLUDES = {
    "stale": "stale: {}; going on when the connection is back",
    "back": "the connection is back",
    "unreadable": "not readable: {}",
}
"""What is said between two pictures, by news; {} is the problem."""


def watch(
    run: Run,
    ref: Ref,
    *,
    output: str | None,
    timeout: float | None = None,
    until: Goal | None = None,
) -> ExitCode:
    """Follows until the goal, the end of the rollout, the time or the person ends it.

    Raises Failed (the goal can no longer be reached), Conflict (another version took the place of
    the one that was to reach it), Timeout, NotFound (deleted), Interrupted.
    """
    if output in ("name", "yaml"):
        raise UsageError(
            f"-o {output} does not go with watching", hint="-o jsonl gives a document per change"
        )
    if output in (None, "wide") and can_redraw(run):
        show: Any = _Picture(run, wide=output == "wide")
    else:
        show = _Lines(run, output)
    started = run.environment.now()
    last: Update | None = None
    verdict: Verdict | None = None
    try:
        with show:
            last, verdict = _follow(run, ref, show, timeout, until)
    except KeyboardInterrupt:
        raise Interrupted(f"stopped watching {ref}") from None
    return _summary(run, ref, last, verdict, until, timeout, started)


def _follow(
    run: Run, ref: Ref, show: Any, timeout: float | None, until: Goal | None
) -> tuple[Update | None, Verdict | None]:
    from rolloutctl.actions.following import News, follow
    from rolloutctl.actions.sighting import Sight
    from rolloutctl.domain.reaching import impossible

    sight = Sight(run.cluster(), [until]) if until is not None else None
    last: Update | None = None
    for update in follow(run.cluster(), ref, timeout=timeout or None, tick=show.tick):
        if last is None and until is not None:
            why, hint = impossible(until, update.picture.rollout)
            if why:
                raise UsageError(f"--until {until}: {ref}: {why}", hint=hint)
        last = update
        show.update(update)
        unsure = (News.DELETED, News.UNREADABLE, News.STALE)
        if sight is not None and update.news not in unsure:
            verdict = sight.see(update.picture.rollout)
            if verdict is not None:
                return last, verdict
    return last, None


def _summary(
    run: Run,
    ref: Ref,
    last: Update | None,
    verdict: Verdict | None,
    until: Goal | None,
    timeout: float | None,
    started: datetime,
) -> ExitCode:
    from rolloutctl.actions.following import News
    from rolloutctl.domain.goals import GoalKind
    from rolloutctl.render import narrate, words
    from rolloutctl.render.text import safe

    took = words.elapsed(run.environment.now() - started)
    if last is None:
        raise Timeout(f"{ref} was not read within {took}", subject=str(ref))
    status = last.picture.status
    phase = words.phase(status.phase).text
    if verdict is not None and verdict.reached:
        text = f"{ref}: {until} reached after {took}, it is {phase}"
        run.note([narrate.done(run.surface(), text)])
        return ExitCode.OK
    if verdict is not None:
        raise (Conflict if verdict.superseded else Failed)(
            f"{ref} did not get to {until}: {safe(verdict.reason, words.MESSAGE)}",
            subject=str(ref),
            hint=f"rolloutctl get {ref.name} -n {ref.namespace} shows where it is",
        )
    if last.news is News.DELETED:
        if until is not None and until.kind is GoalKind.DELETED:
            run.note([narrate.done(run.surface(), f"{ref} was deleted after {took}")])
            return ExitCode.OK
        raise NotFound(f"{ref} was deleted while it was watched", subject=str(ref))
    if last.news is News.TIMEOUT:
        goal = f" without getting to {until}" if until is not None else ""
        raise Timeout(
            f"stopped watching {ref} after {took}{goal}: it is {phase}"
            + (f" ({safe(status.message, words.MESSAGE)})" if status.message else ""),
            subject=str(ref),
        )
    run.note([narrate.event(run.surface(), f"{ref}: the watch ended, it is {phase}")])
    return ExitCode.FAILED if status.phase == "Degraded" else ExitCode.OK


class _Picture:
    """On a terminal: the whole picture, redrawn in place each second and at every change."""

    tick: float | None = 1.0

    def __init__(self, run: Run, *, wide: bool) -> None:
        self._run = run
        self._wide = wide
        self._live = live(run)
        self._stale = ""
        self._unreadable = ""

    def __enter__(self) -> None:
        self._draw = self._live.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._live.__exit__(*exception)

    def update(self, update: Update) -> None:
        from rolloutctl.actions.following import News

        if update.news is News.UNREADABLE:
            self._unreadable = update.problem
        elif update.news is News.CHANGE:
            self._unreadable = ""
        if update.news is News.STALE:
            self._stale = f"{self._run.environment.now():%H:%M:%S}Z"
        elif not update.problem:
            self._stale = ""
        self._draw(lambda rows: self._lines(update, rows))

    def _lines(self, update: Update, rows: int | None) -> list[Any]:
        from rolloutctl.actions.following import News
        from rolloutctl.render.text import Span, line, safe
        from rolloutctl.render.views import rollout as view

        # What changes how the picture is to be read stands above it: its end may not fit.
        above = []
        if update.news is News.DELETED:
            above.append(line(Span("DELETED: this is how it was last", "bad")))
        elif self._stale:
            above += stale_lines(self._run, self._stale, update.problem)
        if self._unreadable:
            text = f"a newer version is not readable: {safe(self._unreadable, 400)}"
            above.append(line(Span(text, "warn")))
        return above + view.lines(
            update.picture,
            surface_of(self._run),
            missing=update.missing,
            wide=self._wide,
            rows=rows - len(above) if rows is not None else None,
        )


class _Lines:
    """Anywhere else: a line per change, or a JSON document per change."""

    tick: float | None = None

    def __init__(self, run: Run, output: str | None) -> None:
        self._run = run
        self._json = output in ("json", "jsonl")
        self._before: RolloutPicture | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, update: Update) -> None:
        from rolloutctl.actions.following import News
        from rolloutctl.render.text import safe
        from rolloutctl.render.views import movement

        surface = surface_of(self._run)
        if self._json:
            self._document(update)
        elif update.news in _INTERLUDES:
            note = _INTERLUDES[update.news].format(safe(update.problem, 400))
            self._run.emit(movement.lines(None, update.picture, surface, note=note))
        elif update.news is News.DELETED:
            self._run.emit(movement.lines(None, update.picture, surface, note="deleted"))
        else:
            if self._before is None:
                self._note_missing(update)
            self._run.emit(movement.lines(self._before, update.picture, surface))
            self._before = update.picture

    def _note_missing(self, update: Update) -> None:
        from rolloutctl.render.text import safe

        for what, why in update.missing:
            self._run.note(f"{safe(what)} cannot be shown: {safe(why, 400)}")

    def _document(self, update: Update) -> None:
        from rolloutctl.actions.following import News
        from rolloutctl.cli.output import write
        from rolloutctl.render.documents import rollout as documents
        from rolloutctl.render.views.movement import movements

        found = movements(self._before, update.picture)
        if update.news is News.CHANGE and not found:
            return
        document = documents.change(
            update.picture,
            found,
            at=self._run.environment.now(),
            news=update.news,
            missing=update.missing,
        )
        write(self._run, [document], "jsonl")
        self._before = update.picture


# --- status -------------------------------------------------------------------------------------


def status(run: Run, names: list[str], *, output: str | None) -> ExitCode:
    """One line (for each cluster meant) and the exit code that goes with the worst of them."""
    from msgspec.structs import replace

    from rolloutctl.actions import inspect
    from rolloutctl.cli.everywhere import Everywhere
    from rolloutctl.cli.output import write
    from rolloutctl.cli.sources import no_names
    from rolloutctl.domain.status import status_of
    from rolloutctl.domain.tree import row
    from rolloutctl.render.documents import rollout as documents

    found = Everywhere(run, names, lambda s, name: inspect.get_rollout(s.cluster, s.ref(name)))
    code = ExitCode.OK
    if not found.several:
        for _, rollout in found:
            _say(run, row(rollout), output)
            code = exit_code(status_of(rollout))
        return code
    if output == "name":
        raise no_names()
    statuses: list[ExitCode] = []

    def rows() -> Iterator[tuple[Source, RolloutRow]]:
        for source, rollout in found:
            statuses.append(exit_code(status_of(rollout)))
            yield source, replace(row(rollout), cluster=source.label)

    if output in (None, "wide"):
        from rolloutctl.render.views import status as view

        for source, facts in rows():
            run.emit(view.lines(facts, surface_of(run, source.cluster)))
    else:
        items = (documents.row_document(facts) for _, facts in rows())
        write(run, items, output, listed="RolloutList")
    return max([found.ended(), *statuses])


def exit_code(found: Any) -> ExitCode:
    """FAILED for what is degraded or aborted, else OK."""
    return ExitCode.FAILED if found.phase == "Degraded" or found.aborted else ExitCode.OK


def _say(run: Run, row: Any, output: str | None) -> None:
    from rolloutctl.cli.output import write
    from rolloutctl.render.documents import rollout as documents
    from rolloutctl.render.views import status as view

    if output in (None, "wide"):
        run.emit(view.lines(row, surface_of(run)))
    elif output == "name":
        run.out(f"{RESOURCE}/{row.ref.name}")
    else:
        write(run, [documents.row_document(row)], output)


def wait_for_end(run: Run, ref: Ref, *, timeout: float | None, output: str | None) -> ExitCode:
    """Follows until healthy or failed, or until a person has to act; narrates on stderr.

    Raises Timeout (time is over, or a person has to act), NotFound (deleted), Interrupted.
    """
    from rolloutctl.actions.following import News, follow
    from rolloutctl.actions.sighting import Sight
    from rolloutctl.domain.goals import Goal, GoalKind
    from rolloutctl.domain.tree import row
    from rolloutctl.render import words
    from rolloutctl.render.text import safe
    from rolloutctl.render.views import movement

    before: RolloutPicture | None = None
    last: Update | None = None
    goals = [Goal(GoalKind.HEALTHY), Goal(GoalKind.AWAITING)]
    sight = Sight(run.cluster(), goals)
    try:
        for last in follow(run.cluster(), ref, timeout=timeout or None):
            if last.news is News.DELETED:
                raise NotFound(f"{ref} was deleted while it was waited for", subject=str(ref))
            if last.news is News.TIMEOUT:
                break
            if last.news in _INTERLUDES:
                note = _INTERLUDES[last.news].format(safe(last.problem, 400))
                run.note(movement.lines(None, last.picture, run.surface(), note=note))
                continue
            run.note(movement.lines(before, last.picture, run.surface()))
            before = last.picture
            verdict = sight.see(last.picture.rollout)
            if verdict is not None and verdict.superseded:
                # It is the rollout that is waited for, whichever version it comes to.
                sight = Sight(run.cluster(), goals)
                verdict = sight.see(last.picture.rollout)
            if verdict is not None:
                break
    except KeyboardInterrupt:
        raise Interrupted(f"stopped waiting for {ref}") from None
    if last is None:
        raise Timeout(f"{ref} was not read in time", subject=str(ref))
    _say(run, row(last.picture.rollout), output)
    found = last.picture.status
    if last.news is News.TIMEOUT:
        raise Timeout(f"{ref} is still {found.phase} after {timeout:g} s", subject=str(ref))
    if found.phase != "Degraded" and found.awaiting is not None:
        raise Timeout(
            f"{ref} {words.awaiting(found)}: it does not go on by itself",
            subject=str(ref),
            hint=words.awaiting_hint(found, ref.name, ref.namespace),
        )
    return exit_code(found)
