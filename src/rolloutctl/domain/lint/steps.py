"""Steps that are allowed, and yet most likely not meant.

Source: argo-rollouts, utils/replicaset/canary.go (what a weight means for pods).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.lint.canaries import kind_of
from rolloutctl.domain.lint.finding import Finding, Manifest, Severity
from rolloutctl.domain.lint.reading import is_of_rollouts, mapping, objects
from rolloutctl.domain.lint.rollouts import CANARY
from rolloutctl.domain.wire import Json


def check_order(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Weights that go down, and steps of two kinds of which only one is carried out."""
    if not is_of_rollouts(manifest, "Rollout"):
        return
    last = 0
    for index, step in objects(manifest.at(*CANARY), "steps"):
        path = (*CANARY, "steps", index)
        weight = step.get("setWeight")
        if isinstance(weight, int) and not isinstance(weight, bool):
            if 0 <= weight < last:
                said = f"the canary's weight goes down, from {last} to {weight}"
                yield Finding("weight-down", Severity.NOTE, said, manifest, (*path, "setWeight"))
            last = weight
        kinds = _kinds(step)
        if len(kinds) > 1 and not _EXCLUSIVE.issuperset(kinds):
            said = f"a step does one thing, and this one names {' and '.join(kinds)}"
            hint = "make a step of each"
            yield Finding("two-kinds", Severity.ERROR, said, manifest, path, hint)


_EXCLUSIVE = frozenset({"experiment", "pause", "setWeight", "analysis"})
"""Of these the controller itself says that there may be one."""


def _kinds(step: Json) -> list[str]:
    return [key for key in mapping(step) if step.get(key) is not None and kind_of({key: 1})]
