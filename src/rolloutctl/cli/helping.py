"""Help as a person reads it: NAME... for arguments, and one-line help that is not cut short."""

from __future__ import annotations

import re
from typing import Any

_TYPED = re.compile(r"(?<![\w/.-])(?<!kubectl )rolloutctl(?= [\[a-z-])")


def named(text: str, program: str) -> str:
    """The text with the commands in it as they are typed where the program is called so."""
    return text if program == "rolloutctl" else _TYPED.sub(program, text)


def readable(command: Any) -> Any:
    """Gives a command, and those below it, help texts without the types of Python.

    Typer writes an argument as "{NAME}... <list[str]>"; here it is "NAME...". A group shows the
    whole first sentence of each of its commands. The program has the name it was called by.
    """
    get_params = command.get_params

    def readable_params(ctx: Any) -> Any:
        found = get_params(ctx)
        for parameter in found:
            if parameter.param_type_name == "argument":
                _simplify(parameter)
        return found

    get_help = command.get_help

    def named_help(ctx: Any) -> str:
        run = ctx.find_root().obj
        text: str = get_help(ctx)
        return text if run is None else named(text, run.environment.program)

    command.get_params = readable_params
    command.get_help = named_help
    if not command.short_help and command.help:
        command.short_help = " ".join(command.help.split("\n\n")[0].split())
    for below in getattr(command, "commands", {}).values():
        readable(below)
    return command


def _simplify(argument: Any) -> None:
    name = argument.metavar or argument.name.upper()
    usage = (name if argument.required else f"[{name}]") + ("..." if argument.nargs != 1 else "")
    shown = [] if getattr(argument, "hidden", False) else [usage]

    def pieces(ctx: Any) -> list[str]:
        return shown

    def no_type(ctx: Any) -> None:
        return None

    argument.get_usage_pieces = pieces
    argument.display_type_rich = no_type
