"""What came of a change: facts for a view, a document, and the exit code."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from rolloutctl.domain.decision import Action, Decision, Position
from rolloutctl.domain.endings import End, Ending
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode, RolloutctlError


class Did(enum.StrEnum):
    """What was done with one object."""

    CHANGED = "changed"
    NOTHING = "nothing"
    """It was so already."""
    TRIED = "tried"
    """Only tried (--dry-run)."""
    DECLINED = "declined"
    """The person said no."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was sent and no answer came: it may or may not have been done."""
    NOT_DONE = "not-done"
    """It was not begun: the command was interrupted, or stopped at a failure."""


class What(enum.StrEnum):
    """What happened while a change took effect."""

    STEP = "step"
    PHASE = "phase"
    PLUGIN = "plugin"
    ABORT_CALL = "abort-call"
    TERMINATE_CALL = "terminate-call"
    PODS = "pods"
    STALE = "stale"
    """The connection dropped; it heals by itself."""


class Happened(msgspec.Struct, frozen=True):
    """One thing that happened; `run` for the plugin kinds, `updated` of `desired` for PODS."""

    ref: Ref
    what: What
    now: Position | None = None
    run: PluginRun | None = None
    updated: int = 0
    desired: int = 0


class Followed(msgspec.Struct, frozen=True):
    """What was seen of a change until its end.

    `aborted` and `terminated` are the plugin runs whose Abort or Terminate was called since, in the
    order the controller called them; their outcome is in `run.abort`, `run.terminate`.
    """

    ending: Ending
    aborted: tuple[PluginRun, ...] = ()
    terminated: tuple[PluginRun, ...] = ()
    seconds: float = 0.0


class Result(msgspec.Struct, frozen=True):
    """What became of the request for one rollout."""

    ref: Ref
    action: Action
    did: Did
    decision: Decision | None = None
    error: RolloutctlError | None = None
    """Of FAILED, UNKNOWN and NOTHING; of CHANGED: why it could not be followed to its end."""
    followed: Followed | None = None
    server: bool = False
    """Of TRIED: whether the server tried it too."""
    then: Decision | None = None
    """Of an undo --full: the promotion in full that followed, None where none was needed."""
    finished: bool = False
    """Of an undo --full: that is settled, one way or the other."""

    @property
    def exit_code(self) -> ExitCode:
        if self.did in (Did.FAILED, Did.UNKNOWN):
            return self.error.exit_code if self.error is not None else ExitCode.FAILED
        if self.did in (Did.DECLINED, Did.NOT_DONE):
            return ExitCode.FAILED
        if self.did is Did.CHANGED and self.error is not None:
            return self.error.exit_code
        if self.followed is None:
            return ExitCode.OK
        return _of_ending(self.action, self.followed.ending.end)


def _of_ending(action: Action, end: End) -> ExitCode:
    match end:
        case End.HEALTHY | End.WAITING | End.RESTARTED | End.SCALED:
            return ExitCode.OK
        case End.HELD:
            return ExitCode.OK if action is Action.PAUSE else ExitCode.FAILED
        case End.ABORTED:
            return ExitCode.OK if action is Action.ABORT else ExitCode.FAILED
        case End.DEGRADED:
            return ExitCode.FAILED
        case End.SUPERSEDED | End.UNDONE:
            return ExitCode.CONFLICT
        case End.DELETED:
            return ExitCode.NOT_FOUND
        case End.TIMED_OUT:
            return ExitCode.TIMEOUT


def exit_code(results: Sequence[Result]) -> ExitCode:
    """OK if all are; the code they share if all failed alike; otherwise FAILED."""
    codes = {result.exit_code for result in results}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
