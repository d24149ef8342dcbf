"""A group of rollouts that moves step by step together: where each stands, who is next."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from msgspec import Struct

from rolloutctl.domain.decision import Action, Decision, Position, position
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting, is_fully_promoted, is_observed, status_of
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import RolloutctlError


class Standing(enum.StrEnum):
    """Where a member stands, as far as the group is concerned."""

    IDLE = "idle"
    """No update was under way when the group set out: it takes no part."""
    MOVING = "moving"
    """The controller is at work: pods, weights, plugins, analyses, timed pauses."""
    WAITING = "waiting"
    """It waits for its promotion."""
    HELD = "held"
    """A person holds it, or has to judge an inconclusive analysis: the group waits for them."""
    DONE = "done"
    """Its new version is the stable one and healthy."""
    FAILED = "failed"
    """It is degraded, or was aborted."""
    LEFT = "left"
    """It was deleted, lost the group's label, or rolls out another version."""


ENDED = frozenset({Standing.IDLE, Standing.DONE})
BROKEN = frozenset({Standing.FAILED, Standing.LEFT})


class Member(Struct, frozen=True):
    """One rollout of a group: as it was when the group set out, and now (None: it is gone)."""

    first: Rollout
    now: Rollout | None
    sent: Decision | None = None
    """The promotion sent to it last."""

    @property
    def ref(self) -> Ref:
        return Ref(self.first.metadata.namespace, self.first.metadata.name)

    @property
    def place(self) -> Position:
        return position(self.now or self.first)

    @property
    def standing(self) -> Standing:
        return standing(self)


class Came(enum.StrEnum):
    """How a group's way ended."""

    DONE = "done"
    """All have their new version."""
    AT_REST = "at-rest"
    """One round was asked for, and all have come to their next rest."""
    ABORTED = "aborted"
    """One failed, and the others were aborted."""
    STOPPED = "stopped"
    """A promotion was refused or not answered; nothing was aborted."""
    TIMED_OUT = "timed-out"
    """Nothing was aborted."""


class Sent(Struct, frozen=True):
    """What was sent to a member and what became of it; `error` is None when it was accepted."""

    ref: Ref
    action: Action
    decision: Decision | None = None
    error: RolloutctlError | None = None


class Outcome(Struct, frozen=True):
    """How it ended, every member as it was last, and what was sent, in order.

    `failed` are those whose failure ended it; `rounds` counts the promotions all took part in.
    """

    came: Came
    members: tuple[Member, ...]
    sent: tuple[Sent, ...] = ()
    failed: tuple[Member, ...] = ()
    rounds: int = 0


class Watching(Struct, frozen=True):
    """What the group is told to whoever follows it: a member whose standing or place changed."""

    member: Member
    before: Standing | None = None


def standing(member: Member) -> Standing:
    """Where a member stands. A promotion that was sent holds until it shows in what is read."""
    first, now = member.first, member.now
    if now is None or now.metadata.uid != first.metadata.uid:
        return Standing.LEFT
    idle = is_fully_promoted(first) and is_observed(first)
    same = now.status.current_pod_hash == first.status.current_pod_hash
    if not is_observed(now):
        # A new template is no business of this group; scaling and the like pass.
        return Standing.IDLE if idle else Standing.MOVING
    if not same:
        # Before the controller saw it, the version under way had no hash yet.
        if is_observed(first):
            return Standing.LEFT
    elif idle:
        return Standing.IDLE
    status = status_of(now)
    if now.status.abort or (status.phase == "Degraded" and not status.promoting_fully):
        return Standing.FAILED
    if is_fully_promoted(now):
        return Standing.DONE if status.phase == "Healthy" else Standing.MOVING
    if member.sent is not None and not _shows(member.sent, now):
        return Standing.MOVING
    if status.awaiting is Awaiting.PROMOTION:
        return Standing.WAITING
    return Standing.MOVING if status.awaiting is None else Standing.HELD


def due(members: Iterable[Member]) -> tuple[Member, ...]:
    """Who is promoted next: of all at rest those furthest behind; nobody while one is on its way.

    So nobody is promoted past a step that another has not reached. Blue-green rollouts, whose
    promotion moves all traffic at once, come after all canaries.
    """
    taking_part = [member for member in members if member.standing not in ENDED]
    if any(member.standing is not Standing.WAITING for member in taking_part):
        return ()
    last = min((_rank(member) for member in taking_part), default=(0, 0))
    return tuple(member for member in taking_part if _rank(member) == last)


def broken(members: Iterable[Member]) -> tuple[Member, ...]:
    """Those whose failure ends the group's way."""
    return tuple(member for member in members if member.standing in BROKEN)


def to_abort(members: Iterable[Member]) -> tuple[Member, ...]:
    """Whose update an abort can still stop, when another has failed."""
    return tuple(
        member
        for member in members
        if member.now is not None
        and member.standing not in ENDED | {Standing.LEFT}
        and not member.now.status.abort
        and not is_fully_promoted(member.now)
    )


def _rank(member: Member) -> tuple[int, int]:
    index = member.place.index
    return (1, 0) if index is None else (0, index)


def _shows(sent: Decision, now: Rollout) -> bool:
    """Whether the promotion shows in `now`: it is past that step, or at another pause of it."""
    before = sent.seen.rollout
    if position(now).index != sent.before.index:
        return True
    return (
        not now.status.controller_pause
        and now.status.pause_conditions != before.status.pause_conditions
    )
