"""What became of each version of a rollout, as far as the cluster still tells.

It is put together from the ReplicaSets there are, the events about the rollout (which most clusters
drop after an hour) and the analysis runs. What nothing tells is not guessed.

Source: argo-rollouts, utils/record and section "Conditions and events" (what events say).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from rolloutctl.domain.audit import Audit
from rolloutctl.domain.facts import AnalysisFacts
from rolloutctl.domain.failure import cause
from rolloutctl.domain.happenings import Happening
from rolloutctl.domain.revisions import Revision, images_of
from rolloutctl.domain.status import is_fully_promoted, is_observed
from rolloutctl.domain.steps import current_index, steps_of
from rolloutctl.domain.wire import Rollout

_UPDATED = re.compile(r"Rollout updated to revision (\d{1,18})", re.ASCII)
_COMPLETED = re.compile(
    r"Rollout completed update to revision (\d{1,18}) \([^)]*\): (.*)", re.ASCII | re.DOTALL
)
_ABORTED = re.compile(
    r"Rollout aborted update to revision (\d{1,18})(?:: (.*))?", re.ASCII | re.DOTALL
)
_STEP = re.compile(r"Rollout step (\d{1,5})/(\d{1,5}) completed", re.ASCII)
_FULL = "Full promotion requested"
_INITIAL = "Initial deploy"
_BACK = frozenset({"Rollback within window", "Fast rollback"})


class Outcome(enum.StrEnum):
    """How a version ended, or how far it has come."""

    INITIAL = "initial"
    """The first version: it runs no steps."""
    PROMOTED = "promoted"
    PROMOTED_IN_FULL = "promoted-in-full"
    ROLLED_BACK = "rolled-back"
    """An earlier version that came back without steps."""
    STABLE = "stable"
    """It is the stable version; how it became that is not told any more."""
    ABORTED = "aborted"
    UNDER_WAY = "under-way"
    SUPERSEDED = "superseded"
    """Another version came before it was promoted."""
    UNKNOWN = "unknown"


class ImageChange(msgspec.Struct, frozen=True):
    """One container's image against the version before; `before` is "" for a new container."""

    container: str
    before: str
    after: str


class Version(msgspec.Struct, frozen=True):
    """One revision and what is known of it.

    `changes` are against the revision below it in the history, all images for the last one. `made`:
    the change by this tool that brought it; `cause`: `kubernetes.io/change-cause`; `writer`: the
    program that wrote the present template, as managedFields have it. `started` and `ended` from
    events, None where they are gone. `detail`: why it was aborted. `stopped`: the abort, or the
    promotion in full, by this tool. `done` of `steps` steps, None where it is not known.
    """

    revision: Revision
    changes: tuple[ImageChange, ...] = ()
    outcome: Outcome = Outcome.UNKNOWN
    detail: str = ""
    made: Audit | None = None
    cause: str = ""
    writer: str = ""
    stopped: Audit | None = None
    started: datetime | None = None
    ended: datetime | None = None
    done: int | None = None
    steps: int | None = None
    runs: tuple[AnalysisFacts, ...] = ()

    @property
    def took(self) -> timedelta | None:
        """From the change to the end, where both are known."""
        if self.started is None or self.ended is None or self.ended < self.started:
            return None
        return self.ended - self.started


