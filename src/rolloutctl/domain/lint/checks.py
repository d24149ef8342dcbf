"""All checks, and how they are run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rolloutctl.domain.lint import (
    canaries,
    plugins,
    references,
    rollouts,
    steps,
    structure,
)
from rolloutctl.domain.lint.analysis_checks import ANALYSIS_CHECKS
from rolloutctl.domain.lint.finding import Check, Finding, Manifest, Severity
from rolloutctl.domain.lint.known import Known

CHECKS: tuple[Check, ...] = (
    structure.check_kind,
    structure.check_names,
    structure.check_fields,
    rollouts.check_spec,
    rollouts.check_blue_green,
    canaries.check_canary,
    steps.check_order,
    references.check_workload,
    references.check_services,
    references.check_ingresses,
    references.check_virtual_services,
    plugins.check_configuration,
    plugins.check_named,
    plugins.check_deadline,
    *ANALYSIS_CHECKS,
)


def lint(
    manifests: Sequence[Manifest],
    others: Sequence[Manifest] = (),
    *,
    complete: bool = False,
) -> list[Finding]:
    """What is wrong with `manifests`, in their order, each thing once.

    `others` are known and not checked themselves: what a cluster holds. `complete`: what is not
    among all of them is not there at all, which is an error; else it is a warning.
    """
    found: list[Finding] = []
    known = Known(manifests, others)
    for manifest in manifests:
        around = known.seen_from(manifest)
        seen: set[tuple[object, ...]] = set()
        for check in CHECKS:
            for finding in check(manifest, around):
                key = (finding.rule, finding.path, finding.message)
                if key not in seen:
                    seen.add(key)
                    found.append(_weighed(finding, complete=complete))
    return found


def _weighed(finding: Finding, *, complete: bool) -> Finding:
    if complete and finding.rule in references.MISSING:
        return msgspec.structs.replace(finding, severity=Severity.ERROR, hint="")
    return finding
