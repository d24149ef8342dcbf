"""`rolloutctl schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app(help="Print JSON Schemas, for editors and programs.", no_args_is_help=True)
group(app)


def _complete_kinds(incomplete: str) -> list[str]:
    from rolloutctl.render.schemas import kinds

    return [kind for kind in kinds() if kind.lower().startswith(incomplete.lower())]


@command(app)
def output(
    ctx: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="A kind of document, as Rollout or Changes; else all of them.",
            show_default=False,
            autocompletion=_complete_kinds,
        ),
    ] = None,
    only_names: Annotated[bool, typer.Option("--list", help="Print the kinds there are.")] = False,
) -> ExitCode:
    """Print the JSON Schema (draft 2020-12) of what -o json prints.

    Fields are only ever added to version rolloutctl/v1, so a document may have more than its
    schema says. With -o jsonl each line is such a document, or has the schema of its line.

    \b
    Examples:
      rolloutctl schema output Rollout
      rolloutctl schema output > rolloutctl.schema.json
      rolloutctl schema output --list
    """
    from rolloutctl.render import serialize
    from rolloutctl.render.schemas import kinds, schema

    run = Run.of(ctx)
    known = kinds()
    if only_names:
        run.out("".join(f"{each}\n" for each in known))
        return ExitCode.OK
    run.out(serialize.to_json(schema(*([_known(kind, known)] if kind else []))))
    return ExitCode.OK


def _complete_manifests(incomplete: str) -> list[str]:
    from rolloutctl.domain.lint.known_shapes import SHAPES

    return [kind for kind in SHAPES if kind.lower().startswith(incomplete.lower())]


@command(app)
def manifest(
    ctx: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="A kind of object, as Rollout or AnalysisTemplate; else all of them.",
            show_default=False,
            autocompletion=_complete_manifests,
        ),
    ] = None,
    only_names: Annotated[bool, typer.Option("--list", help="Print the kinds there are.")] = False,
) -> ExitCode:
    """Print the JSON Schema (draft 2020-12) of manifests, for editors.

    It says which fields there are, of which type, and what they are for. lint finds more: what
    fields may not go together, and what is referred to and not there.

    An editor with yaml-language-server takes it from a first line of a manifest, as

      # yaml-language-server: $schema=rollouts.schema.json

    \b
    Examples:
      rolloutctl schema manifest > rollouts.schema.json
      rolloutctl schema manifest AnalysisTemplate
      rolloutctl schema manifest --list
    """
    from rolloutctl.domain.lint import manifest_schema
    from rolloutctl.domain.lint.known_shapes import SHAPES
    from rolloutctl.render import serialize

    run = Run.of(ctx)
    if only_names:
        run.out("".join(f"{each}\n" for each in SHAPES))
        return ExitCode.OK
    if kind is None:
        run.out(serialize.to_json(manifest_schema.any_of_all()))
        return ExitCode.OK
    named = _known(
        kind, list(SHAPES), "there is no schema of a {}", "rolloutctl schema manifest --list"
    )
    run.out(serialize.to_json(manifest_schema.schema(named)))
    return ExitCode.OK


def _known(
    kind: str,
    known: list[str],
    said: str = "no command prints a {}",
    hint: str = "rolloutctl schema output --list",
) -> str:
    """The kind as it is written. Raises UsageError for one that there is none of."""
    import difflib

    found = {each.lower(): each for each in known}
    if kind.lower() in found:
        return found[kind.lower()]
    near = difflib.get_close_matches(kind.lower(), found, n=1)
    meant = f"did you mean {found[near[0]]}?" if near else hint
    raise UsageError(said.format(kind), hint=meant)
