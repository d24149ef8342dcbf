"""`rolloutctl diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Name, Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app()


@command(app)
def diff(
    ctx: typer.Context,
    name: Name,
    revision: Annotated[
        str,
        typer.Option(
            "--revision",
            metavar="A..B",
            help="From one revision to another; A, or A.., to the present template; stable is the"
            " stable one.",
            show_default=False,
        ),
    ] = "",
    filename: Annotated[
        str | None,
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE",
            help="From what is applied to a manifest of it; - is stdin.",
            show_default=False,
        ),
    ] = None,
    fails: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 where there are differences.")
    ] = False,
    output: Output = None,
) -> ExitCode:
    """Show how two versions of a rollout differ.

    Without options from the stable version to the present template; where that is the stable one,
    from the revision before it. What the API server fills in, hashes, and what the controller put
    there are left out, so that only what somebody wrote is compared. With -f of a Rollout its whole
    spec is compared, of a workload the template it holds.

    \b
    Examples:
      rolloutctl diff checkout
      rolloutctl diff checkout --revision 1..2
      rolloutctl diff checkout --revision stable..
      rolloutctl diff checkout -f rollout.yaml --exit-code || echo not applied yet
      rolloutctl diff checkout -o json --query 'differences[].path'
    """
    from rolloutctl.cli import histories

    if revision and filename is not None:
        raise UsageError("--revision and -f do not go together", hint="leave out one of them")
    if output == "name":
        raise UsageError("-o name has nothing to name here", hint="known: json, yaml, jsonl, wide")
    run = Run.of(ctx)
    (ref,) = run.refs([name])
    return histories.compare(run, ref, revision, filename, output, fails=fails)
