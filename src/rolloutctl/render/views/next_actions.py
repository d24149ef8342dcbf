"""What a person could do now, and what would come of it."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.facts import RunUnderWay, Stage
from rolloutctl.domain.status import desired_replicas
from rolloutctl.domain.tree import ActionName, NextAction, RolloutPicture
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap


def lines(picture: RolloutPicture, surface: Surface) -> list[Line]:
    """What a person could do now, and what would come of it."""
    if not picture.next_actions:
        return []
    result = [line(Span("Next", "strong"))]
    column = max(len(action.action.value) for action in picture.next_actions)
    for action in picture.next_actions:
        head = line(f"  {action.action.value:<{column}}   ")
        effect = line("; ".join(_effects(action, picture, surface)))
        parts = wrap(effect, surface.room - column - 5) if surface.room else [effect]
        result.append((*head, *(parts[0] if parts else ())))
        result += [(Span(" " * (column + 5)), *part) for part in parts[1:]]
    return result


def _effects(action: NextAction, picture: RolloutPicture, surface: Surface) -> list[str]:
    count = len(picture.steps)
    effects: list[str] = []
    match action.action:
        case ActionName.PROMOTE if action.completes:
            where = "past the last step, " if count else ""
            effects.append(f"{where}the new version takes over")
        case ActionName.PROMOTE | ActionName.RESUME | ActionName.RETRY:
            verb = {
                ActionName.PROMOTE: "goes on",
                ActionName.RESUME: "goes on",
                ActionName.RETRY: "starts the same version over",
            }[action.action]
            if action.to_step is not None and action.to_index is not None:
                where = f"at step {action.to_index + 1} of {count}, {words.step(action.to_step)}"
                effects.append(f"{verb} {where}")
            else:
                effects.append(verb)
        case ActionName.PROMOTE_FULL:
            revision = f" revision {action.to_revision}" if action.to_revision else " the version"
            effects.append(f"ships{revision} to all pods")
        case ActionName.ABORT:
            back = f"revision {action.to_revision}" if action.to_revision else "the stable version"
            effects.append(f"back to {back}")
    if action.needs_force:
        effects.append("this version was aborted, so it needs --force")
    if action.switches:
        effects.append(_switch(action, picture))
    if action.passes_over:
        effects.append(f"passes over the disabled {_steps(action.passes_over)}")
    if action.skips:
        effects.append(f"skips {_steps(action.skips)}")
    if action.skips_analysis:
        effects.append(_analyses_passed(picture))
    if needs_skip(action):
        effects.append("needs --skip-step")
    if action.analysis_again:
        effects.append(again(picture))
    if action.ends:
        effects.append(ends(action.ends))
    if action.terminates is not None:
        run = action.terminates
        effects.append(f"calls Terminate of step {run.index + 1}, plugin {safe(run.name)}")
    if action.aborts:
        calls = ", ".join(f"step {run.index + 1} ({safe(run.name)})" for run in action.aborts)
        effects.append(f"calls Abort of {calls}")
    return effects


def _steps(indexes: Sequence[int]) -> str:
    """ "step 5", "steps 5, 6", "steps 3-7"."""
    numbers = [index + 1 for index in indexes]
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"steps {numbers[0]}-{numbers[-1]}"
    return f"steps {', '.join(map(str, numbers))}"


def _switch(action: NextAction, picture: RolloutPicture) -> str:
    to = f"revision {action.to_revision}" if action.to_revision else "that version"
    text = f"moves the Service {safe(action.switches)} to {to}"
    found = picture.blue_green
    if action.action is not ActionName.ABORT and found and found.preview_replicas is not None:
        text += f", once all its {desired_replicas(picture.rollout)} pods are ready"
    return text


def _analyses_passed(picture: RolloutPicture) -> str:
    strategy, found = picture.rollout.spec.strategy.blue_green, picture.blue_green
    switched = found is not None and found.stage in (Stage.SWITCHED, Stage.POST_PROMOTION)
    before = strategy is not None and strategy.pre_promotion_analysis is not None and not switched
    after = strategy is not None and strategy.post_promotion_analysis is not None
    if before and after:
        return "its pre- and post-promotion analyses are not waited for"
    which = "pre-promotion" if before else "post-promotion"
    return f"its {which} analysis is not waited for"


def needs_skip(action: NextAction) -> bool:
    """Whether the command asks for `--skip-step`: it passes over what is not done."""
    return action.action is ActionName.PROMOTE and bool(action.skips or action.skips_analysis)


def again(picture: RolloutPicture) -> str:
    """What an inconclusive analysis or experiment does after a plain promotion."""
    reasons = {item.reason for item in picture.rollout.status.pause_conditions or ()}
    if "InconclusiveExperiment" in reasons:
        return "that step's experiment is not passed: a new one runs, and decides"
    return "the inconclusive analysis runs again"


def ends(runs: Sequence[RunUnderWay]) -> str:
    """What is terminated, by kind and name."""
    kinds = {"AnalysisRun": "analysis run", "Experiment": "experiment"}
    named = ", ".join(f"{kinds.get(run.kind, 'run')} {safe(run.name)}" for run in runs)
    return f"ends {named}"
