"""What makes a Rollout invalid, in the words the InvalidSpec condition has for it.

Source: argo-rollouts, pkg/apis/rollouts/validation. Only the first fault found is told, and
faults of the spec come before those of the objects it refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import invalid_analysis, invalid_routing
from .faults import invalid, required
from .objects import MANAGED_BY, Obj, annotation, items, mapping, name, number, text
from .routed_sizes import max_weight
from .run_specs import Find
from .sizes import limits
from .steps import is_kind, pause_seconds, steps_of

_STRATEGY = "spec.strategy"
_SERVICES = (
    "blueGreen.activeService",
    "blueGreen.previewService",
    "canary.stableService",
    "canary.canaryService",
    "canary.pingPong.pingService",
    "canary.pingPong.pongService",
)
_ONE_OF = (
    "Step must have one of the following set: "
    "experiment, setWeight, setCanaryScale, plugin or pause"
)
_KINDS = {
    "Experiment": "experiment",
    "Pause": "pause",
    "SetWeight": "setWeight",
    "Analysis": "analysis",
    "SetCanaryScale": "setCanaryScale",
    "SetHeaderRoute": "setHeaderRoute",
    "SetMirrorRoutes": "setMirrorRoute",
    "Plugin": "plugin",
}
_EXCLUSIVE = ("Experiment", "Pause", "SetWeight", "Analysis")


def spec_error(rollout: Obj) -> str | None:
    """The first fault of the spec itself."""
    return next(_spec_errors(rollout), None)


def reference_error(rollout: Obj, find: Find) -> str | None:
    """The first fault of the Services and analysis templates named."""
    return next(_reference_errors(rollout, find), None)


def _reference_errors(rollout: Obj, find: Find) -> Iterator[str]:
    strategy = mapping(rollout, "spec", "strategy")
    for key in _SERVICES:
        wanted = text(strategy, *key.split("."))
        if wanted:
            path = f"{_STRATEGY}.{key}"
            yield from _service_errors(rollout, path, wanted, find("services", wanted))
    for fault in invalid_analysis.faults(rollout, find):
        yield invalid(*fault)
    yield from invalid_routing.reference_errors(rollout, find)


def _service_errors(rollout: Obj, path: str, wanted: str, found: Obj | None) -> Iterator[str]:
    if found is None:
        yield invalid(path, wanted, f'service "{wanted}" not found')
        return
    labels = mapping(rollout, "spec", "template", "metadata", "labels")
    for label, value in mapping(found, "spec", "selector").items():
        if label != "rollouts-pod-template-hash" and labels.get(label) != value:
            detail = f'Service "{wanted}" has unmatch label "{label}" in rollout'
            yield invalid(path, wanted, detail)
    if annotation(found, MANAGED_BY) not in ("", name(rollout)):
        yield invalid(path, wanted, f'Service "{wanted}" is managed by another Rollout')


def _spec_errors(rollout: Obj) -> Iterator[str]:
    spec = mapping(rollout, "spec")
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector", "Rollout has missing field '.spec.selector'")
    elif not mapping(selector, "matchLabels") and not items(selector, "matchExpressions"):
        yield invalid("spec.selector", {}, "empty selector is invalid for deployment")
    labels = mapping(spec, "template", "metadata", "labels")
    if not matches(selector, labels):
        yield invalid(
            "spec.template.metadata.labels", labels, "`selector` does not match template `labels`"
        )
    containers = items(spec, "template", "spec", "containers")
    if not containers:
        yield required("spec.template.spec.containers")
    for index, container in enumerate(containers):
        for key in ("name", "image"):
            if not text(container, key):
                yield required(f"spec.template.spec.containers[{index}].{key}")
    ready = number(spec, "minReadySeconds")
    deadline = number(spec, "progressDeadlineSeconds", default=600)
    if deadline <= ready:
        yield invalid(
            "spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"
        )
    strategy = mapping(spec, "strategy")
    canary, blue_green = strategy.get("canary"), strategy.get("blueGreen")
    if canary is None and blue_green is None:
        yield required(
            f"{_STRATEGY}.strategy",
            "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
        )
    elif canary is not None and blue_green is not None:
        yield invalid(
            f"{_STRATEGY}.strategy",
            "blueGreen: true canary: true",
            "Multiple Strategies can not be listed",
        )
    elif isinstance(canary, dict):
        yield from _canary_errors(rollout, canary)
    elif isinstance(blue_green, dict):
        yield from _blue_green_errors(rollout, blue_green)


def _blue_green_errors(rollout: Obj, blue_green: Obj) -> Iterator[str]:
    yield from _same_service(blue_green, "active", "preview")
    yield from _history_errors(rollout, blue_green)
    yield from _affinity_errors(mapping(blue_green, "antiAffinity"))


def _same_service(strategy: Obj, one: str, other: str) -> Iterator[str]:
    named = text(strategy, f"{one}Service")
    if named and named == text(strategy, f"{other}Service"):
        yield invalid(
            f"{_STRATEGY}.{one}Service",
            named,
            f"This rollout uses the same service for the {one} and {other} services, "
            "but two different services are required.",
        )


def _history_errors(rollout: Obj, strategy: Obj) -> Iterator[str]:
    kept = number(rollout, "spec", "revisionHistoryLimit", default=10)
    scaled = strategy.get("scaleDownDelayRevisionLimit")
    if isinstance(scaled, int) and kept < scaled:
        yield invalid(
            f"{_STRATEGY}.scaleDownDelayRevisionLimit",
            scaled,
            "This rollout's revision history limit can not be smaller than "
            "the rollout's scale down limit",
        )


def _canary_errors(rollout: Obj, canary: Obj) -> Iterator[str]:
    yield from _history_errors(rollout, canary)
    routing = canary.get("trafficRouting")
    yield from _same_service(canary, "stable", "canary")
    yield from invalid_routing.spec_errors(rollout, canary)
    if routing is None:
        if canary.get("scaleDownDelaySeconds") is not None:
            yield invalid(
                f"{_STRATEGY}.scaleDownDelaySeconds",
                canary["scaleDownDelaySeconds"],
                "Canary scaleDownDelaySeconds can only be used with traffic routing",
            )
        if canary.get("dynamicStableScale"):
            yield invalid(
                f"{_STRATEGY}.dynamicStableScale",
                True,
                "Canary dynamicStableScale can only be used with traffic routing",
            )
        if _both_zero(rollout, canary):
            yield invalid(
                f"{_STRATEGY}.maxSurge",
                canary.get("maxSurge"),
                "MaxSurge and MaxUnavailable both can not be zero",
            )
    elif canary.get("dynamicStableScale") and canary.get("scaleDownDelaySeconds") is not None:
        yield invalid(
            f"{_STRATEGY}.dynamicStableScale",
            True,
            "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds",
        )
    for index, step in enumerate(steps_of(rollout)):
        path = f"{_STRATEGY}.steps[{index}]"
        yield from _step_errors(path, step, most=max_weight(rollout))
        yield from invalid_routing.step_errors(path, step, canary)
    yield from _affinity_errors(mapping(canary, "antiAffinity"))


def _both_zero(rollout: Obj, canary: Obj) -> bool:
    given = (canary.get("maxSurge"), canary.get("maxUnavailable"))
    zero = (0, "0", "0%")
    return given[0] in zero and given[1] in zero and limits(rollout).surge == 0


def _step_errors(path: str, step: Obj, *, most: int) -> Iterator[str]:
    present = {said: is_kind(step, key) for said, key in _KINDS.items()}
    if not any(present.values()):
        # The value tells, of each kind, whether it is missing.
        value = " ".join(f"step.{said}: true" for said in present)
        yield invalid(path, value, _ONE_OF)
    elif sum(present[said] for said in _EXCLUSIVE) > 1:
        value = " ".join(f"step.{said}: {str(present[said]).lower()}" for said in _EXCLUSIVE)
        yield invalid(path, value, _ONE_OF)
    weight = step.get("setWeight")
    if weight is not None and not (isinstance(weight, int) and 0 <= weight <= most):
        yield invalid(f"{path}.setWeight", weight, f"SetWeight needs to be between 0 and {most}")
    if is_kind(step, "pause"):
        seconds = pause_seconds(step["pause"])
        if seconds is not None and seconds < 0:
            yield invalid(
                f"{path}.pause.duration", int(seconds), "Duration needs to be greater than 0"
            )


def _affinity_errors(affinity: Obj) -> Iterator[str]:
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")
    needed = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if affinity and (preferred is None) == (needed is None):
        yield invalid(
            f"{_STRATEGY}.antiAffinity",
            "antiAffinity",
            "AntiAffinity must have exactly one strategy listed",
        )
    elif preferred is not None and not 1 <= number(preferred, "weight") <= 100:
        yield invalid(
            f"{_STRATEGY}.antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight",
            number(preferred, "weight"),
            "AntiAffinity weight must be between 1-100",
        )


def matches(selector: Any, labels: Obj) -> bool:
    """Whether a label selector selects `labels`; an empty one selects everything."""
    for key, value in mapping(selector, "matchLabels").items():
        if labels.get(key) != value:
            return False
    for rule in items(selector, "matchExpressions"):
        key, values = text(rule, "key"), items(rule, "values")
        fits = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not fits.get(text(rule, "operator"), False):
            return False
    return True


def selector_text(selector: Any) -> str:
    """The selector as `status.selector` has it: "app=demo,tier in (a,b)"."""
    parts = [f"{key}={value}" for key, value in sorted(mapping(selector, "matchLabels").items())]
    for rule in items(selector, "matchExpressions"):
        key, values = text(rule, "key"), ",".join(sorted(map(str, items(rule, "values"))))
        written = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append(written.get(text(rule, "operator"), key))
    return ",".join(sorted(parts))


def message(rollout: Obj, error: str) -> str:
    return f'The Rollout "{name(rollout)}" is invalid: {error}'
