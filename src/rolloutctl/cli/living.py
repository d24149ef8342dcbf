"""A picture that is redrawn in place on the terminal of this run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rolloutctl.cli.run import Run


def can_redraw(run: Run) -> bool:
    """Whether stdout is a terminal on which the cursor can go up."""
    environment = run.environment
    return environment.stdout.isatty() and environment.env.get("TERM") != "dumb"


def stale_line(run: Run, since: str) -> Any:
    from rolloutctl.render.text import Span, line

    return line(Span(f"stale since {since}: the connection dropped, trying again", "warn"))


class live:
    """`with live(run) as draw: draw(picture)`: a picture in place on the terminal.

    At the end, however it comes, the last picture stands whole and the cursor is back.
    """

    def __init__(self, run: Run) -> None:
        from rolloutctl.render.live import Live

        environment = run.environment
        self._run = run
        self._live = Live(
            colour=environment.colour(environment.stdout, wanted=not run.common.no_color),
            unicode=environment.unicode,
        )
        self._last: list[Any] | None = None

    def __enter__(self) -> Callable[[Callable[[], list[Any]]], None]:
        return self._draw

    def _draw(self, picture: Callable[[], list[Any]]) -> None:
        environment = self._run.environment
        self._last = picture()
        columns = environment.width
        self._write(self._live.draw(self._last, columns=columns, rows=terminal_rows(self._run)))

    def __exit__(self, *_: object) -> None:
        self._write(self._live.finish(self._last, columns=self._run.environment.width))

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
