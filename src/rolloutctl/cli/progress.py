"""One line on stderr that says how far a command is, redrawn in place on a terminal."""

from __future__ import annotations

from time import monotonic

from rolloutctl.cli.run import Run

_BETWEEN = 0.1
"""Seconds between two drawings: a thousand results a second need no thousand lines."""
_CLEAR = "\r\x1b[K"


class Progress:
    """Shows nothing where stderr is no terminal on which a line can be taken back."""

    def __init__(self, run: Run) -> None:
        environment = run.environment
        self._stream = environment.stderr
        self._columns = environment.width
        self._works = environment.stderr.isatty() and environment.env.get("TERM") != "dumb"
        self._shown = False
        self._last = 0.0

    def show(self, text: str, share: float) -> None:
        """Draws the line: a bar of which `share` (0 to 1) is full, and `text`."""
        if not self._works or (self._shown and monotonic() - self._last < _BETWEEN):
            return
        size = min(30, self._columns - len(text) - 6)
        full = round(size * min(1.0, max(0.0, share))) if size > 0 else 0
        bar = f"[{'#' * full}{'.' * (size - full)}] " if size > 4 else ""
        self._stream.write(_CLEAR + (bar + text)[: max(1, self._columns - 1)])
        self._stream.flush()
        self._shown, self._last = True, monotonic()

    def clear(self) -> None:
        """Takes the line away, before anything else is written."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = False
