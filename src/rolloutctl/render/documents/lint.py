"""Findings of `lint` as data: documents of kind `LintReport`, and SARIF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from rolloutctl.domain.lint.finding import Finding, Severity
from rolloutctl.domain.lint.rules import RULES
from rolloutctl.domain.lint.uses import dotted
from rolloutctl.render.documents.shapes import VERSION, Document
from rolloutctl.render.views.lint import said


def report(findings: Sequence[Finding], files: int, objects: int) -> Document:
    """Everything `lint` has to say."""
    return {
        "apiVersion": VERSION,
        "kind": "LintReport",
        "files": files,
        "objects": objects,
        "errors": _count(findings, Severity.ERROR),
        "warnings": _count(findings, Severity.WARNING),
        "notes": _count(findings, Severity.NOTE),
        "findings": [_entry(finding) for finding in findings],
    }


def entries(findings: Iterable[Finding]) -> Iterable[Document]:
    """One document for each finding."""
    for finding in findings:
        yield {"apiVersion": VERSION, "kind": "LintFinding", **_entry(finding)}


def _entry(finding: Finding) -> Document:
    where, manifest = finding.place, finding.manifest
    there = bool(manifest.kind)
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "message": said(finding),
        "hint": finding.hint or None,
        "file": where.file,
        "line": where.line or None,
        "column": where.column or None,
        "path": dotted(finding.path) or None,
        "object": {
            "kind": manifest.kind,
            "namespace": manifest.namespace or None,
            "name": manifest.name or None,
        }
        if there
        else None,
    }


def _count(findings: Iterable[Finding], severity: Severity) -> int:
    return sum(1 for finding in findings if finding.severity is severity)


def sarif(findings: Sequence[Finding], version: str) -> Document:
    """The findings as SARIF 2.1.0 has them, for code scanning."""
    rules = sorted({finding.rule for finding in findings})
    driver = {
        "name": "rolloutctl",
        "version": version,
        "rules": [
            {"id": rule, "shortDescription": {"text": RULES.get(rule, rule)}} for rule in rules
        ],
    }
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": rules.index(finding.rule),
            "level": str(finding.severity),
            "message": {"text": said(finding) + (f". {finding.hint}" if finding.hint else "")},
            "locations": [_location(finding)],
        }
        for finding in findings
    ]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _location(finding: Finding) -> Document:
    where = finding.place
    place: Document = {"artifactLocation": {"uri": quote(where.file)}}
    if where.line:
        place["region"] = {"startLine": where.line, "startColumn": where.column}
    return {"physicalLocation": place}
