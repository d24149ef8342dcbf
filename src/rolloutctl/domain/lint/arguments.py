"""Arguments of analyses: those that are used, declared and given have to be the same.

Source: argo-rollouts, utils/analysis/helpers.go (MergeArgs, ResolveArgs), utils/template,
pkg/apis/rollouts/validation/validation_references.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.lint import metrics
from rolloutctl.domain.lint.analysis_templates import clashes, known_values, missing_template
from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Severity
from rolloutctl.domain.lint.reading import (
    PLACEHOLDER,
    inside,
    is_of_rollouts,
    mapping,
    nearest,
    objects,
    text,
    texts,
)
from rolloutctl.domain.lint.uses import TEMPLATES, Merged, Use, dotted, merged, together, uses
from rolloutctl.domain.wire import Json

# --- in templates and runs ----------------------------------------------------------------------


def check_placeholders(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Placeholders in metrics that stand for nothing, and arguments that nothing stands for."""
    if not is_of_rollouts(manifest, *TEMPLATES, "AnalysisRun"):
        return
    groups: Sequence[Merged] = (
        together(manifest, manifests) if manifest.kind in TEMPLATES else [Merged((manifest,), ())]
    )
    yield from _undeclared(manifest, groups)
    if any(group.missing or not list(group.all("metrics")) for group in groups):
        return
    used = {name for group in groups for each in group.templates for name in _used(each)}
    for index, each in objects(manifest.data, "spec", "args"):
        name = text(each, "name")
        if name and name not in used:
            yield Finding(
                "unused-argument",
                Severity.WARNING,
                f"argument {name} is declared, and no metric uses {{{{args.{name}}}}}",
                manifest,
                ("spec", "args", index, "name"),
            )


def _undeclared(manifest: Manifest, groups: Sequence[Merged]) -> Iterator[Finding]:
    spec = mapping(manifest.data, "spec")
    own = [text(each, "name") for _, each in objects(spec, "args")]
    for path, written in texts(spec.get("metrics"), ("spec", "metrics")):
        if "{{" in PLACEHOLDER.sub("", written):
            yield Finding(
                "bad-placeholder",
                Severity.ERROR,
                f'Cannot find end tag="}}}}" in the template="{written}"',
                manifest,
                path,
            )
            continue
        for found in PLACEHOLDER.finditer(written):
            scope, _, name = found[1].strip().partition(".")
            if scope == "args" and name in own:
                continue
            if scope == "args" and all(
                group.missing or name in _declared(group) for group in groups
            ):
                continue
            yield _unresolved(manifest, path, found[1], own)


def _unresolved(manifest: Manifest, path: Path, written: str, own: Sequence[str]) -> Finding:
    scope, _, name = written.strip().partition(".")
    if scope != "args":
        rule, hint = "bad-placeholder", "placeholders are those of arguments, as {{args.NAME}}"
    else:
        near = nearest(name, own)
        rule = "undeclared-argument"
        hint = f"did you mean args.{near}?" if near else "declare it in spec.args"
    said = f"failed to resolve {{{{{written}}}}}"
    return Finding(rule, Severity.ERROR, said, manifest, path, hint)


