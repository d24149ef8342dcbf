"""Between the command line and runs that are ended, or begun again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from rolloutctl.cli.options import DryRun
from rolloutctl.cli.recording import recorder, tell
from rolloutctl.cli.run import Run
from rolloutctl.domain.ending_runs import RunAction, RunDid, RunResult
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode


class How(NamedTuple):
    """The options; `timeout` in seconds."""

    dry_run: DryRun = DryRun.NONE
    wait: bool = False
    timeout: float | None = None
    reason: str = ""
    record: bool = True
    output: str | None = None


def change(run: Run, action: RunAction, called: str, names: Sequence[str], how: How) -> ExitCode:
    """Terminates or retries each, one result for each whatever happens to the others.

    `called`: "experiment" or "analysisrun". Raises UsageError, and what opening the cluster raises.
    """
    from rolloutctl.actions import ending_runs
    from rolloutctl.cli import runs
    from rolloutctl.render.views import ending_runs as view

    sort = runs.experiments() if called == "experiment" else runs.analysis_runs()
    wanted = runs.parse_names(run, sort, names)
    if how.dry_run is DryRun.NONE:
        run.must_be_writable()
    cluster, namespace = run.cluster(), run.one_namespace()
    kept = recorder(run, reason=how.reason, record=how.record)

    report = _Report(run, how.output, sort.resource)
    results: list[RunResult] = []
    dry_run = "" if how.dry_run is DryRun.NONE else str(how.dry_run)
    for name in wanted:
        item = ending_runs.change(cluster, action, sort.kind, Ref(namespace, name), dry_run=dry_run)
        if item.decision is not None and item.did in (RunDid.CHANGED, RunDid.TRIED):
            run.note(view.plan(item.decision, run.surface()))
        results.append(item)
        try:
            report.made(item, follows=how.wait)
        finally:
            # It is told first: whoever interrupts the record knows what was done.
            if kept is not None and item.decision is not None and item.did is RunDid.CHANGED:
                kept.ended(item.decision)
    if how.wait:
        results = _followed(run, results, how, report)
    tell(run, kept)
    codes = {item.exit_code for item in results}
    code = codes.pop() if len(codes) == 1 else ExitCode.FAILED if codes else ExitCode.OK
    _finish(run, action, sort, results, code, how.output)
    return code


def _followed(run: Run, results: list[RunResult], how: How, report: _Report) -> list[RunResult]:
    from rolloutctl.actions import ending_runs

    deadline = None if how.timeout is None else time.monotonic() + how.timeout
    found = []
    for item in results:
        if item.did is RunDid.CHANGED:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            item = ending_runs.follow(run.cluster(), item, timeout=left)
            report.ended(item)
        found.append(item)
    return found


class _Report:
    """Tells what becomes of each as it happens; documents come at the end."""

    def __init__(self, run: Run, output: str | None, resource: str) -> None:
        self._run = run
        self._output = output if output != "wide" else None
        self._resource = resource

    def made(self, item: RunResult, *, follows: bool) -> None:
        from rolloutctl.render.views import ending_runs as view

        if self._output is None:
            self._run.emit(view.result(item, self._run.surface()))
        elif self._output == "name" and item.did in (RunDid.CHANGED, RunDid.TRIED):
            self._run.out(f"{self._resource}/{item.ref.name}")
        if item.error is not None and item.did is not RunDid.NOTHING:
            self._run.fail(item.error)

    def ended(self, item: RunResult) -> None:
        from rolloutctl.render.views import ending_runs as view

        if self._output is None:
            self._run.emit(view.ended(item))
        if item.error is not None:
            self._run.fail(item.error)


def _finish(
    run: Run,
    action: RunAction,
    sort: object,
    results: list[RunResult],
    code: ExitCode,
    output: str | None,
) -> None:
    from rolloutctl.cli.output import write
    from rolloutctl.cli.runs import Sort
    from rolloutctl.render.documents import ending_runs as documents

    assert isinstance(sort, Sort)
    if output == "jsonl":
        write(run, (documents.line_document(sort.kind, item) for item in results), output)
    elif output in ("json", "yaml"):
        write(run, [documents.document(action, sort.kind, results, code)], output)
