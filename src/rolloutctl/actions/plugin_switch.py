"""Disabling and enabling step plugins: what it would do, and writing it so that nothing is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from rolloutctl.actions.plugin_locations import Probe, check_locations
from rolloutctl.actions.plugins import (
    controller_facts,
    count_uses,
    find_controller,
    read_config,
)
from rolloutctl.domain.cluster import ROLLOUTS, Cluster
from rolloutctl.domain.gitops import Keeper, keepers
from rolloutctl.domain.plugin_change import ConfigEdit, Plan, edit_config, notes_of
from rolloutctl.domain.plugin_config import CONFIG_MAP, parse
from rolloutctl.domain.plugin_use import PluginFacts, RunOf, Uses
from rolloutctl.domain.plugins import plugin_runs
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import ConfigMap, Rollout
from rolloutctl.errors import Conflict, NotFound

PATIENCE = 300.0
"""Seconds within which a write keeps trying while others write."""
_FIRST_WAIT = 0.02
_LONGEST_WAIT = 8.0
_FEW = 50


class Pace(NamedTuple):
    """How time passes: tests hand in their own."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random.random


class Switch(NamedTuple):
    """What a person asks for: these step plugins off (or on), why, and who asks."""

    names: tuple[str, ...]
    disable: bool
    reason: str = ""
    by: str = ""


def plan(
    cluster: Cluster,
    switch: Switch,
    *,
    now: datetime,
    controller_namespace: str | None = None,
    namespace: str | None = None,
    restart: bool = False,
    probe: Probe | None = None,
) -> Plan:
    """What the switch would do, and to whom; nothing is sent.

    With `restart` the plugins' locations are tried. Raises NotFound (no ConfigMap),
    UnknownPlugin, NotDisableable, NotEditable, WouldNotStart, and what the cluster raises.
    """
    controller = find_controller(cluster, controller_namespace)
    config_map = read_config(cluster, controller.namespace)
    if config_map is None:
        raise _no_config(controller.namespace)
    edit = edit_config(
        config_map,
        switch.names,
        disable=switch.disable,
        reason=switch.reason,
        by=switch.by,
        at=now,
    )
    config = parse(config_map.data)
    uses = Uses(now)
    notes: list[str] = []
    count_uses(cluster, uses, namespace or cluster.namespace, notes)
    facts = uses.facts(config, notes_of(config_map, switch.names))
    return Plan(
        disable=switch.disable,
        edit=edit,
        controller=controller_facts(cluster, controller, config_map),
        affected=tuple(each for each in facts if each.kind == "step" and each.name in switch.names),
        locations=check_locations(config.items, probe) if restart else (),
        notes=tuple(notes),
        keepers=_keepers(config_map),
    )


def _keepers(config_map: ConfigMap) -> tuple[Keeper, ...]:
    metadata = config_map.metadata
    marks = {"labels": metadata.labels, "annotations": metadata.annotations}
    return keepers({"metadata": marks})


