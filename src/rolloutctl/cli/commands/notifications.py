"""`rolloutctl notifications`: triggers and templates, as far as the ConfigMap shows them."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app(no_args_is_help=True)
group(app)
triggers = new_app(no_args_is_help=True, help="List, show and try the triggers of notifications.")
group(triggers)
templates = new_app(no_args_is_help=True, help="List, show and fill in templates of notifications.")
group(templates)
app.add_typer(triggers, name="trigger")
app.add_typer(templates, name="template")

ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config-map",
        metavar="FILE",
        help="Read the ConfigMap from this file; - is stdin.",
        show_default=False,
    ),
]
ConfigNamespace = Annotated[
    str | None,
    typer.Option(
        "--config-namespace",
        metavar="NAMESPACE",
        help="Where the ConfigMap is; else argo-rollouts.",
        show_default=False,
    ),
]
TriggerName = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
RolloutName = Annotated[
    str,
    typer.Argument(
        metavar="ROLLOUT",
        help="A rollout: NAME, ro/NAME or rollout/NAME; or a file with one.",
        show_default=False,
    ),
]


@command(triggers, "list")
def list_triggers(
    ctx: typer.Context,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """List the triggers: their conditions, and the templates they send.

    Names a template that a trigger sends and that there is none of. No Secret is read.

    \b
    Examples:
      rolloutctl notifications trigger list
      rolloutctl notifications trigger list --config-map notifications.yaml -o json
    """
    from rolloutctl.cli import notifying

    return notifying.list_triggers(Run.of(ctx), _place(config_map, config_namespace), output)


@command(triggers, "get")
def get_trigger(
    ctx: typer.Context,
    name: TriggerName,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """Show one trigger.

    \b
    Examples:
      rolloutctl notifications trigger get on-rollout-completed
    """
    from rolloutctl.cli import notifying

    return notifying.get_trigger(Run.of(ctx), _place(config_map, config_namespace), name, output)


@command(triggers, "run")
def run_trigger(
    ctx: typer.Context,
    name: TriggerName,
    rollout: RolloutName,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """Say for each condition of a trigger whether it holds for a rollout; nothing is sent.

    A condition without "when" is sent at each event of the trigger's name. Functions, the time,
    secrets and analysis runs are not known here: a condition that uses them is "unknown", says
    why, and makes the exit code 1.

    \b
    Examples:
      rolloutctl notifications trigger run on-rollout-completed checkout
      rolloutctl notifications trigger run on-paused rollout.yaml --config-map notifications.yaml
    """
    from rolloutctl.cli import notifying

    place = _place(config_map, config_namespace)
    return notifying.run_trigger(Run.of(ctx), place, name, rollout, output)


@command(templates, "list")
def list_templates(
    ctx: typer.Context,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """List the templates: for which services they have what, and how their message begins.

    \b
    Examples:
      rolloutctl notifications template list
    """
    from rolloutctl.cli import notifying

    return notifying.list_templates(Run.of(ctx), _place(config_map, config_namespace), output)


@command(templates, "get")
def get_template(
    ctx: typer.Context,
    name: TriggerName,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """Show one template, as the ConfigMap has it.

    \b
    Examples:
      rolloutctl notifications template get rollout-completed -o yaml
    """
    from rolloutctl.cli import notifying

    return notifying.get_template(Run.of(ctx), _place(config_map, config_namespace), name, output)


@command(templates, "run")
def run_template(
    ctx: typer.Context,
    name: TriggerName,
    rollout: RolloutName,
    config_map: ConfigFile = None,
    config_namespace: ConfigNamespace = None,
    output: Output = None,
) -> ExitCode:
    """Show a template with the values of a rollout filled in; nothing is sent.

    Plain paths, as {{.rollout.metadata.name}}, are filled in. There is no engine of Go templates
    here: what else is in double braces stands as it is, and is named on stderr.

    \b
    Examples:
      rolloutctl notifications template run rollout-completed checkout
    """
    from rolloutctl.cli import notifying

    place = _place(config_map, config_namespace)
    return notifying.run_template(Run.of(ctx), place, name, rollout, output)


def _place(config_map: str | None, namespace: str | None) -> tuple[str | None, str | None]:
    from rolloutctl.errors import UsageError

    if config_map is not None and namespace is not None:
        raise UsageError("--config-map is a file, and --config-namespace a place: not both")
    return config_map, namespace
