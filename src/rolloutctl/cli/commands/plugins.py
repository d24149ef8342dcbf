"""`rolloutctl plugins`: see, disable and enable plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import DryRunOption, Output, TimeoutOption, Yes, dry_run
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.plugin_views import Part

app = new_app(no_args_is_help=True)
group(app)


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import plugin_names

    return plugin_names(ctx, incomplete)


PluginName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A plugin as argo-rollouts-config names it: NAMESPACE/NAME.",
        show_default=False,
        autocompletion=_complete,
    ),
]
PluginNames = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME",
        help="Step plugins as argo-rollouts-config names them: NAMESPACE/NAME.",
        show_default=False,
        autocompletion=_complete,
    ),
]
ControllerNamespace = Annotated[
    str | None,
    typer.Option(
        "--controller-namespace",
        metavar="NAMESPACE",
        help="Where the controller runs; else argo-rollouts, else wherever it is found.",
        show_default=False,
    ),
]
RestartOption = Annotated[
    bool,
    typer.Option(
        "--restart",
        help="Restart the controller, so that it takes effect; if it does not come up, the old"
        " ConfigMap is put back.",
    ),
]
WaitOption = Annotated[
    bool,
    typer.Option("--wait/--no-wait", help="With --restart: wait until the new pod is ready."),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="With --restart: also when a plugin's location does not answer."),
]


@command(app, "list")
def list_(
    ctx: typer.Context,
    output: Output = None,
    controller_namespace: ControllerNamespace = None,
) -> ExitCode:
    """List plugins: disabled or not, where they are used, running and failing runs.

    Those that rollouts use but nobody configured are listed too: they stall the rollouts. Uses are
    counted over all namespaces, or over the current one when only that may be read. Says when the
    controller still runs an older configuration than the ConfigMap has.

    \b
    Examples:
      rolloutctl plugins list
      rolloutctl plugins list -o json
    """
    from rolloutctl.cli import plugin_views
    from rolloutctl.render.documents import plugins as documents
    from rolloutctl.render.views import plugins as views

    return plugin_views.show(
        Run.of(ctx),
        plugin_views.Forms(
            lambda part, surface: views.list_lines(part.overview, surface, wide=output == "wide"),
            lambda part: (
                map(documents.plugin_document, part.plugins)
                if output == "jsonl"
                else [documents.list_document(part.overview)]
            ),
            _names,
        ),
        name=None,
        output=output,
        controller_namespace=controller_namespace,
    )


@command(app)
def show(
    ctx: typer.Context,
    name: PluginName,
    output: Output = None,
    controller_namespace: ControllerNamespace = None,
) -> ExitCode:
    """Show one plugin: where it comes from, who uses it, its runs in flight and failing.

    \b
    Examples:
      rolloutctl plugins show demo/jenkins-gate
      rolloutctl plugins show demo/jenkins-gate -o yaml
    """
    from rolloutctl.cli import plugin_views
    from rolloutctl.render.documents import plugins as documents
    from rolloutctl.render.views import plugins as views

    return plugin_views.show(
        Run.of(ctx),
        plugin_views.Forms(
            lambda part, surface: views.pages(part.plugins, part.overview, surface),
            lambda part: map(documents.plugin_document, part.plugins),
            _names,
        ),
        name=name,
        output=output,
        controller_namespace=controller_namespace,
    )


@command(app)
def status(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Only this plugin.",
            show_default=False,
            autocompletion=_complete,
        ),
    ] = None,
    output: Output = None,
    controller_namespace: ControllerNamespace = None,
) -> ExitCode:
    """Show the runs of step plugins that are in flight or failing, the longest first.

    \b
    Examples:
      rolloutctl plugins status
      rolloutctl plugins status demo/jenkins-gate -o json
    """
    from rolloutctl.cli import plugin_views
    from rolloutctl.render.documents import plugins as documents
    from rolloutctl.render.views import plugins as views

    return plugin_views.show(
        Run.of(ctx),
        plugin_views.Forms(
            lambda part, surface: views.status_lines(part.plugins, surface),
            lambda part: (
                [documents.run_document(each) for found in part.plugins for each in found.runs]
                if output == "jsonl"
                else [documents.status_document(part.plugins, part.overview)]
            ),
            lambda part: dict.fromkeys(
                f"rollout.argoproj.io/{each.ref.name}"
                for found in part.plugins
                for each in found.runs
            ),
        ),
        name=name,
        output=output,
        controller_namespace=controller_namespace,
        nothing=f"no run of {name or 'any step plugin'} is in flight or failing",
    )


def _names(part: Part) -> list[str]:
    return [plugin.name for plugin in part.plugins]


@command(app)
def disable(
    ctx: typer.Context,
    names: PluginNames,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            metavar="TEXT",
            help="Why, e.g. an incident's number; kept on the ConfigMap.",
            show_default=False,
        ),
    ],
    restart: RestartOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    force: ForceOption = False,
    save_in_flight: Annotated[
        Path | None,
        typer.Option(
            "--save-in-flight",
            metavar="FILE",
            help="Where to write the runs in flight; else PLUGIN-in-flight-TIME.json here.",
            show_default=False,
        ),
    ] = None,
    try_only: DryRunOption = "",
    yes: Yes = False,
    output: Output = None,
    controller_namespace: ControllerNamespace = None,
) -> ExitCode:
    """Disable step plugins: the controller passes over their steps, once it has restarted.

    Changes only their `disabled` in argo-rollouts-config and keeps comments, order and quoting;
    of several people editing at once nobody loses anything. Runs in flight are abandoned at the
    restart, without Terminate or Abort: they are shown, and written to a file first. With
    --restart the controller is restarted; if it does not come up, the old ConfigMap is put back
    (exit code 1).

    \b
    Examples:
      rolloutctl plugins disable demo/jenkins-gate --reason INC-4711 --dry-run
      rolloutctl plugins disable demo/jenkins-gate --reason INC-4711 --restart
      rolloutctl plugins disable demo/jenkins-gate step/e2e-test --reason INC-4711 --restart --yes
    """
    from rolloutctl.actions.plugin_switch import Switch
    from rolloutctl.cli import switching

    run = Run.of(ctx)
    if not reason.strip():
        raise UsageError("--reason is empty", hint="say why, for whoever finds it disabled")
    switch = Switch(tuple(names), True, reason.strip(), switching.person(run))
    return switching.switch(
        run,
        switch,
        switching.How(
            restart=restart,
            wait=wait,
            timeout=timeout,
            force=force,
            dry_run=dry_run(try_only),
            yes=yes,
            output=output,
            save=save_in_flight,
            controller_namespace=controller_namespace,
        ),
    )


@command(app)
def enable(
    ctx: typer.Context,
    names: PluginNames,
    restart: RestartOption = False,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    force: ForceOption = False,
    try_only: DryRunOption = "",
    yes: Yes = False,
    output: Output = None,
    controller_namespace: ControllerNamespace = None,
) -> ExitCode:
    """Enable step plugins again, and drop the recorded reason; needs a restart as well.

    \b
    Examples:
      rolloutctl plugins enable demo/jenkins-gate --dry-run
      rolloutctl plugins enable demo/jenkins-gate --restart
    """
    from rolloutctl.actions.plugin_switch import Switch
    from rolloutctl.cli import switching

    run = Run.of(ctx)
    return switching.switch(
        run,
        Switch(tuple(names), False, "", switching.person(run)),
        switching.How(
            restart=restart,
            wait=wait,
            timeout=timeout,
            force=force,
            dry_run=dry_run(try_only),
            yes=yes,
            output=output,
            controller_namespace=controller_namespace,
        ),
    )
