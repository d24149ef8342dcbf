"""Named objects, looked for in every cluster that is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from rolloutctl.cli.run import Run
from rolloutctl.cli.sources import Source, each, sources
from rolloutctl.errors import ExitCode, NotFound, RolloutctlError

T = TypeVar("T")
_HINTS = 5
"""Of how many clusters it is said what they have instead."""


class Found(NamedTuple, Generic[T]):
    """What was read of one object of one cluster."""

    source: Source
    item: T


class Everywhere(Generic[T]):
    """Iterate it for what is found, cluster by cluster; then `ended()` says what is not.

    In one cluster the failure of a single name is raised, and of several names the failure of one
    does not keep the others back. Of several clusters not all need to have an object.
    """

    def __init__(self, run: Run, names: Sequence[str], read: Callable[[Source, str], T]) -> None:
        """`read` runs in threads, one for each cluster. Raises UsageError, ClusterError."""
        self._run = run
        self._names = names
        self._read = read
        self._found: set[str] = set()
        self._missed: dict[str, list[tuple[Source, RolloutctlError]]] = {}
        self.sources = sources(run)

    @property
    def several(self) -> bool:
        """Whether there are several clusters, and each part has to say of which it is."""
        return len(self.sources) > 1

    def __iter__(self) -> Iterator[Found[T]]:
        for source, (name, item, error) in each(self._run, self._work, self.sources):
            if error is not None:
                self._missed.setdefault(name, []).append((source, error))
            elif item is not None:
                self._found.add(name)
                yield Found(source, item)

    def _work(self, source: Source) -> Iterator[tuple[str, T | None, RolloutctlError | None]]:
        for name in self._names:
            try:
                yield name, self._read(source, name), None
            except RolloutctlError as error:
                alone = len(self._names) == 1
                if not self.several and alone:
                    raise
                if self.several and not isinstance(error, NotFound):
                    # The next name would fail alike: it is the cluster.
                    raise
                yield name, None, error

    def ended(self) -> ExitCode:
        """Tells what was not found; the exit code of it, where the failures agree on one."""
        codes: set[ExitCode] = set()
        for name, missed in self._missed.items():
            if self.several and name in self._found:
                self._run.note(_absent(name, [source for source, _ in missed]))
                continue
            error = _nowhere(name, missed) if self.several else missed[0][1]
            self._run.fail(error)
            codes.add(error.exit_code)
        if not codes:
            return ExitCode.OK
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def _absent(name: str, where: list[Source]) -> str:
    from rolloutctl.render.text import safe

    return f"{safe(name)} is not in {', '.join(safe(source.label) for source in where)}"


def _nowhere(name: str, missed: list[tuple[Source, RolloutctlError]]) -> NotFound:
    from rolloutctl.render.text import safe

    if len(missed) == 1:
        source, error = missed[0]
        return NotFound(f"{safe(source.label)}: {error.message}", hint=error.hint)
    hints = [
        f"{safe(source.label)}: {said}"
        for source, error in missed[:_HINTS]
        for said in error.hint.splitlines()[:1]
    ]
    if len(missed) > _HINTS:
        hints.append(f"and {len(missed) - _HINTS} more")
    return NotFound(f"{name} is in none of the {len(missed)} clusters that answered", hint=hints)
