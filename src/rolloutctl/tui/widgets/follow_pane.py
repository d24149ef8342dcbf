"""A pane of what keeps coming: followed in a thread for as long as it is in sight."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from rolloutctl.actions.live_rollout import LiveRollout
from rolloutctl.errors import RolloutctlError
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.tui.widgets.pane import Pane


class FollowPane(Pane):
    """Items of `follow`, the newest last; the end stays in sight unless one has scrolled up."""

    MOST = 1000
    """Items that are kept."""
    EMPTY = "nothing yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "scroll_end", "To the end", show=False),
    ]

    def __init__(self, live: LiveRollout, id: str | None = None) -> None:
        super().__init__(live, id=id)
        self._items: deque[Any] = deque(maxlen=self.MOST)
        self._came: deque[Any] = deque(maxlen=self.MOST)
        """What the thread found and the screen has not taken yet."""
        self._over = threading.Event()
        self._problem = ""
        self._told = True
        self._changed = True

    def follow(self) -> Iterator[Any]:
        """What there is and what comes, in a thread; it ends within a second of `end`.
        Raises what the cluster raises."""
        raise NotImplementedError

    def shown(self, items: Sequence[Any], surface: Surface) -> Sequence[Line]:
        raise NotImplementedError

    def begin(self) -> None:
        self.end()
        self._over = closed = threading.Event()
        self._items.clear()
        came: deque[Any] = deque(maxlen=self.MOST)
        self._came = came
        self._problem, self._changed = "", True

        def run() -> None:
            try:
                for item in self.follow():
                    if closed.is_set():
                        return
                    came.append(item)
            except RolloutctlError as error:
                self._fail(closed, error.message)
            except Exception as error:
                self._fail(closed, f"{type(error).__name__}: {error}")

        threading.Thread(target=run, name=f"pane-{self.id}", daemon=True).start()

    def _fail(self, closed: threading.Event, problem: str) -> None:
        if not closed.is_set():
            self._problem, self._changed = problem, True

    def end(self) -> None:
        self._over.set()

    @property
    def closed(self) -> Callable[[], bool]:
        """Whether the thread that asks is wanted no more."""
        return self._over.is_set

    def frame(self) -> None:
        while self._came:
            self._items.append(self._came.popleft())
            self._changed = True
        if self._changed:
            self._changed = False
            at_end = self.scroll_offset.y >= self.max_scroll_y - 1
            self.look()
            if at_end:
                self.call_after_refresh(self.scroll_end, animate=False)

    def lines(self, surface: Surface) -> Sequence[Line]:
        result = list(self.shown(list(self._items), surface))
        if self._problem:
            result.append(line(Span(safe(self._problem, 600), "bad")))
        return result or [line(Span(self.EMPTY, "dim"))]
