"""The Events that changes leave behind, and what is said when they cannot be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.cli.run import Run

if TYPE_CHECKING:
    from rolloutctl.actions.auditing import Recorder


def recorder(run: Run, *, reason: str, record: bool = True) -> Recorder | None:
    """What writes the Events of this command; None where none are wanted."""
    if not record:
        return None
    from rolloutctl.actions.auditing import Recorder

    return Recorder(run.cluster(), reason=reason, clock=run.environment.now)


def tell(run: Run, kept: Recorder | None) -> None:
    """Says that Events are missing, and why."""
    if kept is None or kept.problem is None:
        return
    from rolloutctl.render import narrate
    from rolloutctl.render.text import safe

    where = f" ({', '.join(kept.silent)})" if len(kept.silent) > 1 else ""
    said = f"no Event says who did this{safe(where)}: {safe(kept.problem.message)}"
    run.note([narrate.warning(run.surface(), said)])
