"""`rolloutctl tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Names, Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

if TYPE_CHECKING:
    from rolloutctl.cli.sources import Source

app = new_app()


@command(app)
def tree(ctx: typer.Context, names: Names, output: Output = None) -> ExitCode:
    """Show the objects below a rollout, and those its spec names.

    Below it, by owner references: ReplicaSets with their pods, analysis runs with their jobs,
    experiments with theirs. Named are Services, the objects of the router, analysis templates, the
    workload that holds the pod template; each is looked up. What may not be read is said, and the
    rest is shown. -o name lists them one a line, as kubectl takes them.

    \b
    Examples:
      rolloutctl tree checkout
      rolloutctl tree checkout -o json | jq .root.children
    """
    from rolloutctl.cli.everywhere import Everywhere
    from rolloutctl.cli.output import write
    from rolloutctl.cli.rollouts import surface_of

    run = Run.of(ctx)
    found = Everywhere(run, run.names(names), _read)
    if output in (None, "wide"):
        from rolloutctl.render.views import owned as views
        from rolloutctl.render.views.clusters import under

        for index, (source, (root, needed, missing)) in enumerate(found):
            surface = surface_of(run, source.cluster)
            lines = views.lines(root, needed, surface, missing=missing, wide=output == "wide")
            lines = under(source.label, lines)
            run.emit([(), *lines] if index else lines)
    elif output == "name":
        from rolloutctl.cli.sources import no_names

        if found.several:
            raise no_names()
        for _, (root, _, _) in found:
            run.out("".join(f"{_resource(node.kind)}/{node.name}\n" for node in root.walk()))
    else:
        from rolloutctl.render.documents import owned as documents
        from rolloutctl.render.documents.shapes import in_cluster

        single = len(names) == 1 and not found.several
        items = (in_cluster(documents.tree(*item), source.label) for source, item in found)
        write(run, items, output, listed="" if single else "TreeList")
    return found.ended()


def _read(source: Source, name: str) -> Any:
    from rolloutctl.actions import owned
    from rolloutctl.domain.owned import tree

    found = owned.read(source.cluster, source.ref(name))
    return tree(found.belongings), owned.named(source.cluster, found.raw), found.missing


def _resource(kind: str) -> str:
    groups = {"ReplicaSet": "apps", "Job": "batch", "Pod": ""}
    group = groups.get(kind, "argoproj.io")
    return f"{kind.lower()}.{group}" if group else kind.lower()
