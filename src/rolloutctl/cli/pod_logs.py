"""The logs of many pods on stdout, as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.output import blocks, write
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Timeout, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.logs import Asked, Crowd, Unread
    from rolloutctl.domain.pod_logs import LogLine


def show(
    run: Run,
    crowds: Sequence[Crowd],
    asked: Asked,
    *,
    output: str | None,
    timestamps: bool = False,
    follow: bool = False,
    timeout: float | None = None,
) -> ExitCode:
    """Prints the logs of the crowds' pods; with `follow` until they end or somebody ends it.

    What could not be read is told on stderr and makes it FAILED, except for pods that have not
    started. Raises UsageError, Timeout, and what the cluster raises.
    """
    from rolloutctl.actions.logs import check

    check(asked, follow=follow)
    if output in ("name", "wide") or (follow and output in ("json", "yaml")):
        raise UsageError(
            f"-o {output} does not go with {'following logs' if follow else 'logs'}",
            hint="-o jsonl gives a document per line",
        )
    if timeout is not None and not follow:
        raise UsageError("--timeout needs --follow")
    printer = _Printer(run, output, timestamps, owners=len(crowds) > 1)
    if not follow:
        return _print(run, crowds, asked, printer, output)
    try:
        return _follow(run, crowds, asked, printer, timeout or None)
    except KeyboardInterrupt:
        # As with kubectl logs -f: that is how one leaves, and no more is to be said.
        return ExitCode.INTERRUPTED


def _print(
    run: Run, crowds: Sequence[Crowd], asked: Asked, printer: _Printer, output: str | None
) -> ExitCode:
    from rolloutctl.actions import logs

    cluster = run.cluster()
    found = logs.meant(cluster, crowds, asked)
    failed: list[Unread] = list(found.unread)
    if found.left_out:
        printer.left_out(found.left_out)
    lines = logs.merged(cluster, found.origins, asked, failed.append)
    if output in ("json", "yaml"):
        write(run, map(printer.document, lines), output, listed="LogLineList")
    else:
        for block in blocks(lines):
            printer.lines(block)
    if not found.origins and not found.unread:
        run.note("no pods" + (f" that are {' or '.join(sorted(asked.roles))}" * bool(asked.roles)))
    codes = set()
    for unread in failed:
        if unread.waits:
            printer.remark("waits", unread)
        else:
            run.fail(unread.error)
            codes.add(unread.error.exit_code)
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def _follow(
    run: Run, crowds: Sequence[Crowd], asked: Asked, printer: _Printer, timeout: float | None
) -> ExitCode:
    from rolloutctl.actions.following_logs import Follower, Remark

    follower = Follower(run.cluster(), crowds, asked, now=run.environment.now)
    deleted = False
    for told in follower.follow(timeout):
        if not isinstance(told, Remark):
            printer.lines(told)
        elif told.what == "deleted":
            deleted = True
            run.note(f"{told.said} was deleted")
        elif told.what == "more":
            printer.left_out(0)
        else:
            printer.remark(told.what, told)
    if deleted or all(crowd.over for crowd in crowds):
        return ExitCode.OK
    raise Timeout(f"stopped following after {timeout:g} s")


class _Printer:
    """Writes lines in the form asked for."""

    def __init__(self, run: Run, output: str | None, timestamps: bool, *, owners: bool) -> None:
        from rolloutctl.render.views.logs import Prefixes

        self._run = run
        self._jsonl = output == "jsonl"
        self._timestamps = timestamps
        self._terminal = run.environment.stdout.isatty()
        self._prefixes = Prefixes(owners=owners)

    def document(self, line: LogLine) -> dict[str, Any]:
        from rolloutctl.render.documents import logs as documents

        return documents.log_line(line)

    def lines(self, lines: Iterable[LogLine]) -> None:
        """Raises ReaderGone."""
        from rolloutctl.render.views import logs as views

        if self._jsonl:
            write(self._run, map(self.document, lines), "jsonl")
        elif self._terminal:
            self._run.emit(
                views.shown(line, self._prefixes, timestamps=self._timestamps) for line in lines
            )
        else:
            self._run.out(
                "".join(
                    views.raw(line, self._prefixes, timestamps=self._timestamps) for line in lines
                )
            )

    def remark(self, what: str, about: Any) -> None:
        """Says on stderr what happened to a pod's log."""
        from rolloutctl.render.views import logs as views

        said = about.said if hasattr(about, "said") else about.error.message
        surface = self._run.surface()
        line = views.remark(what, about.origin, said, self._prefixes, surface)
        self._run.note([line])

    def left_out(self, count: int) -> None:
        many = f"{count:,} more pods are" if count != 1 else "1 more pod is"
        text = many if count else "more pods are"
        self._run.note(f"{text} left out; --max-pods says how many are read")
