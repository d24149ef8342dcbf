"""What all commands that change rollouts have in common: plan, ask, send, follow, report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rolloutctl.cli.accounting import Account, must_be_writable
from rolloutctl.cli.looking import Looking
from rolloutctl.cli.options import DryRun
from rolloutctl.cli.recording import recorder, tell
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked
from rolloutctl.cli.stopping import Stopping
from rolloutctl.cli.targets import Targets, nothing, targets
from rolloutctl.errors import ExitCode, Failed, Interrupted, RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.actions.bulk import Pace, Sending
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.domain.decision import Decision, NotObserved
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.reports import Happened, Result
    from rolloutctl.domain.shipping import Shipping


_WAITS_TOLD = 5
"""Of so many it is said that the controller is waited for."""


def change(run: Run, intent: Intent, asked: Asked) -> ExitCode:
    """Does what `intent` says with every rollout asked for; one result for each, whatever happens.

    Raises UsageError where a confirmation is needed and nobody can be asked, Failed for a selection
    that matches nothing, Interrupted, and what opening the cluster raises; what happens to single
    rollouts is in the report and in the exit code.
    """
    from msgspec.structs import replace

    from rolloutctl.domain.reports import exit_code

    if asked.dry_run is DryRun.NONE:
        run.must_be_writable()
    if asked.undone is not None:
        must_be_writable(asked.undone)
    with Stopping() as stopping:
        found = targets(run, asked, intent.action)
        kept = recorder(run, reason=asked.reason, record=asked.record)
        if kept is not None:
            intent = replace(intent, record=kept.changed)
        changing = _Changing(run, intent, asked, found, stopping)
        if found.done:
            run.note(f"{found.done} done already according to {asked.filename}: left alone")
        elif not found.refs and not found.unreadable:
            run.note(nothing(run, asked))
        changing.plan()
        trial = asked.dry_run is not DryRun.NONE
        if trial and asked.dry_run is not DryRun.SERVER:
            changing.try_out()
        elif trial or changing.confirmed():
            changing.send()
        refs = [*found.refs, *found.unreadable]
        changing.account.finish(refs)
        tell(run, kept)
        if changing.interrupted:
            raise Interrupted(changing.interrupted, hint=changing.hint)
    return exit_code(changing.account.ordered(refs))


class _Changing:
    """One command at work on the rollouts it was given."""

    def __init__(
        self, run: Run, intent: Intent, asked: Asked, found: Targets, stopping: Stopping
    ) -> None:
        self.run = run
        self.intent = intent
        self.asked = asked
        self.found = found
        self.stopping = stopping
        self.account = Account(run, intent.action, asked, many=found.many, spread=found.spread)
        self.account.unfinished = intent.full
        self.looking = Looking(run, self.account, full=intent.full, named=len(found.refs) > 1)
        self.started = time.monotonic()
        self.decided: dict[Ref, Decision] = {}
        self.unsure: set[Ref] = set()
        """Those whose current step is not done: a person may agree to skip it."""
        self.interrupted = ""
        """What is said at the end when somebody stopped it."""
        self.hint = ""

    def left(self) -> float | None:
        """Seconds until --timeout."""
        if not self.asked.timeout:
            return None
        return max(0.0, self.asked.timeout - (time.monotonic() - self.started))

    def pace(self) -> Pace:
        """How fast; those named on the command line go one after the other, in their order."""
        from rolloutctl.actions import bulk

        asked = self.asked
        at_once = asked.max_concurrent or (bulk.AT_ONCE if self.found.many else 1)
        return bulk.Pace(at_once, asked.batch, asked.batch_wait, asked.stop_on_failure)

    # --- deciding ------------------------------------------------------------------------------

    def plan(self) -> None:
        """Reads and decides for each; what a person may agree to is kept for the question."""
        from rolloutctl.actions import bulk
        from rolloutctl.domain.decision import NeedsSkip

        found, asked = self.found, self.asked
        asks = not asked.yes and self.run.interactive and asked.dry_run is DryRun.NONE

        waits = 0

        def waiting(ref: Ref, reason: NotObserved) -> None:
            nonlocal waits
            waits += 1
            if waits <= _WAITS_TOLD:
                name = str(ref) if self.account.spread else ref.name
                self.account.note(f"{name}: {reason.message}, waiting for that")
            elif waits == _WAITS_TOLD + 1:
                self.account.note("and more of them")

        def progress(done: int) -> None:
            if found.many:
                total = len(found.refs)
                self.account.progress.show(f"reading: {done} of {total}", done / total)

        try:
            planned = bulk.plan_all(
                self.run.cluster(),
                found.refs,
                self.intent,
                at_once=asked.max_concurrent or bulk.AT_ONCE,
                timeout=self.left(),
                checks=found.checks,
                waiting=waiting,
                progress=progress,
            )
        except KeyboardInterrupt:
            self.account.progress.clear()
            raise Interrupted("stopped before anything was sent") from None
        errors: dict[Ref, RolloutctlError] = dict(found.unreadable)
        for one in planned:
            if one.decision is not None:
                self.decided[one.ref] = one.decision
            elif isinstance(one.error, NeedsSkip) and asks and not found.many:
                self.decided[one.ref] = one.error.decision
                self.unsure.add(one.ref)
            elif one.error is not None:
                errors[one.ref] = one.error
        self._refuse({**errors, **self._frozen()})

    def _frozen(self) -> dict[Ref, RolloutctlError]:
        """Takes away those that a freeze stops; a trial, and an override, go on with a word."""
        from rolloutctl.cli.freezing import frozen, shipped

        found = frozen(self.run, self.intent.action, shipped(self.decided))
        if found and (self.asked.override_freeze or self.asked.dry_run is not DryRun.NONE):
            first = next(iter(found.values()))
            over = ", overridden" if self.asked.override_freeze else ""
            self.account.note(f"{first.message}{over}")
            return {}
        for ref in found:
            del self.decided[ref]
        return dict(found)

    def _refuse(self, errors: dict[Ref, RolloutctlError]) -> None:
        """Keeps the results of those with which nothing is done; of many, tells why by reason."""
        from rolloutctl.domain.decision import NothingToDo
        from rolloutctl.domain.reports import Did, Result
        from rolloutctl.render.views import bulk

        idle = {ref: error for ref, error in errors.items() if isinstance(error, NothingToDo)}
        refused = {ref: error for ref, error in errors.items() if ref not in idle}
        account = self.account
        if self.found.many and (errors or self.decided):
            account.note(
                bulk.plan(
                    self.intent.action,
                    list(self.decided.values()),
                    refused,
                    idle,
                    self.run.surface(),
                    namespaces=account.spread,
                )
            )
        for ref, error in errors.items():
            did = Did.NOTHING if ref in idle else Did.FAILED
            account.keep(Result(ref, self.intent.action, did, error=error), told=self.found.many)
        if refused and self.asked.stop_on_failure and self.decided:
            account.note("nothing is begun: the plan has failures, and --stop-on-failure is given")
            for ref, decision in self.decided.items():
                account.keep(Result(ref, self.intent.action, Did.NOT_DONE, decision))
            self.decided.clear()

    # --- asking --------------------------------------------------------------------------------

    def confirmed(self) -> bool:
        """Tells what will be done, and asks where that is hard to take back, or much."""
        from rolloutctl.domain.reports import Did, Result

        try:
            # A selection that comes to one rollout is agreed to like one that is named.
            many = self.found.many and len(self.decided) > 1
            agreed = self._agreed_to_many() if many else self._agreed_to_each()
        except KeyboardInterrupt:
            raise Interrupted("stopped before anything was sent") from None
        if not agreed:
            for ref, decision in self.decided.items():
                self.account.keep(Result(ref, self.intent.action, Did.DECLINED, decision))
        return agreed

    def _agreed_to_many(self) -> bool:
        from rolloutctl.domain.agreement import to_type
        from rolloutctl.render.views import bulk

        question = bulk.question(self.intent.action, len(self.decided))
        typed = to_type(self.decided.values())
        return self.run.confirm(question, yes=self.asked.yes, typed=typed)

    def _agreed_to_each(self) -> bool:
        from rolloutctl.domain.agreement import to_type
        from rolloutctl.render.views import changes

        asked = [one for ref, one in self.decided.items() if self._asks(ref, one)]
        looked: dict[Ref, Shipping | None] = {}
        for ref, decision in self.decided.items():
            looked[ref] = self.looking.at(decision, sits_there=self._sits_there(decision))
            self.looking.tell(decision, looked[ref], whole=decision in asked)
        if not asked:
            return True
        typed = to_type(asked, looked)
        return self.run.confirm(changes.question(asked), yes=self.asked.yes, typed=typed)

    def _asks(self, ref: Ref, decision: Decision) -> bool:
        """Whether a person has to agree."""
        return decision.asks or ref in self.unsure or self._sits_there(decision)

    def _sits_there(self, decision: Decision) -> bool:
        """Whether somebody at a terminal is asked about what is not hard to take back."""
        from rolloutctl.domain.decision import Action

        if self.asked.yes or not self.run.interactive:
            return False
        match self.run.settings.of("confirm", self.run.cluster().name):
            case "always":
                return True
            case "risky":
                return False
        return decision.action is Action.PROMOTE

    # --- sending -------------------------------------------------------------------------------

    def try_out(self) -> None:
        """--dry-run: what would be sent."""
        from rolloutctl.domain.reports import Did, Result

        for ref, decision in self.decided.items():
            if not self.found.many:
                self.looking.tell(
                    decision,
                    self.looking.at(decision, sits_there=self._sits_there(decision)),
                    whole=False,
                )
            self.account.keep(Result(ref, self.intent.action, Did.TRIED, decision))

    def send(self) -> None:
        """Sends each change, as fast as was asked for; those after a failed one all the same."""
        from rolloutctl.actions import bulk
        from rolloutctl.domain.reports import Did

        sending: Sending

        def report(result: Result) -> None:
            self.account.keep(result)
            self._show(sending)

        def settle(results: list[Result]) -> bool:
            done = [item for item in results if item.did is Did.CHANGED]
            if self.intent.full and done:
                done = self._finish(done, sending)
            if not self.asked.wait or not done:
                return not self.interrupted
            with self.stopping.softly(None):
                return self._follow(done, sending)

        def begins(number: int, count: int) -> None:
            if count > 1:
                self.account.note(f"batch {number} of {count}")

        def waits(count: int) -> None:
            self.account.note(f"stopping: waiting for the answers to {count}, Ctrl-C gives them up")

        sending = bulk.Sending(
            self.run.cluster(),
            self.decided.values(),
            self.intent,
            self.pace(),
            checks=self.found.checks,
            dry_run=self.asked.dry_run is DryRun.SERVER,
            report=report,
            settle=settle,
            begins=begins,
            waits=waits,
        )
        with self.stopping.softly(lambda again: sending.stop(at_once=again)):
            sending.run()
        if sending.stopped and not self.interrupted:
            self.interrupted = "stopped; what was sent stays"
            if len(self.decided) > 1:
                self.interrupted += ", and nothing more was begun"
        if self.intent.full and self.interrupted and not self.hint:
            self.hint = self.account.half_done()

    def _show(self, sending: Sending) -> None:
        if not self.found.many:
            return
        from rolloutctl.render.views import bulk

        done, total = len(sending.results), len(self.decided)
        failed = sum(1 for item in sending.results.values() if item.error is not None)
        text = bulk.progress(self.intent.action, done, total, sending.in_flight, failed)
        self.account.progress.show(text, done / max(1, total))

    def _finish(self, done: list[Result], sending: Sending) -> list[Result]:
        """undo --full: promotes in full what was brought back; those with which that went well."""
        from rolloutctl.actions import finishing

        try:
            with self.stopping.softly(None):
                finished = finishing.finish_all(
                    self.run.cluster(),
                    done,
                    self.intent,
                    at_once=self.pace().at_once,
                    timeout=self.left(),
                    report=self.account.finished,
                )
        except KeyboardInterrupt:
            self.interrupted = "stopped before all were promoted in full; what was sent stays"
            sending.stop()
            return []
        return [item for item in finished if item.error is None]

    # --- following -----------------------------------------------------------------------------

    def _follow(self, done: list[Result], sending: Sending) -> bool:
        """--wait: follows those that were changed to their ends; whether all ended well."""
        import msgspec

        from rolloutctl.actions import waiting_many
        from rolloutctl.render.views import waiting as view

        results = {item.ref: item for item in done}
        decisions = [item.decision for item in done if item.decision is not None]
        ended = 0

        def report(event: Happened) -> None:
            lines = view.happened(event, self.run.surface(), named=len(self.found.refs) > 1)
            if lines and (not self.found.many or not event.ref.name):
                self.account.note(lines)

        well = True
        try:
            for end in waiting_many.follow_all(
                self.run.cluster(), decisions, timeout=self.left(), report=report
            ):
                error = end.error
                if error is not None:
                    # What was sent was done: only its end is not known.
                    error = Failed(
                        f"the change was made, but not followed: {error.message}",
                        subject=error.subject or str(end.ref),
                        hint=error.hint,
                    )
                    error.exit_code = end.error.exit_code if end.error else error.exit_code
                result = msgspec.structs.replace(
                    results[end.ref], followed=end.followed, error=error
                )
                self.account.ended(result)
                well = well and result.exit_code is ExitCode.OK
                ended += 1
                if self.found.many:
                    text = f"waiting: {ended} of {len(done)} have ended"
                    self.account.progress.show(text, ended / len(done))
        except KeyboardInterrupt:
            self.interrupted = "stopped waiting; what was sent stays"
            self.hint = "status --wait goes on waiting"
            sending.stop()
            return False
        if not well and len(sending.results) < len(self.decided):
            self.account.note("this batch did not end well: nothing more is begun")
        return well
