"""`rolloutctl terminate`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import (
    DryRunOption,
    Output,
    Reason,
    Record,
    TimeoutOption,
    Wait,
    dry_run,
)
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app()


@command(app)
def terminate(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="TYPE|NAME",
            help="analysisrun (ar) or experiment (exp), and names; or TYPE/NAME.",
            show_default=False,
        ),
    ],
    wait: Wait = False,
    timeout: TimeoutOption = None,
    trial: DryRunOption = "",
    reason: Reason = "",
    record: Record = True,
    output: Output = None,
) -> ExitCode:
    """End analysis runs or experiments before their time.

    No more is measured; what was measured so far decides: Successful, unless something was bad. So
    a canary step, or a blue-green update, that waits for an analysis goes on as if it had
    succeeded; an update that it watches in the background goes on unwatched. It says which it is.

    With --wait it follows each until it has ended.

    \b
    Examples:
      rolloutctl terminate analysisrun checkout-smoke
      rolloutctl terminate exp/price-trial --wait --timeout 1m
      rolloutctl terminate ar/checkout-smoke --dry-run
    """
    from rolloutctl.cli import ending_runs
    from rolloutctl.cli.types import typed
    from rolloutctl.domain.ending_runs import RunAction

    kind, wanted = typed(names)
    if kind == "rollout" or not wanted:
        raise UsageError(
            "say what to end: analysisrun NAME, or experiment NAME",
            hint="a rollout is stopped with abort",
        )
    how = ending_runs.How(dry_run(trial), wait, timeout, reason, record, output)
    return ending_runs.change(Run.of(ctx), RunAction.TERMINATE, kind, wanted, how)
