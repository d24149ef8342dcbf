"""A pane of what has to be asked for: read when it is shown, and again when it may be another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.tui.background import in_thread, told
from rolloutctl.tui.widgets.pane import Pane


class ReadPane(Pane):
    """`read` runs in a thread; what it raises is shown in place of what it finds."""

    _found: Any = None
    _problem = ""
    _hint = ""
    _read_for: object = None
    _reading = False
    _wanted = False

    def read(self) -> Any:
        """What there is to show. Raises what the cluster raises."""
        raise NotImplementedError

    def shown(self, found: Any, surface: Surface) -> Sequence[Line]:
        """What was read, as lines."""
        raise NotImplementedError

    def key(self) -> object:
        """What makes it worth to read again when it changes."""
        update = self.live.update
        return None if update is None else update.picture.rollout.metadata.resource_version

    def begin(self) -> None:
        self._wanted = True
        self.frame()

    def end(self) -> None:
        self._wanted = False

    def frame(self) -> None:
        key = self.key()
        if self._wanted and not self._reading and key is not None and key != self._read_for:
            self._reading, self._read_for = True, key
            self.run_worker(self._read(), exit_on_error=False)

    async def _read(self) -> None:
        try:
            self._found, self._problem = await in_thread(self.read), ""
        except Exception as error:  # whatever it is, it is shown here, and nowhere else
            self._problem, self._hint = told(error), str(getattr(error, "hint", ""))
        finally:
            self._reading = False
        self.look()

    def lines(self, surface: Surface) -> Sequence[Line]:
        if self._problem:
            said = line(Span(safe(self._problem, 600), "bad"))
            hints = self._hint.splitlines()
            return [said, *(line(Span(safe(each, 400), "dim")) for each in hints)]
        if self._found is None:
            return [line(Span("reading", "dim"))]
        return self.shown(self._found, surface)
