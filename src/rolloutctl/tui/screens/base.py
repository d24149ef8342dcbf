"""What all screens of the dashboard share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen

from rolloutctl.render.surface import Surface

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard


class LiveScreen(Screen[Any]):
    """A screen that the application keeps up to date while it is the one that is shown."""

    ready = False
    """Whether everything on it is there; before that it is told nothing."""

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    def surface(self, width: int = 0) -> Surface:
        """What views draw on; without a `width`, as wide as the screen."""
        return self.dashboard.surface(width or self.size.width)

    def frame(self, changed: bool) -> None:
        """Ten times a second at most; `changed`: whether the fleet did."""

    def second(self) -> None:
        """Once a second: ages and countdowns."""

    def on_screen_resume(self) -> None:
        """It is shown (again): nothing was told to it while it was covered."""
        if self.ready:
            self.frame(True)
            self.second()
