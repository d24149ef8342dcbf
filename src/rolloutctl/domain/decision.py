"""What a change of a rollout is made of: what was seen, what is sent, and what it will mean.

A decision holds facts. `rolloutctl.domain.changes` takes it, `rolloutctl.actions.promotion` carries
it out, `rolloutctl.render.views.changes` puts it into words.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import msgspec

from rolloutctl.domain.cluster import ROLLOUTS, Change
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.facts import RunUnderWay
from rolloutctl.domain.gitops import Keeper
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import WORKLOAD_GENERATION, is_fully_promoted, status_of
from rolloutctl.domain.steps import Step, StepProgress, current_index, step_text, steps_of
from rolloutctl.domain.wire import Json, Rollout
from rolloutctl.errors import Conflict, ExitCode, RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.images import Setting
    from rolloutctl.domain.restarting import Restart
    from rolloutctl.domain.scaling import Scaling
    from rolloutctl.domain.undoing import Undo


class Action(enum.StrEnum):
    """What a person asks for."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    ABORT = "abort"
    RETRY = "retry"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"
    UNDO = "undo"
    SET_IMAGE = "set-image"
    SCALE = "scale"

    @property
    def command(self) -> str:
        """The command that does it; a promotion in full is an option of its."""
        match self:
            case Action.PROMOTE_FULL:
                return "promote"
            case Action.SET_IMAGE:
                return "set image"
        return str(self)


class Note(enum.StrEnum):
    """What a person should know about a change beyond its direct effect."""

    UNPAUSES = "unpauses"
    """The hold by a person (`spec.paused`) is lifted too."""
    SHIPS_ABORTED = "ships-aborted"
    """The version that goes out was aborted before."""
    CLEARS_FULL = "clears-full"
    """A full promotion under way is called off."""
    STAYS_HELD = "stays-held"
    """`spec.paused` stays: no pods are resized until it is resumed."""
    SAME_VERSION = "same-version"
    """The version that was aborted is tried again, unchanged."""
    KEEPS_RECORDS = "keeps-records"
    """The plugin of step 1 goes on with its old record instead of starting anew."""
    AUTO_PROMOTION = "auto-promotion"
    """Blue-green with a countdown: only a full promotion ends it."""
    ANALYSIS_SKIPPED = "analysis-skipped"
    """The blue-green analyses are not waited for."""
    PLUGIN_LEFT_RUNNING = "plugin-left-running"
    """The plugin of the step that is left stays Running, and is terminated at the promotion."""
    PASSES_INCONCLUSIVE = "passes-inconclusive"
    """An inconclusive analysis is left behind."""
    ANALYSIS_AGAIN = "analysis-again"
    """An inconclusive analysis is started again."""
    ROLLBACK_WINDOW = "rollback-window"
    """Within the rollback window the controller undoes an abort."""
    ANALYSES_IN_A_ROW = "analyses-in-a-row"
    """The step after the analysis that is left is an analysis too."""
    TIMED_PAUSE_RUNS = "timed-pause-runs"
    """A timed pause kept running while held, and may be over at once."""
    NOTHING_UNDER_WAY = "nothing-under-way"
    """No update is under way; the next one will be held."""
    ONLY_POD = "only-pod"
    """Its only pod is restarted: nothing serves meanwhile."""
    ALL_AT_ONCE = "all-at-once"
    """So many pods may be missing that all of them are restarted at the same time."""
    REPLACES_RESTART = "replaces-restart"
    """A restart set before, or under way, gets another time."""
    STOPS_RESTART = "stops-restart"
    """A restart under way ends where it is; the pods restarted so far stay new."""
    SKIPS_TO_STABLE = "skips-to-stable"
    """It goes back to the stable version: steps, pauses and analyses are skipped."""
    SKIPS_IN_WINDOW = "skips-in-window"
    """It goes back within the rollback window: steps, pauses and analyses are skipped."""
    SKIPS_STILL_UP = "skips-still-up"
    """Blue-green: that version's pods are still up, so pause and analysis are skipped."""
    RUNS_ALL_STEPS = "runs-all-steps"
    """The earlier version goes out like a new one, through all steps."""
    NOT_THE_STABLE_ONE = "not-the-stable-one"
    """The version it goes back to is not the stable one, and an update is under way."""
    PLUGIN_NOT_TOLD = "plugin-not-told"
    """A running plugin is left: the controller calls neither Abort nor Terminate."""
    CHANGES_WORKLOAD = "changes-workload"
    """The template is changed in the workload that holds it."""
    KEPT_ELSEWHERE = "kept-elsewhere"
    """What manages the object will put its own template back."""
    TO_ZERO = "to-zero"
    """It will have no pods at all."""
    UPDATE_UNDER_WAY = "update-under-way"
    """An update goes on meanwhile; how the pods are shared is the controller's matter."""
    REPLACES_UPDATE = "replaces-update"
    """An update is under way; the new version takes its place."""


class Seen(msgspec.Struct, frozen=True):
    """A rollout as it was read: decoded, and as sent, since preconditions must name exactly that.

    (The struct cannot tell an absent `abort` from `abort: false`; to a JSON Patch `test` they
    differ.)
    """

    rollout: Rollout
    raw: Json

    @classmethod
    def read(cls, data: bytes) -> Seen:
        """From the object's JSON. Raises msgspec.DecodeError or its ValidationError."""
        return cls(decoder(Rollout).decode(data), msgspec.json.decode(data))

    @property
    def ref(self) -> Ref:
        metadata = self.rollout.metadata
        return Ref(metadata.namespace, metadata.name)

    def at(self, pointer: str) -> Any:
        """The value a JSON pointer names, None when it is not there."""
        value: Any = self.raw
        for part in pointer.split("/")[1:]:
            if not isinstance(value, dict):
                return None
            value = value.get(part.replace("~1", "/").replace("~0", "~"))
        return value


