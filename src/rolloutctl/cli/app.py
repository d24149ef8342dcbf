"""The command tree: which commands there are, and the options all of them share.

A command's module is imported only when that command runs (or when help lists it), so that no
command pays for another's imports.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperGroup

from rolloutctl.cli.coercion import lighten
from rolloutctl.cli.filling import fill
from rolloutctl.cli.helping import readable
from rolloutctl.cli.options import duration
from rolloutctl.cli.picking import settle
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError


class Entry(NamedTuple):
    """A command of the root: the module that holds it, and its line in the help."""

    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "get": Entry("get", "Show rollouts, or one in full: steps, plugins, revisions, pods."),
    "watch": Entry("watch", "Follow one rollout live."),
    "list": Entry("list", "List rollouts, by phase, plugin, label, or who waits for a person."),
    "fleet": Entry("fleet", "Sum up all rollouts: phases, aborts by cause, who waits, plugins."),
    "status": Entry("status", "Say in one line how a rollout is; the exit code says it too."),
    "wait": Entry("wait", "Wait until rollouts have come to a state."),
    "plan": Entry("plan", "Rehearse an update: its steps, pods, pauses, and what an abort does."),
    "explain": Entry("explain", "Say why a rollout is as it is, and what each command would do."),
    "analysis": Entry("analysis", "See analysis runs, make one, read the logs of its jobs."),
    "experiment": Entry("experiment", "See experiments: versions, pods, analyses, time left."),
    "logs": Entry("logs", "Show what a rollout's pods print, all as one, by role."),
    "events": Entry("events", "Show a rollout's events and its pods', and who did what."),
    "tree": Entry("tree", "Show the objects below a rollout, and those its spec names."),
    "promote": Entry("promote", "Move rollouts past their current step, or promote in full."),
    "abort": Entry("abort", "Stop an update and go back to the stable version."),
    "retry": Entry("retry", "Start an aborted update again."),
    "pause": Entry("pause", "Hold a rollout where it is."),
    "resume": Entry("resume", "Let a held rollout go on."),
    "restart": Entry("restart", "Restart the pods, a few at a time, without a new version."),
    "scale": Entry("scale", "Set how many pods rollouts have."),
    "set": Entry("set", "Change what a rollout runs: set image."),
    "history": Entry("history", "List revisions: images, who changed them, how each ended."),
    "diff": Entry("diff", "Show how two versions of a rollout differ."),
    "undo": Entry("undo", "Go back to the pod template of an earlier revision."),
    "create": Entry("create", "Create rollouts, templates, experiments and runs from files."),
    "convert": Entry("convert", "Print a Rollout for a Deployment, or a Deployment for a Rollout."),
    "dashboard": Entry("dashboard", "Keep an eye on all rollouts, live, and act on them."),
    "plugins": Entry("plugins", "See, disable and enable plugins."),
    "notifications": Entry("notifications", "See and try triggers and templates; send nothing."),
    "doctor": Entry("doctor", "Look at the cluster, the controller and your rights."),
    "demo": Entry("demo", "Watch the tool at work on a cluster of its own, in two minutes."),
    "schema": Entry("schema", "Print JSON Schemas, for editors and programs."),
    "terminate": Entry("terminate", "End analysis runs or experiments before their time."),
    "lint": Entry("lint", "Find what is wrong with manifests, before a cluster does."),
    "config": Entry("config", "See and change the settings of rolloutctl."),
    "sandbox": Entry("sandbox", "Run an embedded cluster to try things on."),
    "completion": Entry("completion", "Print the shell's completion script."),
    "version": Entry("version", "Print the version of rolloutctl."),
}


class Root(TyperGroup):
    """The root group, which imports a command's module on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None if ctx.resilient_parsing else _unknown(cmd_name)
        if cmd_name not in self.commands:
            module = importlib.import_module(f"rolloutctl.cli.commands.{entry.module}")
            loaded = typer.main.get_command(module.app)
            loaded.name = cmd_name
            loaded.short_help = entry.help
            self.commands[cmd_name] = readable(lighten(loaded))
        return self.commands[cmd_name]


def _unknown(name: str) -> NoReturn:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f'no such command "{name}"{meant}', hint="rolloutctl --help lists them")


def _complete_contexts(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import context_names

    return context_names(ctx, incomplete)


def _complete_columns(incomplete: str) -> list[str]:
    from rolloutctl.cli.columns import SHORT

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in SHORT if name.startswith(last)]


_OF_MANY = frozenset(
    f"rolloutctl {name}"
    for name in (
        *("get", "list", "status", "explain", "fleet", "doctor", "dashboard"),
        *("plugins list", "plugins show", "plugins status"),
        *("analysis list", "analysis get", "experiment list", "experiment get", "tree"),
    )
)
"""The commands that read from several clusters. All others are given one."""

_WITHOUT_SETTINGS = (["config"], ["completion"], ["version"])
"""Commands that work with a configuration that cannot be understood."""

