"""Fields nobody knows, values of the wrong type, kinds and versions there are not."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from rolloutctl.domain.lint import shapes
from rolloutctl.domain.lint.common_shapes import GROUP_VERSION
from rolloutctl.domain.lint.finding import Finding, Manifest, Place, Severity
from rolloutctl.domain.lint.known import known
from rolloutctl.domain.lint.known_shapes import SHAPES
from rolloutctl.domain.lint.reading import GROUP, nearest
from rolloutctl.domain.lint.shapes import Wrong
from rolloutctl.domain.lint.uses import dotted


def check_kind(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """A kind or a version that Argo Rollouts does not have."""
    if manifest.api_version.partition("/")[0] != GROUP or manifest.kind not in _OURS:
        if manifest.kind in SHAPES and manifest.api_version != GROUP_VERSION:
            said = f"{manifest.kind} is of apiVersion {GROUP_VERSION}"
            yield Finding("api-version", Severity.ERROR, said, manifest, ("apiVersion",))
        elif manifest.api_version == GROUP_VERSION and (near := _meant(manifest.kind)):
            said = f"Argo Rollouts has no kind {manifest.kind}"
            hint = f"did you mean {near}?"
            yield Finding("kind", Severity.ERROR, said, manifest, ("kind",), hint)
        return
    if manifest.api_version != GROUP_VERSION:
        said = f"{manifest.kind} is of apiVersion {GROUP_VERSION}"
        yield Finding("api-version", Severity.ERROR, said, manifest, ("apiVersion",))


_OURS = frozenset(SHAPES)


def _meant(kind: str) -> str:
    """Others have kinds of this group too (Workflow, Application), which are none of ours."""
    return nearest(kind, list(SHAPES)) if kind not in SHAPES else ""


def check_fields(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """What the API server would drop, or refuse."""
    shape = SHAPES.get(manifest.kind)
    if shape is None or manifest.api_version != GROUP_VERSION:
        return
    for fault in shapes.faults(manifest.data, shape):
        where = dotted(fault.path)
        match fault.wrong:
            case Wrong.UNKNOWN:
                hint = f"did you mean {fault.near[0]}?" if fault.near else ""
                said = f'unknown field "{where}"'
                yield Finding("unknown-field", Severity.ERROR, said, manifest, fault.path, hint)
            case Wrong.MISSING if not _told_elsewhere(manifest.kind, where):
                said = f"{where}: Required value"
                yield Finding("missing-field", Severity.ERROR, said, manifest, fault.path)
            case Wrong.TYPE:
                said = f"{where}: must be of type {fault.wanted}, not {fault.found}"
                yield Finding("wrong-type", Severity.ERROR, said, manifest, fault.path)
            case Wrong.VALUE:
                said = f'{where}: "{fault.found[:200]}" is none of: {fault.wanted}'
                yield Finding("unknown-value", Severity.ERROR, said, manifest, fault.path)


def _told_elsewhere(kind: str, where: str) -> bool:
    """What the controller has words of its own for."""
    return kind == "Rollout" and where.startswith(
        ("spec.template.spec.containers", "spec.selector")
    )


def check_names(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Two objects of one name in a file, or in the files of a folder: one replaces the other."""
    if not manifest.name or not manifest.kind:
        return
    key = (manifest.api_version, manifest.kind, manifest.namespace, manifest.name)
    own = manifest.where(("metadata", "name"))
    for other in known(manifests).beside(manifest):
        if other is manifest:
            continue
        if key != (other.api_version, other.kind, other.namespace, other.name):
            continue
        first = other.where(("metadata", "name"))
        if (first.file, first.line) > (own.file, own.line) or not _together(first, own):
            continue
        at = f"line {first.line}" if first.file == own.file else f"{first.file} line {first.line}"
        said = f"there is another {manifest.kind} {manifest.name}, at {at}: one replaces the other"
        severity = Severity.ERROR if first.file == own.file else Severity.WARNING
        yield Finding("duplicate-object", severity, said, manifest, ("metadata", "name"))
        return


def _together(one: Place, other: Place) -> bool:
    return bool(one.line) and posixpath.dirname(one.file) == posixpath.dirname(other.file)
