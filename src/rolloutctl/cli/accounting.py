"""What became of each rollout, told as it happens and once more, in numbers, at the end."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rolloutctl.cli.output import Document, write
from rolloutctl.cli.progress import Progress
from rolloutctl.cli.run import ReaderGone, Run
from rolloutctl.cli.selecting import MANY, Asked
from rolloutctl.errors import UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.decision import Action
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.reports import Did, Result
    from rolloutctl.render.text import Line


class Account:
    """The results of one command; each rollout has exactly one at the end.

    `many`: problems are one line each, and a line of numbers ends the report. `spread`: names say
    their namespace too.
    """

    def __init__(
        self, run: Run, action: Action, asked: Asked, *, many: bool = False, spread: bool = False
    ) -> None:
        self.run = run
        self.action = action
        self.asked = asked
        self.many = many
        self.spread = spread
        self.output = asked.output if asked.output != "wide" else None
        self.results: dict[Ref, Result] = {}
        self.progress = Progress(run)
        self._started = time.monotonic()
        self._streamed: set[Ref] = set()
        self._hints: set[str] = set()
        """What to do next is said once, however many it concerns."""
        self._gone = False
        self.unfinished = False
        """Whether what was changed goes on, with `finished`."""

    # --- as it happens -------------------------------------------------------------------------

    def keep(self, result: Result, *, told: bool = False) -> None:
        """Keeps a result and, unless a document is wanted at the end, tells it at once.

        `told`: a person has read already why it failed.
        """
        from rolloutctl.domain.reports import Did
        from rolloutctl.render.views import changes

        error = result.error
        if error is not None:
            named = f'"{result.ref.name}"' in error.message
            error.subject = "" if named else error.subject or str(result.ref)
        self.results[result.ref] = result
        if result.did in (Did.FAILED, Did.UNKNOWN):
            if not told:
                self.problem(result)
        elif self.output is None and not self._told_in_numbers(result.did):
            self.emit(changes.result(result, self.run.surface(), namespaces=self.spread))
            if not self.many and error is not None and error.hint:
                self.note(f"  {error.hint}")
        if not ((self.asked.wait or self.unfinished) and result.did is Did.CHANGED):
            self._stream(result)

    def finished(self, result: Result) -> None:
        """Keeps and tells how the second half of an undo --full went."""
        from rolloutctl.render.views import changes

        self.results[result.ref] = result
        if result.error is not None:
            self.problem(result)
        elif self.output is None:
            self.emit(changes.finished(result, self.run.surface(), namespaces=self.spread))
        if not self.asked.wait or result.error is not None:
            self._stream(result)

    def half_done(self) -> str:
        """How to go on with those that went back and were not promoted in full."""
        from rolloutctl.domain.reports import Did

        left: dict[str, list[str]] = {}
        for ref, item in self.results.items():
            if item.did is Did.CHANGED and not item.finished and item.error is None:
                left.setdefault(ref.namespace, []).append(ref.name)
        if not left:
            return ""
        if sum(map(len, left.values())) > MANY:
            return "promote --full goes on with those that went back and are not promoted in full"
        return "\n".join(
            f"rolloutctl promote {' '.join(names)} -n {namespace} --full goes on"
            for namespace, names in sorted(left.items())
        )

    def _told_in_numbers(self, did: Did) -> bool:
        """Whether the last lines say enough of this outcome."""
        from rolloutctl.domain.reports import Did

        return did is Did.NOT_DONE or (self.many and did is Did.DECLINED)

    def ended(self, result: Result) -> None:
        """Keeps and tells how a change that was followed has ended."""
        from rolloutctl.render.views import waiting as view

        self.results[result.ref] = result
        if result.followed is None and result.error is not None:
            self.problem(result)
        elif self.output is None:
            self.emit(view.ended(result, self.run.surface(), namespaces=self.spread))
        self._stream(result)

    def problem(self, result: Result) -> None:
        """Says on stderr what went wrong with one rollout."""
        from rolloutctl.render.views import bulk

        if result.error is None:
            return
        self.progress.clear()
        if self.many:
            self.run.note(bulk.problem(result, self.run.surface(), namespaces=self.spread))
            hint = result.error.hint
            if hint and result.ref.name not in hint and hint not in self._hints:
                self._hints.add(hint)
                self.run.note(bulk.hint(hint, self.run.surface()))
        else:
            self.run.fail(result.error)

    def note(self, message: str | Iterable[Line]) -> None:
        """Narrates on stderr."""
        self.progress.clear()
        self.run.note(message)

    def emit(self, lines: Iterable[Line]) -> None:
        """Writes a view to stdout."""
        self.progress.clear()
        if not self._gone:
            with self._reader():
                self.run.emit(lines)

    def _stream(self, result: Result) -> None:
        """The formats that have a line for each result."""
        if self.output not in ("jsonl", "name") or result.ref in self._streamed:
            return
        from rolloutctl.domain.reports import Did

        self._streamed.add(result.ref)
        self.progress.clear()
        if self.output == "name":
            if result.did in (Did.CHANGED, Did.TRIED) and not self._gone:
                with self._reader():
                    self.run.out(f"rollout.argoproj.io/{result.ref.name}")
            return
        from rolloutctl.render.documents import changes

        self._write(changes.entry(result))

    def _write(self, document: Document) -> None:
        if not self._gone:
            with self._reader():
                write(self.run, [document], self.output)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[None]:
        """Whoever reads stdout may leave: what was begun is brought to its end all the same."""
        try:
            yield
        except ReaderGone:
            self._gone = True
            with contextlib.suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self.run.environment.stdout.fileno())

    # --- at the end ----------------------------------------------------------------------------

    def ordered(self, refs: Iterable[Ref]) -> list[Result]:
        """The results in the order given."""
        return [self.results[ref] for ref in refs if ref in self.results]

    def finish(self, refs: Sequence[Ref]) -> None:
        """The document, where one is wanted; the numbers; what is left, in a form to go on from."""
        self.progress.clear()
        results = self.ordered(refs)
        for result in results:
            self._stream(result)
        if self.output in ("json", "yaml"):
            from rolloutctl.render.documents import changes

            self._write(changes.document(self.action, results))
        if self.many:
            from rolloutctl.render.views import bulk

            spent = time.monotonic() - self._started
            self.note(bulk.summary(self.action, results, spent))
        self._left_over(results)

    def _left_over(self, results: Sequence[Result]) -> None:
        from rolloutctl.domain.reports import Did
        from rolloutctl.render.views import bulk

        rest = any(result.did is Did.NOT_DONE for result in results)
        again = " ".join(shlex.quote(word) for word in self.asked.again)
        lines = bulk.left_over(results)
        if self.asked.undone is not None:
            if not self._written(self.asked.undone, again, lines):
                self.note("\n".join(lines))
            elif rest:
                self.note(f"to go on with the rest:\n  {again} -f {shlex.quote(self.asked.undone)}")
        elif rest and self.output in ("json", "jsonl", "yaml"):
            self.note(f"to go on with the rest, from this report:\n  {again} -f REPORT")
        elif rest:
            names = [text for text in lines if not text.startswith("#")]
            self.note(
                "\n".join(["to go on with the rest:", f"{again} --yes -f - <<'END'", *names, "END"])
            )

    def _written(self, filename: str, again: str, lines: Sequence[str]) -> bool:
        """Whether --undone could be written."""
        head = f"# not done by rolloutctl {self.action}; to go on: {again} -f THIS-FILE"
        try:
            Path(filename).write_text("\n".join([head, *lines]) + "\n", "utf-8")
        except OSError as error:
            self.note(f"--undone {filename} cannot be written: {error.strerror or error}")
            return False
        return True


def must_be_writable(filename: str) -> None:
    """Raises UsageError for a file that cannot be written, before anything is done."""
    try:
        with Path(filename).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise UsageError(f"--undone {filename}: {error.strerror or error}") from error