_PANEL = "Common options"
_COMMON: list[inspect.Parameter] = [
    inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )
    for name, default, kind, option in (
        (
            "namespace",
            None,
            str | None,
            typer.Option(
                "--namespace",
                "-n",
                metavar="NAME",
                help="Namespace; else the context's.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "all_namespaces",
            False,
            bool,
            typer.Option("--all-namespaces", "-A", help="All namespaces.", rich_help_panel=_PANEL),
        ),
        (
            "context",
            None,
            list[str] | None,
            typer.Option(
                "--context",
                metavar="NAME,...",
                help="Context of the kubeconfig; several for what only reads.",
                show_default=False,
                rich_help_panel=_PANEL,
                autocompletion=_complete_contexts,
            ),
        ),
        (
            "all_contexts",
            False,
            bool,
            typer.Option(
                "--all-contexts",
                help="All clusters of the kubeconfig, for what only reads.",
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "kubeconfig",
            None,
            str | None,
            typer.Option(
                "--kubeconfig",
                metavar="FILE",
                help="Kubeconfig; else $KUBECONFIG, ~/.kube/config, the pod's service account.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "impersonate",
            None,
            str | None,
            typer.Option(
                "--as",
                metavar="USER",
                help="Act as this user.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "as_group",
            None,
            list[str] | None,
            typer.Option(
                "--as-group",
                metavar="GROUP",
                help="Act as one of this group; several with several of it.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "as_uid",
            None,
            str | None,
            typer.Option(
                "--as-uid",
                metavar="UID",
                help="Act as the user with this UID.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "request_timeout",
            None,
            float | None,
            typer.Option(
                "--request-timeout",
                metavar="DURATION",
                parser=duration,
                help="Limit of one request, as 30s.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "no_color",
            False,
            bool,
            typer.Option("--no-color", help="Plain text.", rich_help_panel=_PANEL),
        ),
        (
            "read_only",
            False,
            bool,
            typer.Option("--read-only", help="Let nothing be changed.", rich_help_panel=_PANEL),
        ),
        (
            "timings",
            False,
            bool,
            typer.Option(
                "--timings", help="Say at the end what the time went into.", rich_help_panel=_PANEL
            ),
        ),
    )
]


_PICKING: list[inspect.Parameter] = [
    inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
    )
    for name, default, kind, option in (
        (
            "query",
            None,
            str | None,
            typer.Option(
                "--query",
                metavar="EXPR",
                help="What a JMESPath expression finds in the JSON; without -o bare text.",
                show_default=False,
                rich_help_panel=_PANEL,
            ),
        ),
        (
            "columns",
            None,
            str | None,
            typer.Option(
                "--columns",
                metavar="A,B,...",
                help="A table of these: name, phase, HEADER:EXPR with a JMESPath expression.",
                show_default=False,
                rich_help_panel=_PANEL,
                autocompletion=_complete_columns,
            ),
        ),
        (
            "no_headers",
            False,
            bool,
            typer.Option(
                "--no-headers", help="--columns without its first line.", rich_help_panel=_PANEL
            ),
        ),
    )
]
"""What commands with -o take besides; see `cli.picking`."""


def with_common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the common options to a command function, which must take `ctx: typer.Context`.

    They are kept in the Run and not handed to the function. A function that takes `output` gets
    --query and --columns as well.
    """
    own = inspect.signature(function, eval_str=True)
    shows = "output" in own.parameters
    common = [*_COMMON, *(_PICKING if shows else ())]
    taken = [parameter for parameter in common if parameter.name not in own.parameters]

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        ctx = kwargs["ctx"]
        run = Run.of(ctx)
        common = run.common
        for parameter in taken:
            value = kwargs.pop(parameter.name)
            if value not in (None, False, (), []):
                setattr(common, parameter.name, value)
        if hasattr(ctx.command, "commands"):
            return function(*args, **kwargs)
        run.command = ctx.command_path
        run.commanded = time.perf_counter()
        if run.command not in _OF_MANY:
            run.one_context()
        given = kwargs.get("output")
        if run.command.split(" ")[1:2] not in _WITHOUT_SETTINGS:
            fill(run, ctx, kwargs)
        if shows:
            settle(run, kwargs, given)
        try:
            code = function(*args, **kwargs)
        except RolloutctlError:
            run.tell_broken()
            raise
        return ExitCode.FAILED if run.tell_broken() else code

    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
    ]
    signature = own.replace(parameters=[*parameters, *taken])
    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapper


def new_app(**settings: Any) -> typer.Typer:
    """A Typer app with the project's settings."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def command(
    app: typer.Typer, name: str | None = None, **settings: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a command function on `app`, with the common options."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        app.command(name, **settings)(with_common(function))
        return function

    return register


def group(app: typer.Typer) -> None:
    """Makes `app` a group whose own common options are honoured too."""

    def callback(ctx: typer.Context) -> None:
        del ctx

    app.callback()(with_common(callback))


def _version(wanted: bool) -> None:
    if wanted:
        from rolloutctl.cli.version import version

        typer.echo(f"rolloutctl {version()}")
        raise typer.Exit(ExitCode.OK)


def _root(
    ctx: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    """See every step and plugin of an Argo rollout, and promote, abort or retry it safely.

    Results go to stdout, narration to stderr. Exit codes: 0 ok, 1 failed or degraded, 2 usage,
    3 cluster, 4 timeout, 5 not found, 6 conflict, 130 interrupted.
    """


def root() -> Any:
    """The command tree, as the object that runs it."""
    app = new_app(cls=Root, no_args_is_help=True, name="rolloutctl")
    app.callback()(with_common(_root))
    return readable(lighten(typer.main.get_command(app)))


_SPELT_OUT = {
    "--dry-run": "--dry-run=client",
    "--record=true": "--record",
    "--record=false": "--no-record",
}
"""Options as people write them, and as the parser takes them."""


def arguments(argv: Sequence[str]) -> list[str]:
    """`argv` with a bare --dry-run given its value, and --record=false in the parser's words."""
    rest = list(argv)
    end = rest.index("--") if "--" in rest else len(rest)
    return [*(_SPELT_OUT.get(argument, argument) for argument in rest[:end]), *rest[end:]]
