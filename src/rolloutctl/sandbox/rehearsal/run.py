"""One whole rehearsal: the update, and an abort at each of its steps."""

from __future__ import annotations

from rolloutctl.sandbox.controller.objects import Obj

from .aborting import is_alike, rehearse_abort
from .manifests import Cast
from .stage import Invalid, Options, Stage
from .story import Story

__all__ = ["Invalid", "Options", "rehearse"]


def rehearse(cast: Cast, options: Options, *, aborts: bool = True) -> Obj:
    """Play the update of `cast` to its end; the facts of it, see `domain.plan` for their names.

    With `aborts`, each step that was reached has an `abort` that was played as well. Raises
    Invalid when the manifest is refused.
    """
    stage = Stage(cast, options)
    stage.update()
    ended = stage.run()
    facts = Story(stage, options.outcomes).facts(ended)
    before: Obj | None = None
    for step in facts["steps"]:
        if not aborts or step["at"] is None:
            step["abort"] = None
        elif before is not None and is_alike(step, before):
            step["abort"] = before["abort"]
        else:
            step["abort"] = rehearse_abort(cast, options, step)
        before = step
    return facts
