"""`rolloutctl set`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import complete_names
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode

app = new_app(help="Change what a rollout runs.", no_args_is_help=True)
group(app)


@command(app)
@shipping
def image(
    ctx: typer.Context,
    asked: Asked,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|CONTAINER=IMAGE",
            help="Rollouts, and the images of containers; *=IMAGE: of all that are no init or"
            " ephemeral ones.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ],
) -> ExitCode:
    """Give containers other images: the rollout goes through its steps with them.

    It says from what to what, what becomes of an update under way, and who would take the change
    back, and asks; where there is no terminal to ask on it needs --yes. Init and ephemeral
    containers are changed by their names only. With a workloadRef the Deployment, ReplicaSet or
    PodTemplate is changed.

    Only the images are sent, on condition that each container is where it was seen, with the image
    it had: an edit of anything else meanwhile stays, and one of these images is not overwritten.

    With --wait it follows until the rollout is Healthy or waits for a person (0), is degraded or
    aborted (1), gets yet another version (6), or the time is up (4).

    \b
    Examples:
      rolloutctl set image checkout checkout=registry.example/checkout:v3 --yes
      rolloutctl set image checkout '*=registry.example/checkout:v4' --yes --wait --timeout 10m
      rolloutctl set image checkout checkout=registry.example/checkout:v5 --dry-run
      rolloutctl set image --selector team=pay proxy=envoy:v1.31 --batch 10
    """
    from dataclasses import replace

    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action
    from rolloutctl.domain.images import parse
    from rolloutctl.errors import UsageError

    wanted = tuple(parse(word) for word in names if "=" in word)
    if not wanted:
        raise UsageError(
            "no image is given", hint="write CONTAINER=IMAGE, as app=registry.example/web:v2"
        )
    if len(dict(wanted)) < len(wanted):
        raise UsageError("a container is named twice")
    asked = replace(
        asked,
        names=tuple(word for word in names if "=" not in word),
        again=(*asked.again, *(word for word in names if "=" in word)),
    )
    return change(Run.of(ctx), Intent(Action.SET_IMAGE, images=wanted), asked)
