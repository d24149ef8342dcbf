"""`rolloutctl doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.commands.plugins import ControllerNamespace
from rolloutctl.cli.options import Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def doctor(
    ctx: typer.Context,
    rights: Annotated[
        bool, typer.Option("--rights", help="Only what you may do, by command.")
    ] = False,
    print_role: Annotated[
        bool,
        typer.Option(
            "--print-role",
            help="Print Roles with all rights that some command needs; with -A a ClusterRole.",
        ),
    ] = False,
    controller_namespace: ControllerNamespace = None,
    output: Output = None,
) -> ExitCode:
    """Look at the cluster, the controller and your rights, and say what to do.

    Versions, clocks, what the installation serves, the controller with its age and configuration,
    plugins and traffic routers that rollouts use, its metrics, updates that an unhealthy stable
    version holds up, and for each command whether you may use it. Nothing is changed.

    Exit codes: 0 without errors (there may be warnings), 1 with errors, 3 when the cluster cannot
    be reached.

    \b
    Examples:
      rolloutctl doctor
      rolloutctl doctor -A -o json
      rolloutctl doctor --rights
      rolloutctl doctor --print-role > roles.yaml
    """
    from rolloutctl.cli import examining

    run = Run.of(ctx)
    if print_role:
        return examining.print_role(run, controller_namespace)
    if rights:
        return examining.rights(run, output, controller_namespace)
    return examining.examine(run, output, controller_namespace)