def check_run(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Arguments of a run that have no value: nobody gives it one any more."""
    if not is_of_rollouts(manifest, "AnalysisRun"):
        return
    for index, each in objects(manifest.data, "spec", "args"):
        secret = inside(each, "valueFrom", "secretKeyRef") is not None
        if not secret and not isinstance(each.get("value"), str):
            yield Finding(
                "missing-argument",
                Severity.ERROR,
                f'argument "{text(each, "name")}" was not supplied',
                manifest,
                ("spec", "args", index),
            )


def check_twice(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Arguments that stand twice in one list: only one of them can count."""
    if is_of_rollouts(manifest, *TEMPLATES, "AnalysisRun"):
        base: Path = ("spec", "args")
        lists = [
            [((*base, index), each) for index, each in objects(manifest.data, *("spec", "args"))]
        ]
    else:
        lists = [list(use.args) for use in uses(manifest)]
    for given in lists:
        seen: set[str] = set()
        for path, each in given:
            name = text(each, "name")
            if name in seen:
                yield Finding(
                    "duplicate-argument",
                    Severity.WARNING,
                    f"argument {name} is there twice",
                    manifest,
                    (*path, "name"),
                )
            seen.add(name)


def _used(template: Manifest) -> set[str]:
    found = set()
    for _, written in texts(inside(template.data, "spec", "metrics")):
        for each in PLACEHOLDER.finditer(written):
            scope, _, name = each[1].strip().partition(".")
            if scope == "args":
                found.add(name)
    return found


def _declared(whole: Merged) -> set[str]:
    return {text(each, "name") for _, _, each in whole.all("args")}


# --- where templates are used -------------------------------------------------------------------


def check_uses(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Each analysis of a Rollout or an Experiment, with its templates put together."""
    for use in uses(manifest):
        whole = merged(use.references, manifest.namespace, manifests)
        for reference in whole.missing:
            said = f"{reference.kind} '{reference.name}' not found"
            # Of a template within a template the place is not in this file.
            own = reference if reference in use.references else None
            if own is not None:
                yield missing_template(manifest, own, _reported(use, f'"{own.name}"', said))
        if not whole.missing and whole.templates:
            yield from _put_together(use, whole)


def _put_together(use: Use, whole: Merged) -> Iterator[Finding]:
    names = f'"templateNames: [{" ".join(each.name for each in whole.templates)}]"'
    owner = use.owner

    def error(rule: str, said: str, path: Path, hint: str = "", value: str = names) -> Finding:
        return Finding(rule, Severity.ERROR, _reported(use, value, said), owner, path, hint)

    for rule, said in clashes(whole, [(key, each) for key, _, each in use.rules]):
        yield error(rule, said, use.path)
    metric_names = [text(each, "name") for _, _, each in whole.all("metrics")]
    for field in metrics.RULES:
        rules = [(path, each) for key, path, each in use.rules if key == field]
        for index in metrics.unmatched(list(enumerate(each for _, each in rules)), metric_names):
            yield Finding(
                "unmatched-rule",
                Severity.ERROR,
                f"{field}[{index}]: Rule didn't match any metric name(s)",
                owner,
                (*rules[index][0], "metricName"),
            )
    asked: dict[str, Json] = {}
    for _, _, each in whole.all("args"):
        asked[text(each, "name")] = {**asked.get(text(each, "name"), {}), **each}
    given = {text(each, "name"): each for _, each in use.args}
    for name, each in asked.items():
        secret = inside(each, "valueFrom", "secretKeyRef") is not None
        if secret or each.get("value") is not None or _has_value(given.get(name)):
            continue
        near = nearest(name, [one for one in given if one not in asked])
        hint = (
            f"did you mean it by {near}?" if near else f"give it a value at {dotted(use.path)}.args"
        )
        yield error("missing-argument", f"args.{name} was not resolved", use.path, hint)
    for path, each in use.args:
        name = text(each, "name")
        if name and name not in asked:
            near = nearest(name, list(asked))
            yield Finding(
                "ignored-argument",
                Severity.WARNING,
                f"argument {name} is given, and no template of this analysis asks for it",
                owner,
                (*path, "name"),
                f"did you mean {near}?" if near else "",
            )
    if not use.ended:
        yield from _endless(use, whole)


def _endless(use: Use, whole: Merged) -> Iterator[Finding]:
    for template in whole.templates:
        spec = mapping(template.data, "spec")
        for _, metric in objects(spec, "metrics"):
            # What a rollout gives does not count here: argo-rollouts issue 3243.
            if not metrics.is_endless(metric, known_values(spec)):
                continue
            count = "<nil>" if metric.get("count") is None else metric["count"]
            said = (
                f"AnalysisTemplate {template.name} has metric {text(metric, 'name')} which runs"
                f" indefinitely. Invalid value for count: {count}"
            )
            yield Finding(
                "endless-metric",
                Severity.ERROR if use.reported else Severity.WARNING,
                _reported(use, f'"{template.name}"', said),
                use.owner,
                use.path,
                "give the metric a count, or run it as a background analysis",
            )


def _has_value(given: Json | None) -> bool:
    """Whether an argument that is given will have a value."""
    if given is None:
        return False
    source = mapping(given, "valueFrom")
    if source.get("podTemplateHashValue") is not None:
        return source["podTemplateHashValue"] in ("Stable", "Latest")
    return any(
        (
            isinstance(given.get("value"), str),
            text(source, "fieldRef", "fieldPath"),
            source.get("secretKeyRef") is not None,
        )
    )


def _reported(use: Use, value: str, said: str) -> str:
    """The message as the controller gives it: with path and value for a rollout."""
    return f"{use.reported}: Invalid value: {value}: {said}" if use.reported else said
