"""What the spec of an AnalysisRun is made of: templates, arguments and rules, put together.

Source: argo-rollouts, utils/analysis/helpers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .hashing import normalised
from .objects import Obj, dig, items, mapping, name, text

Find = Callable[[str, str], Obj | None]
"""(plural, name) → the object of that name, None if there is none."""

_PLURALS = {False: "analysistemplates", True: "clusteranalysistemplates"}
_RULES = {"dryRun": "Dry-Run", "measurementRetention": "Measurement Retention"}
"""Lists of rules about metrics, and what the controller calls them."""


class Unusable(Exception):
    """The templates and arguments make no run; the text is the controller's."""


class Missing(Exception):
    """A template is not there."""

    def __init__(self, wanted: str, *, cluster: bool) -> None:
        self.wanted = wanted
        kind = "ClusterAnalysisTemplate" if cluster else "AnalysisTemplate"
        super().__init__(f"{kind} '{wanted}' not found")


def referred(references: Sequence[Any], find: Find) -> list[Obj]:
    """The templates meant, each once, with those they are made of; the cluster's come last.

    `references`: objects with `templateName` and `clusterScope`. Raises Missing.
    """
    found: dict[tuple[bool, str], Obj] = {}
    for cluster, wanted, template in _walk(references, find, found):
        found[cluster, wanted] = template
    return [found[key] for key in sorted(found, key=lambda key: key[0])]


def _walk(
    references: Sequence[Any], find: Find, seen: dict[tuple[bool, str], Obj]
) -> Iterator[tuple[bool, str, Obj]]:
    for each in references:
        wanted, cluster = text(each, "templateName"), dig(each, "clusterScope") is True
        if not wanted or (cluster, wanted) in seen:
            continue
        template = find(_PLURALS[cluster], wanted)
        if template is None:
            raise Missing(wanted, cluster=cluster)
        yield cluster, wanted, template
        yield from _walk(items(template, "spec", "templates"), find, seen)


def names(templates: Sequence[Obj]) -> str:
    """Their names as the controller lists them: "[first second]"."""
    return f"[{' '.join(map(name, templates))}]"


def run_spec(templates: Sequence[Obj], given: Sequence[Obj], analysis: Obj) -> Obj:
    """The spec of a run of `templates`.

    `given`: arguments with their `value`; those no template asks for are left out. `analysis`
    adds rules (`dryRun`, `measurementRetention`) to those of the templates. Raises Unusable.
    """
    spec: Obj = {"metrics": [_metric(each) for each in _all(templates, "metrics")]}
    _distinct(spec["metrics"], "name", "two metrics have the same name")
    for key, called in _RULES.items():
        rules = [*_all(templates, key), *_dicts(items(analysis, key))]
        _distinct(rules, "metricName", f"two {called} metric rules have the same name")
        if rules:
            spec[key] = rules
    arguments = _merged(_asked(templates), given)
    for each in arguments:
        if "value" not in each and dig(each, "valueFrom", "secretKeyRef") is None:
            raise Unusable(f"args.{text(each, 'name')} was not resolved")
    if arguments:
        spec["args"] = arguments
    return spec


def _all(templates: Sequence[Obj], key: str) -> list[Obj]:
    return [each for template in templates for each in _dicts(items(template, "spec", key))]


def _dicts(found: Sequence[Any]) -> list[Obj]:
    return [each for each in found if isinstance(each, dict)]


def _distinct(found: Sequence[Obj], key: str, complaint: str) -> None:
    seen: set[str] = set()
    for each in found:
        called = text(each, key)
        if called in seen:
            raise Unusable(f"{complaint} '{called}'")
        seen.add(called)


def _asked(templates: Sequence[Obj]) -> list[Obj]:
    """The arguments the templates have, those of one name as one."""
    found: dict[str, Obj] = {}
    for each in _all(templates, "args"):
        called, before = text(each, "name"), found.get(text(each, "name"))
        if before is None:
            found[called] = each
        elif "value" in each and "value" in before and each["value"] != before["value"]:
            said = f"'{before['value']}', '{each['value']}'"
            raise Unusable(
                f"Argument `{called}` specified multiple times with different values: {said}"
            )
        else:
            found[called] = {**before, **each}
    return list(found.values())


def _merged(asked: Sequence[Obj], given: Sequence[Obj]) -> list[Obj]:
    values = {text(each, "name"): each["value"] for each in given if "value" in each}
    merged = []
    for each in asked:
        called = text(each, "name")
        if called in values:
            merged.append({"name": called, "value": values[called]})
        else:
            merged.append(each)
    return merged


def _metric(metric: Obj) -> Obj:
    """The metric after a round trip through the Go types, which write some empty objects."""
    provider = dict(mapping(metric, "provider"))
    for kind in ("web", "prometheus"):
        if isinstance(provider.get(kind), dict):
            nothing: Obj = {"basicAuth": {}, "oauth2": {}, "sigv4": {}}
            written = {**nothing, **mapping(provider[kind], "authentication")}
            provider[kind] = {**provider[kind], "authentication": written}
    if isinstance(provider.get("job"), dict):
        job = provider["job"]
        spec = dict(mapping(job, "spec"))
        spec["template"] = normalised(mapping(spec, "template"))
        provider["job"] = {**job, "metadata": mapping(job, "metadata"), "spec": spec}
    return {**metric, "provider": provider}
