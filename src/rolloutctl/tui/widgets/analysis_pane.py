"""Analysis runs and experiments, with their values against what they are held to."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.cluster import ANALYSIS_RUNS, EXPERIMENTS, Kind
from rolloutctl.domain.refs import Ref
from rolloutctl.render.surface import Surface
from rolloutctl.render.views import trials
from rolloutctl.tui.widgets.tree_pane import Item, TreePane


class AnalysisPane(TreePane):
    def items(self, surface: Surface) -> Sequence[Item]:
        update = self.live.update
        if update is None:
            return []
        picture = update.picture
        found = [
            Item(f"AnalysisRun/{run.name}", *trials.run_block(run, surface), not run.current)
            for run in picture.analysis_runs
        ]
        found += [
            Item(f"Experiment/{one.name}", *trials.trial_block(one, surface), not one.current)
            for one in picture.experiments
        ]
        return found

    def nothing(self) -> str:
        return "reading" if self.live.update is None else "no analysis runs or experiments"

    @property
    def selected(self) -> tuple[Kind, Ref] | None:
        """The run or experiment the cursor is at."""
        kind, _, name = self.cursor.partition("/")
        if not name:
            return None
        kinds = {"AnalysisRun": ANALYSIS_RUNS, "Experiment": EXPERIMENTS}
        return kinds[kind], Ref(self.live.ref.namespace, name)