class _Story:
    """What the events tell of one revision."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.detail = ""
        self.made: Audit | None = None
        self.stopped: Audit | None = None
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.done: int | None = None
        self.steps: int | None = None


_BRINGS = frozenset({"undo", "set-image"})
_STOPS = frozenset({"abort", "promote-full"})


def versions(
    rollout: Rollout,
    history: Sequence[Revision],
    happenings: Iterable[Happening] = (),
    runs: Iterable[AnalysisFacts] = (),
    *,
    writer: str = "",
) -> tuple[Version, ...]:
    """The versions of `history` (newest first) with what events and runs tell of them.

    `happenings` are those about the rollout itself, oldest first.
    """
    events = list(happenings)
    stories = _stories(events)
    audits = [event.audit for event in events if event.audit is not None]
    analyses = list(runs)
    result = []
    for index, revision in enumerate(history):
        older = history[index + 1] if index + 1 < len(history) else None
        story = stories.get(revision.number, _Story())
        outcome, detail = _outcome(rollout, revision, story, newest=index == 0)
        present = revision.hash == rollout.status.current_pod_hash
        if present and story.done is None and outcome is Outcome.UNDER_WAY:
            story.done, story.steps = current_index(rollout), len(steps_of(rollout))
        if story.made is None:
            story.made = _brought(revision, audits)
        if present and outcome is Outcome.ABORTED and story.stopped is None:
            story.stopped = _aborted(rollout, audits)
        result.append(
            Version(
                revision=revision,
                changes=tuple(_changes(older, revision)),
                outcome=outcome,
                detail=detail,
                made=story.made,
                cause=revision.change_cause,
                writer=writer if index == 0 else "",
                stopped=story.stopped,
                started=story.started,
                ended=story.ended,
                done=story.done,
                steps=story.steps,
                runs=tuple(run for run in analyses if run.revision == revision.number),
            )
        )
    return tuple(result)


_SOON = timedelta(seconds=60)
_TOGETHER = timedelta(seconds=10)


def _brought(revision: Revision, audits: Sequence[Audit]) -> Audit | None:
    """The change of images that made it, where the controller's event is gone or never came.

    (About one object a controller's recorder writes some 25 events, and then one each 5 minutes.)
    """
    images = {image for _, image in revision.images}
    for audit in audits:
        if audit.action != "set-image" or audit.at is None or revision.created is None:
            continue
        after = {text for text in audit.after.split(", ") if text}
        if (
            after
            and after <= images
            and audit.at - _TOGETHER <= revision.created <= audit.at + _SOON
        ):
            return audit
    return None


def _aborted(rollout: Rollout, audits: Sequence[Audit]) -> Audit | None:
    """The abort by this tool that the controller carried out when it aborted."""
    at = rollout.status.aborted_at
    for audit in reversed(audits):
        if audit.action == "abort" and audit.at is not None and at is not None:
            return audit if abs(at - audit.at) <= _TOGETHER else None
    return None


def _stories(happenings: Iterable[Happening]) -> dict[int, _Story]:
    found: dict[int, _Story] = {}
    current: int | None = None
    brought: Audit | None = None
    for event in happenings:
        audit = event.audit
        if audit is not None:
            if audit.action in _BRINGS:
                brought = audit
            elif audit.action in _STOPS and current is not None:
                found[current].stopped = audit
            elif audit.action == "retry" and current is not None:
                found[current].outcome = None
            continue
        named = _UPDATED.fullmatch(event.message) if event.reason == "RolloutUpdated" else None
        if named is not None:
            previous, current = current, int(named[1])
            story = found.setdefault(current, _Story())
            story.started, story.made, brought = event.at, brought, None
            if previous is not None and previous != current and found[previous].outcome is None:
                found[previous].outcome = Outcome.SUPERSEDED
                found[previous].ended = event.at
            continue
        current = _ended(event, found, current)
    return found


def _ended(event: Happening, found: dict[int, _Story], current: int | None) -> int | None:
    """Takes in an event about how far a revision has come; which one it is about."""
    match event.reason:
        case "RolloutCompleted" if named := _COMPLETED.fullmatch(event.message):
            current = int(named[1])
            story = found.setdefault(current, _Story())
            story.outcome, story.ended = _promoted(named[2]), event.at
            return None  # steps that follow are of another one
        case "RolloutAborted" if named := _ABORTED.fullmatch(event.message):
            current = int(named[1])
            story = found.setdefault(current, _Story())
            story.outcome, story.detail = Outcome.ABORTED, named[2] or ""
            story.ended = event.at
        case "RolloutStepCompleted" if (step := _STEP.match(event.message)) and current is not None:
            story = found[current]
            story.done, story.steps = int(step[1]), int(step[2])
            if story.outcome is Outcome.ABORTED:
                story.outcome, story.detail, story.ended = None, "", None  # it was retried
    return current


def _promoted(reason: str) -> Outcome:
    if reason == _INITIAL:
        return Outcome.INITIAL
    if reason == _FULL:
        return Outcome.PROMOTED_IN_FULL
    return Outcome.ROLLED_BACK if reason in _BACK else Outcome.PROMOTED


def _outcome(
    rollout: Rollout, revision: Revision, story: _Story, *, newest: bool
) -> tuple[Outcome, str]:
    """What the rollout itself says of its present version wins over older events."""
    status = rollout.status
    seen = is_observed(rollout)
    if revision.hash and revision.hash == status.current_pod_hash and seen:
        if is_fully_promoted(rollout):
            told = story.outcome
            good = told is not None and told not in (Outcome.ABORTED, Outcome.SUPERSEDED)
            return (told if good and told is not None else Outcome.STABLE), ""
        if status.abort:
            return Outcome.ABORTED, story.detail or cause(rollout)
        return Outcome.UNDER_WAY, ""
    if story.outcome is not None:
        return story.outcome, story.detail
    if revision.hash and revision.hash == status.stable_rs:
        return Outcome.STABLE, ""
    return Outcome.UNKNOWN, ""


def _changes(older: Revision | None, revision: Revision) -> Iterator[ImageChange]:
    before = dict(images_of(older.template)) if older is not None else {}
    for container, image in revision.images:
        if before.get(container) != image:
            yield ImageChange(container, before.get(container, ""), image)
