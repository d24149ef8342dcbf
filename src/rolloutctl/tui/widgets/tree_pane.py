"""Items that fold, with a cursor over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line
from rolloutctl.tui.widgets.pane import Lines, Pane


@dataclass
class Item:
    """`key` tells it from the others, also in the next picture; `folded`: what it is at first.

    `holds`: other items follow that it folds, which `items` leaves out then; `depth` is theirs.
    `still`: the cursor passes it by.
    """

    key: str
    head: list[Line]
    below: list[Line] = field(default_factory=list)
    folded: bool = False
    holds: bool = False
    depth: int = 0
    still: bool = False


class Tree(Lines):
    """The cursor, and what is folded, stay where they are when the items change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("enter,space", "fold", "Fold", show=False),
        Binding("right,l", "fold(False)", "Unfold", show=False),
        Binding("left", "fold(True)", "Fold", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: Sequence[Item] = ()
        self._folded: dict[str, bool] = {}
        self._cursor = ""
        self._heads: dict[int, str] = {}
        """The item whose head a line is of."""

    def items(self, surface: Surface) -> Sequence[Item]:
        """What there is now, None yet as an empty list."""
        raise NotImplementedError

    def nothing(self) -> str:
        """What is said without items."""
        return "nothing yet"

    @property
    def cursor(self) -> str:
        """The key of the item the cursor is at, "" without items."""
        return self._cursor

    def lines(self, surface: Surface) -> Sequence[Line]:
        self._items = self.items(surface._replace(width=max(1, surface.width - 2)))
        keys = self._keys()
        if self._cursor not in keys:
            self._cursor = keys[0] if keys else ""
        self._heads = {}
        result: list[Line] = []
        for item in self._items:
            for number, each in enumerate(item.head):
                if not item.still:
                    self._heads[len(result)] = item.key
                folds = not number and (item.below or item.holds)
                sign = ("▸ " if self._is_folded(item) else "▾ ") if folds else "  "
                result.append((Span("  " * item.depth + sign, "dim"), *each))
            if not self._is_folded(item):
                result += [(Span("  "), *each) for each in item.below]
        return result or [line(Span(self.nothing(), "dim"))]

    def _keys(self) -> list[str]:
        """Where the cursor may be."""
        return [item.key for item in self._items if not item.still]

    def behind(self, index: int) -> str:
        return (
            "cursor" if self.has_focus and self._heads.get(index, "") == self._cursor != "" else ""
        )

    def _is_folded(self, item: Item) -> bool:
        return self.is_folded(item.key, first=item.folded)

    def is_folded(self, key: str, *, first: bool) -> bool:
        """Whether an item is folded; `first`: whether it is before anybody touched it."""
        return self._folded.get(key, first)

    def _again(self) -> None:
        self._lines = ()
        self.look()
        at = next((index for index, key in self._heads.items() if key == self._cursor), None)
        if at is not None:
            top, rows = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
            if not top <= at < top + rows:
                wanted = at if at < top else at - rows + 1
                self.call_after_refresh(self.scroll_to, y=wanted, animate=False)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_move(self, by: int) -> None:
        keys = self._keys()
        if self._cursor in keys:
            at = keys.index(self._cursor) + by
            if not 0 <= at < len(keys):
                self.scroll_relative(y=by, animate=False)
                return
            self._cursor = keys[at]
            self._again()

    def action_fold(self, folded: bool | None = None) -> None:
        for item in self._items:
            if item.key == self._cursor:
                self._folded[item.key] = not self._is_folded(item) if folded is None else folded
        self._again()

    def on_click(self, event: events.Click) -> None:
        key = self._heads.get(self.scroll_offset.y + event.y)
        if key is not None:
            again = key == self._cursor
            self._cursor = key
            if again:
                self.action_fold()
            else:
                self._again()


class TreePane(Pane, Tree):
    """A side of a rollout made of items that fold."""
