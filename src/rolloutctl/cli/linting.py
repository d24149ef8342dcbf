"""Between the command line and what is wrong with manifests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Failed, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.lint.finding import Finding, Manifest

_MARK = re.compile(r"#\s*rolloutctl-lint:\s*ignore=([a-z0-9,-]+)")


class Wishes(NamedTuple):
    """What the command line says beside the files."""

    cluster: bool = False
    strict: bool = False
    ignore: tuple[str, ...] = ()
    allow_empty: bool = False
    recursive: bool = True


class _Read(NamedTuple):
    files: int
    manifests: list[Manifest]
    findings: list[Finding]
    ignored: dict[tuple[str, int], set[str]]
    """By file and line: the rules that a comment there says to leave out."""


def lint(run: Run, paths: Sequence[str], wishes: Wishes, output: str | None) -> ExitCode:
    """Reads, checks and tells. FAILED for an error, with --strict for a warning too.

    Raises UsageError for what cannot be read and for rules there are not, Failed where there is
    nothing to check, and with --cluster what the cluster raises.
    """
    from rolloutctl.domain.lint.checks import lint as check
    from rolloutctl.domain.lint.finding import Severity
    from rolloutctl.render.views import lint as view

    _must_be_rules(wishes.ignore)
    read = _read(run, paths, recursive=wishes.recursive)
    concerned = [each for each in read.manifests if _concerns(each)]
    if not concerned and not read.findings:
        message = f"nothing to check: no object of Argo Rollouts in {', '.join(paths)}"
        if not wishes.allow_empty:
            raise Failed(message, hint="--allow-empty makes that no failure")
        run.note(message)
    others: list[Manifest] = []
    if wishes.cluster:
        from rolloutctl.actions.linting import from_cluster

        others = from_cluster(run.cluster(), read.manifests)
    found = [*read.findings, *check(read.manifests, others, complete=wishes.cluster)]
    kept = [one for one in found if not _is_ignored(one, wishes, read)]
    kept.sort(key=lambda one: (one.place.file, one.place.line, one.place.column))
    _tell(run, kept, read, output)
    if output in (None, "text"):
        run.note(view.summary(kept, read.files, len(read.manifests)))
    bad = {Severity.ERROR, Severity.WARNING} if wishes.strict else {Severity.ERROR}
    return ExitCode.FAILED if any(one.severity in bad for one in kept) else ExitCode.OK


def _read(run: Run, paths: Sequence[str], *, recursive: bool) -> _Read:
    from rolloutctl.cli.creating import texts
    from rolloutctl.domain.lint.manifests import read, syntax

    result = _Read(0, [], [], {})
    files = 0
    for file, text in texts(run, paths, recursive=recursive, strict=False):
        files += 1
        if text is None:
            result.findings.append(syntax("it is no text in UTF-8", file))
            continue
        manifests, findings = read(text, file)
        result.manifests.extend(manifests)
        result.findings.extend(findings)
        for number, line in enumerate(text.splitlines(), 1) if "rolloutctl-lint" in text else ():
            marked = _MARK.search(line)
            if marked is not None:
                # The comment is for its own line, or stands above the one it is for.
                at = number + 1 if line.lstrip().startswith("#") else number
                result.ignored.setdefault((file, at), set()).update(marked[1].split(","))
    return result._replace(files=files)


def _must_be_rules(names: Sequence[str]) -> None:
    from rolloutctl.domain.lint.reading import nearest
    from rolloutctl.domain.lint.rules import RULES

    for name in names:
        if name not in RULES:
            near = nearest(name, list(RULES))
            hint = f"did you mean {near}?" if near else "docs/lint.md has all rules"
            raise UsageError(f'there is no rule "{name}" to leave out', hint=hint)


def _concerns(manifest: Manifest) -> bool:
    from rolloutctl.domain.lint.known_shapes import SHAPES
    from rolloutctl.domain.lint.plugins import is_configuration
    from rolloutctl.domain.lint.reading import GROUP

    ours = manifest.api_version.partition("/")[0] == GROUP or manifest.kind in SHAPES
    return ours or is_configuration(manifest)


def _is_ignored(finding: Finding, wishes: Wishes, read: _Read) -> bool:
    where = finding.place
    return finding.rule in wishes.ignore or finding.rule in read.ignored.get(
        (where.file, where.line), ()
    )


def _tell(run: Run, findings: list[Finding], read: _Read, output: str | None) -> None:
    from rolloutctl.render.documents import lint as documents
    from rolloutctl.render.views import lint as view

    match output:
        case None | "text":
            run.emit(view.lines(findings, run.surface()))
        case "github":
            run.out("".join(f"{each}\n" for each in view.github(findings)))
        case "sarif":
            from rolloutctl.cli.version import version
            from rolloutctl.render import serialize

            run.out(serialize.to_json(documents.sarif(findings, version())))
        case "jsonl":
            from rolloutctl.cli.output import write

            write(run, documents.entries(findings), output)
        case _:
            from rolloutctl.cli.output import write

            write(run, [documents.report(findings, read.files, len(read.manifests))], output)
