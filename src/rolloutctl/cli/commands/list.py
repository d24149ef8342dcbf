"""`rolloutctl list`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Fresh, Output, Selector, TimeoutOption
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def list_(
    ctx: typer.Context,
    selector: Selector = "",
    phase: Annotated[
        str,
        typer.Option(
            "--phase",
            metavar="PHASE,...",
            help="Only these: Healthy, Degraded, Progressing, Paused.",
            show_default=False,
        ),
    ] = "",
    plugin: Annotated[
        str,
        typer.Option(
            "--plugin",
            metavar="NAME",
            help="Only rollouts with a step of this plugin.",
            show_default=False,
        ),
    ] = "",
    awaiting: Annotated[
        bool,
        typer.Option("--awaiting", help="Only what waits for a person; the longest wait first."),
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label-columns",
            "-L",
            metavar="LABEL,...",
            help="Labels that are columns of the table.",
            show_default=False,
        ),
    ] = None,
    show_labels: Annotated[
        bool, typer.Option("--show-labels", help="All labels, as the last column.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the list.")] = False,
    fresh: Fresh = False,
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """List rollouts, by phase, plugin, label, or who waits for a person.

    A list of many is kept on disk, and the next one goes on from there: it asks what has changed
    since, and says so on stderr. With --watch the table is rewritten in place on a terminal;
    elsewhere a line is printed per change. Exit code 1 when some rollouts could not be read (the
    others are shown).

    \b
    Examples:
      rolloutctl list -A
      rolloutctl list -A --awaiting
      rolloutctl list -A -L team,app.kubernetes.io/part-of
      rolloutctl list -n shop --phase Degraded,Paused -o jsonl
      rolloutctl list -A --columns name,phase,step,TEAM:namespace
      rolloutctl list -A --query "items[?rollout.phase == 'Degraded'].name"
      rolloutctl list -A --plugin demo/jenkins-gate -w
    """
    from rolloutctl.cli import rollouts
    from rolloutctl.domain.fleet.keeping import keep_for

    run = Run.of(ctx)
    keep = keep_for(rollouts.parse_phases(phase), plugin, awaiting)
    labels = rollouts.label_columns(run, label or (), every=show_labels, output=output, watch=watch)
    if watch:
        from rolloutctl.cli.following_rows import Asked, follow_rows

        return follow_rows(run, Asked(output, selector, keep, awaiting, timeout, fresh))
    return rollouts.show_rows(
        run,
        output=output,
        selector=selector,
        keep=keep,
        awaiting=awaiting,
        fresh=fresh,
        labels=labels,
    )
