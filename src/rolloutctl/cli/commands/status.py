"""`rolloutctl status`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Name, Output, TimeoutOption, Wait
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def status(
    ctx: typer.Context,
    name: Name,
    wait: Wait = False,
    timeout: TimeoutOption = None,
    output: Output = None,
) -> ExitCode:
    """Say in one line how a rollout is; the exit code says it too.

    0 when it is Healthy, Progressing or Paused, 1 when it is Degraded or aborted. With --wait it
    follows until it is Healthy (0) or has failed (1); when a person has to act first, it says so
    and ends with 4, as after --timeout. Of several clusters each has a line, and the worst decides.

    \b
    Examples:
      rolloutctl status checkout
      rolloutctl status checkout --wait --timeout 10m
      rolloutctl status checkout --context prod-eu,prod-us
    """
    from rolloutctl.cli import watching

    run = Run.of(ctx)
    if wait:
        run.one_context("--wait")
        (ref,) = run.refs([name])
        return watching.wait_for_end(run, ref, timeout=timeout, output=output)
    return watching.status(run, run.names([name]), output=output)
