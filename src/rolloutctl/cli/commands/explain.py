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
    from rolloutctl.cli.everywhere import Everywhere
    from rolloutctl.cli.output import write
    from rolloutctl.cli.rollouts import surface_of

    run = Run.of(ctx)
    names = run.names([name])
    if output == "name":
        raise UsageError("-o name does not go with explain", hint="known: json, yaml, jsonl, wide")
    readings = Everywhere(run, names, lambda s, found: action.read(s.cluster, s.ref(found)))
    if output in (None, "wide"):
        from rolloutctl.render.views import explanation as view
        from rolloutctl.render.views.clusters import under

        for index, (source, reading) in enumerate(readings):
            surface = surface_of(run, source.cluster)
            wide = output == "wide"
            lines = view.lines(reading.explanation, surface, missing=reading.missing, wide=wide)
            lines = under(source.label, lines)
            run.emit([(), *lines] if index else lines)
        return readings.ended()
    from rolloutctl.render.documents import explanation as documents
    from rolloutctl.render.documents.shapes import in_cluster

    found = (
        in_cluster(documents.document(reading.explanation, reading.missing), source.label)
        for source, reading in readings
    )
    write(run, found, output, listed="ExplanationList" if readings.several else "")
    return readings.ended()
