"""Findings of `lint` in words: a line each, as compilers have them, and as GitHub reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rolloutctl.domain.lint.finding import Finding, Severity
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe

_STYLES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "accent"}
_REPORTED = re.compile(r"spec[.\[][^ ]*: (?:Invalid value|Required value|Internal error)")
_LONGEST = 2000


def said(finding: Finding) -> str:
    """What is wrong; of a Rollout that the controller refuses, the message of its condition."""
    manifest = finding.manifest
    if manifest.kind == "Rollout" and _REPORTED.match(finding.message):
        return f'The Rollout "{manifest.name}" is invalid: {finding.message}'
    return finding.message


def subject(finding: Finding) -> str:
    """ "Rollout shop/checkout"; "" where there is no object."""
    manifest = finding.manifest
    if not manifest.kind:
        return ""
    place = f"{manifest.namespace}/" if manifest.namespace else ""
    return f"{manifest.kind} {place}{manifest.name}".rstrip()


def place(finding: Finding) -> str:
    """ "web.yaml:12:5"."""
    where = finding.place
    return ":".join(str(part) for part in (where.file, where.line, where.column) if part)


def lines(findings: Sequence[Finding], surface: Surface) -> list[Line]:
    """A line for each finding, and one below for what to do about it."""
    result: list[Line] = []
    for finding in findings:
        about = safe(subject(finding), 200)
        message = safe(said(finding), _LONGEST)
        if about and not message.startswith("The Rollout "):
            message = f"{about}: {message}"
        result.append(
            line(
                Span(safe(place(finding), 400), "strong"),
                ": ",
                Span(str(finding.severity), _STYLES[finding.severity]),
                f": {message}  ",
                Span(f"[{finding.rule}]", "dim"),
            )
        )
        if finding.hint:
            result.append(line(f"    {safe(finding.hint, 400)}"))
    return result


def summary(findings: Sequence[Finding], files: int, objects: int) -> str:
    """ "12 files, 30 objects: 3 errors, 1 warning"."""
    counts = [
        words.counted(count, str(severity))
        for severity in Severity
        if (count := sum(1 for one in findings if one.severity is severity))
    ]
    found = ", ".join(counts) or "nothing wrong"
    return f"{words.counted(files, 'file')}, {words.counted(objects, 'object')}: {found}"


_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(findings: Sequence[Finding]) -> list[str]:
    """Workflow commands: GitHub shows each at its line of the change."""
    result = []
    for finding in findings:
        where = finding.place
        facts = {"file": where.file, "line": where.line, "col": where.column, "title": finding.rule}
        given = ",".join(f"{key}={_property(str(value))}" for key, value in facts.items() if value)
        message = said(finding) + (f"\n{finding.hint}" if finding.hint else "")
        result.append(f"::{_LEVELS[finding.severity]} {given}::{_data(message)}")
    return result


def _data(text: str) -> str:
    plain = "\n".join(safe(part, _LONGEST) for part in text.split("\n"))
    return plain.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
