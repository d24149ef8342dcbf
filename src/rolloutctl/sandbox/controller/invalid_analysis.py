"""What makes the analyses of a rollout invalid.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation_references.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import run_arguments, run_specs
from .objects import Obj, dig, items, mapping, name, text
from .run_specs import Find
from .steps import steps_of

_STRATEGY = "spec.strategy"
_PLACEHOLDER = re.compile(r"\{\{\s*args\.([^}]*?)\s*\}\}")
_ANY_HASH = "hash"
"""Stands for a pod template hash where only its being there counts."""

Fault = tuple[str, str, str]
"""(path, value, detail)"""


def faults(rollout: Obj, find: Find) -> Iterator[Fault]:
    """What is wrong with the templates each analysis names, and with its arguments."""
    strategy = mapping(rollout, "spec", "strategy")
    for key in ("prePromotionAnalysis", "postPromotionAnalysis"):
        path = f"{_STRATEGY}.blueGreen.{key}.templates"
        yield from _faults(rollout, path, mapping(strategy, "blueGreen", key), find)
    path = f"{_STRATEGY}.canary.analysis.templates"
    analysis = mapping(strategy, "canary", "analysis")
    yield from _faults(rollout, path, analysis, find, is_background=True)
    for index, step in enumerate(steps_of(rollout)):
        path = f"{_STRATEGY}.canary.steps[{index}].analysis.templates"
        yield from _faults(rollout, path, mapping(step, "analysis"), find)


def _faults(
    rollout: Obj, path: str, analysis: Obj, find: Find, *, is_background: bool = False
) -> Iterator[Fault]:
    if not analysis:
        return
    try:
        templates = run_specs.referred(items(analysis, "templates"), find)
    except run_specs.Missing as error:
        yield path, error.wanted, str(error)
        return
    given = run_arguments.values(
        items(analysis, "args"), rollout, latest=_ANY_HASH, stable=_ANY_HASH
    )
    try:
        run_specs.run_spec(templates, given, analysis)
    except run_specs.Unusable as error:
        yield path, f"templateNames: {run_specs.names(templates)}", str(error)
        return
    if not is_background:
        yield from _endless(path, templates)


def _endless(path: str, templates: Sequence[Obj]) -> Iterator[Fault]:
    """Only a background analysis may have metrics without an end: somebody else ends it."""
    # Not at the top: the package of analyses stands on this one.
    from rolloutctl.sandbox.analysis.metrics import effective_count

    for template in templates:
        for metric in items(template, "spec", "metrics"):
            known = {**mapping(metric)}
            for key in ("count", "interval"):
                known[key] = _with_defaults(dig(metric, key), template)
            if known["count"] is not _UNKNOWN and effective_count(known) is None:
                count = "<nil>" if known["count"] is None else known["count"]
                yield (
                    path,
                    name(template),
                    f"AnalysisTemplate {name(template)} has metric {text(metric, 'name')} "
                    f"which runs indefinitely. Invalid value for count: {count}",
                )


_UNKNOWN = object()


def _with_defaults(value: Any, template: Obj) -> Any:
    """`value` with the template's own values of arguments; what a rollout gives does not count.

    See argo-rollouts issue 3243. `_UNKNOWN` where the template has no value.
    """
    if not isinstance(value, str) or "{{" not in value:
        return value
    known = {
        text(each, "name"): text(each, "value")
        for each in items(template, "spec", "args")
        if dig(each, "value") is not None
    }
    if any(found[1] not in known for found in _PLACEHOLDER.finditer(value)):
        return _UNKNOWN
    return _PLACEHOLDER.sub(lambda found: known[found[1]], value)
