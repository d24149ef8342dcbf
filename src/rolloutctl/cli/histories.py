"""Between the command line and the versions of a rollout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.history import History
    from rolloutctl.domain.comparing import Comparison
    from rolloutctl.domain.refs import Ref


def show(run: Run, ref: Ref, revision: int | None, output: str | None) -> ExitCode:
    """All versions, or one in full. Raises what reading them raises, NotFound for one there is
    none of. FAILED where some could not be read."""
    from rolloutctl.actions.history import history
    from rolloutctl.cli.output import write
    from rolloutctl.cli.rollouts import surface_of
    from rolloutctl.render.documents import history as documents
    from rolloutctl.render.views import history as view

    found = history(run.cluster(), ref)
    wanted = found.versions
    if revision is not None:
        wanted = tuple(one for one in wanted if one.revision.number == revision)
        if not wanted:
            raise _no_revision(found, revision)
    if output in (None, "wide"):
        surface = surface_of(run, run.cluster())
        if revision is not None:
            (one,) = wanted
            run.emit(view.page(ref.name, one, _of(found, revision), surface))
        else:
            run.emit(view.lines(wanted, surface, wide=output == "wide"))
    elif output == "name":
        run.out("".join(f"replicaset.apps/{one.revision.name}\n" for one in wanted))
    elif revision is not None:
        write(run, (documents.revision(ref, one) for one in wanted), output)
    else:
        missing = [(each.what, each.why) for each in found.missing]
        write(run, [documents.history(ref, wanted, missing)], output)
    return _tell(run, found)


def _tell(run: Run, found: History) -> ExitCode:
    from rolloutctl.cli.rollouts import report_unreadable

    for each in found.missing:
        run.note(f"{each.what} could not be read, so some of this is not known: {each.why}")
    if not found.versions:
        run.note("it has no revision yet")
    if found.unreadable:
        report_unreadable(run, [("", item) for item in found.unreadable])
        return ExitCode.FAILED
    return ExitCode.OK


def _of(found: History, revision: int) -> list[Any]:
    """The events that name a revision."""
    import re

    named = re.compile(rf"\brevision {revision}\b")
    return [event for event in found.events if named.search(event.message)]


def _no_revision(found: History, revision: int) -> NotFound:
    known = ", ".join(str(one.revision.number) for one in found.versions[:12])
    hint = f"it has {known}" if known else "it has none at all"
    return NotFound(f"it has no revision {revision}", subject=str(found.ref), hint=hint)


def compare(
    run: Run, ref: Ref, revision: str, filename: str | None, output: str | None, *, fails: bool
) -> ExitCode:
    """Shows how two templates differ. Raises UsageError, NotFound, and what reading raises."""
    from rolloutctl.cli.output import write
    from rolloutctl.render.documents import history as documents
    from rolloutctl.render.views import comparing as view

    if filename is not None:
        found = _with_file(run, ref, filename)
    else:
        from rolloutctl.actions.history import history
        from rolloutctl.domain.comparing import compare, of_revisions

        known = history(run.cluster(), ref)
        try:
            found = compare(*of_revisions(known.versions, known.present, revision))
        except NotFound as error:
            error.subject = str(ref)
            raise
    if output in (None, "wide"):
        context = 10**6 if output == "wide" else 3
        run.emit(view.lines(found, context=context))
        if not found.edits:
            run.note(
                f"no difference from {view.called(found.before)} to {view.called(found.after)}"
            )
    else:
        write(run, [documents.comparison(ref, found)], output)
    return ExitCode.FAILED if fails and found.edits else ExitCode.OK


def _with_file(run: Run, ref: Ref, filename: str) -> Comparison:
    """From what the cluster has to what a manifest says."""
    from rolloutctl.actions import promotion, undoing
    from rolloutctl.domain.comparing import Side, compare, compare_specs

    seen = promotion.read(run.cluster(), ref)
    kind, data = _manifest(run, filename, ref, seen)
    spec = data.get("spec")
    own: Any = spec if isinstance(spec, dict) else {}
    if kind == "Rollout":
        before = seen.raw.get("spec") or {}
        present = Side("present", before)
        return compare_specs(present, Side("file", own, source=filename))
    template = data.get("template") if kind == "PodTemplate" else own.get("template")
    if not isinstance(template, dict):
        raise UsageError(f"{filename}: {kind} has no pod template")
    held = undoing.holder(run.cluster(), seen).template
    return compare(Side("present", held), Side("file", template, source=filename))


def _manifest(run: Run, filename: str, ref: Ref, seen: Any) -> tuple[str, dict[str, Any]]:
    from rolloutctl.domain.lint.manifests import read

    if filename == "-":
        text = run.environment.stdin.read()
    else:
        try:
            text = Path(filename).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError(f"{filename} cannot be read: {why}") from error
    manifests, findings = read(text, filename)
    if findings:
        where = findings[0].place
        raise UsageError(f"{filename} line {where.line}: {findings[0].message}")
    reference = seen.rollout.spec.workload_ref
    wanted = [("Rollout", ref.name)]
    if reference is not None:
        wanted.append((reference.kind, reference.name))
    for kind, name in wanted:
        for one in manifests:
            if (one.kind, one.name) == (kind, name) and one.namespace in ("", ref.namespace):
                return kind, one.data
    there = ", ".join(f"{one.kind} {one.name}" for one in manifests[:6]) or "no object at all"
    raise UsageError(f"{filename} does not hold Rollout {ref.name}", hint=f"it holds {there}")
