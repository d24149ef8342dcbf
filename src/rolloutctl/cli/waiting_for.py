"""`wait`: following rollouts to a state, told on stderr, one result for each on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rolloutctl.cli.output import write
from rolloutctl.cli.progress import Progress
from rolloutctl.cli.rollouts import RESOURCE, surface_of
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import MANY, Asked
from rolloutctl.cli.targets import nothing, targets
from rolloutctl.errors import ExitCode, Failed, Interrupted

if TYPE_CHECKING:
    from rolloutctl.domain.goals import Goal
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.waited import Moved, Waited
    from rolloutctl.errors import RolloutctlError

TIMEOUT = 600.0
"""Seconds, unless --timeout says otherwise: the controller's default progress deadline."""


def wait(run: Run, asked: Asked, goals: Sequence[Goal], *, one_is_enough: bool) -> ExitCode:
    """Waits for all (or the first) of the rollouts asked for; the exit code of what came of it.

    Raises UsageError, Failed for a selection that matches nothing, Interrupted, and what opening
    the cluster raises; what happens to single rollouts is in the results and in the exit code.
    """
    from rolloutctl.actions.waiting_for import wait_for
    from rolloutctl.domain.waited import Came, Waited, exit_code

    timeout = TIMEOUT if asked.timeout is None else asked.timeout or None
    refs, unreadable = _meant(run, asked)
    told = _Told(run, asked, goals, refs)
    for ref, error in unreadable.items():
        told.end(Waited(ref, Came.FAILED, error=error))
    try:
        for ended in wait_for(
            run.cluster(),
            refs,
            goals,
            one_is_enough=one_is_enough,
            timeout=timeout,
            report=told.moved,
        ):
            told.end(ended)
    except KeyboardInterrupt:
        told.progress.clear()
        left = len(refs) + len(unreadable) - len(told.results)
        raise Interrupted(f"stopped waiting, {left} not there yet") from None
    told.finish([*refs, *unreadable])
    return exit_code(list(told.results.values()), one_is_enough=one_is_enough)


def _meant(run: Run, asked: Asked) -> tuple[list[Ref], dict[Ref, RolloutctlError]]:
    """The rollouts to wait for, and those that matched and cannot be read."""
    if run.common.all_namespaces and not asked.names and not asked.selected:
        from rolloutctl.actions.inspect import names

        refs = list(names(run.cluster(), None))
        if not refs and not asked.allow_empty:
            raise Failed(nothing(run, asked), hint="--allow-empty makes that no failure")
        return refs, {}
    found = targets(run, asked, "wait")
    if not found.refs and not found.unreadable:
        run.note(nothing(run, asked))
    return found.refs, found.unreadable


class _Told:
    """What is said of a wait, while it goes on and at its end."""

    def __init__(self, run: Run, asked: Asked, goals: Sequence[Goal], refs: Sequence[Ref]) -> None:
        self.run = run
        self.goals = goals
        self.output = asked.output if asked.output != "wide" else None
        self.results: dict[Ref, Waited] = {}
        self.total = len(refs)
        self.spread = len({ref.namespace for ref in refs}) > 1
        self.progress = Progress(run)
        self._hints: set[str] = set()

    def moved(self, moved: Moved) -> None:
        """A line on stderr; of very many, only how many are there."""
        from rolloutctl.render.views import waited as view

        if self.total > MANY and not moved.stale:
            done = len(self.results)
            self.progress.show(f"waiting: {done} of {self.total} done", done / self.total)
            return
        self.progress.clear()
        named = self.total > 1
        self.run.note(view.moved(moved, surface_of(self.run), named=named, spread=self.spread))

    def end(self, result: Waited) -> None:
        """Keeps one result, and tells it unless a document is wanted at the end."""
        from rolloutctl.domain.waited import Came
        from rolloutctl.render.documents import waited as documents
        from rolloutctl.render.views import waited as view

        self.results[result.ref] = result
        self.progress.clear()
        if result.error is not None:
            named = f'"{result.ref.name}"' in result.error.message
            result.error.subject = "" if named else result.error.subject or str(result.ref)
            self.run.fail(result.error)
        if self.output is None and result.error is None:
            lines = view.ended(result, self.goals, surface_of(self.run), namespaces=self.spread)
            self.run.emit(lines)
            hint = view.hint(result)
            if hint and hint not in self._hints:
                self._hints.add(hint)
                self.run.note(f"  {hint}")
        elif self.output == "jsonl":
            write(self.run, [documents.result(result, self.goals)], "jsonl")
        elif self.output == "name" and result.came is Came.REACHED:
            self.run.out(f"{RESOURCE}/{result.ref.name}")

    def finish(self, refs: Sequence[Ref]) -> None:
        """The documents that come at the end, in the order asked for."""
        from rolloutctl.render.documents import waited as documents

        self.progress.clear()
        if self.output in ("json", "yaml"):
            items = [documents.result(self.results[ref], self.goals) for ref in refs]
            write(self.run, items, self.output, listed="WaitResultList")
