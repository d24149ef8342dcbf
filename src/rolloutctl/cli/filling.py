"""Puts what the user has set once in the place of options that were not given."""

from __future__ import annotations

from typing import Any

import typer

from rolloutctl.cli.options import Output
from rolloutctl.cli.run import Run


def fill(run: Run, ctx: typer.Context, values: dict[str, Any]) -> None:
    """Changes `values`, the options of a command by name, where a setting has something to say.

    `output` is for what shows things, `timeout` for what waits. Raises UsageError for settings
    that cannot be understood.
    """
    settings = run.settings
    if not (settings.values or settings.variables or settings.contexts):
        return
    context = run.context_name() if settings.contexts else ""
    if settings.of("no-color", context):
        run.common.no_color = True
    for name, wanted in (
        ("output", _shows(ctx, values)),
        ("timeout", "wait" in values or run.command == "rolloutctl wait"),
        ("record", True),
    ):
        if wanted and name in values and _left_out(ctx, name):
            found = settings.of(name, context)
            values[name] = values[name] if found is None else found


def _shows(ctx: typer.Context, values: dict[str, Any]) -> bool:
    """Whether the command shows things in all the formats there are, and changes nothing."""
    callback = ctx.command.callback
    annotations = getattr(callback, "__annotations__", {})
    return "trial" not in values and annotations.get("output") == Output


def _left_out(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT"
