"""`rolloutctl promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@shipping
def promote(
    ctx: typer.Context,
    asked: Asked,
    full: Annotated[
        bool,
        typer.Option("--full", help="Skip all remaining steps, pauses and analyses."),
    ] = False,
    skip_step: Annotated[
        bool,
        typer.Option(
            "--skip-step",
            help="Leave a step that is not done, or held by a person.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="With --full: ship a version that was aborted."),
    ] = False,
    group: Annotated[
        str,
        typer.Option(
            "--group",
            metavar="LABEL",
            help="All rollouts with these labels, as release=42, step by step together; when one"
            " fails all are aborted.",
            show_default=False,
        ),
    ] = "",
    once: Annotated[
        bool,
        typer.Option("--once", help="With --group: one round, then wait until all are at rest."),
    ] = False,
) -> ExitCode:
    """Move rollouts past their current step, or promote in full.

    At a pause it moves on by one step. A step that is not done (a plugin, an analysis, a weight
    being set) is left only with --skip-step, or when a terminal is asked and says yes. What only a
    person holds (pause) is let go with resume. Right after a new image it waits until the
    controller has seen it, a minute or --timeout at most.

    On a terminal it shows what is about to be shipped (images, pods that are not ready, restarts,
    analyses) and asks. --full also says which steps it skips and which running plugin will be
    terminated; without a terminal it needs --yes. When pods are not ready or an analysis fails, the
    rollout's name has to be typed. Of an aborted rollout --full ships the version that was aborted:
    that needs --force.

    --group LABEL goes on to the end: once all members wait at a pause, those furthest behind are
    promoted, so none is ahead of another; a timed pause or plugin of one holds the others back.
    When one is degraded, aborted, deleted or gets another version, the others are aborted. When the
    time is up or it is stopped nothing is aborted, and the same command goes on.

    With --wait it follows until the rollout is Healthy or waits for a person again (0), is
    degraded, aborted or held (1), or the time is up (4).

    Instead of names --selector, --phase, --plugin and --awaiting select, -A in all namespaces, and
    -f reads a list or a report of rolloutctl, or lines. All are read and decided first; the plan
    is shown and confirmed, for more than 20 by typing their number (--yes: not at all). A rollout
    that meanwhile is no longer what was asked for is left alone. Ctrl-C begins nothing more, waits
    for the answers to what was sent (a second one does not), and says how to go on with the rest:
    -f takes the report of -o jsonl, and the file of --undone. A selection that matches nothing is a
    failure (1) without --allow-empty.

    \b
    Examples:
      rolloutctl promote checkout
      rolloutctl promote checkout cart --wait --timeout 10m
      rolloutctl promote checkout --full --yes --wait
      rolloutctl promote checkout --skip-step
      rolloutctl promote checkout --dry-run
      rolloutctl promote -A -l team=payments --awaiting --max-concurrent 20
      rolloutctl promote -n payments --awaiting --batch 10 --wait --undone left.txt
      rolloutctl promote -f left.txt
      rolloutctl promote --group release=42 -A --timeout 2h
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action
    from rolloutctl.errors import UsageError

    if full and skip_step:
        raise UsageError("--skip-step does not go with --full, which skips all steps")
    if force and not full:
        raise UsageError("--force goes with --full only")
    if group:
        from rolloutctl.cli.lockstep import promote_group

        if full or skip_step:
            raise UsageError("--group promotes step by step: without --full and --skip-step")
        return promote_group(Run.of(ctx), group, asked, once=once)
    if once:
        raise UsageError("--once goes with --group only")

    action = Action.PROMOTE_FULL if full else Action.PROMOTE
    return change(Run.of(ctx), Intent(action, skip_step=skip_step, force=force), asked)
