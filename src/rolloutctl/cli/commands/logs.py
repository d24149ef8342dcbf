"""`rolloutctl logs`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Names, Output, TimeoutOption, duration
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()

ROLES = ("canary", "stable", "active", "preview")


def _roles(text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part not in ROLES:
            raise typer.BadParameter(f'"{part}" is no role; known: {", ".join(ROLES)}')
    return text


@command(app)
def logs(
    ctx: typer.Context,
    names: Names,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            metavar="ROLE,...",
            parser=_roles,
            help="Only the pods that are this now: canary, stable, active, preview.",
            show_default=False,
            autocompletion=lambda incomplete: [r for r in ROLES if r.startswith(incomplete)],
        ),
    ] = "",
    container: Annotated[
        str,
        typer.Option(
            "--container",
            "-c",
            metavar="NAME",
            help="This container; else the one the pod names as its default, else its first.",
            show_default=False,
        ),
    ] = "",
    all_containers: Annotated[
        bool, typer.Option("--all-containers", help="All containers, the init containers as well.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is printed from now on.")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail", metavar="N", help="Only the last N lines of each.", show_default=False
        ),
    ] = None,
    since: Annotated[
        float | None,
        typer.Option(
            "--since",
            metavar="DURATION",
            parser=duration,
            help="Only what is younger, as 5m.",
            show_default=False,
        ),
    ] = None,
    previous: Annotated[
        bool,
        typer.Option("--previous", "-p", help="Of the container before its last restart."),
    ] = False,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Each line with its time.")
    ] = False,
    max_pods: Annotated[
        int, typer.Option("--max-pods", metavar="N", help="Pods read at once, the youngest.")
    ] = 50,
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show what the pods of rollouts print, all as one, in the order of time.

    Each line begins with the part its pod plays, the end of the pod's name, and the container. On
    a terminal pods have colours, and what would move the cursor is left out of their lines;
    elsewhere lines come as the pods print them. With --follow pods that come are picked up and
    those that go are left; after a promotion --role stable goes on with the new version's pods.
    -o jsonl gives a document a line.

    \b
    Examples:
      rolloutctl logs checkout
      rolloutctl logs checkout --role canary --since 5m
      rolloutctl logs checkout -f --tail 20
      rolloutctl logs checkout --role stable -o jsonl --tail 100
    """
    from rolloutctl.actions.logs import Asked, RolloutPods
    from rolloutctl.cli import pod_logs

    run = Run.of(ctx)
    asked = Asked(
        roles=frozenset(part.strip() for part in role.split(",") if part.strip()),
        container=container,
        every_container=all_containers,
        tail=tail,
        since=since,
        previous=previous,
        most=max_pods,
    )
    refs = run.refs(names)
    crowds = [RolloutPods(run.cluster(), ref) for ref in refs]
    return pod_logs.show(
        run,
        crowds,
        asked,
        output=output,
        timestamps=timestamps,
        follow=follow,
        timeout=timeout,
    )
