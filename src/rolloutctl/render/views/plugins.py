"""Plugins: the list, one in full, the runs that matter now, and what a switch is about to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rolloutctl.domain.plugin_change import LocationCheck, Outcome, Plan, Restart, Restarted
from rolloutctl.domain.plugin_config import CONFIG_MAP, METRIC, STEP, TRAFFIC_ROUTER
from rolloutctl.domain.plugin_use import (
    ControllerFacts,
    Overview,
    PluginFacts,
    RunOf,
)
from rolloutctl.render import narrate, words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, pad, safe, wrap
from rolloutctl.render.views import undoing

_TITLES = {
    STEP: "STEP PLUGIN",
    TRAFFIC_ROUTER: "TRAFFIC ROUTER PLUGIN",
    METRIC: "METRIC PLUGIN",
}
_KINDS = {STEP: "step plugin", TRAFFIC_ROUTER: "traffic router plugin", METRIC: "metric plugin"}
_MANY = 10
_RESTART = "a restart of the controller makes it read the ConfigMap"


def list_lines(overview: Overview, surface: Surface, *, wide: bool = False) -> list[Line]:
    """A table per kind of plugin."""
    lines: list[Line] = []
    for kind, title in _TITLES.items():
        rows = [plugin for plugin in overview.plugins if plugin.kind == kind]
        if not rows:
            continue
        if lines:
            lines.append(())
        lines += _kind_table(title, kind, rows, overview.controller, surface, wide)
    if not lines:
        where = f"{safe(overview.controller.namespace)}/{CONFIG_MAP}"
        what = "configures no plugins" if overview.config_found else "does not exist: no plugins"
        lines.append(line(f"{where} {what}"))
    return lines


def state_lines(overview: Overview, surface: Surface) -> list[Line]:
    """Whether a restart is pending, and whether the controller would survive one."""
    lines = pending_lines(overview.controller, surface)
    for problem in overview.config.problems:
        text = f"{problem.place}: the controller would not start again: "
        lines += wrap(
            line(Span(text, "bad"), safe(problem.message, words.MESSAGE)), surface.room, indent=2
        )
    return [(), *lines] if lines else []


def pending_lines(controller: ControllerFacts, surface: Surface) -> list[Line]:
    """What the running controller knows of the ConfigMap; nothing when it is up to date."""
    if controller.pending is False:
        return []
    if controller.pending is None:
        text = f"not known whether the controller has read it: {safe(controller.unknown, 400)}"
        return wrap(line(Span(text, "dim")), surface.room, indent=2)
    times = []
    if controller.changed is not None:
        times.append(f"the ConfigMap changed {words.age(controller.changed, surface.now)} ago")
    if controller.started is not None:
        times.append(f"the controller started {words.age(controller.started, surface.now)} ago")
    word = Span("NOT LIVE, pending restart: ", "warn")
    return wrap(line(word, ", ".join(times), f": {_RESTART}"), surface.room, indent=2)


def _kind_table(
    title: str,
    kind: str,
    rows: Sequence[PluginFacts],
    controller: ControllerFacts,
    surface: Surface,
    wide: bool,
) -> Iterator[Line]:
    header = [title, "STATE", "USED BY"]
    if kind == STEP:
        header += ["RUNNING", "FAILED 24H"]
    if wide:
        header += ["SHA256", "REASON"]
    header.append("LOCATION")

    def cells() -> Iterable[list[Piece]]:
        for plugin in rows:
            row: list[Piece] = [safe(plugin.name), state(plugin, controller), _used(plugin)]
            if kind == STEP:
                row += [str(len(plugin.in_flight)), str(plugin.failed_day)]
            if wide:
                reason = plugin.note.reason if plugin.note else ""
                row += [safe(plugin.item.sha256 if plugin.item else "") or "-", safe(reason) or "-"]
            row.append(_location(plugin, wide))
            yield row

    return table(header, cells(), surface, right=("RUNNING", "FAILED 24H"), flex="LOCATION")


def state(plugin: PluginFacts, controller: ControllerFacts) -> Span:
    """ "enabled", "disabled", "disabled, NOT LIVE", "NOT CONFIGURED"."""
    if not plugin.configured:
        return Span("NOT CONFIGURED", "bad")
    if not plugin.disabled:
        return Span("enabled")
    if not controller.pending:
        return Span("disabled", "warn")
    at = plugin.note.at if plugin.note else None
    if at is None or controller.started is None:
        return Span("disabled, maybe not live", "warn")
    return Span("disabled, NOT LIVE" if at > controller.started else "disabled", "warn")


def _used(plugin: PluginFacts) -> str:
    if plugin.kind == METRIC:
        return words.counted(plugin.templates, "template")
    return words.counted(plugin.rollouts, "rollout")


def _location(plugin: PluginFacts, wide: bool) -> str:
    item = plugin.item
    if item is None:
        return "-"
    text = safe(item.location, 0 if wide else 200)
    return f"{text} (sha256 …{safe(item.sha256)[-4:]})" if item.sha256 and not wide else text


def blocks(overview: Overview, surface: Surface) -> Iterator[tuple[PluginFacts, Line, list[Line]]]:
    """Each plugin with a line about it, and everything else there is to say, wrapped."""
    names = max((len(safe(plugin.name)) for plugin in overview.plugins), default=0)
    for plugin in overview.plugins:
        found = state(plugin, overview.controller)
        pieces: list[Piece] = [
            Span(pad(safe(plugin.name), names), "strong"),
            "  ",
            Span(pad(found.text, 18), found.style or "good"),
            f"  {_used(plugin)}",
        ]
        if plugin.in_flight:
            pieces += ["  ", Span(f"{len(plugin.in_flight):,} running", "accent")]
        if plugin.failed_day:
            pieces += ["  ", Span(f"{plugin.failed_day:,} failed in 24h", "bad")]
        _, *rest = _page(plugin, overview, surface)
        below = [each for one in rest for each in wrap(one, surface.room, indent=11)]
        yield plugin, line(*pieces), below


# --- one plugin ---------------------------------------------------------------------------------


def pages(plugins: Sequence[PluginFacts], overview: Overview, surface: Surface) -> list[Line]:
    """Everything about each of the plugins, but not what concerns all (`state_lines`)."""
    lines: list[Line] = []
    for plugin in plugins:
        lines += [*([()] if lines else []), *_page(plugin, overview, surface)]
    return lines


def _page(plugin: PluginFacts, overview: Overview, surface: Surface) -> list[Line]:
    controller = overview.controller
    lines: list[Line] = [
        line(
            Span(safe(plugin.name), "strong"),
            f"  {_KINDS[plugin.kind]}  ",
            state(plugin, controller),
        )
    ]
    if plugin.note is not None:
        parts = [safe(plugin.note.reason, 400)]
        parts.append(f"by {safe(plugin.note.by)}" if plugin.note.by else "")
        if plugin.note.at is not None:
            parts.append(f"{words.age(plugin.note.at, surface.now)} ago")
        lines.append(line("Disabled   ", ", ".join(part for part in parts if part)))
    if plugin.item is not None:
        lines.append(line("Location   ", safe(plugin.item.location, 0)))
        if plugin.item.sha256:
            lines.append(line("Sha256     ", safe(plugin.item.sha256)))
        if plugin.listed > 1:
            lines.append(line(Span(f"It is listed {plugin.listed} times.", "warn")))
    else:
        text = "it is not in the ConfigMap: a rollout that comes to it stalls"
        lines.append(line(Span("Problem    ", "bad"), text))
    lines.append(line("Used by    ", _used_in(plugin, overview.counted)))
    names = [str(ref) for ref in plugin.used_by[:_MANY]]
    lines += [line("           ", safe(name)) for name in names]
    if len(plugin.used_by) > _MANY:
        lines.append(line(f"           and {len(plugin.used_by) - _MANY:,} more"))
    if plugin.runs:
        lines += [(), *status_lines([plugin], surface)]
    return lines


def _used_in(plugin: PluginFacts, counted: str | None) -> str:
    where = "" if counted is None else f" in namespace {safe(counted)}"
    if plugin.kind != STEP:
        return _used(plugin) + where
    return f"{_used(plugin)} ({words.counted(plugin.steps, 'step')}){where}"


# --- runs ---------------------------------------------------------------------------------------


def status_lines(plugins: Sequence[PluginFacts], surface: Surface) -> list[Line]:
    """The runs in flight or failing, the longest first; empty when there are none."""
    runs = [run for plugin in plugins for run in plugin.runs]
    far = surface.now
    runs.sort(key=lambda each: (each.run.started_at or far, each.ref))
    header = ["ROLLOUT", "STEP", "PLUGIN", "PHASE", "CALLS", "SINCE", "NEXT CALL", "MESSAGE"]
    return list(
        table(
            header,
            ([*_run_cells(each, surface)] for each in runs),
            surface,
            right=("STEP", "CALLS"),
            flex="MESSAGE",
        )
    )


def _run_cells(each: RunOf, surface: Surface) -> Iterator[Piece]:
    run = each.run
    yield safe(each.ref)
    yield str(run.index + 1)
    yield safe(run.name)
    yield words.plugin_phase(run.phase)
    yield str(run.executions)
    yield words.age(run.started_at, surface.now) or "-"
    yield _next_call(each, surface)
    yield safe(run.message, words.MESSAGE) or "-"


def _next_call(each: RunOf, surface: Surface) -> str:
    run = each.run
    if run.next_call is not None:
        if run.next_call <= surface.now:
            return "due"
        return f"in {words.elapsed(run.next_call - surface.now)}"
    if run.stuck:
        return "never"
    return "suspended" if run.suspended else "-"


# --- before a switch ----------------------------------------------------------------------------


def plan_lines(plan: Plan, surface: Surface, *, restart: bool) -> list[Line]:
    """Who is affected and what will happen, said before it is asked for."""
    lines: list[Line] = []
    for plugin in plan.affected:
        count = len(plugin.in_flight)
        end = ":" if count else ""
        used = f"{_used(plugin)} ({words.counted(plugin.steps, 'step')})"
        text = f" is used by {used}; {count} running it now{end}"
        lines.append(line(Span(safe(plugin.name), "strong"), text))
        lines += _in_flight(plugin.in_flight, surface)
    if not plan.affected:
        lines.append(line("No rollout uses it."))
    if plan.disable:
        lines += _consequences(plan, surface, restart)
    elif not restart:
        text = "It takes effect only when the controller restarts (--restart)."
        lines += wrap(line(text), surface.room, indent=2)
    if restart:
        text = "The restart stops all rollouts of this controller until the new pod is ready."
        lines += wrap(line(text), surface.room, indent=2)
        lines += location_lines(plan.locations, surface)
    for keeper in plan.keepers:
        lines += wrap(
            narrate.warning(surface, f"argo-rollouts-config: {undoing.keeper(keeper)}"),
            surface.room,
            indent=2,
        )
    for note in plan.notes:
        lines += wrap(narrate.warning(surface, safe(note, 400)), surface.room, indent=2)
    return lines


def _in_flight(runs: Sequence[RunOf], surface: Surface) -> Iterator[Line]:
    for each in runs[:_MANY]:
        run = each.run
        parts = [f"{safe(each.ref)} step {run.index + 1}"]
        parts.append(safe(run.phase, 40))
        if run.status is not None:
            parts.append(words.compact(run.status, 80))
        if age := words.age(run.started_at, surface.now):
            parts.append(age)
        yield line("  ", ", ".join(parts))
    if len(runs) > _MANY:
        yield line(f"  and {len(runs) - _MANY:,} more")


def _consequences(plan: Plan, surface: Surface, restart: bool) -> list[Line]:
    lines: list[Line] = []
    when = "" if restart else " (--restart); until then the plugin goes on being called"
    texts = [f"Disabling takes effect only when the controller restarts{when}."]
    if plan.in_flight:
        count = len(plan.in_flight)
        which = "The run is" if count == 1 else f"The {count} runs are"
        texts.append(
            f"{which} then abandoned: the controller calls neither Terminate nor Abort, "
            "and the state shown above is dropped from the rollout."
        )
    texts.append(
        "An abort after that does not call the plugin either, also not for steps that were "
        "successful. If its cleanup matters, abort first and disable afterwards."
    )
    for text in texts:
        lines += wrap(line(text), surface.room, indent=2)
    return lines


def location_lines(checks: Sequence[LocationCheck], surface: Surface) -> list[Line]:
    """Whether the controller can be expected to start: it downloads every plugin first."""
    bad = [check for check in checks if check.reachable is False]
    unknown = [check for check in checks if check.reachable is None]
    lines: list[Line] = []
    for check in bad:
        text = (
            f"{safe(check.plugin)}: {safe(check.location)} does not answer as it should from here "
            f"({safe(check.detail)}); if the controller cannot have it either, it will not start"
        )
        lines += wrap(narrate.warning(surface, text), surface.room, indent=2)
    for check in unknown:
        text = f"{safe(check.plugin)}: its location cannot be tried from here"
        lines += wrap(line(f"{text} ({safe(check.detail)})."), surface.room, indent=2)
    if checks and not bad and len(unknown) < len(checks):
        lines.append(line("The other locations answer." if unknown else "All locations answer."))
    return lines


# --- after a switch -----------------------------------------------------------------------------


def written(names: Sequence[str], disable: bool, changed_lines: int, surface: Surface) -> Line:
    """ "► argo-rollouts-config: a/b disabled: false → true (one line changed)"."""
    old, new = ("false", "true") if disable else ("true", "false")
    many = "one line" if changed_lines == 1 else f"{changed_lines} lines"
    text = f"{CONFIG_MAP}: {', '.join(map(safe, names))} disabled: "
    text += f"{old} {surface.symbols.arrow} {new} ({many} changed)"
    return narrate.event(surface, text)


def restarting(event: str, detail: str) -> str:
    """What the restart of the controller has come to."""
    return {
        "restarting": f"restarting {safe(detail)}",
        "crashed": f"the new pod does not come up: {safe(detail, 2000)}",
        "restoring": "putting the old ConfigMap back and restarting once more",
        "restored": f"the controller runs again: {safe(detail)}",
    }[event]


def outcome_lines(outcome: Outcome, surface: Surface) -> list[Line]:
    """How it ended; the first line answers the question."""
    lines: list[Line] = []
    word = "disabled" if outcome.disable else "enabled"
    names = ", ".join(map(safe, outcome.changed))
    restart = outcome.restart
    if restart is not None and restart.outcome is not Restarted.READY:
        return _failed_restart(outcome, restart, surface)
    if outcome.changed:
        lines.append(narrate.done(surface, f"{names} {word} in {CONFIG_MAP}"))
    for name in outcome.unchanged:
        lines.append(line(f"{safe(name)} is {word} already, nothing to do there"))
    if restart is not None:
        text = f"controller restarted, {safe(restart.pod)} ready after {restart.seconds:.0f} s"
        lines.append(narrate.done(surface, text))
        lines += _passing(outcome, surface)
    elif outcome.pending:
        text = "Not live: the controller has to restart (add --restart to this command)."
        lines.append(line(Span(text, "warn")))
    elif outcome.pending is None:
        text = "It is not known whether the controller has read it; --restart makes sure."
        lines.append(line(Span(text, "warn")))
    if outcome.saved:
        lines.append(line(f"runs in flight were written to {safe(outcome.saved, 0)}"))
    if outcome.changed:
        back = "enable" if outcome.disable else "disable"
        more = "" if outcome.disable else ' --reason "..."'
        more += " --restart" if restart is not None else ""
        undo = f"rolloutctl plugins {back} {' '.join(map(safe, outcome.changed))}{more}"
        lines.append(line(Span(f"undo it with: {undo}", "dim")))
    return lines


def _passing(outcome: Outcome, surface: Surface) -> list[Line]:
    total = len(outcome.passed) + len(outcome.waiting)
    if not total:
        return []
    text = f"{len(outcome.passed)} of {words.counted(total, 'step')} passed over, "
    text += f"{words.counted(len(outcome.unblocked), 'rollout')} unblocked"
    mark = narrate.done if not outcome.waiting else narrate.event
    lines = [mark(surface, text)]
    for each in outcome.waiting[:_MANY]:
        lines.append(line(f"  {safe(each.ref)} step {each.run.index + 1} is not passed over (yet)"))
    return lines


def _failed_restart(outcome: Outcome, restart: Restart, surface: Surface) -> list[Line]:
    back = restart.outcome is Restarted.ROLLED_BACK
    first = f"the controller did not start again: {safe(restart.problem, 400)}"
    lines = [narrate.failed(surface, first)]
    if restart.fatal:
        lines += wrap(line("  ", safe(restart.fatal, words.MESSAGE)), surface.room, indent=4)
    if back:
        text = (
            f"{CONFIG_MAP} is as it was before, and the controller runs again: nothing has changed"
        )
    else:
        text = (
            f"the controller of namespace {safe(outcome.namespace)} is down: no rollout moves "
            f"until it starts. Look at pod {safe(restart.pod)} and repair what it says"
        )
    lines += wrap(line("  ", Span(text, "" if back else "bad")), surface.room, indent=2)
    if outcome.saved:
        lines.append(line(f"  runs in flight were written to {safe(outcome.saved, 0)}"))
    return lines


def diff_lines(diff: Sequence[str]) -> list[Line]:
    """A unified diff, coloured by its signs."""
    style = {"+": "good", "-": "bad", "@": "accent"}
    return [line(Span(safe(each, 0), style.get(each[:1], ""))) if each else () for each in diff]
