"""A picture that is redrawn in place on the terminal of this run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from rolloutctl.cli.run import Run

Picture = Callable[[int | None], list[Any]]
"""Draws itself for a screen of that many rows; None: whole, however long."""


def can_redraw(run: Run) -> bool:
    """Whether stdout is a terminal on which the cursor can go up."""
    environment = run.environment
    return environment.stdout.isatty() and environment.env.get("TERM") != "dumb"


def stale_lines(run: Run, since: str, problem: str) -> list[Any]:
    """What stands above a picture that may be old."""
    from rolloutctl.render.text import Span, line, safe, wrap

    text = f"STALE since {since}, trying again: {safe(problem, 300)}"
    return wrap(line(Span(text, "warn")), run.environment.width, indent=2)


class live:
    """`with live(run) as draw: draw(picture)`: a picture in place on the terminal.

    At the end, however it comes (also by SIGTERM, which is then taken as Ctrl-C), the last picture
    stands whole and the cursor is back; while the process is suspended (Ctrl-Z) as well.
    """

    def __init__(self, run: Run) -> None:
        from rolloutctl.render.live import Live

        environment = run.environment
        self._run = run
        self._live = Live(
            colour=environment.colour(environment.stdout, wanted=not run.common.no_color),
            unicode=environment.unicode,
        )
        self._last: Picture | None = None
        self._handlers: dict[int, Any] = {}
        self._drawing = False
        self._suspended = 0
        self._drawn = run.drawn()

    def __enter__(self) -> Callable[[Picture], None]:
        self._drawn.__enter__()
        if threading.current_thread() is threading.main_thread():
            self._handle(signal.SIGTERM, signal.default_int_handler)
            if hasattr(signal, "SIGTSTP"):
                self._handle(signal.SIGTSTP, self._suspend)
        return self._draw

    def _handle(self, number: int, handler: Any) -> None:
        self._handlers[number] = signal.signal(number, handler)

    def _suspend(self, number: int, _frame: object = None) -> None:
        """Leaves the picture where it stands; it is drawn anew below what the shell wrote.

        A picture that is just being written comes to its end first: a stream cannot be written to
        in the middle of a write.
        """
        if self._drawing:
            self._suspended = number
            return
        self._suspended = 0
        self._write(self._live.finish(None, columns=self._run.environment.width))
        before = signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        signal.signal(number, before)

    def _draw(self, picture: Picture) -> None:
        columns, rows = self._run.environment.width, terminal_rows(self._run)
        self._last = picture
        self._drawing = True
        try:
            self._write(self._live.draw(picture(rows - 1), columns=columns, rows=rows))
        finally:
            self._drawing = False
        if self._suspended:
            self._suspend(self._suspended)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        try:
            whole = self._last(None) if self._last is not None else None
            self._write(self._live.finish(whole, columns=self._run.environment.width))
        finally:
            self._drawn.__exit__(None, None, None)

    def _write(self, text: str) -> None:
        from rolloutctl.cli.run import ReaderGone

        stream = self._run.environment.stdout
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            raise ReaderGone from None


def terminal_rows(run: Run) -> int:
    """The lines of the terminal now (24 if it does not say)."""
    import os

    text = run.environment.env.get("LINES", "")
    if text.isdigit() and int(text) > 0:
        return int(text)
    try:
        return os.get_terminal_size(run.environment.stdout.fileno()).lines
    except (OSError, ValueError, AttributeError):
        return 24
