"""How the new version's template differs from the stable one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rolloutctl.actions.history import history
from rolloutctl.domain.comparing import Comparison, compare, of_revisions
from rolloutctl.errors import NotFound
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.render.views import comparing as view
from rolloutctl.tui.widgets.read_pane import ReadPane


class DiffPane(ReadPane):
    def key(self) -> object:
        update = self.live.update
        if update is None:
            return None
        picture = update.picture
        return (picture.revision, picture.stable_revision, picture.rollout.metadata.generation)

    def read(self) -> Any:
        known = history(self.live.cluster, self.live.ref)
        try:
            return compare(*of_revisions(known.versions, known.present, ""))
        except NotFound as nothing:
            return nothing.message

    def shown(self, found: Any, _surface: Surface) -> Sequence[Line]:
        if not isinstance(found, Comparison):
            return [line(Span(safe(found, 400), "dim"))]
        if not found.edits:
            names = f"{view.called(found.before)} to {view.called(found.after)}"
            return [line(Span(f"no difference from {names}", "dim"))]
        return list(view.lines(found))
