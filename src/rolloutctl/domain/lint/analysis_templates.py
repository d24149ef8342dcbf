"""AnalysisTemplates, ClusterAnalysisTemplates and AnalysisRuns: what the controller would refuse.

Source: argo-rollouts, utils/analysis/factory.go and helpers.go, analysis/analysis.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.lint import metrics
from rolloutctl.domain.lint.finding import Finding, Manifest, Severity
from rolloutctl.domain.lint.reading import is_of_rollouts, items, mapping, objects, text
from rolloutctl.domain.lint.uses import (
    TEMPLATES,
    Merged,
    Reference,
    find,
    references_of,
    whole,
)
from rolloutctl.domain.wire import Json


def check_metrics(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The metrics of a template or a run, one by one."""
    if not is_of_rollouts(manifest, *TEMPLATES, "AnalysisRun"):
        return
    spec = mapping(manifest.data, "spec")
    for wrong in metrics.faults(spec, known_values(spec)):
        path = ("spec", *wrong.path)
        yield Finding(wrong.rule, wrong.severity, wrong.message, manifest, path, wrong.hint)
    if not items(spec, "metrics") and not (manifest.kind in TEMPLATES and items(spec, "templates")):
        yield Finding(
            "no-metrics", Severity.ERROR, "no metrics specified", manifest, ("spec", "metrics")
        )


def check_rules(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Rules for dry runs and retention that are about no metric."""
    if not is_of_rollouts(manifest, *TEMPLATES, "AnalysisRun"):
        return
    found = whole(manifest, manifests)
    if found.missing:
        return
    names = [text(each, "name") for _, _, each in found.all("metrics")]
    for field in metrics.RULES:
        for index in metrics.unmatched(objects(manifest.data, "spec", field), names):
            # Put together with other templates a rule may still find its metric.
            severity = Severity.ERROR if manifest.kind == "AnalysisRun" else Severity.WARNING
            yield Finding(
                "unmatched-rule",
                severity,
                f"{field}[{index}]: Rule didn't match any metric name(s)",
                manifest,
                ("spec", field, index, "metricName"),
            )


def check_references(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Templates that a template is made of: not there, or going round in a circle."""
    if not is_of_rollouts(manifest, *TEMPLATES):
        return
    for reference in references_of(manifest):
        if find(reference, manifest.namespace, manifests) is None:
            yield missing_template(manifest, reference)
        circle = _circle(manifest, reference, manifests)
        if circle:
            yield Finding(
                "template-cycle",
                Severity.WARNING,
                f"{manifest.kind} {manifest.name} is made of itself: {' → '.join(circle)}",
                manifest,
                reference.path,
            )
    found = whole(manifest, manifests)
    if len(found.templates) > 1 and not found.missing:
        for rule, message in clashes(found, ()):
            yield Finding(rule, Severity.ERROR, message, manifest, ("spec", "templates"))


def missing_template(owner: Manifest, reference: Reference, message: str = "") -> Finding:
    """The finding for a template that is not among what was read."""
    return Finding(
        "missing-template",
        Severity.WARNING,
        message or f"{reference.kind} '{reference.name}' not found",
        owner,
        reference.path,
        "it is not in what was read; --cluster looks for it in the cluster",
    )


def clashes(together: Merged, rules: Sequence[tuple[str, Json]]) -> Iterator[tuple[str, str]]:
    """Why templates cannot be put together: (rule, the controller's message). `rules` are (list,
    rule) that the use adds."""
    yield from _twice(
        [text(each, "name") for _, _, each in together.all("metrics")],
        "duplicate-metric",
        "two metrics have the same name",
    )
    for field, called in (("dryRun", "Dry-Run"), ("measurementRetention", "Measurement Retention")):
        names = [text(each, "metricName") for _, _, each in together.all(field)]
        names += [text(each, "metricName") for key, each in rules if key == field]
        yield from _twice(names, "duplicate-rule", f"two {called} metric rules have the same name")
    values: dict[str, object] = {}
    for _, _, each in together.all("args"):
        name, value = text(each, "name"), each.get("value")
        if value is None:
            continue
        if name in values and values[name] != value:
            yield (
                "conflicting-arguments",
                f"Argument `{name}` specified multiple times with different values:"
                f" '{values[name]}', '{value}'",
            )
        values.setdefault(name, value)


def _twice(names: Sequence[str], rule: str, complaint: str) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield rule, f"{complaint} '{name}'"


def known_values(spec: Json) -> dict[str, str]:
    """The arguments of a template or a run that have a value of their own."""
    return {
        text(each, "name"): each["value"]
        for _, each in objects(spec, "args")
        if isinstance(each.get("value"), str)
    }


def _circle(manifest: Manifest, first: Reference, manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """The names on the way from a template through one of its references back to itself."""
    ways: list[tuple[Reference, tuple[str, ...]]] = [(first, (manifest.name,))]
    seen: set[tuple[bool, str]] = set()
    while ways:
        reference, way = ways.pop(0)
        if (reference.cluster, reference.name) in seen:
            continue
        seen.add((reference.cluster, reference.name))
        found = find(reference, manifest.namespace, manifests)
        if found is None:
            continue
        way = (*way, found.name)
        if found is manifest:
            return way
        ways += [(each, way) for each in references_of(found)]
    return ()
