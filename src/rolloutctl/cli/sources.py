"""The clusters a command reads from, and reading from all of them at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from rolloutctl.actions.hearing import DEAF
from rolloutctl.cli.run import Broken, Run
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.refs import Ref

T = TypeVar("T")
AT_ONCE = 8
"""Clusters read at the same time."""
_PATIENCE = 1.0
"""Seconds after which a person is told what is waited for."""
_AHEAD = 4000
"""Items of a cluster that are kept until those before it have been handed out."""


class Source:
    """One cluster; `label` is what tables and documents call it, "" when it is the only one.

    It is opened when it is first asked for, in the thread that does, so that one whose
    configuration is broken is a matter of its own.
    """

    def __init__(self, run: Run, label: str, context: str | None) -> None:
        self.label = label
        self.context = context
        self._run = run
        self._opened: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        """Raises ClusterError and its kin."""
        if self._opened is None:
            run = self._run
            self._opened = run.open(self.context) if self.label else run.cluster()
        return self._opened

    @property
    def namespace(self) -> str | None:
        """The namespace to list there, None for all: -n, else that of its own context."""
        return None if self._run.common.all_namespaces else self.one_namespace

    @property
    def one_namespace(self) -> str:
        """The namespace of named objects there."""
        return self._run.common.namespace or self.cluster.namespace

    def ref(self, name: str) -> Ref:
        """The rollout of that name there."""
        from rolloutctl.domain.refs import Ref

        return Ref(self.one_namespace, name)


def sources(run: Run) -> list[Source]:
    """The clusters the user means. Raises UsageError and ClusterError."""
    names = run.contexts()
    if len(names) == 1:
        return [Source(run, "", names[0])]
    return [Source(run, name or "", name) for name in names]


def several(run: Run) -> list[str]:
    """What the clusters are called; nothing for the only one."""
    names = run.contexts()
    return [name or "" for name in names] if len(names) > 1 else []


def of_cluster(label: str, error: RolloutctlError) -> RolloutctlError:
    """The error with the name of its cluster in it, for `Run.fail`."""
    from rolloutctl.render.text import safe

    first, *rest = error.message.splitlines() or [""]
    named = f"{error.subject}: " if error.subject and error.subject not in first else ""
    return RolloutctlError("\n".join([f"{safe(label)}: {named}{first}", *rest]), hint=error.hint)


def no_names() -> UsageError:
    """Why names alone are not printed of several clusters: they would be used on a wrong one."""
    return UsageError(
        "-o name does not say which cluster an object is in",
        hint="-o jsonl has cluster, namespace and name; or name one context",
    )


class NoneAnswered(RolloutctlError):
    """Of several clusters none could be read; why is in `Run.broken`."""


def each(
    run: Run, work: Callable[[Source], Iterable[T]], among: list[Source] | None = None
) -> Iterator[tuple[Source, T]]:
    """What `work` finds in each source, in the order of the sources.

    With one source its error is raised. Several are read in threads, `AT_ONCE` at a time; what
    fails in one is kept in `run.broken`, is told when the command ends, makes it end with FAILED,
    and does not keep the others back. Raises NoneAnswered when all failed.
    """
    listed = sources(run) if among is None else among
    if len(listed) == 1:
        for found in work(listed[0]):
            yield listed[0], found
        return
    from rolloutctl.cli.progress import Progress
    from rolloutctl.render.text import safe

    progress = Progress(run)
    channels: list[_Channel[T]] = [_Channel() for _ in listed]
    waiting = deque(zip(listed, channels, strict=True))

    def reader() -> None:
        # Taken in order: the source whose turn it is has always been begun.
        while True:
            try:
                source, channel = waiting.popleft()
            except IndexError:
                return
            channel.fill(work, source)

    try:
        for _ in range(min(AT_ONCE, len(listed))):
            threading.Thread(target=reader, name="cluster", daemon=True).start()
        failed: list[RolloutctlError] = []
        for number, (source, channel) in enumerate(zip(listed, channels, strict=True)):
            while True:
                if not channel.ready(_PATIENCE):
                    progress.show(f"waiting for {safe(source.label, 60)}", number / len(listed))
                    while not channel.ready(DEAF):
                        pass
                    progress.clear()
                items = channel.take()
                if not items:
                    break
                for item in items:
                    yield source, item
            if channel.error is not None:
                failed.append(channel.error)
                run.broken.append(Broken(source.label, channel.error))
        if listed and len(failed) == len(listed):
            raise _none_answered(failed)
    finally:
        progress.clear()
        waiting.clear()
        for channel in channels:
            channel.close()


def _none_answered(failed: list[RolloutctlError]) -> NoneAnswered:
    codes = {error.exit_code for error in failed}
    error = NoneAnswered(f"none of the {len(failed)} clusters could be read")
    error.exit_code = codes.pop() if len(codes) == 1 else ExitCode.FAILED
    return error


class _Channel(Generic[T]):
    """What one source says, on its way from the thread that reads it; of bounded length.

    Once there is nothing to take, `error` is what the source failed with, if it did.
    """

    def __init__(self) -> None:
        self.error: RolloutctlError | None = None
        self._unexpected: Exception | None = None
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False

    def fill(self, work: Callable[[Source], Iterable[T]], source: Source) -> None:
        """Reads the source to its end, in the thread it is called in."""
        try:
            for item in work(source):
                if not self._put(item):
                    break
        except RolloutctlError as error:
            self.error = error
        except Exception as error:
            self._unexpected = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            while len(self._items) >= _AHEAD and not self._closed:
                self._changed.wait()
            self._items.append(item)
            self._changed.notify_all()
            return not self._closed

    def ready(self, seconds: float) -> bool:
        """Waits until there is something to take, or the end; whether there is."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._items) or self._ended, seconds)

    def take(self) -> list[T]:
        """What there is; nothing at the end. Raises what nobody expected of the source."""
        with self._changed:
            items = list(self._items)
            self._items.clear()
            self._changed.notify_all()
        if not items and self._unexpected is not None:
            raise self._unexpected
        return items

    def close(self) -> None:
        """Nobody takes anything any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