class Position(msgspec.Struct, frozen=True):
    """Where a rollout stands. `index` is 0-based, None where there are no steps."""

    index: int | None
    count: int
    step: Step | None
    run: PluginRun | None
    phase: str
    message: str
    aborted: bool
    held: bool
    """Whether a person paused it (`spec.paused`)."""
    full: bool
    """Whether it is being promoted in full."""
    promoted: bool
    """Whether its version is the stable one."""


def position(rollout: Rollout) -> Position:
    """Where `rollout` stands now."""
    steps = steps_of(rollout)
    index = current_index(rollout) if steps else None
    status = status_of(rollout)
    return Position(
        index=index,
        count=len(steps),
        step=steps[index] if index is not None and index < len(steps) else None,
        run=plugin_runs(rollout).get(index) if index is not None else None,
        phase=status.phase,
        message=status.message,
        aborted=rollout.status.abort,
        held=rollout.spec.paused,
        full=rollout.status.promote_full,
        promoted=is_fully_promoted(rollout),
    )


def spoken(step: Step) -> str:
    """A step within a sentence: "plugin a/b", "setWeight 40", "pause"."""
    return step_text(step).replace(": ", " ", 1)


class Decision(msgspec.Struct, frozen=True):
    """A change that was decided on and not yet sent.

    `changes` are sent in their order, each one PATCH. `skips` are the steps passed over, `reasons`
    those of the pauses that are lifted, `terminates` the plugin run whose Terminate will be called,
    `leaves` those that stay Running, `aborts` those whose Abort will be called, in that order.
    `muted` would be called too if argo-rollouts-config did not disable the plugin, or lack it.
    `ends` are the analysis runs and experiments under way that the controller will terminate.
    """

    action: Action
    seen: Seen
    changes: tuple[Change, ...]
    before: Position
    expected: Position
    skips: tuple[StepProgress, ...] = ()
    reasons: tuple[str, ...] = ()
    terminates: PluginRun | None = None
    leaves: tuple[PluginRun, ...] = ()
    aborts: tuple[PluginRun, ...] = ()
    muted: tuple[PluginRun, ...] = ()
    ends: tuple[RunUnderWay, ...] = ()
    notes: tuple[Note, ...] = ()
    restart: Restart | None = None
    """Of a restart: when, and what it takes the place of."""
    undo: Undo | None = None
    """Of an undo: which version comes back, and how it differs."""
    images: Setting | None = None
    """Of a `set image`: which containers, from what to what."""
    keepers: tuple[Keeper, ...] = ()
    """Of a change of the spec: what manages the object and writes this very field."""
    scaling: Scaling | None = None
    """Of a `scale`: from how many pods to how many."""

    @property
    def ref(self) -> Ref:
        return self.seen.ref

    @property
    def asks(self) -> bool:
        """Whether a person has to agree to it each time: it ships something, or takes the only
        pod away."""
        if self.action in (Action.PROMOTE_FULL, Action.UNDO, Action.SET_IMAGE):
            return True
        return not {Note.ONLY_POD, Note.ALL_AT_ONCE, Note.TO_ZERO}.isdisjoint(self.notes)


class NothingToDo(RolloutctlError):
    """What was asked for is so already; nothing was sent."""

    exit_code = ExitCode.OK


class Refused(Conflict):
    """The rollout's state does not allow the action; nothing was sent."""


class NeedsForce(Refused):
    """A full promotion would ship a version that was aborted."""


class NeedsSkip(Refused):
    """Promoting would pass over a step that is not done; `decision` is what would do it."""

    def __init__(self, message: str, *, decision: Decision, subject: str, hint: str) -> None:
        super().__init__(message, subject=subject, hint=hint)
        self.decision = decision


class NotObserved(Conflict):
    """The controller has not yet seen or handled the last change: what is sent now is lost."""


# --- patches ------------------------------------------------------------------------------------


def patch(
    seen: Seen,
    subresource: str,
    *operations: dict[str, Any],
    saw: tuple[str, ...] = (),
) -> Change:
    """One JSON Patch that applies only while what was seen at the pointers `saw` is still so.

    The uid is always among them: a rollout deleted and made anew is another one. An absent value is
    asserted by `test` with null, which holds on a real API server when its parent exists.
    """
    tests: list[dict[str, Any]] = [
        {"op": "test", "path": pointer, "value": seen.at(pointer)}
        for pointer in ("/metadata/uid", *saw)
    ]
    metadata = seen.rollout.metadata
    return Change(
        kind=ROLLOUTS,
        namespace=metadata.namespace,
        name=metadata.name,
        subresource=subresource,
        operations=(*tests, *operations),
    )


def add(pointer: str, value: Any) -> dict[str, Any]:
    """Sets a value, whether or not there was one (its parent must exist)."""
    return {"op": "add", "path": pointer, "value": value}


def remove(pointer: str) -> dict[str, Any]:
    """Removes a value that exists."""
    return {"op": "remove", "path": pointer}


def template_seen(seen: Seen) -> tuple[str, ...]:
    """Pointers whose values change when somebody changes the pod template.

    The generation also changes when the rollout is only scaled; whoever sends the patch decides
    then whether the change still means the same (`changes.same_meaning`).
    """
    pointers = ["/metadata/generation", "/status/currentPodHash", "/status/stableRS"]
    annotation = "/metadata/annotations/" + WORKLOAD_GENERATION.replace("/", "~1")
    if seen.rollout.spec.workload_ref is not None and seen.at(annotation) is not None:
        pointers.append(annotation)
    return tuple(pointers)
