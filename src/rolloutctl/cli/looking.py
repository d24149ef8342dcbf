"""What a person is shown before a change is made: what it does, and what is shipped by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.cli.run import Run
from rolloutctl.errors import RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.cli.accounting import Account
    from rolloutctl.domain.decision import Decision
    from rolloutctl.domain.shipping import Shipping
    from rolloutctl.render.text import Line


class Looking:
    """Looks at what is about to be shipped, and tells it. `full`: what is undone is promoted in
    full then; `named`: several are changed, so each is told with its name."""

    def __init__(self, run: Run, account: Account, *, full: bool, named: bool) -> None:
        self._run = run
        self._account = account
        self._full = full
        self._named = named

    def at(self, decision: Decision, *, sits_there: bool) -> Shipping | None:
        """What is shipped or left, where somebody reads that; None elsewhere."""
        from rolloutctl.domain.decision import Action

        if decision.action is Action.PROMOTE:
            wanted = sits_there
        else:
            wanted = decision.action in (Action.PROMOTE_FULL, Action.UNDO)
        if not wanted:
            return None
        from rolloutctl.actions import preflight

        try:
            return preflight.look(self._run.cluster(), decision)
        except RolloutctlError as error:
            self._account.note(f"what is shipped could not be looked at: {error.message}")
            return None

    def _autoscaled(self, decision: Decision) -> list[Line]:
        """Who would scale it back."""
        from rolloutctl.actions import preflight
        from rolloutctl.render import narrate
        from rolloutctl.render.text import Span, safe

        names = preflight.autoscalers(self._run.cluster(), decision.ref)
        said = "HorizontalPodAutoscaler {} scales it, and takes this back"
        surface = self._run.surface()
        return [narrate.detail(surface, Span(said.format(safe(one)), "warn")) for one in names]

    def tell(self, decision: Decision, shipping: Shipping | None, *, whole: bool) -> None:
        """What will be done; `whole`: also where it stands."""
        from rolloutctl.domain.decision import Action
        from rolloutctl.render import narrate
        from rolloutctl.render.text import Span, line
        from rolloutctl.render.views import changes
        from rolloutctl.render.views import shipping as view

        surface = self._run.surface()
        ships = decision.action is not Action.UNDO
        looked = view.lines(shipping, surface, ships=ships) if shipping is not None else []
        if decision.action is Action.SCALE:
            looked += self._autoscaled(decision)
        if self._full:
            said = "as soon as the controller has turned to it, it is promoted in full"
            looked.append(narrate.detail(surface, Span(said, "warn")))
        if whole:
            self._run.note(changes.plan(decision, surface) + looked)
        elif lines := changes.facts(decision, surface) + looked:
            head = [line(Span(decision.ref.name, "strong"), ":")] if self._named else []
            self._run.note(head + lines)
