"""Options are read as Typer reads them, with and without its adapters."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import typer

from rolloutctl.cli.coercion import lighten
from rolloutctl.cli.options import duration

app = typer.Typer(add_completion=False)
SEEN: list[Any] = []


@app.command()
def show(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    text: Annotated[str, typer.Option("--text", "-t")] = "none",
    maybe: Annotated[str | None, typer.Option("--maybe")] = None,
    several: Annotated[list[str] | None, typer.Option("--several")] = None,
    wait: Annotated[float | None, typer.Option("--wait", parser=duration)] = None,
    number: Annotated[int, typer.Option("--number", min=0)] = 3,
    flag: Annotated[bool, typer.Option("--flag")] = False,
) -> None:
    SEEN.append((names, text, maybe, several, wait, number, flag))


def seen(command: Any, argv: list[str]) -> Any:
    """What the function is given, or the complaint."""
    SEEN.clear()
    try:
        command.main(args=argv, standalone_mode=False)
    except typer.TyperException as error:
        return type(error), error.format_message()
    return SEEN[0]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["a"],
        ["a", "b", "--text", "x", "--maybe", ""],
        ["--several", "1", "--several", "2", "-t", "5"],
        ["--wait", "1m30s", "--number", "7", "--flag"],
        ["--wait", "soon"],
        ["--number", "many"],
        ["--number", "-1"],
        ["--text"],
        ["--unknown"],
    ],
)
def test_values_and_complaints_stay_the_same(argv: list[str]) -> None:
    plain = seen(typer.main.get_command(app), argv)
    assert seen(lighten(typer.main.get_command(app)), argv) == plain
