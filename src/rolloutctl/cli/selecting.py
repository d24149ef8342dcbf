"""The options by which a command acts on many rollouts: which ones, how fast, what to wait for.

    @command(app)
    @acting
    def pause(ctx: typer.Context, asked: Asked) -> ExitCode: ...

`acting` gives the command the names, the selection, the pace, --wait, --dry-run, --yes and -o; the
function takes what was asked for as one value, next to options of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from rolloutctl.cli.freezing import must_have_reason
from rolloutctl.cli.options import (
    DryRun,
    DryRunOption,
    Output,
    Reason,
    Record,
    TimeoutOption,
    Wait,
    Yes,
    complete_names,
    dry_run,
    duration,
)
from rolloutctl.errors import UsageError

MANY = 20
"""More rollouts than that are acted on only when their number was typed, or with --yes."""

MOST_AT_ONCE = 64


@dataclass(frozen=True)
class Asked:
    """What a command line asks for, beyond the action itself; durations in seconds."""

    names: tuple[str, ...] = ()
    selector: str = ""
    phase: str = ""
    plugin: str = ""
    awaiting: bool = False
    filename: str | None = None
    allow_empty: bool = False
    max_concurrent: int | None = None
    batch: int = 0
    batch_wait: float = 0.0
    stop_on_failure: bool = False
    undone: str | None = None
    wait: bool = False
    timeout: float | None = None
    dry_run: DryRun = DryRun.NONE
    yes: bool = False
    output: str | None = None
    reason: str = ""
    record: bool = True
    """Whether an Event on each object says who changed it, and why."""
    override_freeze: bool = False
    again: tuple[str, ...] = ("rolloutctl",)
    """The command line without what selects, to be used with -f for the rest."""
    path: str = "rolloutctl"
    """The words that call the command."""

    @property
    def filtered(self) -> bool:
        """Whether rollouts are selected by what they are."""
        return bool(self.selector or self.phase or self.plugin or self.awaiting)

    @property
    def selected(self) -> bool:
        """Whether rollouts are selected, and not named one by one on the command line."""
        return self.filtered or self.filename is not None


def whole(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers in a range; it raises BadParameter."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and least <= int(text[:9]) <= most:
            return int(text)
        raise typer.BadParameter(f'"{text}" is no number from {least} to {most}')

    return parse


Phase = Annotated[
    str,
    typer.Option(
        "--phase",
        metavar="PHASE,...",
        help="Only these: Healthy, Degraded, Progressing, Paused.",
        show_default=False,
    ),
]
Plugin = Annotated[
    str,
    typer.Option(
        "--plugin",
        metavar="NAME",
        help="Only rollouts with a step of this plugin.",
        show_default=False,
    ),
]
_CHOICE: tuple[tuple[str, Any, Any], ...] = (
    (
        "selector",
        None,
        Annotated[
            str | None,
            typer.Option(
                "--selector",
                "-l",
                metavar="SELECTOR",
                help="Labels to select by.",
                show_default=False,
            ),
        ],
    ),
    ("phase", "", Phase),
    ("plugin", "", Plugin),
    (
        "awaiting",
        False,
        Annotated[bool, typer.Option("--awaiting", help="Only what waits for a person.")],
    ),
    (
        "filename",
        None,
        Annotated[
            str | None,
            typer.Option(
                "--filename",
                "-f",
                metavar="FILE",
                help="The rollouts of a list or a report, as JSON, YAML or lines of NAME or"
                " NAMESPACE/NAME; - is stdin.",
                show_default=False,
            ),
        ],
    ),
    (
        "allow_empty",
        False,
        Annotated[
            bool,
            typer.Option("--allow-empty", help="A selection that matches nothing is no failure."),
        ],
    ),
)
_PACE: tuple[tuple[str, Any, Any], ...] = (
    (
        "max_concurrent",
        None,
        Annotated[
            int | None,
            typer.Option(
                "--max-concurrent",
                metavar="N",
                parser=whole(1, MOST_AT_ONCE),
                help="Rollouts changed at the same time: 8 of a selection, 1 of those named.",
                show_default=False,
            ),
        ],
    ),
    (
        "batch",
        None,
        Annotated[
            int | None,
            typer.Option(
                "--batch",
                metavar="N",
                parser=whole(1, 1_000_000),
                help="So many, then a pause; with --wait the next batch begins when this one has"
                " ended well.",
                show_default=False,
            ),
        ],
    ),
    (
        "batch_wait",
        None,
        Annotated[
            float | None,
            typer.Option(
                "--batch-wait",
                metavar="DURATION",
                parser=duration,
                help="The pause after each batch, as 30s.",
                show_default=False,
            ),
        ],
    ),
    (
        "stop_on_failure",
        False,
        Annotated[
            bool,
            typer.Option("--stop-on-failure", help="Begin nothing more after the first failure."),
        ],
    ),
    (
        "undone",
        None,
        Annotated[
            str | None,
            typer.Option(
                "--undone",
                metavar="FILE",
                help="Write what was not done there, for -f.",
                show_default=False,
            ),
        ],
    ),
)
_TOGETHER: tuple[tuple[str, Any, Any], ...] = (
    ("wait", False, Wait),
    ("timeout", None, TimeoutOption),
    ("trial", "", DryRunOption),
    ("yes", False, Yes),
    ("output", None, Output),
    ("reason", "", Reason),
    ("record", True, Record),
)
_FREEZE: tuple[str, Any, Any] = (
    "override_freeze",
    False,
    Annotated[
        bool,
        typer.Option(
            "--override-freeze", help="Ship in a freeze of the configuration; with --reason."
        ),
    ],
)
_NAMES: tuple[str, Any, Any] = (
    "names",
    None,
    Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Rollouts: NAME, ro/NAME or rollout/NAME; or select them by the options below.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ],
)


def _parameter(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def shipping(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `acting`, for what ships something: it can be frozen."""
    return acting(function, ships=True)


