"""Revisions, their ReplicaSets and pods, as a tree that folds."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.facts import ReplicaSetFacts
from rolloutctl.render.surface import Surface
from rolloutctl.render.views import revisions
from rolloutctl.tui.widgets.tree_pane import Item, TreePane

_MANY = 20
"""More pods than that are folded at first where all of them are fine."""


class RevisionsPane(TreePane):
    def items(self, surface: Surface) -> Sequence[Item]:
        update = self.live.update
        if update is None:
            return []
        return [
            Item(item.name, head, pods, folded=_is_fine(item) and len(item.pods) > _MANY)
            for item, head, pods in revisions.tree(update.picture, surface)
        ]

    def nothing(self) -> str:
        return "reading" if self.live.update is None else "no ReplicaSets"


def _is_fine(item: ReplicaSetFacts) -> bool:
    return item.ready >= item.desired
