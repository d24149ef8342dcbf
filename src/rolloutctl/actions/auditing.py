"""Leaves an Event behind for each change: who made it, by what, from where to where, and why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from rolloutctl.domain.audit import Audit, Regarding, event
from rolloutctl.domain.cluster import EVENTS, IDENTITY_REVIEWS, Cluster
from rolloutctl.domain.decision import Action, Decision, Position, spoken
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.wire import Wire
from rolloutctl.errors import Conflict, Failed, RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.ending_runs import RunDecision

_NAMES = 5
"""Names an Event is tried under."""


class _UserInfo(Wire):
    username: str = ""


class _ReviewStatus(Wire):
    user_info: _UserInfo = msgspec.field(default_factory=_UserInfo)


class _Review(Wire):
    status: _ReviewStatus = msgspec.field(default_factory=_ReviewStatus)


def _now() -> datetime:
    return datetime.now(UTC)


class Recorder:
    """Writes Events, as well as it may: no change is held back or undone for want of one.

    After the first Event that cannot be written no other is tried in that namespace; `problem` is
    the first reason. Several threads may use one.
    """

    def __init__(
        self, cluster: Cluster, *, reason: str = "", clock: Callable[[], datetime] = _now
    ) -> None:
        self.problem: RolloutctlError | None = None
        self._cluster = cluster
        self._reason = reason
        self._clock = clock
        self._lock = threading.Lock()
        self._by: str | None = None
        self._given_up: set[str] = set()
        """Namespaces."""

    @property
    def silent(self) -> list[str]:
        """The namespaces in which no Event could be written."""
        return sorted(self._given_up)

    def changed(self, decision: Decision) -> None:
        """Records a change of a rollout that was sent. Raises nothing of the cluster's."""
        metadata = decision.seen.rollout.metadata
        about = Regarding("argoproj.io/v1alpha1", "Rollout", decision.ref, metadata.uid)
        before, after = moved(decision)
        self.record(about, str(decision.action), before, after)

    def ended(self, decision: RunDecision) -> None:
        """Records that a run was ended, or started anew. Raises nothing of the cluster's."""
        about = Regarding("argoproj.io/v1alpha1", decision.kind.kind, decision.ref, decision.uid)
        self.record(about, str(decision.action), decision.phase)

    def record(self, about: Regarding, action: str, before: str = "", after: str = "") -> None:
        """Records a change of any object. Raises nothing of the cluster's."""
        namespace = about.ref.namespace
        if namespace in self._given_up:
            return
        try:
            self._write(about, Audit(action, self._caller(), self._reason, before, after))
        except Exception as error:
            # The change was made: whatever becomes of its Event is no failure of it.
            with self._lock:
                self._given_up.add(namespace)
                if self.problem is None:
                    self.problem = _told(error)

    def _write(self, about: Regarding, audit: Audit) -> None:
        now = self._clock() - timedelta(seconds=self._cluster.server_time_skew())
        for attempt in range(_NAMES):
            written = event(about, audit, now=now + timedelta(microseconds=attempt))
            try:
                self._cluster.create(EVENTS, about.ref.namespace, written)
            except Conflict:
                # Somebody recorded something of the same object in the same microsecond.
                if attempt + 1 == _NAMES:
                    raise
            else:
                return

    def _caller(self) -> str:
        """Whom the API server takes the caller for; "" where it does not say (before 1.28)."""
        with self._lock:
            if self._by is None:
                self._by = caller(self._cluster)
            return self._by


def _told(error: Exception) -> RolloutctlError:
    if isinstance(error, RolloutctlError):
        return error
    return Failed(f"{type(error).__name__}: {error}")


def caller(cluster: Cluster) -> str:
    """The user the API server knows the caller as, "" where it does not say. Raises nothing."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = cluster.create(IDENTITY_REVIEWS, "", asked)
        found: _Review = decoder(_Review).decode(answer)
    except (RolloutctlError, msgspec.DecodeError):
        return ""
    return found.status.user_info.username


def moved(decision: Decision) -> tuple[str, str]:
    """From where to where a change goes, as an Event says it."""
    if decision.undo is not None:
        target = decision.undo.target
        old = f"revision {decision.undo.revision}" if decision.undo.revision else ""
        return old, f"revision {target.number}"
    if decision.images is not None:
        changes = decision.images.changes
        old = ", ".join(dict.fromkeys(one.before for one in changes))
        return old, ", ".join(dict.fromkeys(one.after for one in changes))
    if decision.scaling is not None:
        return f"{decision.scaling.before} pods", f"{decision.scaling.after} pods"
    before, after = decision.before, decision.expected
    match decision.action:
        case Action.PROMOTE_FULL:
            return _place(before), "promoted in full"
        case Action.ABORT:
            return _place(before), "aborted"
        case Action.RETRY:
            return "aborted", _place(after)
        case Action.RESTART:
            at = decision.restart.at if decision.restart is not None else None
            return "", f"at {at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else ""
        case Action.PAUSE | Action.RESUME:
            return _place(before), ""
    return _place(before), _place(after)


def _place(where: Position) -> str:
    if where.index is None:
        return ""
    if where.step is None:
        return f"all {where.count} steps"
    return f"step {where.index + 1}/{where.count} ({spoken(where.step)})"
