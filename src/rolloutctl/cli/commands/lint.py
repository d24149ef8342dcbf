"""`rolloutctl lint`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

FORMATS = ("text", "json", "yaml", "jsonl", "sarif", "github")

app = new_app()


def _format(text: str) -> str:
    wanted = text.strip().lower()
    if wanted not in FORMATS:
        raise typer.BadParameter(f'"{text}" is no output format; known: {", ".join(FORMATS)}')
    return wanted


@command(app)
def lint(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Manifests, folders of them, or - for stdin; YAML or JSON, any mix of kinds.",
            show_default=False,
        ),
    ] = None,
    filenames: Annotated[
        list[str] | None,
        typer.Option("--filename", "-f", metavar="FILE", help="The same.", show_default=False),
    ] = None,
    cluster: Annotated[
        bool,
        typer.Option(
            "--cluster",
            help="Look for what is not in the files in the cluster; what is not there either is an"
            " error.",
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", metavar="RULE,...", help="Leave these rules out.", show_default=False
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", "-R", help="Look into folders' folders.")
    ] = True,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Files without any object of ours are fine.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            parser=_format,
            help="text, json, yaml, jsonl, sarif (code scanning), or github (annotations).",
            show_default=False,
            autocompletion=lambda incomplete: [f for f in FORMATS if f.startswith(incomplete)],
        ),
    ] = None,
) -> ExitCode:
    """Find what is wrong with manifests, with file and line, before a cluster does.

    Rollouts, AnalysisTemplates, ClusterAnalysisTemplates, AnalysisRuns, Experiments and the
    plugins' ConfigMap: fields and values there are not, all that the controller refuses in its own
    words, analysis arguments that are missing or never used, Services, VirtualServices, templates
    and workloads that are named and not there, plugins that are not configured, steps that never
    end. All files are looked at together, so one may refer to another.

    Errors end with 1, warnings do not without --strict. A comment leaves a rule out for its line,
    or for the one below it: # rolloutctl-lint: ignore=RULE. docs/lint.md has all rules.

    \b
    Examples:
      rolloutctl lint manifests
      rolloutctl lint rollout.yaml outcomes.yaml --strict
      rolloutctl lint rollout.yaml --cluster --ignore unknown-plugin
      cat rollout.yaml | rolloutctl lint - -o json
      rolloutctl lint manifests -o sarif > rollouts.sarif
    """
    from rolloutctl.cli.linting import Wishes
    from rolloutctl.cli.linting import lint as carry_out

    paths = [*(files or ()), *(filenames or ())]
    if not paths:
        raise UsageError("say what to check, as lint FILE", hint="- is stdin; folders are fine")
    rules = tuple(part.strip() for each in ignore or () for part in each.split(","))
    wishes = Wishes(cluster, strict, rules, allow_empty, recursive)
    return carry_out(Run.of(ctx), paths, wishes, output)
