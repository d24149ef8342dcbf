"""What `doctor` found, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rolloutctl.domain.doctor import Finding, exit_code
from rolloutctl.domain.rights import CommandRights, Need
from rolloutctl.render.documents.shapes import VERSION, Document
from rolloutctl.render.views.doctor import advice, message


def diagnosis(found: Sequence[Finding], rights: Iterable[CommandRights]) -> Document:
    """All findings, and what the caller may do."""
    return {
        "apiVersion": VERSION,
        "kind": "Diagnosis",
        "exitCode": int(exit_code(found)),
        "findings": [
            {
                "check": str(finding.check),
                "severity": str(finding.severity),
                "message": message(finding),
                "advice": advice(finding),
                "facts": dict(finding.facts),
            }
            for finding in found
        ],
        "rights": [_rights(item) for item in rights],
    }


def rights(found: Iterable[CommandRights]) -> Document:
    """What the caller may do, by command."""
    return {
        "apiVersion": VERSION,
        "kind": "Rights",
        "rights": [_rights(item) for item in found],
    }


def _rights(item: CommandRights) -> Document:
    return {
        "command": item.command,
        "can": str(item.can),
        "missing": [_need(need) for need in item.missing],
    }


def _need(need: Need) -> Document:
    return {
        "apiGroup": need.group,
        "resource": need.resource,
        "verb": need.verb,
        "place": str(need.place),
        "optional": need.optional,
    }
