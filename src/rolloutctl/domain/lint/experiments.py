"""Experiments, and the experiment steps of rollouts.

Source: argo-rollouts, utils/conditions/experiments.go; experiments/experiment.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.durations import parse_go
from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Severity
from rolloutctl.domain.lint.metrics import duration_fault
from rolloutctl.domain.lint.reading import (
    PLACEHOLDER,
    inside,
    is_of_rollouts,
    items,
    mapping,
    nearest,
    number,
    objects,
    text,
)

PROGRESS_DEADLINE = 600
"""Seconds, where an Experiment names none."""


def check_templates(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The templates of an Experiment, as the controller looks at them."""
    if not is_of_rollouts(manifest, "Experiment"):
        return
    name = manifest.name
    templates = items(manifest.data, "spec", "templates")
    if not templates:
        yield _error(manifest, ("spec", "templates"), _missing(name, ".Spec.Templates"))
    seen: set[str] = set()
    for index, each in enumerate(templates):
        path: Path = ("spec", "templates", index)
        called = text(each, "name")
        if not called:
            yield _error(manifest, path, _missing(name, f".Spec.Templates[{index}].Name"))
        elif called in seen:
            said = f"Experiment {name} has a duplicate template name '{called}' at index {index}"
            yield _error(manifest, (*path, "name"), said)
        seen.add(called)
        yield from _selector(manifest, path, index, mapping(each))
        deadline = number(
            manifest.data, "spec", "progressDeadlineSeconds", default=PROGRESS_DEADLINE
        )
        if deadline <= number(each, "minReadySeconds"):
            yield _error(
                manifest,
                (*path, "minReadySeconds"),
                f"Experiment {name}: minReadySeconds of template index {index} must be less than"
                " progressDeadlineSeconds",
            )


def _selector(manifest: Manifest, path: Path, index: int, template: object) -> Iterator[Finding]:
    selector = mapping(template, "selector")
    if not mapping(selector, "matchLabels") and not items(selector, "matchExpressions"):
        yield _error(
            manifest,
            (*path, "selector"),
            f"Experiment {manifest.name} has an empty selector at template index {index}: it would"
            " select all pods",
        )
        return
    labels = mapping(template, "template", "metadata", "labels")
    for key, value in mapping(selector, "matchLabels").items():
        if labels.get(key) != value:
            yield _error(
                manifest,
                (*path, "selector", "matchLabels", key),
                f"`selector` does not match template `labels`: the pods have no {key}={value}",
            )


def check_ends(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Experiments and experiment steps: their analyses, and whether they come to an end."""
    for path in _experiments(manifest):
        spec = manifest.at(*path)
        duration = inside(spec, "duration")
        if isinstance(duration, str) and duration and parse_go(duration) is None:
            yield Finding(
                "experiment-duration",
                Severity.ERROR,
                duration_fault(duration),
                manifest,
                (*path, "duration"),
                "durations are written as 30s, 5m, 1h30m",
            )
        seen: set[str] = set()
        required = False
        for index, each in objects(spec, "analyses"):
            called = text(each, "name")
            if called in seen:
                yield Finding(
                    "duplicate-analysis",
                    Severity.ERROR,
                    f"two analyses of the experiment have the same name '{called}'",
                    manifest,
                    (*path, "analyses", index, "name"),
                )
            seen.add(called)
            required = required or each.get("requiredForCompletion") is True
        if not duration and not required and isinstance(spec, dict):
            what = "the step" if manifest.kind == "Rollout" else "it"
            yield Finding(
                "endless-experiment",
                Severity.WARNING,
                f"an experiment without a duration and without an analysis that is required for"
                f" completion: {what} ends when somebody terminates it",
                manifest,
                path,
                "set duration, or requiredForCompletion of an analysis",
            )


def check_placeholders(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Placeholders in arguments of an experiment's analyses: of its templates, and its times.

    Source: argo-rollouts, experiments/experiment.go (ResolveExperimentArgsValue).
    """
    for path in _experiments(manifest):
        spec = manifest.at(*path)
        known = ["experiment.availableAt"]
        if inside(spec, "duration"):
            known.append("experiment.finishedAt")
        for _, template in objects(spec, "templates"):
            called = f"templates.{text(template, 'name')}"
            known += [f"{called}.podTemplateHash", f"{called}.replicaset.name"]
        for index, analysis in objects(spec, "analyses"):
            for at, given in objects(analysis, "args"):
                for found in PLACEHOLDER.finditer(text(given, "value")):
                    name = found[1].strip()
                    if name not in known:
                        near = nearest(name, known)
                        yield Finding(
                            "bad-placeholder",
                            Severity.ERROR,
                            f"failed to resolve {{{{{name}}}}}",
                            manifest,
                            (*path, "analyses", index, "args", at, "value"),
                            f"did you mean {near}?" if near else f"known: {', '.join(known)}",
                        )


def _experiments(manifest: Manifest) -> Iterator[Path]:
    if is_of_rollouts(manifest, "Experiment"):
        yield ("spec",)
    elif is_of_rollouts(manifest, "Rollout"):
        canary = mapping(manifest.data, "spec", "strategy", "canary")
        for index, step in objects(canary, "steps"):
            if step.get("experiment") is not None:
                yield ("spec", "strategy", "canary", "steps", index, "experiment")


def _error(manifest: Manifest, path: Path, message: str) -> Finding:
    return Finding("invalid-experiment", Severity.ERROR, message, manifest, path)


def _missing(name: str, field: str) -> str:
    return f"Experiment {name} has missing field '{field}'"
