"""Reads the values of options without Pydantic, where that takes no rules.

Typer turns every value given on the command line into its type with a Pydantic adapter, whose
import costs more than a request to the cluster. Strings, lists of strings and options with a
parser of their own need none; everything else is left to Typer, and so is everything in a Typer
that keeps its adapters elsewhere.
"""

from __future__ import annotations

from typing import Any

import typer


class Plain:
    """Takes the place of a parameter's adapter; `original` makes that one when it is needed."""

    def __init__(self, parameter: Any, original: Any) -> None:
        self._annotation = parameter.type_descriptor.annotation
        self._parser = parameter.type_descriptor.parameter_info.parser
        self._original = original
        self._adapter: Any = None

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as its type. Raises BadParameter."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if self._parser is not None and not several:
            try:
                return self._parser(value)
            except ValueError as error:
                raise typer.BadParameter(str(error), ctx=ctx, param=param) from error
        if self._parser is None:
            if self._annotation is str and isinstance(value, str):
                return value
            strings = isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)
            if self._annotation == list[str] and strings:
                return list(value)
        if self._adapter is None:
            self._adapter = self._original()
        return self._adapter.coerce(value, param=param, ctx=ctx)


def lighten(command: Any) -> Any:
    """Gives every parameter of a command, and of those below it, its `Plain`."""
    get_params = command.get_params

    def lightened(ctx: Any) -> Any:
        # Asked here, and not of `params`, because --help is made only now.
        found = get_params(ctx)
        for parameter in found:
            known = hasattr(parameter, "_runtime_param") and hasattr(parameter, "type_descriptor")
            if known and parameter._runtime_param is None:
                parameter._runtime_param = Plain(parameter, _original(parameter))
        return found

    command.get_params = lightened
    for below in getattr(command, "commands", {}).values():
        lighten(below)
    return command


def _original(parameter: Any) -> Any:
    make = type(parameter).get_runtime_param

    def build() -> Any:
        parameter._runtime_param = None
        return make(parameter)

    return build
