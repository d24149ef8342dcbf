"""A screen from which rollouts are changed: the keys are the same wherever there are some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.actions import parse
from textual.binding import Binding, BindingType

from rolloutctl.actions.promotion import Intent
from rolloutctl.domain.decision import Action
from rolloutctl.domain.facts import Place
from rolloutctl.render.views import commands
from rolloutctl.tui import asking
from rolloutctl.tui.screens.base import LiveScreen


class ActingScreen(LiveScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "change('promote')", "Promote"),
        Binding("P", "change('promote-full')", "In full"),
        Binding("a", "change('abort')", "Abort"),
        Binding("r", "change('retry')", "Retry"),
        Binding("z", "change('pause')", "Pause", show=False),
        Binding("Z", "change('resume')", "Resume", show=False),
        Binding("R", "change('restart')", "Restart", show=False),
        Binding("u", "undo", "Undo", show=False),
        Binding("i", "set_image", "Set image", show=False),
        Binding("y", "copy_name", "Copy the name", show=False),
        Binding("Y", "copy_command", "Copy the command", show=False),
    ]

    def chosen(self) -> Sequence[Place]:
        """The rollouts that an action is for."""
        raise NotImplementedError

    def why_not(self, action: Action) -> str:
        """Why an action cannot be done here now, "" if it can."""
        for label, ref in self.chosen():
            why = self.dashboard.setup.read_only(label)
            if why:
                return f"nothing is changed: it is read-only ({why})"
            why = self.dashboard.forbidden.get((label, ref.namespace), {}).get(action, "")
            if why:
                return why
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done is shown as such; its key says why."""
        meant = _meant(action, parameters)
        return None if meant is not None and self.ready and self.why_not(meant) else True

    def on_key(self, event: events.Key) -> None:
        """A key whose binding is off comes here."""
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            _, name, parameters = parse(binding.action)
            meant = _meant(name, parameters)
            why = self.why_not(meant) if meant is not None else ""
            if why:
                event.stop()
                self.notify(why, severity="warning", markup=False)

    def action_change(self, action: str) -> None:
        """Asks for a change, and carries it out if a person agrees."""
        intent = Intent(Action(action))
        places = list(self.chosen())
        self.dashboard.run_worker(
            self.dashboard.changing.change(intent, places), group="change", exit_on_error=True
        )

    def action_undo(self) -> None:
        self.dashboard.run_worker(asking.undo(self.dashboard, list(self.chosen())), group="change")

    def action_set_image(self) -> None:
        places = list(self.chosen())
        self.dashboard.run_worker(asking.set_image(self.dashboard, places), group="change")

    def action_copy_name(self) -> None:
        names = [f"{ref.namespace}/{ref.name}" for _, ref in self.chosen()]
        self.copied("\n".join(names))

    def action_copy_command(self) -> None:
        """The command that shows the rollout: a start for any other."""
        self.copied("\n".join(commands.shown(ref, label) for label, ref in self.chosen()))

    def copied(self, text: str) -> None:
        self.dashboard.copied(text)


def _meant(action: str, parameters: tuple[object, ...]) -> Action | None:
    """What a binding's action does to a rollout; None for one that changes nothing."""
    if action == "change":
        return Action(str(parameters[0]))
    return {"undo": Action.UNDO, "set_image": Action.SET_IMAGE}.get(action)