def write(
    cluster: Cluster,
    namespace: str,
    switch: Switch,
    *,
    clock: Callable[[], datetime],
    pace: Pace | None = None,
    patience: float = PATIENCE,
) -> tuple[ConfigEdit, int]:
    """Writes the switch into the ConfigMap; returns what was written and the number of attempts.

    Each attempt reads, edits what is there now, and sends it on the condition that nobody has
    written since; so of people editing at once everyone's edit is kept. Waits are random and grow
    from the time an attempt takes, so that many writers soon get out of each other's way. Raises
    Conflict after `patience` seconds.
    """
    pace = pace or Pace()
    end = pace.monotonic() + patience
    attempts = 0
    version = ""
    refused = 0
    while True:
        attempts += 1
        begun = pace.monotonic()
        config_map = read_config(cluster, namespace)
        if config_map is None:
            raise _no_config(namespace)
        # The server refuses although nobody has written: that is no race, and will not end.
        refused = refused + 1 if config_map.metadata.resource_version == version else 0
        version = config_map.metadata.resource_version
        edit = edit_config(
            config_map,
            switch.names,
            disable=switch.disable,
            reason=switch.reason,
            by=switch.by,
            at=clock(),
        )
        if edit.change is None:
            return edit, attempts
        try:
            cluster.apply(edit.change)
            return edit, attempts
        except Conflict as error:
            if refused >= 3:
                raise
            if pace.monotonic() >= end:
                raise Conflict(
                    f"{CONFIG_MAP} was changed by others in each of {attempts} attempts",
                    subject=f"{namespace}/{CONFIG_MAP}",
                    hint="nothing was written; try again when they are done",
                ) from error
        took = max(_FIRST_WAIT, pace.monotonic() - begun)
        pace.sleep(pace.random() * min(_LONGEST_WAIT, took * 2 ** min(attempts, 12)))


def in_flight_now(
    cluster: Cluster, names: Sequence[str], *, now: datetime, namespace: str | None = None
) -> tuple[PluginFacts, ...]:
    """The plugins' uses once more, right before a restart abandons what is in flight."""
    uses = Uses(now)
    count_uses(cluster, uses, namespace or cluster.namespace, [])
    facts = uses.facts(parse(None), {})
    return tuple(each for each in facts if each.kind == "step" and each.name in names)


class Passed(NamedTuple):
    """Of the runs that were in flight: those passed over, those still standing there."""

    passed: tuple[RunOf, ...]
    waiting: tuple[RunOf, ...]


def follow_passing(
    cluster: Cluster,
    runs: Sequence[RunOf],
    *,
    patience: float = 15.0,
    pace: Pace | None = None,
) -> Passed:
    """Waits until the new controller has passed the steps over, `patience` seconds at most.

    A rollout that is aborted or held is not moved on by anybody, so it is not waited for.
    """
    pace = pace or Pace()
    end = pace.monotonic() + patience
    while True:
        rollouts = _again(cluster, {each.ref for each in runs})
        present = [each for each in runs if each.ref in rollouts]
        passed = tuple(each for each in present if _is_passed(rollouts[each.ref], each))
        waiting = tuple(each for each in present if each not in passed)
        moving = [each for each in waiting if _moves(rollouts[each.ref])]
        if not moving or pace.monotonic() >= end:
            return Passed(passed, waiting)
        pace.sleep(0.5 if len(runs) <= _FEW else 3.0)


def _again(cluster: Cluster, refs: set[Ref]) -> dict[Ref, Rollout]:
    found: dict[Ref, Rollout] = {}
    if len(refs) <= _FEW:
        for ref in sorted(refs):
            try:
                found[ref] = cluster.get(ROLLOUTS, ref.namespace, ref.name, Rollout)
            except NotFound:
                continue
        return found
    spaces = {ref.namespace for ref in refs}
    for namespace in sorted(spaces) if len(spaces) <= _FEW else [None]:
        for page in cluster.pages(ROLLOUTS, namespace, Rollout):
            for rollout in page.items:
                ref = Ref(rollout.metadata.namespace, rollout.metadata.name)
                if ref in refs:
                    found[ref] = rollout
    return found


def _is_passed(rollout: Rollout, before: RunOf) -> bool:
    run = plugin_runs(rollout).get(before.run.index)
    if run is not None and run.disabled:
        return True
    aborted = rollout.status.abort
    return not aborted and (rollout.status.current_step_index or 0) > before.run.index


def _moves(rollout: Rollout) -> bool:
    return not (rollout.status.abort or rollout.spec.paused)


def _no_config(namespace: str) -> NotFound:
    return NotFound(
        f"no ConfigMap {CONFIG_MAP} in namespace {namespace}: no plugin is configured there",
        hint="if the controller runs in another namespace, say so with --controller-namespace",
    )
