"""An analysis run made of templates, as the controller makes one for a rollout.

Source: argo-rollouts, utils/analysis/helpers.go (NewAnalysisRunFromTemplates, MergeArgs).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutctl.domain.analyses import value_source
from rolloutctl.domain.wire import Json
from rolloutctl.errors import UsageError

INSTANCE = "argo-rollouts.argoproj.io/controller-instance-id"
"""A controller that was started with such an id touches only what carries it."""
KINDS = ("AnalysisTemplate", "ClusterAnalysisTemplate")
_RULES = {"dryRun": "dry-run rules", "measurementRetention": "retention rules"}


class Template(NamedTuple):
    """A template as plain JSON; `where` says for people where it is from."""

    data: Json
    where: str

    @property
    def key(self) -> tuple[bool, str]:
        return (self.data.get("kind") == KINDS[1], self.name)

    @property
    def name(self) -> str:
        return str(_at(self.data, "metadata", "name") or "")


Find = Callable[[bool, str], Template]
"""The template of that name, of the cluster or the namespace. Raises NotFound and its kin."""


def whole(templates: Sequence[Template], find: Find) -> list[Template]:
    """The templates with those they refer to (`spec.templates`), each once; the cluster's last."""
    found: dict[tuple[bool, str], Template] = {}
    own = {each.key: each for each in templates}
    left = list(templates)
    while left:
        template = left.pop(0)
        if template.key in found:
            continue
        found[template.key] = template
        for each in _items(template.data, "spec", "templates"):
            name = each.get("templateName")
            if isinstance(name, str) and name:
                key = (each.get("clusterScope") is True, name)
                if key not in found:
                    left.append(own.get(key) or find(*key))
    return sorted(found.values(), key=lambda each: each.key[0])


def analysis_run(
    templates: Sequence[Template],
    given: Mapping[str, str],
    *,
    namespace: str,
    name: str = "",
    generate_name: str = "",
    instance_id: str = "",
) -> Json:
    """The AnalysisRun of the templates, with the arguments `given`.

    Nothing of the templates' own metadata becomes part of it (labels of others' tools, tracking
    marks, owners), but the id of the controller instance that is to run it.
    Raises UsageError: two metrics of one name, an unknown argument, one without a value.
    """
    spec: Json = {"metrics": _all(templates, "metrics")}
    if not spec["metrics"]:
        raise UsageError(f"{_names(templates)} has no metrics")
    _distinct(spec["metrics"], "name", "two metrics are called")
    for key, called in _RULES.items():
        rules = _all(templates, key)
        _distinct(rules, "metricName", f"two {called} are for")
        if rules:
            spec[key] = rules
    arguments = _arguments(templates, given)
    if arguments:
        spec["args"] = arguments
    metadata: Json = {"namespace": namespace}
    if name:
        metadata["name"] = name
    else:
        metadata["generateName"] = generate_name or f"{templates[0].name}-"
    instance = instance_id or _instance(templates)
    if instance:
        metadata["labels"] = {INSTANCE: instance}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": metadata,
        "spec": spec,
    }


def parse_arguments(texts: Sequence[str]) -> dict[str, str]:
    """The values of `NAME=VALUE`. Raises UsageError for another form and a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f'"{text}" gives no argument', hint="write --arg NAME=VALUE")
        if found.get(name, value) != value:
            raise UsageError(f"argument {name} is given twice, with different values")
        found[name] = value
    return found


def _arguments(templates: Sequence[Template], given: Mapping[str, str]) -> list[Json]:
    asked: dict[str, Json] = {}
    for each in _all(templates, "args"):
        name = str(each.get("name") or "")
        before = asked.get(name, {})
        if "value" in each and before.get("value", each["value"]) != each["value"]:
            raise UsageError(
                f"argument {name} has different values in the templates:"
                f' "{before["value"]}" and "{each["value"]}"'
            )
        asked[name] = {**before, **each}
    _known(given, asked, templates)
    result = []
    missing: list[str] = []
    for name, each in asked.items():
        if name in given:
            result.append({"name": name, "value": given[name]})
        elif "value" in each or _at(each, "valueFrom", "secretKeyRef") is not None:
            result.append(each)
        else:
            missing.append(_described(name, each))
    if missing:
        raise UsageError(
            f"{_names(templates)} needs values for: {', '.join(missing)}",
            hint=" ".join(f"--arg {text.split()[0]}=..." for text in missing),
        )
    return result


def _known(
    given: Mapping[str, str], asked: Mapping[str, Json], templates: Sequence[Template]
) -> None:
    for name in given:
        if name in asked:
            continue
        near = difflib.get_close_matches(name, asked, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"{_names(templates)} has no argument {name}{meant}",
            hint=f"it has {', '.join(asked)}" if asked else "it has none",
        )


def _described(name: str, argument: Json) -> str:
    source = argument.get("valueFrom")
    told = value_source(source if isinstance(source, Mapping) else None)
    return f"{name} (a rollout gives it: {told})" if told else name


def _names(templates: Sequence[Template]) -> str:
    return ", ".join(each.where for each in templates)


def _instance(templates: Sequence[Template]) -> str:
    found = {str(_at(each.data, "metadata", "labels", INSTANCE) or "") for each in templates}
    ids = sorted(found - {""})
    if len(ids) > 1:
        raise UsageError(f"the templates are of different controller instances: {', '.join(ids)}")
    return ids[0] if ids else ""


def _all(templates: Sequence[Template], key: str) -> list[Json]:
    return [each for template in templates for each in _items(template.data, "spec", key)]


def _distinct(found: Sequence[Json], key: str, complaint: str) -> None:
    seen: set[Any] = set()
    for each in found:
        name = str(each.get(key) or "")
        if name in seen:
            raise UsageError(f"{complaint} {name}: they cannot be one run")
        seen.add(name)


def _items(data: Any, *path: str) -> list[Json]:
    found = _at(data, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _at(data: Any, *path: str) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data
