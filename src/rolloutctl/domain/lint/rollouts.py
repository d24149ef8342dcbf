"""Rollouts: what the controller refuses of their own spec.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rolloutctl.domain.lint.finding import Finding, Manifest, Path
from rolloutctl.domain.lint.reading import inside, is_of_rollouts, items, mapping, number, text
from rolloutctl.domain.lint.wording import fault, invalid, required
from rolloutctl.domain.wire import Json

CANARY = ("spec", "strategy", "canary")
BLUE_GREEN = ("spec", "strategy", "blueGreen")
SAID = "spec.strategy"
"""What paths of a strategy's fields begin with in the controller's words."""

_NOT_NEGATIVE = (
    "replicas",
    "minReadySeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
)


def check_spec(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The selector, the template, the numbers, and that there is one strategy."""
    if not is_of_rollouts(manifest, "Rollout"):
        return
    spec = mapping(manifest.data, "spec")
    for name in _NOT_NEGATIVE:
        value = spec.get(name)
        if isinstance(value, int) and value < 0:
            said = "must be greater than or equal to 0"
            yield invalid(manifest, ("spec", name), f"spec.{name}", value, said)
    held = spec.get("workloadRef") is not None
    yield from _selector(manifest, spec, held=held)
    if not held:
        yield from _template(manifest, spec)
    elif mapping(spec, "template", "metadata"):
        said = "template must be empty for workload reference rollout"
        yield invalid(manifest, ("spec", "template"), "spec.template", "", said)
    deadline = number(spec, "progressDeadlineSeconds", default=600)
    if deadline <= number(spec, "minReadySeconds"):
        path = ("spec", "progressDeadlineSeconds")
        said = "must be greater than minReadySeconds"
        yield invalid(manifest, path, "spec.progressDeadlineSeconds", deadline, said)
    yield from _strategies(manifest, spec)


def _selector(manifest: Manifest, spec: Json, *, held: bool) -> Iterator[Finding]:
    selector = spec.get("selector")
    if selector is None:
        if not held:
            said = "Rollout has missing field '.spec.selector'"
            yield required(manifest, ("spec", "selector"), "spec.selector", said)
        return
    if not mapping(selector, "matchLabels") and not items(selector, "matchExpressions"):
        said = "empty selector is invalid for deployment"
        yield invalid(manifest, ("spec", "selector"), "spec.selector", {}, said)
    labels = mapping(spec, "template", "metadata", "labels")
    if not held and not selects(selector, labels):
        yield invalid(
            manifest,
            ("spec", "template", "metadata", "labels"),
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        )


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector is met; one that says nothing is met by all."""
    if any(labels.get(key) != value for key, value in mapping(selector, "matchLabels").items()):
        return False
    return all(_meets(each, labels) for each in items(selector, "matchExpressions"))


def _meets(rule: Any, labels: Mapping[str, Any]) -> bool:
    key, values = text(rule, "key"), items(rule, "values")
    match text(rule, "operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def _template(manifest: Manifest, spec: Json) -> Iterator[Finding]:
    here = ("spec", "template", "spec", "containers")
    containers = items(spec, "template", "spec", "containers")
    if not containers:
        yield required(manifest, here, "spec.template.spec.containers")
    seen: set[str] = set()
    for index, container in enumerate(containers):
        for key in ("name", "image"):
            if not text(container, key):
                said = f"spec.template.spec.containers[{index}].{key}"
                yield required(manifest, (*here, index, key), said)
        name = text(container, "name")
        if name and name in seen:
            said = f"spec.template.spec.containers[{index}].name"
            message = f'{said}: Duplicate value: "{name}"'
            yield fault(manifest, (*here, index, "name"), message)
        seen.add(name)


def _strategies(manifest: Manifest, spec: Json) -> Iterator[Finding]:
    strategy = mapping(spec, "strategy")
    canary, blue_green = strategy.get("canary"), strategy.get("blueGreen")
    path, said = ("spec", "strategy"), f"{SAID}.strategy"
    if canary is None and blue_green is None:
        missing = "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'"
        yield required(manifest, path, said, missing)
    elif canary is not None and blue_green is not None:
        both = "Multiple Strategies can not be listed"
        yield invalid(manifest, path, said, "blueGreen: true canary: true", both)


def check_blue_green(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The fields of a blue-green strategy."""
    found = manifest.at(*BLUE_GREEN)
    if not is_of_rollouts(manifest, "Rollout") or not isinstance(found, dict):
        return
    if manifest.at(*CANARY) is not None:
        return
    yield from same_service(manifest, BLUE_GREEN, "active", "preview")
    yield from scaled_history(manifest, BLUE_GREEN)
    yield from anti_affinity(manifest, BLUE_GREEN)


def same_service(manifest: Manifest, path: Path, one: str, other: str) -> Iterator[Finding]:
    """Two Services that have to be two."""
    strategy = manifest.at(*path)
    named = text(strategy, f"{one}Service")
    if named and named == text(strategy, f"{other}Service"):
        said = (
            f"This rollout uses the same service for the {one} and {other} services,"
            " but two different services are required."
        )
        where = (*path, f"{other}Service")
        yield invalid(manifest, where, f"{SAID}.{one}Service", named, said)


def scaled_history(manifest: Manifest, path: Path) -> Iterator[Finding]:
    """More old versions to be kept up than are kept at all."""
    kept = number(manifest.data, "spec", "revisionHistoryLimit", default=10)
    scaled = inside(manifest.at(*path), "scaleDownDelayRevisionLimit")
    if isinstance(scaled, int) and not isinstance(scaled, bool) and kept < scaled:
        said = (
            "This rollout's revision history limit can not be smaller than the rollout's scale"
            " down limit"
        )
        where = (*path, "scaleDownDelayRevisionLimit")
        yield invalid(manifest, where, f"{SAID}.scaleDownDelayRevisionLimit", scaled, said)


def anti_affinity(manifest: Manifest, path: Path) -> Iterator[Finding]:
    """One rule that keeps the pods of two versions apart, with a weight where it has one."""
    found = mapping(manifest.at(*path), "antiAffinity")
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    wished, needed = found.get(preferred), found.get(preferred.replace("preferred", "required"))
    where = (*path, "antiAffinity")
    if found and (wished is None) == (needed is None):
        said = "AntiAffinity must have exactly one strategy listed"
        yield invalid(manifest, where, f"{SAID}.antiAffinity", "antiAffinity", said)
    elif wished is not None and not 1 <= number(wished, "weight") <= 100:
        said = "AntiAffinity weight must be between 1-100"
        place = f"{SAID}.antiAffinity.{preferred}.weight"
        weight = number(wished, "weight")
        yield invalid(manifest, (*where, preferred, "weight"), place, weight, said)
