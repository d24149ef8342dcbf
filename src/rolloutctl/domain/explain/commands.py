"""The facts of what each command would do, traps included."""

from __future__ import annotations

import enum

from msgspec import Struct

from rolloutctl.domain.decision import Note
from rolloutctl.domain.facts import RunUnderWay
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.steps import Step, StepProgress
from rolloutctl.errors import RolloutctlError


class Command(enum.StrEnum):
    """What a person could do, named as the command that does it."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote --full"
    ABORT = "abort"
    RETRY = "retry"
    PAUSE = "pause"
    RESUME = "resume"
    UNDO = "undo"
    TERMINATE_ANALYSIS = "terminate-analysis"


class Verdict(enum.StrEnum):
    """What would come of a command."""

    WORKS = "works"
    NEEDS_OPTION = "needs-option"
    """It works with the option named only: it would skip or ship something otherwise unsaid."""
    NOTHING = "nothing"
    """It would change nothing."""
    REFUSED = "refused"
    """The rollout's state does not allow it."""


class Trap(enum.StrEnum):
    """What surprises about a command in the present state, beyond the notes of its decision.

    Source: argo-rollouts; each of them is how its controller behaves.
    """

    RESULT_LOST = "result-lost"
    """The analysis or experiment of the step is stopped, and its result no longer counts."""
    RESTARTS_COUNTDOWN = "restarts-countdown"
    """Lifting the pause alone, as other clients do, starts its countdown again."""
    ANALYSIS_FOLLOWS = "analysis-follows"
    """Blue-green: the post-promotion analysis comes after the switch, and its failure undoes it."""
    OTHERS_SKIP_A_STEP = "others-skip-a-step"
    """`kubectl argo rollouts promote` would also skip the current step here."""
    NEEDS_PODS = "needs-pods"
    """It does not complete before all pods of the new version are available."""
    WEIGHT_STAYS = "weight-stays"
    """The router's weight stays as it is until the promotion is complete."""
    STAYS_DEGRADED = "stays-degraded"
    """It stays Degraded, with the new version in its spec, until a retry or another version."""
    FAILED_STEP_NOT_CALLED = "failed-step-not-called"
    """Abort is not called for a plugin that failed or errors."""
    CANARY_PODS_STAY = "canary-pods-stay"
    """The new version's pods stay for `abortScaleDownDelaySeconds`."""
    SWITCH_NEEDS_PODS = "switch-needs-pods"
    """The active Service goes back only once all pods of the new version are available."""
    ABORT_IS_LOST = "abort-is-lost"
    """An abort of a fully promoted rollout is taken back by the controller."""
    STEPS_RUN_AGAIN = "steps-run-again"
    """Every step is done anew: plugins are called again, analyses run again."""
    STILL_BROKEN = "still-broken"
    """What stopped it is part of the version, which stays the same."""
    PLUGIN_SUSPENDED = "plugin-suspended"
    """The plugin is not called while it is held; its record stays."""
    ANALYSIS_GOES_ON = "analysis-goes-on"
    """Analyses and experiments go on, and a failure aborts it all the same."""
    TIMER_GOES_ON = "timer-goes-on"
    """The timed pause goes on running."""
    SCALING_WAITS = "scaling-waits"
    """No pods are resized while it is held."""
    FREES_PLUGIN = "frees-plugin"
    """Pausing and resuming lets the plugin be called again after the deadline."""
    TO_STABLE_SKIPS_STEPS = "to-stable-skips-steps"
    """Going back to the stable version runs no step."""
    WINDOW_SKIPS_STEPS = "window-skips-steps"
    """The target lies within the rollback window: no step, pause or analysis is run."""
    RUNS_ALL_STEPS = "runs-all-steps"
    """The target is not the stable version: it is an update like any other."""
    RUNNING_PLUGIN_NOT_TOLD = "running-plugin-not-told"
    """A Running plugin is told nothing: neither Terminate nor Abort is called."""
    STILL_UP = "still-up"
    """Blue-green: the target's pods are still there; it takes over without pause or analysis."""
    HOLD_STAYS = "hold-stays"
    """A person holds it: no pods are resized until it is resumed."""
    CHANGES_WORKLOAD = "changes-workload"
    """The template is in the referenced workload: that is what changes."""
    STEP_SUCCEEDS = "step-succeeds"
    """A terminated analysis with nothing bad so far counts as Successful: the step is done."""


class Outcome(Struct, frozen=True):
    """What one command would do from here. Indexes are 0-based.

    `option` is what it takes ("--skip-step", "--force"). `refusal` says why it would not be done.
    `to_index`, `to_step`: where the rollout would go on (the number of steps: past the last one).
    `ends`: analysis runs and experiments under way that are terminated.
    `target`: what the command acts on if that is not the rollout (an analysis run).
    """

    command: Command
    verdict: Verdict
    option: str = ""
    refusal: RolloutctlError | None = None
    to_index: int | None = None
    to_step: Step | None = None
    to_revision: int | None = None
    skips: tuple[StepProgress, ...] = ()
    terminates: PluginRun | None = None
    leaves: tuple[PluginRun, ...] = ()
    aborts: tuple[PluginRun, ...] = ()
    muted: tuple[PluginRun, ...] = ()
    ends: tuple[RunUnderWay, ...] = ()
    notes: tuple[Note, ...] = ()
    traps: tuple[Trap, ...] = ()
    target: str = ""
