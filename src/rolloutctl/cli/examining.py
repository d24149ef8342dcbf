"""`doctor`: findings of one cluster or of several, on stdout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rolloutctl.cli.output import write
from rolloutctl.cli.run import Run
from rolloutctl.cli.sources import Source, each, sources
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.doctor import Finding, Gathered
    from rolloutctl.domain.rights import CommandRights


def examine(run: Run, output: str | None, controller_namespace: str | None) -> ExitCode:
    """Everything that can be found out; the exit code by the worst finding.

    A cluster that cannot be reached is a finding, not an error. Raises UsageError.
    """
    from rolloutctl.domain.doctor import exit_code, findings
    from rolloutctl.render.documents import doctor as documents
    from rolloutctl.render.documents.shapes import in_cluster
    from rolloutctl.render.views import doctor as view
    from rolloutctl.render.views.clusters import under

    _must_be_data(output)
    listed = sources(run)
    codes: list[ExitCode] = []

    def work(source: Source) -> Iterator[Gathered]:
        yield _gathered(run, source, controller_namespace)

    def found() -> Iterator[tuple[Source, Gathered, list[Finding]]]:
        for source, seen in each(run, work, listed):
            told = findings(seen)
            codes.append(exit_code(told))
            yield source, seen, told

    if output in (None, "wide"):
        for index, (source, seen, told) in enumerate(found()):
            surface = run.surface()
            lines = under(source.label, view.lines(told, surface))
            run.emit([*([()] if index else []), *lines])
            if output == "wide" and seen.rights:
                run.emit([(), *view.rights_lines(seen.rights, surface)])
    else:
        items = (
            in_cluster(documents.diagnosis(told, seen.rights), source.label)
            for source, seen, told in found()
        )
        write(run, items, output, listed="DiagnosisList" if len(listed) > 1 else "")
    return _worst(codes)


def rights(run: Run, output: str | None, controller_namespace: str | None) -> ExitCode:
    """What the caller may do, by command. Raises what asking raises."""
    from rolloutctl.actions.doctor import command_rights
    from rolloutctl.actions.plugins import find_controller
    from rolloutctl.render.documents import doctor as documents
    from rolloutctl.render.documents.shapes import in_cluster
    from rolloutctl.render.text import line
    from rolloutctl.render.views import doctor as view
    from rolloutctl.render.views.clusters import under

    _must_be_data(output)
    listed = sources(run)

    def work(source: Source) -> Iterator[tuple[str, list[CommandRights]]]:
        place = find_controller(source.cluster, controller_namespace).namespace
        yield place, command_rights(source.cluster, source.namespace, place)

    found = each(run, work, listed)
    if output not in (None, "wide"):
        items = (in_cluster(documents.rights(may), source.label) for source, (_, may) in found)
        write(run, items, output, listed="RightsList" if len(listed) > 1 else "")
        return ExitCode.OK
    for index, (source, (place, may)) in enumerate(found):
        lines = under(source.label, view.rights_lines(may, run.surface()))
        run.emit([*([()] if index else []), *lines])
        run.note([line(text) for text in view.asking(may, source.namespace, place)])
    return ExitCode.OK


def print_role(run: Run, controller_namespace: str | None) -> ExitCode:
    """Roles as YAML, ready to be applied; no request is sent."""
    from rolloutctl.domain.plugin_config import CONTROLLER_NAMESPACE
    from rolloutctl.domain.rights import roles
    from rolloutctl.render import serialize

    run.one_context("--print-role")
    try:
        namespace = run.namespace()
    except RolloutctlError:
        namespace = "default"  # a Role can be written without a cluster
    found = roles(namespace, controller_namespace or CONTROLLER_NAMESPACE)
    run.out("---\n".join(serialize.to_yaml(role) for role in found))
    return ExitCode.OK


def _gathered(run: Run, source: Source, controller_namespace: str | None) -> Gathered:
    from rolloutctl.actions.doctor import gather
    from rolloutctl.cli.version import version
    from rolloutctl.domain.doctor import Gathered

    try:
        cluster = source.cluster
        namespace = source.namespace
    except UsageError:
        raise
    except RolloutctlError as error:
        hint = error.hint.splitlines()
        problem = f"{error.message}: {hint[0]}" if hint else error.message
        return Gathered(version(), reachable=False, problem=problem)
    return gather(
        cluster,
        client=version(),
        now=run.environment.now(),
        namespace=namespace,
        controller_namespace=controller_namespace,
    )


def _must_be_data(output: str | None) -> None:
    if output == "name":
        raise UsageError("-o name does not go with doctor", hint="-o json has all there is")


def _worst(codes: list[ExitCode]) -> ExitCode:
    """The code that all that are not OK share, else FAILED."""
    bad = set(codes) - {ExitCode.OK}
    if not bad:
        return ExitCode.OK
    return bad.pop() if len(bad) == 1 else ExitCode.FAILED
