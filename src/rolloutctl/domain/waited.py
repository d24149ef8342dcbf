"""What came of a wait: facts for a view, a document, and the exit code."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from rolloutctl.domain.decision import Position
from rolloutctl.domain.goals import Goal
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import RolloutRow
from rolloutctl.errors import ExitCode, RolloutctlError


class Came(enum.StrEnum):
    """How the wait for one rollout ended."""

    REACHED = "reached"
    UNREACHABLE = "unreachable"
    """What was waited for can no longer come."""
    SUPERSEDED = "superseded"
    """Another version took the place of the one that was waited for."""
    DELETED = "deleted"
    TIMED_OUT = "timed-out"
    LEFT = "left"
    """The wait was over for another one's sake: with --any one was there, with --all one failed."""
    FAILED = "failed"
    """It is not there, or could not be followed."""


class Waited(msgspec.Struct, frozen=True):
    """The end of the wait for one rollout.

    `goal`: the one that was reached. `reason`: why none can be. `row`: the rollout as it was last
    seen. `seconds` since the wait began. `error`: of FAILED.
    """

    ref: Ref
    came: Came
    goal: Goal | None = None
    reason: str = ""
    row: RolloutRow | None = None
    seconds: float = 0.0
    error: RolloutctlError | None = None

    @property
    def exit_code(self) -> ExitCode:
        match self.came:
            case Came.REACHED | Came.LEFT:
                return ExitCode.OK
            case Came.UNREACHABLE:
                return ExitCode.FAILED
            case Came.SUPERSEDED:
                return ExitCode.CONFLICT
            case Came.DELETED:
                return ExitCode.NOT_FOUND
            case Came.TIMED_OUT:
                return ExitCode.TIMEOUT
            case Came.FAILED:
                return self.error.exit_code if self.error is not None else ExitCode.FAILED


class Moved(msgspec.Struct, frozen=True):
    """A rollout went on while it was waited for: where it stands, and stood (None: at the start).

    `stale`: the connection dropped, and nothing is known of the rollout. `problem`: why the
    workload it refers to cannot be read; a change of that may then be missed.
    """

    ref: Ref
    now: Position | None = None
    before: Position | None = None
    stale: bool = False
    problem: str = ""


def exit_code(results: Sequence[Waited], *, one_is_enough: bool = False) -> ExitCode:
    """OK when all (or with `one_is_enough` one) got there; else the code the others share.

    FAILED where they have different ones.
    """
    if one_is_enough and any(item.came is Came.REACHED for item in results):
        return ExitCode.OK
    codes = {item.exit_code for item in results if item.came not in (Came.REACHED, Came.LEFT)}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED
