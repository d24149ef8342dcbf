"""How `plugins disable` and `enable` go: say what will happen, ask, save, write, restart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rolloutctl.actions import plugin_restart, plugin_switch
from rolloutctl.actions import plugin_switching as switching
from rolloutctl.actions.plugin_switch import Switch
from rolloutctl.cli.options import DryRun
from rolloutctl.cli.run import Run
from rolloutctl.domain.plugin_change import ConfigEdit, Outcome, Plan, Restarted
from rolloutctl.errors import ExitCode, Failed, UsageError
from rolloutctl.render import narrate, serialize
from rolloutctl.render.documents import plugins as documents
from rolloutctl.render.text import line, safe
from rolloutctl.render.views import plugins as views

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_use import RunOf


@dataclass(frozen=True)
class How:
    """The options of a switch. `timeout` in seconds, None: the usual one."""

    restart: bool = False
    wait: bool = True
    timeout: float | None = None
    force: bool = False
    dry_run: DryRun = DryRun.NONE
    yes: bool = False
    output: str | None = None
    save: Path | None = None
    controller_namespace: str | None = None


def person(run: Run) -> str:
    """Who sits at this terminal, as far as the environment says; "" if it does not."""
    env = run.environment.env
    return env.get("USER") or env.get("LOGNAME") or env.get("USERNAME") or ""


def switch(run: Run, wanted: Switch, how: How) -> ExitCode:
    """Carries it out and reports. Raises what the actions raise; nothing is changed by then."""
    if how.dry_run is DryRun.NONE:
        run.must_be_writable()
    cluster = run.cluster()
    plan = plugin_switch.plan(
        cluster,
        wanted,
        now=run.environment.now(),
        controller_namespace=how.controller_namespace,
        namespace=run.one_namespace(),
        restart=how.restart,
    )
    if how.dry_run is not DryRun.NONE:
        return _try(run, plan, how)
    restart = switching.has_to_restart(plan, how.restart)
    if not plan.edit.changed and not restart:
        return _report(run, switching.outcome_of(plan, plan.edit, 0), how)
    run.note(views.plan_lines(plan, run.surface(), restart=restart))
    _confirm(run, plan, how, restart)
    saved = _save(run, plan, how)
    surface = run.surface()

    def wrote(edit: ConfigEdit) -> None:
        turned = sum(1 for each in edit.diff[2:] if each.startswith("+"))
        run.note([views.written(edit.changed, wanted.disable, turned, surface)])

    def save(runs: Sequence[RunOf]) -> str:
        names = plan.edit.changed or plan.edit.unchanged
        path = Path(saved or how.save or _file_name(names, run))
        try:
            _save_to(path, plan, runs, run.environment.now())
        except UsageError as error:
            # The ConfigMap is written: going on is better than stopping half way.
            run.note([narrate.warning(surface, safe(error.message, 400))])
            return ""
        return str(path)

    def tell(event: str, detail: str) -> None:
        run.note([narrate.event(surface, views.restarting(event, detail))])

    outcome = switching.carry_out(
        cluster,
        wanted,
        plan,
        restart=restart,
        namespace=run.one_namespace(),
        clock=run.environment.now,
        saved=saved,
        save=save,
        wrote=wrote,
        tell=tell,
        wait=how.wait,
        timeout=_limit(how.timeout),
    )
    return _report(run, outcome, how)


# --- before -------------------------------------------------------------------------------------


def _try(run: Run, plan: Plan, how: How) -> ExitCode:
    if how.dry_run is DryRun.SERVER and plan.edit.change is not None:
        run.cluster().apply(plan.edit.change, dry_run=True)
    document = documents.plan_document(plan)
    if how.output in ("json", "yaml", "jsonl"):
        _write(run, document, how.output)
        return ExitCode.OK
    surface = run.surface()
    run.note(views.plan_lines(plan, surface, restart=how.restart))
    if plan.edit.change is None:
        word = "disabled" if plan.disable else "enabled"
        names = ", ".join(map(safe, plan.edit.unchanged))
        run.note(f"nothing to do: {names} {word} already")
        return ExitCode.OK
    run.emit(views.diff_lines(plan.edit.diff))
    run.out(serialize.to_json(document["patch"]))
    who = "the server accepts it" if how.dry_run is DryRun.SERVER else "nothing was sent"
    run.note(f"dry run: {who}, nothing was changed")
    return ExitCode.OK


def _confirm(run: Run, plan: Plan, how: How, restart: bool) -> None:
    asked = run.interactive and not how.yes
    if restart and plan.unreachable and not how.force and not asked:
        names = ", ".join(dict.fromkeys(check.plugin for check in plan.unreachable))
        raise Failed(
            f"not restarted: the location of {names} does not answer, and the controller"
            " downloads every plugin when it starts, disabled or not",
            hint="nothing was changed; --force goes on all the same (the old ConfigMap is put back"
            " if the controller does not come up)",
        )
    if not plan.disable and not restart:
        return
    if not run.confirm("Go on?", yes=how.yes, typed=switching.to_type(plan, restart=restart)):
        raise Failed("not confirmed: nothing was changed")


def _save(run: Run, plan: Plan, how: How) -> str:
    """Writes the runs in flight to a file, before anything changes. Raises UsageError."""
    if not plan.disable or (not plan.in_flight and how.save is None):
        return ""
    path = how.save or Path(_file_name(plan.edit.changed or plan.edit.unchanged, run))
    _save_to(path, plan, plan.in_flight, run.environment.now())
    count = len(plan.in_flight)
    runs = "run" if count == 1 else "runs"
    run.note([narrate.event(run.surface(), f"{count} {runs} in flight written to {path}")])
    return str(path)


def keep_in_flight(run: Run, plan: Plan, runs: Sequence[RunOf], place: str) -> str:
    """Writes runs in flight to a file, of the present folder if no place is given; says where.

    Raises UsageError.
    """
    path = Path(place or _file_name(plan.edit.changed or plan.edit.unchanged, run))
    _save_to(path, plan, runs, run.environment.now())
    return str(path)


def _file_name(names: Sequence[str], run: Run) -> str:
    name = re.sub(r"[^A-Za-z0-9_.]+", "-", names[0]).strip("-.") or "plugin"
    more = f"-and-{len(names) - 1}-more" if len(names) > 1 else ""
    return f"{name}{more}-in-flight-{run.environment.now():%Y%m%dT%H%M%SZ}.json"


def _save_to(path: Path, plan: Plan, runs: Sequence[RunOf], now: datetime) -> None:
    names = [each.name for each in plan.affected]
    text = serialize.to_json(documents.in_flight_document(names, runs, now))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the runs in flight cannot be written to {path}: {error.strerror or error}",
            hint="nothing was changed; say where with --save-in-flight FILE",
        ) from error


def _limit(timeout: float | None) -> float:
    """Seconds to wait at most; 0 on the command line means without end."""
    return plugin_restart.TIMEOUT if timeout is None else timeout or math.inf


# --- after --------------------------------------------------------------------------------------


def _report(run: Run, outcome: Outcome, how: How) -> ExitCode:
    if how.output in ("json", "yaml", "jsonl"):
        _write(run, documents.outcome_document(outcome), how.output)
    elif how.output == "name":
        run.out("".join(f"{name}\n" for name in outcome.changed))
    else:
        lines = views.outcome_lines(outcome, run.surface())
        if outcome.restart is None and how.restart and outcome.changed:
            lines.append(line("the controller is restarting; it was not waited for"))
        run.emit(lines)
    failed = outcome.restart is not None and outcome.restart.outcome is not Restarted.READY
    return ExitCode.FAILED if failed else ExitCode.OK


def _write(run: Run, document: dict[str, Any], output: str) -> None:
    from rolloutctl.cli.output import write

    write(run, [document], output)
