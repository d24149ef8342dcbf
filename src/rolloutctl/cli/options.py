"""Types of options and arguments that several commands share."""

from __future__ import annotations

import enum
import re
from typing import Annotated

import typer

from rolloutctl.cli.picking import kubectl_format

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Seconds of "90", "30s", "1m30s", "2h"; "0" means no limit where a limit is meant."""
    stripped = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", stripped):
        return float(stripped)
    parts = _DURATION.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped:
        raise typer.BadParameter(f'"{text}" is no duration; write 30s, 5m or 1h30m')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


class DryRun(enum.StrEnum):
    """How a change is tried."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


def complete_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Rollouts of the cluster whose names begin so."""
    from rolloutctl.cli.completion import rollout_names

    return rollout_names(ctx, incomplete)


Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME",
        help="Rollouts: NAME, ro/NAME or rollout/NAME.",
        show_default=False,
        autocompletion=complete_names,
    ),
]
OptionalNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Rollouts: NAME, ro/NAME or rollout/NAME. None: all of the namespace.",
        show_default=False,
        autocompletion=complete_names,
    ),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A rollout: NAME, ro/NAME or rollout/NAME.",
        show_default=False,
        autocompletion=complete_names,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DryRunOption = Annotated[
    str,
    typer.Option(
        "--dry-run",
        metavar="[client|server|none]",
        help="Show the diff and the patch and send nothing (client, the default of the bare flag),"
        " or let the server try it (server).",
        show_default=False,
    ),
]
Reason = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why; kept in the Event, with who it was.",
        show_default=False,
    ),
]
Record = Annotated[
    bool,
    typer.Option(
        "--record/--no-record",
        help="Leave an Event on the object that says who changed it, where you may.",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Follow until it is done.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        parser=duration,
        help="How long to wait at most, as 30s, 5m, 1h. Ends with exit code 4.",
        show_default=False,
    ),
]
Selector = Annotated[
    str,
    typer.Option(
        "--selector", "-l", metavar="SELECTOR", help="Labels to select by.", show_default=False
    ),
]
Fresh = Annotated[
    bool,
    typer.Option("--fresh", help="Read everything anew, not from the list kept on disk."),
]


def dry_run(text: str) -> DryRun:
    """The meaning of --dry-run's value. Raises BadParameter for an unknown one."""
    if not text:
        return DryRun.NONE
    try:
        return DryRun(text)
    except ValueError:
        known = ", ".join(DryRun)
        raise typer.BadParameter(f'"{text}" is no way to try; known: {known}') from None


FORMATS = ("json", "yaml", "jsonl", "name", "wide")


def output_format(text: str) -> str:
    """A known output format, or one of kubectl's. Raises BadParameter that lists them."""
    kubectl = kubectl_format(text)
    if kubectl is not None:
        return kubectl
    wanted = text.strip().lower()
    if wanted not in FORMATS:
        import difflib

        near = difflib.get_close_matches(wanted, FORMATS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ";"
        raise typer.BadParameter(f'"{text}" is no output format{meant} known: {", ".join(FORMATS)}')
    return wanted


Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        parser=output_format,
        help="json, yaml, jsonl (one document a line), name, or wide.",
        show_default=False,
        autocompletion=lambda incomplete: [f for f in FORMATS if f.startswith(incomplete)],
    ),
]
