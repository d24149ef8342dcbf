"""`rolloutctl convert`: a Deployment into a Rollout, and back."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import complete_names
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

FORMATS = ("yaml", "json")
STRATEGIES = ("canary", "blue-green")
SCALE_DOWNS = ("never", "onsuccess", "progressively")

app = new_app(
    help="Print a Rollout for a Deployment, or a Deployment for a Rollout.", no_args_is_help=True
)
group(app)


def _one_of(known: tuple[str, ...], what: str, text: str) -> str:
    wanted = text.strip().lower()
    if wanted not in known:
        raise typer.BadParameter(f'"{text}" is no {what}; known: {", ".join(known)}')
    return wanted


def _format(text: str) -> str:
    return _one_of(FORMATS, "format of a manifest", text)


def _strategy(text: str) -> str:
    return _one_of(STRATEGIES, "strategy", text)


def _scale_down(text: str) -> str:
    return _one_of(SCALE_DOWNS, "value of scaleDown", text)


def _complete_deployments(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import object_names
    from rolloutctl.domain.cluster import DEPLOYMENTS

    return object_names(ctx, incomplete, DEPLOYMENTS)


Format = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        parser=_format,
        help="yaml, or json.",
        show_default=False,
    ),
]


@command(app)
def deployment(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help="A manifest (- is stdin), or a Deployment of the cluster: NAME, deploy/NAME.",
            show_default=False,
            autocompletion=_complete_deployments,
        ),
    ],
    workload_ref: Annotated[
        bool,
        typer.Option(
            "--workload-ref", help="A Rollout that takes its template from the Deployment."
        ),
    ] = False,
    scale_down: Annotated[
        str | None,
        typer.Option(
            "--scale-down",
            metavar="[never|onsuccess|progressively]",
            parser=_scale_down,
            help="With --workload-ref: when the Deployment's own pods go. Else never.",
            show_default=False,
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            metavar="[canary|blue-green]",
            parser=_strategy,
            help="How it is to ship new versions.",
        ),
    ] = "canary",
    steps: Annotated[
        str,
        typer.Option(
            "--steps",
            metavar="STEPS",
            help="The steps of a canary, as 20,pause:10m,50,pause; else a rolling update.",
            show_default=False,
        ),
    ] = "",
    service: Annotated[
        str,
        typer.Option(
            "--service",
            metavar="NAME",
            help="With blue-green: the active Service; else the one of the file that selects its"
            " pods.",
            show_default=False,
        ),
    ] = "",
    preview_service: Annotated[
        str,
        typer.Option(
            "--preview-service",
            metavar="NAME",
            help="With blue-green: the preview Service.",
            show_default=False,
        ),
    ] = "",
    output: Format = None,
) -> ExitCode:
    """Print a Rollout for a Deployment; nothing is written to the cluster.

    Comments, order and quotes of a file are kept, and so are its other documents; autoscalers
    among them that name the Deployment name the Rollout instead. What a server has written is left
    out. What has no counterpart is said on stderr.

    With --workload-ref only the Rollout is printed: the Deployment stays where it is and keeps the
    template.

    \b
    Examples:
      rolloutctl convert deployment deployment.yaml --steps 20,pause:10m,50,pause
      rolloutctl convert deployment deployment.yaml --strategy blue-green --service web
      rolloutctl convert deployment deployment.yaml --workload-ref --scale-down progressively
      cat deployment.yaml | rolloutctl convert deployment - -o json
    """
    from rolloutctl.cli import converting
    from rolloutctl.domain.converting import Strategy
    from rolloutctl.domain.converting import steps as parsed

    blue_green = strategy == "blue-green"
    if blue_green and steps:
        raise UsageError("--steps are those of a canary", hint="leave out --strategy blue-green")
    if not blue_green and (service or preview_service):
        raise UsageError("--service and --preview-service are for --strategy blue-green")
    if scale_down is not None and not workload_ref:
        raise UsageError("--scale-down is for --workload-ref")
    wishes = converting.Wishes(
        Strategy(
            blue_green=blue_green,
            steps=parsed(steps) if steps else (),
            active_service=service,
            preview_service=preview_service,
        ),
        workload_ref=workload_ref,
        scale_down=scale_down or "never",
    )
    return converting.from_deployment(Run.of(ctx), target, wishes, output=output)


@command(app)
def rollout(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help="A manifest (- is stdin), or a rollout of the cluster: NAME, ro/NAME.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ],
    output: Format = None,
) -> ExitCode:
    """Print a Deployment for a Rollout; nothing is written to the cluster.

    Of the strategy only maxSurge and maxUnavailable of a canary have a counterpart; the rest is
    left out, and said on stderr. Where the template is in a Deployment, that is printed, with the
    rollout's number of pods.

    \b
    Examples:
      rolloutctl convert rollout rollout.yaml
      rolloutctl convert rollout ro/checkout -n shop -o json
    """
    from rolloutctl.cli import converting

    return converting.from_rollout(Run.of(ctx), target, output=output)
