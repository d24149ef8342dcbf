"""`rolloutctl create`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import (
    DryRunOption,
    Output,
    Reason,
    Record,
    TimeoutOption,
    Wait,
    dry_run,
)
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

VALIDATIONS = ("strict", "warn", "ignore")
_RUNS = frozenset({"analysisrun", "analysisruns", "ar"})

app = new_app()


def _validation(text: str) -> str:
    wanted = text.strip().lower()
    if wanted not in VALIDATIONS:
        known = ", ".join(VALIDATIONS)
        raise typer.BadParameter(f'"{text}" is no way to validate; known: {known}')
    return wanted


@command(app)
def create(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--filename",
            "-f",
            metavar="FILE",
            help="A manifest, a folder of them, or - for stdin; YAML or JSON, any number of"
            " documents. May be repeated.",
            show_default=False,
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-R", help="Take the folders in a folder too.")
    ] = False,
    validate: Annotated[
        str,
        typer.Option(
            "--validate",
            metavar="[strict|warn|ignore]",
            parser=_validation,
            help="What to do about objects that lint finds errors in: create nothing, say so, or"
            " do not look.",
        ),
    ] = "strict",
    wait: Wait = False,
    timeout: TimeoutOption = None,
    dry: DryRunOption = "",
    reason: Reason = "",
    record: Record = True,
    output: Output = None,
    words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    template: Annotated[str, typer.Option("--from", hidden=True)] = "",
    template_file: Annotated[str, typer.Option("--from-file", hidden=True)] = "",
    cluster_scope: Annotated[bool, typer.Option("--global", hidden=True)] = False,
    arguments: Annotated[list[str] | None, typer.Option("--argument", "-a", hidden=True)] = None,
) -> ExitCode:
    """Create rollouts, analysis templates, experiments and analysis runs from manifests.

    All documents of all files are read and checked before anything is sent: syntax, kinds,
    namespaces, and what lint finds wrong. Then they are created one after the other, what is
    referred to before what refers to it. What exists already is left as it is (exit code 6), a
    refusal does not keep the others from being created, and each object's result is told.

    Namespaces, Secrets, ConfigMaps, Services, Deployments, ReplicaSets and Jobs in the files are
    created too; for other kinds there is kubectl apply -f. -n fills in a missing namespace and
    may not contradict one that is there.

    With --wait it follows rollouts until they are Healthy (0) or Degraded (1), runs and
    experiments until they have succeeded (0) or failed (1), or until a person has to decide or the
    time is up (4).

    \b
    Examples:
      rolloutctl create -f manifests
      rolloutctl create -f rollout.yaml --dry-run
      rolloutctl create -f web.yaml --wait --timeout 5m
      cat smoke.yaml | rolloutctl create -f - -o name
    """
    if words or template or template_file or arguments or cluster_scope:
        asked = [part for each in arguments or () for part in ("--arg", each)]
        if template:
            asked = ["--from-cluster" if cluster_scope else "--from", template, *asked]
        if template_file:
            asked = ["-f", template_file, *asked]
        _explain(words or [], asked)
    if not files:
        raise UsageError("say what to create, as -f FILE", hint="- is stdin, a folder is all in it")
    if timeout is not None and not wait:
        raise UsageError("--timeout is for --wait")
    from rolloutctl.cli import creating

    tried = dry_run(dry)
    wishes = creating.Wishes(
        recursive=recursive,
        validate=validate,
        dry_run="" if tried == "none" else str(tried),
        wait=wait,
        timeout=timeout or None,
        reason=reason,
        record=record,
    )
    return creating.create(Run.of(ctx), files, wishes, output=output)


def _explain(words: list[str], asked: list[str]) -> None:
    """Raises UsageError for what is not created from a file."""
    if words and words[0].lower() not in _RUNS:
        given = " ".join(words)
        raise UsageError(f'"{given}" is no option', hint=f"did you mean -f {shlex.quote(given)}?")
    line = shlex.join(["rolloutctl", "analysis", "run", *(asked or ["--from", "TEMPLATE"])])
    raise UsageError("an analysis run of a template is started by another command", hint=line)
