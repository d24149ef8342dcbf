"""`rolloutctl plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import complete_names, duration
from rolloutctl.cli.picking import kubectl_format
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

FORMATS = ("json", "yaml", "jsonl", "svg")
MOST_PODS = 1000

app = new_app()


def _format(text: str) -> str:
    kubectl = kubectl_format(text)
    if kubectl is not None:
        return kubectl
    wanted = text.strip().lower()
    if wanted not in FORMATS:
        raise typer.BadParameter(f'"{text}" is no format of a plan; known: {", ".join(FORMATS)}')
    return wanted


def _pods(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise typer.BadParameter(f'"{text}" is no number of pods')
    if len(text) > 4 or int(text) > MOST_PODS:
        raise typer.BadParameter(f"a rehearsal has at most {MOST_PODS} pods")
    return int(text)


@command(app)
def plan(
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
    image: Annotated[
        list[str] | None,
        typer.Option(
            "--image",
            metavar="CONTAINER=IMAGE",
            help="The new version; with one container the IMAGE alone. Else one is assumed.",
            show_default=False,
        ),
    ] = None,
    plugins: Annotated[
        str,
        typer.Option(
            "--plugins",
            metavar="FILE",
            help="How plugins and analyses end and how long they take, as YAML.",
            show_default=False,
        ),
    ] = "",
    replicas: Annotated[
        int | None,
        typer.Option(
            "--replicas",
            metavar="N",
            parser=_pods,
            help="Rehearse with so many pods.",
            show_default=False,
        ),
    ] = None,
    pod_ready: Annotated[
        float | None,
        typer.Option(
            "--pod-ready",
            metavar="DURATION",
            parser=duration,
            help="How long a new pod takes to be ready, as 30s. Else at once.",
            show_default=False,
        ),
    ] = None,
    rollout: Annotated[
        str,
        typer.Option(
            "--rollout",
            metavar="NAME",
            help="Only this one of several in a file.",
            show_default=False,
        ),
    ] = "",
    svg: Annotated[
        str,
        typer.Option(
            "--svg", metavar="FILE", help="Write a picture there too.", show_default=False
        ),
    ] = "",
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            parser=_format,
            help="json, yaml, jsonl (one document a line), or svg.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Rehearse an update: every step with its time, weight and pods, and what an abort would do.

    The rollout is played on a simulated controller whose clock runs forward; nothing is sent to
    any cluster, no plugin is called and no metric asked. FILE may hold several objects: the
    Services, templates and workload a rollout refers to are taken from it, and what is missing is
    stubbed, which is said. What ends in .yaml, .yml or .json, has a slash in it or is there as a
    file is a FILE; ro/NAME is always a rollout of the cluster, which is only read.

    The file of --plugins names a plugin, or the number of a step, and its outcome (Successful,
    Failed, Error, Disabled), or a mapping of outcome, duration, message, requeue, abort and
    terminate; "*" is any other plugin. Under analysis it names templates or metrics (Successful,
    Failed, Error, Inconclusive; or a mapping of outcome, after, duration, message).

    Exit code 0 when the update would be promoted, 1 when it would be aborted or get stuck, 2 when
    the controller would refuse the manifest.

    \b
    Examples:
      rolloutctl plan rollout.yaml
      rolloutctl plan rollout.yaml --image app=shop/checkout:v2 --plugins outcomes.yaml
      kustomize build . | rolloutctl plan - --svg plan.svg
      rolloutctl plan ro/checkout -n shop --replicas 40 -o json
    """
    from rolloutctl.cli import planning

    wishes = planning.Wishes(
        images=tuple(image or ()),
        plugins=plugins,
        rollout=rollout,
        replicas=replicas,
        pod_ready=pod_ready or 0.0,
    )
    return planning.plan(Run.of(ctx), target, wishes, output=output, svg=svg)
