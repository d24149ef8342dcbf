"""`rolloutctl analysis`: look at analysis runs, make one, read the logs of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import (
    DryRun,
    DryRunOption,
    Output,
    Selector,
    TimeoutOption,
    Wait,
    complete_names,
    dry_run,
)
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

if TYPE_CHECKING:
    pass

app = new_app(no_args_is_help=True)
group(app)


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import object_names
    from rolloutctl.domain.cluster import ANALYSIS_RUNS

    return object_names(ctx, incomplete, ANALYSIS_RUNS)


def _complete_templates(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import object_names
    from rolloutctl.domain.cluster import ANALYSIS_TEMPLATES

    return object_names(ctx, incomplete, ANALYSIS_TEMPLATES)


@command(app, "list")
def list_(
    ctx: typer.Context,
    selector: Selector = "",
    rollout: Annotated[
        str,
        typer.Option(
            "--rollout",
            metavar="NAME",
            help="Only those of this rollout and of its experiments.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ] = "",
    phase: Annotated[
        str,
        typer.Option(
            "--phase",
            metavar="PHASE,...",
            help="Only these: Pending, Running, Successful, Failed, Error, Inconclusive.",
            show_default=False,
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with a line for each change.")
    ] = False,
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """List analysis runs: whose they are, how they stand, how many measurements were good.

    Runs that nobody owns are listed too. The youngest of a namespace comes first; measurements of
    dry-run metrics are counted by themselves, since they decide nothing.

    \b
    Examples:
      rolloutctl analysis list
      rolloutctl analysis list --rollout checkout
      rolloutctl analysis list -A --phase Failed,Error,Inconclusive -o wide
      rolloutctl analysis list -w
    """
    from rolloutctl.cli import listing_runs, runs

    return listing_runs.show(
        Run.of(ctx),
        runs.analysis_runs(),
        listing_runs.Asked(selector, rollout, phase),
        watch=watch,
        output=output,
        timeout=timeout,
    )


@command(app)
def get(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Analysis runs: NAME or ar/NAME.",
            show_default=False,
            autocompletion=_complete,
        ),
    ],
    output: Output = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="With -o json|yaml|jsonl: the object as the server has it."),
    ] = False,
) -> ExitCode:
    """Show an analysis run: each metric's query, condition, measurements and limits.

    What decided comes first. Arguments are filled in where their values are known; those from
    Secrets are not. With -o wide each measurement says how long it took.

    \b
    Examples:
      rolloutctl analysis get checkout-smoke
      rolloutctl analysis get checkout-smoke -o json | jq '.metricResults[].measurements'
    """
    from rolloutctl.cli import runs

    return runs.show_analysis_run(Run.of(ctx), names, output, raw)


@command(app, "run")
def run_(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE",
            help="Templates of this file (- for stdin), one or several.",
            show_default=False,
        ),
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="TEMPLATE",
            help="An AnalysisTemplate of the namespace; several make one run.",
            show_default=False,
            autocompletion=_complete_templates,
        ),
    ] = None,
    cluster_templates: Annotated[
        list[str] | None,
        typer.Option(
            "--from-cluster",
            metavar="TEMPLATE",
            help="A ClusterAnalysisTemplate.",
            show_default=False,
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option(
            "--arg",
            "-a",
            metavar="NAME=VALUE",
            help="The value of an argument; over that of the template.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str,
        typer.Option("--name", metavar="NAME", help="The name of the run.", show_default=False),
    ] = "",
    generate_name: Annotated[
        str,
        typer.Option(
            "--generate-name",
            metavar="PREFIX",
            help="What its name begins with; else that of the template and a dash.",
            show_default=False,
        ),
    ] = "",
    instance_id: Annotated[
        str,
        typer.Option(
            "--instance-id",
            metavar="ID",
            help="The controller instance that is to run it; else that of the templates.",
            show_default=False,
        ),
    ] = "",
    wait: Wait = False,
    timeout: TimeoutOption = None,
    dry: DryRunOption = "",
    output: Output = None,
) -> ExitCode:
    """Make an analysis run of templates, and follow it.

    The templates are put together as the controller does for a rollout: all their metrics, and
    their arguments, of which every one needs a value. Those that a rollout gives (a pod template
    hash, a field of it) need --arg here. Labels, annotations and owners of the templates do not
    become the run's. With --wait each measurement is told on stderr as it comes, and the exit code
    is 0 for Successful, 1 for Failed and Error, 4 for Inconclusive (a person has to decide) and
    when the time is over. --dry-run prints the run that would be made.

    \b
    Examples:
      rolloutctl analysis run -f smoke.yaml --arg url=http://checkout/health --dry-run
      rolloutctl analysis run --from probe --wait
      rolloutctl analysis run --from probe --name probe-once -o name
    """
    from rolloutctl.cli import making_runs

    return making_runs.make(
        Run.of(ctx),
        making_runs.Asked(
            files=files or (),
            templates=templates or (),
            cluster_templates=cluster_templates or (),
            arguments=arguments or (),
            name=name,
            generate_name=generate_name,
            instance_id=instance_id,
            dry_run="" if (how := dry_run(dry)) is DryRun.NONE else str(how),
            wait=wait,
            timeout=timeout,
            output=output,
        ),
    )


@command(app)
def logs(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="An analysis run: NAME or ar/NAME.",
            show_default=False,
            autocompletion=_complete,
        ),
    ],
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            "-m",
            metavar="METRIC",
            help="Only the jobs of this metric.",
            show_default=False,
        ),
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run and its jobs have ended.")
    ] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail", metavar="N", help="Only the last N lines of each pod.", show_default=False
        ),
    ] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Each line with its time.")
    ] = False,
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show what the jobs of an analysis run print: those of its job metrics.

    Each line begins with the metric, the number of the measurement with the end of the pod's name,
    and the container. Pods that the cluster has deleted have no logs any more.

    \b
    Examples:
      rolloutctl analysis logs checkout-smoke
      rolloutctl analysis logs checkout-smoke --metric smoke -f
    """
    from rolloutctl.actions.logs import Asked, JobPods
    from rolloutctl.cli import pod_logs, runs
    from rolloutctl.domain.refs import Ref

    run = Run.of(ctx)
    (wanted,) = runs.parse_names(run, runs.analysis_runs(), [name])
    crowd = JobPods(run.cluster(), Ref(run.one_namespace(), wanted), metric)
    return pod_logs.show(
        run,
        [crowd],
        Asked(tail=tail, every_container=True),
        output=output,
        timestamps=timestamps,
        follow=follow,
        timeout=timeout,
    )
