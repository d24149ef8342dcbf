"""One whole rehearsal: the update, and an abort at each of its steps."""

from __future__ import annotations

from .aborting import rehearse_abort
from .manifests import Cast
from .stage import Invalid, Options, Stage
from .story import Story

__all__ = ["Invalid", "Options", "rehearse"]


def rehearse(cast: Cast, options: Options, *, aborts: bool = True) -> dict[str, object]:
    """Play the update of `cast` to its end; the facts of it, see `domain.plan` for their names.

    With `aborts`, each step that was reached has an `abort` that was played as well. Raises
    Invalid when the manifest is refused.
    """
    stage = Stage(cast, options)
    stage.update()
    ended = stage.run()
    facts = Story(stage, options.outcomes).facts(ended)
    steps = facts["steps"]
    for step in steps:
        reached = aborts and step["at"] is not None
        step["abort"] = rehearse_abort(cast, options, step) if reached else None
    return facts