def acting(function: Callable[..., Any], *, ships: bool = False) -> Callable[..., Any]:
    """Gives a command function everything in `Asked`; it takes `ctx`, `asked` and its own options.

    An option of its own that has the name of one of these takes its place, and is handed over in
    both ways.
    """
    own = inspect.signature(function, eval_str=True)
    mine = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in own.parameters.values()
        if parameter.name != "asked"
    ]
    named = {parameter.name for parameter in mine}
    first = [_parameter(*_NAMES)] if "names" not in named else []
    options = (*_TOGETHER, *((_FREEZE,) if ships else ()), *_CHOICE, *_PACE)
    more = [_parameter(*entry) for entry in options if entry[0] not in named]
    added = {parameter.name for parameter in (*first, *more)}

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs[name] for name in _FIELDS if name in kwargs}
        kept = {name: value for name, value in kwargs.items() if name not in added}
        return function(*args, **kept, asked=_asked(kwargs["ctx"], given))

    context, rest = mine[:1], mine[1:]
    signature = own.replace(parameters=[*context, *first, *rest, *more])
    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapper


_FIELDS = tuple(entry[0] for entry in (_NAMES, *_TOGETHER, _FREEZE, *_CHOICE, *_PACE))


def _asked(ctx: typer.Context, given: dict[str, Any]) -> Asked:
    """What the options say together. Raises UsageError where they do not go together."""
    trial = dry_run(given.pop("trial", ""))
    names = tuple(given.pop("names", None) or ())
    selector = given.pop("selector", None)
    if selector is not None and not selector.strip():
        raise UsageError(
            "--selector is empty: it would select every rollout",
            hint="is the variable it comes from set?",
        )
    given["batch"] = given.get("batch") or 0
    given["batch_wait"] = given.get("batch_wait") or 0.0
    asked = Asked(
        names=names,
        selector=selector or "",
        dry_run=trial,
        again=command_line(ctx),
        path=ctx.command_path,
        **given,
    )
    must_have_reason(asked.override_freeze, asked.reason)
    if asked.wait and trial is not DryRun.NONE:
        raise UsageError("--wait does not go with --dry-run: there is nothing to wait for")
    if asked.batch_wait and not asked.batch:
        raise UsageError("--batch-wait goes with --batch only: how many are a batch?")
    return asked


_OF_THE_SELECTION = frozenset(
    {
        *("names", "selector", "phase", "plugin", "awaiting", "filename", "allow_empty"),
        *("namespace", "all_namespaces", "trial", "yes", "undone"),
    }
)


def command_line(ctx: typer.Context) -> tuple[str, ...]:
    """The words that call this command once more, without those that say on what."""
    chain: list[Any] = [ctx]
    while (parent := chain[0].parent) is not None:
        chain.insert(0, parent)
    words: list[str] = []
    for context in chain:
        words.append(context.info_name or "rolloutctl")
        for parameter in context.command.params:
            name = parameter.name or ""
            source = context.get_parameter_source(name)
            if name in _OF_THE_SELECTION or source is None or source.name != "COMMANDLINE":
                continue
            value = context.params.get(name)
            for one in value if isinstance(value, (list, tuple)) else (value,):
                if one is True:
                    words.append(parameter.opts[0])
                elif one is False and parameter.secondary_opts:
                    words.append(parameter.secondary_opts[0])
                elif isinstance(one, float):
                    words += [parameter.opts[0], f"{one:g}s"]
                elif one is not None and one is not False:
                    words += [parameter.opts[0], str(one)]
    return tuple(words)
