"""Where each plugin is used, and what the controller that runs now knows of it: facts, no texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from rolloutctl.domain.plugin_config import (
    METRIC,
    STEP,
    TRAFFIC_ROUTER,
    PluginConfiguration,
    PluginItem,
)
from rolloutctl.domain.plugins import ERROR, FAILED, RUNNING, PluginRun, plugin_runs
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Rollout

DAY = timedelta(hours=24)


class RunOf(Struct, frozen=True):
    """A run of a step plugin in one rollout. `rollout_phase` is the rollout's, as stored."""

    ref: Ref
    run: PluginRun
    rollout_phase: str = ""
    rollout_aborted: bool = False


class SwitchNote(Struct, frozen=True):
    """What was recorded when this program disabled a plugin; any part may be empty."""

    reason: str = ""
    by: str = ""
    at: datetime | None = None


class PluginFacts(Struct, frozen=True):
    """One plugin: configured, used, or both.

    `kind` is "step", "trafficRouter" or "metric". `listed` is how often it is in the list (0: it
    is used, but not configured, which stalls the rollouts that come to it). `rollouts` use it, in
    `steps` steps (step plugins). `templates` are the analysis templates that use it (metrics).
    `runs` are the step plugin's runs that matter now: in flight, in Error, or Failed; `failed_day`
    of all runs have failed or were in Error within 24 hours.
    """

    kind: str
    name: str
    listed: int
    item: PluginItem | None = None
    note: SwitchNote | None = None
    rollouts: int = 0
    steps: int = 0
    templates: int = 0
    runs: tuple[RunOf, ...] = ()
    failed_day: int = 0
    used_by: tuple[Ref, ...] = ()

    @property
    def configured(self) -> bool:
        return self.listed > 0

    @property
    def disabled(self) -> bool:
        return self.item is not None and self.item.disabled and self.kind == STEP

    @property
    def in_flight(self) -> tuple[RunOf, ...]:
        return tuple(each for each in self.runs if is_in_flight(each.run))


class ControllerFacts(Struct, frozen=True):
    """The controller and what it has read.

    `started`: since when the oldest of its containers runs. `changed`: when the plugins' part of
    the ConfigMap was last written. `pending`: whether it runs an older configuration than the
    ConfigMap has; None when that cannot be told, and then `unknown` says why.
    """

    namespace: str
    deployment: str = ""
    replicas: int = 0
    ready: int = 0
    started: datetime | None = None
    changed: datetime | None = None
    pending: bool | None = None
    unknown: str = ""


class Overview(Struct, frozen=True):
    """Everything `plugins list` knows.

    `counted` is the namespace in which uses were counted, None for all. `notes` are what could not
    be read. `config_found`: whether there is a ConfigMap at all.
    """

    controller: ControllerFacts
    config: PluginConfiguration
    config_found: bool
    plugins: tuple[PluginFacts, ...]
    counted: str | None
    notes: tuple[str, ...] = ()


def is_in_flight(run: PluginRun) -> bool:
    """Begun and not over: what a disabled plugin leaves behind. An Error is tried again."""
    return run.phase in (RUNNING, ERROR) and run.abort is None and run.terminate is None


class Uses:
    """Gathers the uses of plugins, rollout by rollout (a fleet is not kept in memory)."""

    def __init__(self, now: datetime, *, only: str = "") -> None:
        self._now = now
        self._only = only
        self._found: dict[tuple[str, str], _Use] = {}
        self.rollouts = 0

    def add(self, rollout: Rollout) -> None:
        """Counts one rollout's steps, runs and traffic routers."""
        self.rollouts += 1
        ref = Ref(rollout.metadata.namespace, rollout.metadata.name)
        for name in router_plugins(rollout):
            self._use(TRAFFIC_ROUTER, name).by(ref)
        runs = plugin_runs(rollout)
        for run in runs.values():
            if self._only and run.name != self._only:
                continue
            use = self._use(STEP, run.name)
            use.by(ref)
            use.steps += 1
            if run.phase in (FAILED, ERROR) or is_in_flight(run):
                aborted = rollout.status.abort
                use.runs.append(RunOf(ref, run, rollout.status.phase, aborted))
                ended = run.finished_at or run.updated_at
                if run.phase in (FAILED, ERROR) and ended and self._now - ended < DAY:
                    use.failed_day += 1

    def add_template(self, names: Iterable[str]) -> None:
        """Counts one analysis template whose metrics use these plugins."""
        for name in set(names):
            self._use(METRIC, name).templates += 1

    def facts(
        self, config: PluginConfiguration, notes: Mapping[str, SwitchNote]
    ) -> tuple[PluginFacts, ...]:
        """Every plugin that is configured, in the ConfigMap's order, then those only used."""
        order: dict[tuple[str, str], None] = {}
        for kind in (STEP, TRAFFIC_ROUTER, METRIC):
            order |= dict.fromkeys((i.kind, i.name) for i in config.items if i.kind == kind)
            order |= dict.fromkeys(sorted(key for key in self._found if key[0] == kind))
        return tuple(self._fact(kind, name, config, notes) for kind, name in order)

    def _fact(
        self,
        kind: str,
        name: str,
        config: PluginConfiguration,
        notes: Mapping[str, SwitchNote],
    ) -> PluginFacts:
        use = self._found.get((kind, name), _Use())
        item = config.find(name, kind)
        return PluginFacts(
            kind=kind,
            name=name,
            listed=sum(1 for each in config.items if (each.kind, each.name) == (kind, name)),
            item=item,
            note=notes.get(name) if kind == STEP and item and item.disabled else None,
            rollouts=len(use.refs),
            steps=use.steps,
            templates=use.templates,
            runs=tuple(sorted(use.runs, key=lambda each: (each.ref, each.run.index))),
            failed_day=use.failed_day,
            used_by=tuple(use.refs),
        )

    def _use(self, kind: str, name: str) -> _Use:
        return self._found.setdefault((kind, name), _Use())


class _Use:
    def __init__(self) -> None:
        self.refs: dict[Ref, None] = {}
        self.steps = 0
        self.templates = 0
        self.runs: list[RunOf] = []
        self.failed_day = 0

    def by(self, ref: Ref) -> None:
        self.refs[ref] = None


def router_plugins(rollout: Rollout) -> Sequence[str]:
    """Names of the traffic router plugins of a rollout's canary.

    Source: argo-rollouts, `spec.strategy.canary.trafficRouting.plugins`.
    """
    canary = rollout.spec.strategy.canary
    routing = (canary.traffic_routing or {}) if canary is not None else {}
    plugins = routing.get("plugins")
    return list(plugins) if isinstance(plugins, dict) else []


def metric_plugins(template: Any) -> Sequence[str]:
    """Names of the metric plugins of an AnalysisTemplate, given as plain JSON data."""
    spec = template.get("spec") if isinstance(template, dict) else None
    metrics = spec.get("metrics") if isinstance(spec, dict) else None
    names: list[str] = []
    for metric in metrics if isinstance(metrics, list) else ():
        provider = metric.get("provider") if isinstance(metric, dict) else None
        plugin = provider.get("plugin") if isinstance(provider, dict) else None
        names += list(plugin) if isinstance(plugin, dict) else []
    return names
