"""What makes an Experiment invalid.

Source: argo-rollouts, utils/conditions/experiments.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.sandbox.controller.objects import Obj, items, mapping, name, number, text


def fault(experiment: Obj) -> str | None:
    """The message of the InvalidSpec condition, None for a good spec."""
    return next(_faults(experiment), None)


def _faults(experiment: Obj) -> Iterator[str]:
    templates = items(experiment, "spec", "templates")
    if not templates:
        yield _missing(experiment, ".Spec.Templates")
    seen: set[str] = set()
    for index, template in enumerate(templates):
        path, called = f".Spec.Templates[{index}]", text(template, "name")
        if not called:
            yield _missing(experiment, f"{path}.Name")
        elif called in seen:
            yield (
                f"Experiment {name(experiment)} has a duplicate template name '{called}' "
                f"at index {index}"
            )
        seen.add(called)
        selector = mapping(template, "selector")
        if not mapping(selector, "matchLabels") and not items(selector, "matchExpressions"):
            yield (
                f"Experiment {name(experiment)} has an empty selector at template index {index}: "
                "it would select all pods"
            )
        deadline = number(experiment, "spec", "progressDeadlineSeconds", default=600)
        if deadline <= number(template, "minReadySeconds"):
            yield (
                f"Experiment {name(experiment)}: minReadySeconds of template index {index} must be "
                "less than progressDeadlineSeconds"
            )


def _missing(experiment: Obj, field: str) -> str:
    return f"Experiment {name(experiment)} has missing field '{field}'"
