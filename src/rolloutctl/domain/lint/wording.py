"""Faults in the controller's words, each with the place where they stand.

Source: apimachinery, util/validation/field; argo-rollouts, pkg/apis/rollouts/validation. Paths of
the controller's checks of a strategy leave out its name; those of its checks of references do not.
"""

from __future__ import annotations

import json
from typing import Any

from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Severity

RULE = "invalid-spec"


def invalid(manifest: Manifest, path: Path, said: str, value: Any, detail: str) -> Finding:
    """`said` is the path as the controller writes it, `path` the way to the field."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return fault(manifest, path, f"{said}: Invalid value: {text}: {detail}")


def required(manifest: Manifest, path: Path, said: str, detail: str = "") -> Finding:
    return fault(manifest, path, f"{said}: Required value" + (f": {detail}" if detail else ""))


def internal(manifest: Manifest, path: Path, said: str, detail: str) -> Finding:
    return fault(manifest, path, f"{said}: Internal error: {detail}")


def fault(manifest: Manifest, path: Path, message: str) -> Finding:
    return Finding(RULE, Severity.ERROR, message, manifest, path)
