"""`rolloutctl explain`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Name, Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app()


@command(app)
def explain(ctx: typer.Context, name: Name, output: Output = None) -> ExitCode:
    """Say why a rollout is as it is, and what each command would do.

    Finds the cause in its status, conditions, analysis runs, experiments, events and pods: the step
    that failed, the metric with its query and values, what a plugin said, the pod that does not
    start, the pause and who or what ends it. Then what each command would do from here, with its
    traps. Nothing is changed.

    \b
    Examples:
      rolloutctl explain checkout -n shop
      rolloutctl explain checkout -o wide
      rolloutctl explain checkout -o json | jq '.causes[0]'
    """
    from rolloutctl.actions import explain as action
    from rolloutctl.cli.rollouts import surface_of

    run = Run.of(ctx)
    (ref,) = run.refs([name])
    if output == "name":
        raise UsageError("-o name does not go with explain", hint="known: json, yaml, jsonl, wide")
    reading = action.read(run.cluster(), ref)
    if output in (None, "wide"):
        from rolloutctl.render.views import explanation as view

        wide = output == "wide"
        run.emit(
            view.lines(reading.explanation, surface_of(run), missing=reading.missing, wide=wide)
        )
        return ExitCode.OK
    from rolloutctl.render import serialize
    from rolloutctl.render.documents import explanation as documents

    document = documents.document(reading.explanation, reading.missing)
    write = {"json": serialize.to_json, "yaml": serialize.to_yaml, "jsonl": serialize.to_jsonl}
    run.out(write[output](document))
    return ExitCode.OK
