"""`rolloutctl get`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import OptionalNames, Output, Selector, TimeoutOption
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.refs import Ref

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
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show rollouts, or one in full: steps, plugins, revisions, pods.

    Without a name: the table of the namespace. With one: its phase, every step with its progress
    and what its plugin says, traffic, revisions and pods, and what can be done next. Several names
    give several pictures; one that fails does not keep the others back.

    \b
    Examples:
      rolloutctl get
      rolloutctl get checkout -n shop
      rolloutctl get checkout -w
      rolloutctl get checkout -o json | jq .steps
      rolloutctl get checkout -o yaml --raw
    """
    run = Run.of(ctx)
    if raw and output not in ("json", "yaml", "jsonl"):
        raise UsageError("--raw needs -o json, yaml or jsonl")
    if not names:
        from rolloutctl.cli import rollouts

        if watch:
            return rollouts.follow_rows(run, output=output, selector=selector, timeout=timeout)
        if raw and output:
            return rollouts.show_raw_list(run, output=output, selector=selector)
        return rollouts.show_rows(run, output=output, selector=selector)
    if selector:
        raise UsageError("a name and a selector do not go together", hint="leave out one of them")
    refs = run.refs(names)
    if watch:
        from rolloutctl.cli import watching

        if len(refs) != 1:
            raise UsageError(
                "one rollout can be watched in full at a time",
                hint="rolloutctl list -w follows all of a namespace as rows",
            )
        return watching.watch(run, refs[0], output=output, timeout=timeout)
    return _show(run, refs, output, raw)


def _show(run: Run, refs: list[Ref], output: str | None, raw: bool) -> ExitCode:
    errors: list[RolloutctlError] = []

    def each(read: Any) -> Iterator[Any]:
        for ref in refs:
            try:
                yield read(ref)
            except RolloutctlError as error:
                if len(refs) == 1:
                    raise
                errors.append(error)

    if output in (None, "wide"):
        from rolloutctl.actions import inspect
        from rolloutctl.cli.rollouts import surface_of
        from rolloutctl.render.views import rollout as view

        for index, look in enumerate(each(lambda ref: inspect.examine(run.cluster(), ref))):
            surface = surface_of(run)
            lines = view.lines(look.picture, surface, missing=look.missing, wide=output == "wide")
            run.emit([(), *lines] if index else lines)
    elif output == "name":
        from rolloutctl.actions import inspect
        from rolloutctl.cli.rollouts import RESOURCE

        for found in each(lambda ref: inspect.get_rollout(run.cluster(), ref)):
            run.out(f"{RESOURCE}/{found.metadata.name}")
    else:
        _write(run, refs, each(lambda ref: _document(run, ref, raw)), output, raw)
    return _ended(run, errors)


def _document(run: Run, ref: Ref, raw: bool) -> dict[str, Any]:
    from rolloutctl.actions import inspect

    if raw:
        import msgspec

        from rolloutctl.domain.cluster import ROLLOUTS
        from rolloutctl.errors import NotFound

        try:
            text = run.cluster().get_raw(ROLLOUTS, ref.namespace, ref.name)
        except NotFound as error:
            raise inspect.not_found(run.cluster(), ref) from error
        decoded: dict[str, Any] = msgspec.json.decode(text)
        return decoded
    from rolloutctl.render.documents import rollout as documents

    look = inspect.examine(run.cluster(), ref)
    return documents.document(look.picture, look.missing)


def _write(run: Run, refs: list[Ref], items: Iterator[Any], output: str, raw: bool) -> None:
    from rolloutctl.cli.rollouts import write_documents
    from rolloutctl.render import serialize

    if output == "json" and len(refs) == 1:
        for item in items:
            run.out(serialize.to_json(item))
        return
    write_documents(run, items, output, kind="List" if raw else "RolloutList")


def _ended(run: Run, errors: list[RolloutctlError]) -> ExitCode:
    """Reports what failed for some of several names; their exit code if they agree."""
    if not errors:
        return ExitCode.OK
    for error in errors:
        run.fail(error)
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
