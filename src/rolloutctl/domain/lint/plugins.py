"""The ConfigMap of plugins, and the plugins that manifests name.

Source: argo-rollouts, utils/config, utils/plugin, rollout/steps/plugin/resolver.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rolloutctl.domain.durations import parse_go
from rolloutctl.domain.lint.finding import Finding, Manifest, Path, Severity
from rolloutctl.domain.lint.known import known
from rolloutctl.domain.lint.reading import (
    is_of_rollouts,
    items,
    mapping,
    nearest,
    number,
    objects,
    text,
)
from rolloutctl.domain.lint.rollouts import CANARY
from rolloutctl.domain.plugin_config import (
    CONFIG_MAP,
    METRIC,
    STEP,
    TRAFFIC_ROUTER,
    PluginConfiguration,
    parse,
)

_CALLED = {STEP: "step plugin", TRAFFIC_ROUTER: "traffic router plugin", METRIC: "metric plugin"}
_TAKES = re.compile(r"timeout|duration|wait|pause|deadline", re.I)
"""Settings of a plugin that say how long it takes."""


def is_configuration(manifest: Manifest) -> bool:
    """Whether it is the ConfigMap that says which plugins there are."""
    return manifest.kind == "ConfigMap" and manifest.name == CONFIG_MAP


def _data(manifest: Manifest) -> dict[str, str]:
    return {
        key: value
        for key, value in mapping(manifest.data, "data").items()
        if isinstance(value, str)
    }


def check_configuration(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """What the controller would end with at its start, and plugins named twice."""
    if not is_configuration(manifest):
        return
    configured = parse(_data(manifest))
    for problem in configured.problems:
        path: Path = ("data", problem.key)
        said = f"{problem.place}: {problem.message}"
        yield Finding("plugin-config", Severity.ERROR, said, manifest, path)
    seen: set[tuple[str, str]] = set()
    for item in configured.items:
        if item.name and (item.kind, item.name) in seen:
            said = f"{_CALLED[item.kind]} {item.name} is there twice"
            yield Finding("plugin-twice", Severity.WARNING, said, manifest, ("data",))
        seen.add((item.kind, item.name))


def check_named(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Plugins that are named and not configured, where the configuration was read."""
    config = next(known(manifests).called("ConfigMap", CONFIG_MAP), None)
    if config is None:
        return
    configured = known(manifests).derive(_configurations)[id(config)]
    for kind, name, path in _named(manifest):
        item = configured.find(name, kind)
        if item is None:
            said = f"plugin {name} not configured in configmap"
            hint = _hint(configured, kind, name)
            yield Finding("unknown-plugin", Severity.ERROR, said, manifest, path, hint)
        elif item.disabled and kind == STEP:
            said = f"step plugin {name} is disabled: its step is passed over"
            yield Finding("disabled-plugin", Severity.NOTE, said, manifest, path)


def _configurations(manifests: Sequence[Manifest]) -> dict[int, PluginConfiguration]:
    return {id(each): parse(_data(each)) for each in manifests if is_configuration(each)}


def _hint(configured: PluginConfiguration, kind: str, name: str) -> str:
    known = [item.name for item in configured.items if item.kind == kind]
    near = nearest(name, known)
    if near:
        return f"did you mean {near}?"
    return f"configured are: {', '.join(known)}" if known else f"no {_CALLED[kind]} is configured"


def _named(manifest: Manifest) -> Iterator[tuple[str, str, Path]]:
    if is_of_rollouts(manifest, "Rollout"):
        for index, step in objects(manifest.at(*CANARY), "steps"):
            name = text(step, "plugin", "name")
            if name:
                yield STEP, name, (*CANARY, "steps", index, "plugin", "name")
        here = (*CANARY, "trafficRouting", "plugins")
        for name in mapping(manifest.at(*here)):
            yield TRAFFIC_ROUTER, name, (*here, name)
    elif is_of_rollouts(manifest, "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"):
        for index, metric in objects(manifest.data, "spec", "metrics"):
            for name in mapping(metric, "provider", "plugin"):
                yield METRIC, name, ("spec", "metrics", index, "provider", "plugin", name)


def check_deadline(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Plugins that take longer than the progress deadline, by what they are told.

    Plugin steps count against it, and once it has passed the plugin is not called again.
    Source: argo-rollouts, utils/conditions, rollout/stepplugin.go.
    """
    if not is_of_rollouts(manifest, "Rollout"):
        return
    deadline = number(manifest.data, "spec", "progressDeadlineSeconds", default=600)
    for index, step in enumerate(items(manifest.at(*CANARY), "steps")):
        name = text(step, "plugin", "name")
        path = (*CANARY, "steps", index, "plugin", "config")
        for key, value in mapping(step, "plugin", "config").items():
            seconds = _seconds(key, value)
            if seconds is not None and seconds > deadline:
                yield Finding(
                    "plugin-past-deadline",
                    Severity.WARNING,
                    f"plugin {name} may take {value} ({key}), and progressDeadlineSeconds is"
                    f" {deadline}: after that it is not called again, and the step never ends",
                    manifest,
                    (*path, key),
                    "raise spec.progressDeadlineSeconds above it",
                )


def _seconds(key: str, value: Any) -> float | None:
    """How long a setting says it takes, in seconds; None where it says no such thing."""
    if not _TAKES.search(key):
        return None
    if isinstance(value, str):
        found = parse_go(value)
        return found.total_seconds() if found is not None else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) * 60 if key.lower().endswith("minutes") else float(value)
    return None
