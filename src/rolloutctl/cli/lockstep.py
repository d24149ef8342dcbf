"""`promote --group`: a set of rollouts moved step by step together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.cli.freezing import frozen
from rolloutctl.cli.options import DryRun
from rolloutctl.cli.recording import recorder, tell
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked
from rolloutctl.errors import ExitCode, Failed, Interrupted, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.lockstep import Outcome, Sent, Watching


def promote_group(run: Run, selector: str, asked: Asked, *, once: bool) -> ExitCode:
    """Promotes all rollouts that `selector` picks, round by round; aborts all when one fails.

    Raises what the cluster raises, Failed for a selector that picks nothing or a group that cannot
    set out, and Interrupted.
    """
    _check(asked)
    if asked.dry_run is DryRun.NONE:
        run.must_be_writable()
    output = asked.output
    from rolloutctl.actions import lockstep
    from rolloutctl.domain.decision import Action
    from rolloutctl.domain.lockstep import Sent, broken
    from rolloutctl.render.views import lockstep as view

    cluster, namespace = run.cluster(), run.namespace()
    group = lockstep.members(cluster, namespace, selector)
    if not group:
        where = "any namespace" if namespace is None else f"namespace {namespace}"
        message = f"no rollouts with labels {selector} in {where}"
        if not asked.allow_empty:
            raise Failed(message, hint="--allow-empty makes that no failure")
        run.note(message)
        return ExitCode.OK
    run.note(view.plan(group, run.surface()))
    lost = broken(group)
    if lost:
        raise Failed(
            f"the group does not set out: {view.names(lost)} failed already",
            hint="retry or abort it, or take its label away; nothing was sent",
        )
    trial = asked.dry_run is not DryRun.NONE
    for refusal in frozen(run, Action.PROMOTE, (member.ref for member in group)).values():
        if not trial and not asked.override_freeze:
            raise refusal
        run.note(refusal.message + (", overridden" if asked.override_freeze else ""))
        break
    if trial:
        return ExitCode.OK
    if not run.confirm(view.question(group), yes=asked.yes):
        run.note("nothing was sent")
        return ExitCode.FAILED

    kept = recorder(run, reason=asked.reason, record=asked.record)

    def report(item: Watching | Sent) -> None:
        try:
            run.note(view.news(item, run.surface()))
            if isinstance(item, Sent) and output is None:
                run.emit(view.sent(item, run.surface()))
        finally:
            # It is told first: whoever interrupts the record knows what was sent.
            if isinstance(item, Sent) and item.decision is not None and kept is not None:
                kept.changed(item.decision)

    try:
        found = lockstep.advance(
            cluster,
            namespace,
            selector,
            group,
            once=once,
            timeout=asked.timeout or None,
            report=report,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped: what was sent stays, nothing was aborted",
            hint="the same command goes on from where the group stands",
        ) from None
    tell(run, kept)
    return _tell(run, selector, found, output)


def _check(asked: Asked) -> None:
    if asked.names or asked.selected:
        raise UsageError(
            "--group names the rollouts by their labels: no names, no other selection",
            hint="-n or -A says where to look for them",
        )
    if asked.batch or asked.max_concurrent or asked.stop_on_failure or asked.undone:
        raise UsageError("a group has a pace of its own: all that are furthest behind, together")
    if asked.output not in (None, "json", "yaml", "jsonl"):
        raise UsageError(
            f"-o {asked.output} does not go with --group", hint="known: json, yaml, jsonl"
        )


def _tell(run: Run, selector: str, found: Outcome, output: str | None) -> ExitCode:
    code = _exit_code(found)
    if output is None:
        from rolloutctl.render.views import lockstep as view

        run.emit(view.outcome(found, run.surface()))
        return code
    from rolloutctl.cli.output import write
    from rolloutctl.render.documents import lockstep as documents

    write(run, [documents.document(selector, found, code)], output)
    return code


def _exit_code(found: Outcome) -> ExitCode:
    from rolloutctl.domain.lockstep import Came

    match found.came:
        case Came.DONE | Came.AT_REST:
            return ExitCode.OK
        case Came.TIMED_OUT:
            return ExitCode.TIMEOUT
        case Came.STOPPED:
            errors: list[RolloutctlError] = [item.error for item in found.sent if item.error]
            codes = {error.exit_code for error in errors}
            return codes.pop() if len(codes) == 1 else ExitCode.FAILED
        case Came.ABORTED:
            return ExitCode.FAILED
