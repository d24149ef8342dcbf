"""`rolloutctl retry`."""

from __future__ import annotations

from dataclasses import replace

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode, UsageError

app = new_app()


def _retry_runs(run: Run, kind: str, names: list[str], asked: Asked) -> ExitCode:
    from rolloutctl.cli import ending_runs
    from rolloutctl.domain.ending_runs import RunAction

    if kind == "analysisrun" or not names:
        raise UsageError(
            "say what to start again: NAME of a rollout, or experiment NAME",
            hint="an analysis is started again by a new run: rolloutctl analysis run",
        )
    if asked.selected or asked.batch or asked.undone:
        raise UsageError("experiments are named one by one, without a selection and its pace")
    how = ending_runs.How(
        asked.dry_run, asked.wait, asked.timeout, asked.reason, asked.record, asked.output
    )
    return ending_runs.change(run, RunAction.RETRY, kind, names, how)


@command(app)
@shipping
def retry(ctx: typer.Context, asked: Asked) -> ExitCode:
    """Start an aborted update again, from its first step, with the same version.

    retry experiment NAME (or exp/NAME) starts an experiment that has ended once more, also one that
    was terminated. A rollout called "experiment" is ro/experiment.

    With --wait it follows until the rollout is Healthy or waits for a person (0), is degraded or
    aborted again (1), or the time is up (4).

    Many are selected by --selector, --phase, --plugin, --awaiting or -f; see promote for the plan,
    the confirmation, the pace, and how to go on after an interrupt.

    \b
    Examples:
      rolloutctl retry checkout
      rolloutctl retry checkout --wait --timeout 10m
      rolloutctl retry experiment price-trial
      rolloutctl retry -n payments --phase Degraded --batch 5 --wait
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.cli.types import typed
    from rolloutctl.domain.decision import Action

    kind, names = typed(asked.names)
    if kind != "rollout":
        return _retry_runs(Run.of(ctx), kind, names, asked)
    asked = replace(asked, names=tuple(names))
    return change(Run.of(ctx), Intent(Action.RETRY), asked)
