"""`rolloutctl get`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Fresh, OptionalNames, Output, Selector, TimeoutOption
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rolloutctl.cli.sources import Source

app = new_app()


@command(app)
def get(
    ctx: typer.Context,
    names: OptionalNames = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow what is shown.")] = False,
    output: Output = None,
    selector: Selector = "",
    raw: Annotated[
        bool,
        typer.Option("--raw", help="With -o json|yaml|jsonl: the object as the server has it."),
    ] = False,
    fresh: Fresh = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show rollouts, or one in full: steps, plugins, revisions, pods.

    Without a name: the table of the namespace. With one: its phase, every step with its progress
    and what its plugin says, traffic, revisions and pods, and what can be done next. Several names
    give several pictures; one that fails does not keep the others back.

    experiment (exp) and analysisrun (ar) before names, or TYPE/NAME, show those; a rollout that is
    called like a type is ro/NAME.

    \b
    Examples:
      rolloutctl get
      rolloutctl get checkout -n shop
      rolloutctl get checkout -w
      rolloutctl get checkout -o json | jq .steps
      rolloutctl get checkout --query rollout.phase
      rolloutctl get checkout -o yaml --raw
      rolloutctl get analysisrun checkout-smoke
    """
    from rolloutctl.cli.types import typed

    run = Run.of(ctx)
    kind, names = typed(names or ())
    if kind != "rollout":
        if watch and kind == "experiment" and names and not selector:
            from rolloutctl.cli import following_experiment

            return following_experiment.follow(run, names, output=output, raw=raw, timeout=timeout)
        return _get_runs(run, kind, names, output, raw, watch=watch, selector=selector)
    if raw and output not in ("json", "yaml", "jsonl"):
        raise UsageError("--raw needs -o json, yaml or jsonl")
    if not names:
        from rolloutctl.cli import rollouts

        if watch:
            from rolloutctl.cli.following_rows import Asked, follow_rows

            asked = Asked(output, selector, timeout=timeout, fresh=fresh)
            return follow_rows(run, asked)
        if raw and output:
            return rollouts.show_raw_list(run, output=output, selector=selector)
        return rollouts.show_rows(run, output=output, selector=selector, fresh=fresh)
    if selector:
        raise UsageError("a name and a selector do not go together", hint="leave out one of them")
    if watch:
        from rolloutctl.cli import watching

        run.one_context("--watch")
        refs = run.refs(names)
        if len(refs) != 1:
            raise UsageError(
                "one rollout can be watched in full at a time",
                hint="rolloutctl list -w follows all of a namespace as rows",
            )
        return watching.watch(run, refs[0], output=output, timeout=timeout)
    return _show(run, run.names(names), output, raw)


def _get_runs(
    run: Run,
    kind: str,
    names: list[str],
    output: str | None,
    raw: bool,
    *,
    watch: bool,
    selector: str,
) -> ExitCode:
    """The same of experiments and analysis runs; `experiment` and `analysis` can do more."""
    from rolloutctl.cli import runs

    group = "experiment" if kind == "experiment" else "analysis"
    if watch:
        raise UsageError(
            "get -w follows rollouts, and one experiment by its name",
            hint=f"rolloutctl {group} list -w follows a list of the others",
        )
    if names and selector:
        raise UsageError("a name and a selector do not go together", hint="leave out one of them")
    if names:
        show = runs.show_experiment if group == "experiment" else runs.show_analysis_run
        return show(run, names, output, raw)
    from rolloutctl.cli.listing_runs import Asked

    sort = runs.experiments() if kind == "experiment" else runs.analysis_runs()
    return runs.show_list(run, sort, Asked(selector), output=output)


def _show(run: Run, names: list[str], output: str | None, raw: bool) -> ExitCode:
    from rolloutctl.actions import inspect
    from rolloutctl.cli.everywhere import Everywhere
    from rolloutctl.cli.sources import no_names

    if output in (None, "wide"):
        from rolloutctl.cli.rollouts import surface_of
        from rolloutctl.render.views import rollout as view
        from rolloutctl.render.views.clusters import under

        looks = Everywhere(run, names, lambda s, name: inspect.examine(s.cluster, s.ref(name)))
        for index, (source, look) in enumerate(looks):
            surface = surface_of(run, source.cluster)
            lines = view.lines(look.picture, surface, missing=look.missing, wide=output == "wide")
            lines = under(source.label, lines)
            run.emit([(), *lines] if index else lines)
        return looks.ended()
    if output == "name":
        from rolloutctl.cli.rollouts import RESOURCE

        found = Everywhere(run, names, lambda s, name: inspect.get_rollout(s.cluster, s.ref(name)))
        if found.several:
            raise no_names()
        for _, rollout in found:
            run.out(f"{RESOURCE}/{rollout.metadata.name}")
        return found.ended()
    if raw:
        # The server's objects do not say where they are from.
        run.one_context("--raw")
    documents = Everywhere(run, names, lambda source, name: _document(source, name, raw))
    single = len(names) == 1 and not documents.several
    _write(run, (item for _, item in documents), output, raw=raw, single=single)
    return documents.ended()


def _document(source: Source, name: str, raw: bool) -> dict[str, Any]:
    from rolloutctl.actions import inspect

    ref = source.ref(name)
    if raw:
        import msgspec

        from rolloutctl.domain.cluster import ROLLOUTS
        from rolloutctl.errors import NotFound

        try:
            text = source.cluster.get_raw(ROLLOUTS, ref.namespace, ref.name)
        except NotFound as error:
            raise inspect.not_found(source.cluster, ref) from error
        decoded: dict[str, Any] = msgspec.json.decode(text)
        return decoded
    from rolloutctl.render.documents import rollout as documents
    from rolloutctl.render.documents.shapes import in_cluster

    look = inspect.examine(source.cluster, ref)
    return in_cluster(documents.document(look.picture, look.missing), source.label)


def _write(run: Run, items: Iterator[Any], output: str, *, raw: bool, single: bool) -> None:
    from rolloutctl.cli.output import write

    listed = "List" if raw else "RolloutList"
    write(run, items, output, listed="" if single else listed)
