"""`rolloutctl wait`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Output, Selector, complete_names, duration
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, Phase, Plugin
from rolloutctl.errors import ExitCode, UsageError

app = new_app()


def complete_goals(incomplete: str) -> list[str]:
    """The states there are, up to their value."""
    from rolloutctl.domain.goals import FORMS

    known = [form.partition("[")[0].partition("=") for form in FORMS]
    return [word + equals for word, equals, _ in known if word.startswith(incomplete)]


@command(app)
def wait(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Rollouts: NAME, ro/NAME or rollout/NAME; or select them by the options below.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ] = None,
    goals: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="STATE",
            help="What to wait for: healthy, done, paused, awaiting, aborted, degraded, deleted,"
            " generation[=N], step=N, weight=N, revision=N, phase=PHASE[,PHASE],"
            " plugin=NAME[:PHASE], image=IMAGE, condition=TYPE[=STATUS]. Of several --for any one"
            " is enough.",
            show_default=False,
            autocompletion=complete_goals,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all/--any", help="Of several rollouts: wait for all, or for the first."),
    ] = True,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            parser=duration,
            help="How long to wait at most: 10m unless given, 0 is without end. Ends with exit"
            " code 4.",
            show_default=False,
        ),
    ] = None,
    selector: Selector = "",
    phase: Phase = "",
    plugin: Plugin = "",
    filename: Annotated[
        str | None,
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE",
            help="The rollouts of a list or a report, as JSON, YAML or lines of NAME or"
            " NAMESPACE/NAME; - is stdin.",
            show_default=False,
        ),
    ] = None,
    allow_empty: Annotated[
        bool,
        typer.Option("--allow-empty", help="A selection that matches nothing is no failure."),
    ] = False,
    output: Output = None,
) -> ExitCode:
    """Wait until rollouts have come to a state.

    A step or a weight is reached once the update has come so far or further; a plugin without a
    phase once it has ended; generation once the controller has seen the present spec, and the
    present template of a workload it refers to. Steps count from 1.

    It ends at once, with the reason, when the state can no longer be reached: after an abort while
    waiting for healthy, when the update is complete while waiting for a pause, for a plugin the
    rollout does not have. While no update is under way, the next one is waited for.

    What moves on the way is said on stderr. Exit codes: 0 reached; 1 it can no longer be reached,
    or rollouts failed in different ways; 4 --timeout is over; 5 not there, or deleted meanwhile;
    6 another version took its place.

    \b
    Examples:
      rolloutctl wait checkout --for healthy --timeout 15m
      rolloutctl wait checkout --for step=3 --for aborted
      rolloutctl wait checkout --for paused -o json
      rolloutctl wait --selector tier=web --for generation --any --allow-empty
    """
    from rolloutctl.cli import waiting_for
    from rolloutctl.domain.goals import FORMS, parse_goal

    if not goals:
        raise UsageError(
            "say what to wait for, as --for healthy", hint=f"known: {', '.join(FORMS)}"
        )
    asked = Asked(
        names=tuple(names or ()),
        selector=selector,
        phase=phase,
        plugin=plugin,
        filename=filename,
        allow_empty=allow_empty,
        timeout=timeout,
        output=output,
        path=ctx.command_path,
    )
    if names and asked.selected:
        raise UsageError("name rollouts, or select them: not both")
    wanted = [parse_goal(text, "--for") for text in goals]
    return waiting_for.wait(Run.of(ctx), asked, wanted, one_is_enough=not every)
