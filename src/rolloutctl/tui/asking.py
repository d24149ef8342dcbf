"""Changes that need a word more before they can be planned: which revision, which image, which run.

They lead to `Changing`, or for a run to its own question; no rule lives here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from rolloutctl.actions import ending_runs, promotion, undoing
from rolloutctl.actions.promotion import Intent
from rolloutctl.domain import images
from rolloutctl.domain.cluster import ANALYSIS_RUNS, EXPERIMENTS, Kind
from rolloutctl.domain.decision import Action
from rolloutctl.domain.ending_runs import RunAction, RunDid
from rolloutctl.domain.facts import Place, RolloutPicture
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.revisions import Revision
from rolloutctl.errors import RolloutctlError, UsageError
from rolloutctl.render import words
from rolloutctl.render.text import Line, Span, join, safe
from rolloutctl.render.views import ending_runs as runs_view
from rolloutctl.tui.background import in_thread
from rolloutctl.tui.screens.ask import AskScreen
from rolloutctl.tui.screens.choose import ChooseScreen
from rolloutctl.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard

_OVER = frozenset({"Successful", "Failed", "Error", "Inconclusive"})


async def undo(dashboard: Dashboard, places: Sequence[Place]) -> None:
    """Of one rollout to a revision that is chosen, of several to the one before."""
    if len(places) != 1:
        await dashboard.changing.change(Intent(Action.UNDO), places)
        return
    label, ref = places[0]
    cluster = dashboard.fleet.members[label].cluster
    try:
        found = await in_thread(
            lambda: undoing.history(cluster, promotion.read(cluster, ref).rollout)[0]
        )
    except RolloutctlError as error:
        dashboard.notify(safe(error.message, 400), severity="error", markup=False)
        return
    older = found[1:]
    if not older:
        await dashboard.changing.change(Intent(Action.UNDO), places)
        return
    chosen = await dashboard.push_screen_wait(
        ChooseScreen(f"Undo {ref}: back to", [_revision(one, dashboard) for one in older])
    )
    if chosen is not None:
        intent = Intent(Action.UNDO, to_revision=older[chosen].number)
        await dashboard.changing.change(intent, places)


def _revision(one: Revision, dashboard: Dashboard) -> Line:
    containers = one.template.get("spec", {}).get("containers") or []
    shown = ", ".join(
        words.image(str(each.get("image", ""))) for each in containers if isinstance(each, dict)
    )
    age = words.age(one.created, dashboard.setup.now())
    return join(
        [
            Span(f"revision {one.number}", "strong"),
            Span(", ".join(sorted(one.roles)), "accent"),
            Span(safe(shown, 200)),
            Span(f"{age} old" if age else "", "dim"),
            Span(safe(one.change_cause, 100), "dim"),
        ],
        "  ",
    )


async def set_image(dashboard: Dashboard, places: Sequence[Place]) -> None:
    """Asks for CONTAINER=IMAGE, several with commas or spaces between them."""
    if not places:
        return
    present = ""
    if len(places) == 1:
        entry = dashboard.fleet.board.entry(places[0])
        known = entry.row.images_to if entry is not None else ()
        present = f"*={known[0]}" if len(set(known)) == 1 else ""
    whom = str(places[0][1]) if len(places) == 1 else words.counted(len(places), "rollout")
    answer = await dashboard.push_screen_wait(
        AskScreen(
            f"Set image of {whom}: CONTAINER=IMAGE, or *=IMAGE for all containers",
            present,
            _wanted,
        )
    )
    if answer is not None:
        intent = Intent(Action.SET_IMAGE, images=_wanted(answer))
        await dashboard.changing.change(intent, places)


def _wanted(text: str) -> tuple[tuple[str, str], ...]:
    """Raises UsageError."""
    found = tuple(images.parse(word) for word in text.replace(",", " ").split())
    if not found:
        raise UsageError("no image is given")
    return found


async def terminate(
    dashboard: Dashboard,
    label: str,
    picture: RolloutPicture | None,
    selected: tuple[Kind, Ref] | None,
) -> None:
    """Ends the run at the cursor, else the one under way, else one that is chosen."""
    if picture is None:
        return
    if selected is None:
        namespace = picture.ref.namespace
        under_way = [
            (ANALYSIS_RUNS, Ref(namespace, run.name), run.phase)
            for run in picture.analysis_runs
            if run.phase not in _OVER
        ]
        under_way += [
            (EXPERIMENTS, Ref(namespace, one.name), one.phase)
            for one in picture.experiments
            if one.phase not in _OVER
        ]
        if not under_way:
            dashboard.notify("no analysis run or experiment is under way", severity="warning")
            return
        number: int | None = 0
        if len(under_way) > 1:
            lines: list[Line] = [
                join([Span(kind.kind), Span(safe(ref.name), "strong"), Span(safe(phase))], "  ")
                for kind, ref, phase in under_way
            ]
            number = await dashboard.push_screen_wait(ChooseScreen("Terminate", lines))
        if number is None:
            return
        selected = under_way[number][:2]
    kind, ref = selected
    why = dashboard.setup.read_only(label)
    if why:
        text = f"nothing is changed: it is read-only ({why})"
        dashboard.notify(text, severity="warning", markup=False)
        return
    cluster = dashboard.fleet.members[label].cluster
    try:
        decision = await in_thread(
            lambda: ending_runs.decide(cluster, RunAction.TERMINATE, kind, ref)
        )
    except RolloutctlError as error:
        dashboard.notify(safe(error.message, 400), severity="warning", markup=False)
        return
    head = join(
        [Span(kind.kind), Span(safe(ref), "strong"), words.plugin_phase(decision.phase)], "  "
    )
    agreed = await dashboard.push_screen_wait(
        ConfirmScreen(
            lambda room: [head, *runs_view.plan(decision, dashboard.surface(room))],
            "Terminate it?",
        )
    )
    if not agreed:
        return
    result = await in_thread(lambda: ending_runs.change(cluster, RunAction.TERMINATE, kind, ref))
    if result.did is RunDid.CHANGED:
        dashboard.notify(f"{safe(ref)}: terminated", markup=False)
        recorder = dashboard.setup.recorder(cluster, "")
        if recorder is not None and result.decision is not None:
            await in_thread(partial(recorder.ended, result.decision))
    elif result.error is not None:
        dashboard.notify(safe(result.error.message, 400), severity="error", markup=False)
