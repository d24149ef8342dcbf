"""What promote, abort, retry, pause and resume have in common: plan, ask, send, follow, report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rolloutctl.cli.options import DryRun
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Interrupted, RolloutctlError, UsageError

if TYPE_CHECKING:
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.domain.decision import Decision
    from rolloutctl.domain.refs import Ref
    from rolloutctl.domain.reports import Happened, Result


def change(
    run: Run,
    names: Sequence[str],
    intent: Intent,
    *,
    yes: bool = False,
    dry_run: DryRun = DryRun.NONE,
    wait: bool = False,
    timeout: float | None = None,
    output: str | None = None,
) -> ExitCode:
    """Does what `intent` says with every rollout named; one result for each, whatever happens.

    Raises UsageError where a confirmation is needed and nobody can be asked, and what opening the
    cluster raises; what happens to single rollouts is in the report and in the exit code.
    """
    if wait and dry_run is not DryRun.NONE:
        raise UsageError("--wait does not go with --dry-run: there is nothing to wait for")
    from rolloutctl.domain.reports import exit_code

    changing = _Changing(run, intent, run.refs(names), output, timeout or None)
    changing.plan(ask=not yes and run.interactive and dry_run is DryRun.NONE)
    if dry_run is not DryRun.NONE:
        changing.try_out(server=dry_run is DryRun.SERVER)
    elif changing.confirmed(yes=yes):
        changing.send()
        if wait:
            try:
                changing.follow()
            except KeyboardInterrupt:
                changing.finish()
                raise Interrupted(
                    "stopped waiting; what was sent stays", hint="status --wait goes on waiting"
                ) from None
    changing.finish()
    return exit_code(changing.ordered())


class _Changing:
    """One command at work on the rollouts it was given."""

    def __init__(
        self, run: Run, intent: Intent, refs: list[Ref], output: str | None, timeout: float | None
    ) -> None:
        self.run = run
        self.intent = intent
        self.refs = refs
        self.output = output if output != "wide" else None
        self.timeout = timeout
        self.started = time.monotonic()
        self.decided: dict[Ref, Decision] = {}
        self.unsure: set[Ref] = set()
        """Those whose current step is not done: a person may agree to skip it."""
        self.results: dict[Ref, Result] = {}

    def ordered(self) -> list[Result]:
        """The results in the order of the command line."""
        return [self.results[ref] for ref in self.refs if ref in self.results]

    def left(self) -> float | None:
        """Seconds until --timeout."""
        if self.timeout is None:
            return None
        return max(0.0, self.timeout - (time.monotonic() - self.started))

    # --- the stages ----------------------------------------------------------------------------

    def plan(self, *, ask: bool) -> None:
        """Reads and decides for each; `ask` keeps what a person may agree to for the question."""
        from rolloutctl.actions import promotion
        from rolloutctl.domain.decision import NeedsSkip, NothingToDo, NotObserved
        from rolloutctl.domain.reports import Did

        for ref in self.refs:

            def waiting(reason: NotObserved, ref: Ref = ref) -> None:
                self.run.note(f"{ref.name}: {reason.message}, waiting for that")

            try:
                self.decided[ref] = promotion.plan(
                    self.run.cluster(), ref, self.intent, timeout=self.left(), waiting=waiting
                )
            except NothingToDo as nothing:
                self.record(ref, Did.NOTHING, error=nothing)
            except NeedsSkip as needs:
                if ask:
                    self.decided[ref] = needs.decision
                    self.unsure.add(ref)
                else:
                    self.record(ref, Did.FAILED, error=needs)
            except RolloutctlError as error:
                self.record(ref, Did.FAILED, error=error)

    def confirmed(self, *, yes: bool) -> bool:
        """Tells what will be done, and asks where that is hard to take back."""
        from rolloutctl.domain.decision import Action
        from rolloutctl.domain.reports import Did
        from rolloutctl.render.text import Span, line
        from rolloutctl.render.views import changes

        surface = self.run.surface()
        full = self.intent.action is Action.PROMOTE_FULL
        asked = [decision for ref, decision in self.decided.items() if full or ref in self.unsure]
        for decision in self.decided.values():
            if decision in asked:
                self.run.note(changes.plan(decision, surface))
            elif lines := changes.facts(decision, surface):
                head = [line(Span(decision.ref.name, "strong"), ":")] if len(self.refs) > 1 else []
                self.run.note(head + lines)
        if not asked or self.run.confirm(changes.question(asked), yes=yes):
            return True
        for ref, decision in self.decided.items():
            self.record(ref, Did.DECLINED, decision=decision)
        return False

    def try_out(self, *, server: bool) -> None:
        """--dry-run: what would be sent, tried by the server if wanted."""
        from rolloutctl.actions import promotion
        from rolloutctl.domain.reports import Did
        from rolloutctl.render.views import changes

        for ref, decision in self.decided.items():
            if lines := changes.facts(decision, self.run.surface()):
                self.run.note(lines)
            try:
                if server:
                    decision = promotion.carry_out(
                        self.run.cluster(), decision, self.intent, dry_run=True
                    )
                self.record(ref, Did.TRIED, decision=decision, server=server)
            except RolloutctlError as error:
                self.record(ref, Did.FAILED, decision=decision, error=error)

    def send(self) -> None:
        """Sends each change; those after a failed one are sent all the same."""
        from rolloutctl.actions import promotion
        from rolloutctl.domain.decision import NothingToDo
        from rolloutctl.domain.reports import Did

        for ref, decision in self.decided.items():
            try:
                sent = promotion.carry_out(self.run.cluster(), decision, self.intent)
            except NothingToDo as nothing:
                self.record(ref, Did.NOTHING, error=nothing)
            except RolloutctlError as error:
                self.record(ref, Did.FAILED, decision=decision, error=error)
            else:
                self.record(ref, Did.CHANGED, decision=sent)

    def follow(self) -> None:
        """--wait: follows each one that was changed to its end."""
        import msgspec

        from rolloutctl.actions import waiting
        from rolloutctl.domain.reports import Did
        from rolloutctl.render.views import waiting as view

        def report(event: Happened) -> None:
            lines = view.happened(event, self.run.surface(), named=len(self.refs) > 1)
            if lines:
                self.run.note(lines)

        for result in self.ordered():
            if result.did is not Did.CHANGED or result.decision is None:
                continue
            try:
                followed = waiting.follow(
                    self.run.cluster(), result.decision, timeout=self.left(), report=report
                )
            except RolloutctlError as error:
                # What was sent was done: only its end is not known.
                self.results[result.ref] = msgspec.structs.replace(result, error=error)
                error.subject = error.subject or str(result.ref)
                error.message = f"the change was made, but not followed: {error.message}"
                self.run.fail(error)
                continue
            done = msgspec.structs.replace(result, followed=followed)
            self.results[result.ref] = done
            if self.output is None:
                self.run.emit(view.ended(done, self.run.surface()))

    # --- reporting -----------------------------------------------------------------------------

    def record(
        self,
        ref: Ref,
        did: Any,
        *,
        decision: Decision | None = None,
        error: RolloutctlError | None = None,
        server: bool = False,
    ) -> None:
        """Keeps a result and, unless a document is wanted at the end, tells it at once."""
        from rolloutctl.domain.reports import Did, Result
        from rolloutctl.render.views import changes

        if error is not None:
            named = f'"{ref.name}"' in error.message
            error.subject = "" if named else error.subject or str(ref)
        result = Result(ref, self.intent.action, did, decision, error, server=server)
        self.results[ref] = result
        surface = self.run.surface()
        if did is Did.FAILED and error is not None:
            self.run.fail(error)
        elif self.output is None:
            self.run.emit(changes.result(result, surface))
            if error is not None and error.hint:
                self.run.note(f"  {error.hint}")

    def finish(self) -> None:
        """The document, where one is wanted."""
        if self.output is None:
            return
        from rolloutctl.domain.reports import Did
        from rolloutctl.render import serialize
        from rolloutctl.render.documents import changes

        results = self.ordered()
        match self.output:
            case "json":
                self.run.out(serialize.to_json(changes.document(self.intent.action, results)))
            case "yaml":
                self.run.out(serialize.to_yaml(changes.document(self.intent.action, results)))
            case "jsonl":
                for result in results:
                    self.run.out(serialize.to_jsonl(changes.entry(result)))
            case "name":
                for result in results:
                    if result.did in (Did.CHANGED, Did.TRIED):
                        self.run.out(f"rollout.argoproj.io/{result.ref.name}")
