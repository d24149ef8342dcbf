"""Between the command line and the objects of files that are to be created."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.creating import Creation, Wanted
    from rolloutctl.domain.lint.finding import Finding, Manifest

SUFFIXES = (".yaml", ".yml", ".json")


class Wishes(NamedTuple):
    """What the command line says beside the files."""

    recursive: bool = False
    validate: str = "strict"
    dry_run: str = ""
    """ "", "client" or "server"."""
    wait: bool = False
    timeout: float | None = None
    reason: str = ""
    record: bool = True


def create(run: Run, files: Sequence[str], wishes: Wishes, *, output: str | None) -> ExitCode:
    """Reads and checks everything, and then creates it object by object."""
    from rolloutctl.domain.creating import exit_code

    objects = _objects(run, files, wishes)
    results = _Report(run, objects, output)
    made = list(_made(run, objects, wishes, results))
    if wishes.wait and not wishes.dry_run:
        made = _followed(run, made, wishes, results)
    results.end(made, wishes.dry_run)
    return exit_code(made)


# --- reading ------------------------------------------------------------------------------------


@overload
def texts(
    run: Run, paths: Sequence[str], *, recursive: bool, strict: Literal[True] = True
) -> Iterator[tuple[str, str]]: ...
@overload
def texts(
    run: Run, paths: Sequence[str], *, recursive: bool, strict: Literal[False]
) -> Iterator[tuple[str, str | None]]: ...
def texts(
    run: Run, paths: Sequence[str], *, recursive: bool, strict: bool = True
) -> Iterator[tuple[str, str | None]]:
    """(what to call it, its text) of each file, of those of a folder in the order of their names.

    Raises UsageError for what cannot be read, stdin given twice, and a folder without manifests.
    What is no UTF-8 is such a thing too, or None where it is not `strict`.
    """
    if list(paths).count("-") > 1:
        raise UsageError("stdin (-) can be read once")
    for given in paths:
        if given == "-":
            yield "stdin", run.environment.stdin.read()
            continue
        path = Path(given)
        if not path.is_dir():
            yield given, _text(path, strict)
            continue
        inside = sorted(
            each
            for each in (path.rglob("*") if recursive else path.iterdir())
            if each.suffix in SUFFIXES and each.is_file()
        )
        if not inside:
            deeper = "" if recursive else "; -R looks into its folders too"
            raise UsageError(
                f"folder {given} holds no manifests",
                hint=f"they end in {', '.join(SUFFIXES)}{deeper}",
            )
        for each in inside:
            yield str(each), _text(each, strict)


def _text(path: Path, strict: bool) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        if not strict:
            return None
        raise UsageError(f"{path} is no text in UTF-8") from error


def _objects(run: Run, files: Sequence[str], wishes: Wishes) -> list[Wanted]:
    from rolloutctl.domain.creating import ordered, wanted
    from rolloutctl.domain.lint.manifests import read

    manifests: list[Manifest] = []
    findings: list[Finding] = []
    for source, text in texts(run, files, recursive=wishes.recursive):
        found, wrong = read(text, source)
        manifests += found
        findings += wrong
    # What cannot be read as it stands there is not created, whatever is asked of validation.
    _refuse(run, findings)
    if not manifests:
        raise UsageError("there is nothing to create in what was given")
    given = run.common.namespace
    # Without -n the context has to say it, and that needs a kubeconfig.
    fallback = given or run.one_namespace()
    objects = [wanted(each, given=given, fallback=fallback) for each in manifests]
    if wishes.validate != "ignore":
        _validate(run, manifests, strict=wishes.validate == "strict")
    return ordered(objects)


def _validate(run: Run, manifests: Sequence[Manifest], *, strict: bool) -> None:
    """Says what lint finds wrong; raises UsageError for errors where they count."""
    from rolloutctl.domain.lint.checks import lint
    from rolloutctl.domain.lint.finding import Severity

    errors = [each for each in lint(manifests) if each.severity is Severity.ERROR]
    if strict:
        _refuse(run, errors, "--validate=warn creates it all the same")
    else:
        _tell(run, errors)


def _refuse(run: Run, errors: Sequence[Finding], hint: str = "") -> None:
    if not errors:
        return
    _tell(run, errors)
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    raise UsageError(f"nothing is created: {count} in what was given", hint=hint)


def _tell(run: Run, errors: Sequence[Finding]) -> None:
    from rolloutctl.render.views import creating as views

    for each in sorted(errors, key=lambda each: (each.place.file, each.place.line)):
        run.note(views.finding(each, run.surface()))


# --- creating -----------------------------------------------------------------------------------


def _made(
    run: Run, objects: Sequence[Wanted], wishes: Wishes, report: _Report
) -> Iterator[Creation]:
    from rolloutctl.actions import creating
    from rolloutctl.cli import recording

    kept = recording.recorder(run, reason=wishes.reason, record=wishes.record)

    def record(about: Any) -> None:
        if kept is not None:
            kept.record(about, "create")

    for each in creating.create(run.cluster(), objects, dry_run=wishes.dry_run, record=record):
        report.made(each)
        yield each
    recording.tell(run, kept)


def _followed(
    run: Run, made: Sequence[Creation], wishes: Wishes, report: _Report
) -> list[Creation]:
    from rolloutctl.actions import creating
    from rolloutctl.domain.creating import ENDS, Made

    found = []
    clock = time.monotonic
    deadline = None if wishes.timeout is None else clock() + wishes.timeout
    for each in made:
        if each.made is Made.CREATED and each.wanted.kind.kind in ENDS:
            left = None if deadline is None else max(0.0, deadline - clock())
            each = creating.follow(run.cluster(), each, timeout=left, clock=clock)
            report.ended(each)
        found.append(each)
    return found


class _Report:
    """Tells what becomes of each object as it happens; documents come at the end."""

    def __init__(self, run: Run, objects: Sequence[Wanted], output: str | None) -> None:
        self.run = run
        self.output = output if output != "wide" else None
        self.spread = len({each.namespace for each in objects if each.namespace}) > 1
        self.spread = self.spread or output == "wide"

    def made(self, each: Creation) -> None:
        from rolloutctl.domain.creating import Made
        from rolloutctl.render.views import creating as views

        if self.output is None:
            self.run.emit(views.result(each, self.run.surface(), namespaces=self.spread))
        elif self.output == "name" and each.made in (Made.CREATED, Made.TRIED):
            self.run.out(_name(each))
        told = each.made is Made.EXISTS and self.output is None
        if each.error is not None and not told:
            self.run.fail(each.error)

    def ended(self, each: Creation) -> None:
        from rolloutctl.render.views import creating as views

        if each.error is not None:
            self.run.fail(each.error)
        elif self.output is None:
            self.run.emit(views.ended(each, self.run.surface(), namespaces=self.spread))

    def end(self, made: Sequence[Creation], dry_run: str) -> None:
        from rolloutctl.cli.output import write
        from rolloutctl.render.documents import creating as documents

        if self.output == "jsonl":
            write(self.run, map(documents.line_document, made), self.output)
        elif self.output in ("json", "yaml"):
            write(self.run, [documents.document(made, dry_run=dry_run)], self.output)


def _name(each: Creation) -> str:
    from rolloutctl.render.text import safe

    kind = each.wanted.kind
    group = f".{kind.group}" if kind.group else ""
    return f"{kind.kind.lower()}{group}/{safe(each.ref.name, 0)}"
