"""Promote, abort, retry, pause, resume, restart, undo: read, decide, send one change at a time.

`plan` says what would be done, `carry_out` does it. Between the two a person may be asked; the
preconditions in the change hold whatever was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from rolloutctl.actions.waiting import events
from rolloutctl.domain import changes
from rolloutctl.domain.cluster import ROLLOUTS, Cluster
from rolloutctl.domain.decision import Action, Decision, NothingToDo, NotObserved, Refused, Seen
from rolloutctl.domain.differences import Changed, Difference, difference, sentence
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ClusterError, Conflict, NotFound, RolloutctlError, Timeout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

ATTEMPTS = 5
"""How often a change is decided anew when something harmless came in between."""

OBSERVE_TIMEOUT = 60.0
"""Seconds the controller is given to see a new template, if the user says nothing else."""


Check = Callable[[Seen], None]
"""Looks at a rollout that was just read; raises LeftOut when it is not to be touched."""


class LeftOut(NothingToDo):
    """What the rollout was chosen for is no longer so; nothing was sent."""


Configured = Callable[[Cluster], "PluginConfiguration | None"]
"""Reads the plugins' configuration; None where it cannot be read."""


def configuration(cluster: Cluster) -> PluginConfiguration | None:
    """The plugins' configuration as the cluster has it now."""
    from rolloutctl.actions.inspect import plugin_configuration

    found, _ = plugin_configuration(cluster)
    return found


def anything(seen: Seen) -> None:
    """The check that lets every rollout pass."""


def _now() -> datetime:
    return datetime.now(UTC)


def _forget(decision: Decision) -> None:
    """Keeps no record."""


class Intent(msgspec.Struct, frozen=True):
    """What a person asks for: the action, and what they agree to beforehand.

    Of a restart: `at`, or `delay` seconds from now; `replace` one that is set already; `cancel`.
    Of an undo: `to_revision`, None for the one before; `full`: to be promoted in full afterwards.
    `images`: (container, image) to be set. Of a scaling: to `replicas`, where it is `current` now.
    `clock` is this machine's. `record` is told each
    decision that was sent; it raises nothing of the cluster's.
    """

    action: Action
    skip_step: bool = False
    force: bool = False
    resume: bool = False
    at: datetime | None = None
    delay: float = 0.0
    replace: bool = False
    cancel: bool = False
    to_revision: int | None = None
    images: tuple[tuple[str, str], ...] = ()
    full: bool = False
    replicas: int = 0
    current: int | None = None
    clock: Callable[[], datetime] = _now
    record: Callable[[Decision], None] = _forget


class Overtaken(Conflict):
    """Somebody or something changed the rollout meanwhile; `differences` says what."""

    def __init__(
        self, message: str, *, subject: str, hint: str, differences: tuple[Difference, ...]
    ) -> None:
        super().__init__(message, subject=subject, hint=hint)
        self.differences = differences


class HalfDone(RolloutctlError):
    """The first of two changes was sent, the second failed."""

    def __init__(self, message: str, cause: RolloutctlError, *, subject: str, hint: str) -> None:
        super().__init__(message, subject=subject, hint=hint)
        self.exit_code = cause.exit_code


def read(cluster: Cluster, ref: Ref) -> Seen:
    """The rollout as it is. Raises NotFound with near names, ClusterError and its kin."""
    try:
        data = cluster.get_raw(ROLLOUTS, ref.namespace, ref.name)
    except NotFound as error:
        from rolloutctl.actions.inspect import not_found

        raise not_found(cluster, ref) from error
    return _decoded(data, ref)


def decide(
    seen: Seen,
    intent: Intent,
    config: PluginConfiguration | None = None,
    *,
    cluster: Cluster | None = None,
) -> Decision:
    """What `intent` means for a rollout in this state; raises what `domain.changes` raises.

    `config`: the plugins' configuration, if it was read. `cluster` is asked for its time, and for
    what an undo needs besides the rollout; all but restart and undo do without.
    """
    match intent.action:
        case Action.PROMOTE:
            return changes.promote_next(seen, skip_step=intent.skip_step)
        case Action.PROMOTE_FULL:
            return changes.promote_full(seen, force=intent.force, config=config)
        case Action.ABORT:
            return changes.abort(seen, resume=intent.resume, config=config)
        case Action.RETRY:
            return changes.retry(seen)
        case Action.PAUSE:
            return changes.pause(seen)
        case Action.RESUME:
            return changes.resume(seen)
        case Action.RESTART:
            return _restart(cluster, seen, intent)
        case Action.UNDO:
            assert cluster is not None
            return _undo(cluster, seen, intent)
        case Action.SCALE:
            from rolloutctl.domain.scaling import scale

            return scale(seen, intent.replicas, current=intent.current)
        case Action.SET_IMAGE:
            assert cluster is not None
            return _set_image(cluster, seen, intent)


def _restart(cluster: Cluster | None, seen: Seen, intent: Intent) -> Decision:
    from rolloutctl.domain import restarting

    now = _server_time(cluster, intent)
    if intent.cancel:
        return restarting.call_off(seen, now=now)
    at = now + timedelta(seconds=intent.delay) if intent.at is None and intent.delay else intent.at
    return restarting.restart(seen, now=now, at=at, replace=intent.replace)


def _undo(cluster: Cluster, seen: Seen, intent: Intent) -> Decision:
    from rolloutctl.actions import undoing
    from rolloutctl.domain.undoing import undo

    history, unreadable = undoing.history(cluster, seen.rollout)
    return undo(
        seen,
        history,
        undoing.holder(cluster, seen),
        now=_server_time(cluster, intent),
        to_revision=intent.to_revision,
        unreadable=unreadable,
    )


def _set_image(cluster: Cluster, seen: Seen, intent: Intent) -> Decision:
    from rolloutctl.actions import undoing
    from rolloutctl.domain.images import set_images

    return set_images(seen, undoing.holder(cluster, seen), intent.images)


def _server_time(cluster: Cluster | None, intent: Intent) -> datetime:
    """Now, by the clock that the times of pods are of."""
    ahead = 0.0 if cluster is None else cluster.server_time_skew()
    return intent.clock() - timedelta(seconds=ahead)


def plan(
    cluster: Cluster,
    ref: Ref,
    intent: Intent,
    *,
    timeout: float | None = None,
    waiting: Callable[[NotObserved], None] = lambda reason: None,
    check: Check = anything,
    config: Configured | None = None,
) -> Decision:
    """Reads the rollout and decides, waiting until the controller has seen its present template.

    `timeout` in seconds bounds that wait; `waiting` is told once when there is one; `check` sees
    what was read before anything is decided, and may raise LeftOut. `config`: where the
    plugins' configuration comes from, where it counts (`configuration` if nothing is given). Raises
    NothingToDo, Refused and its kinds, NotFound, Timeout, ClusterError and its kin.
    """
    read_config = config or configuration
    try:
        return _decide_now(cluster, ref, intent, check, read_config)
    except NotObserved as reason:
        problem = reason
    waiting(problem)
    limit = OBSERVE_TIMEOUT if timeout is None else timeout
    for event in events(cluster, ref, limit):
        if event.type == "DELETED":
            raise NotFound("it was deleted meanwhile", subject=str(ref))
        if event.object is None:
            continue
        try:
            return _decide_now(cluster, ref, intent, check, read_config)
        except NotObserved as reason:
            problem = reason
    raise Timeout(
        f"nothing was sent: {problem.message}, also not after {limit:.3g} s",
        subject=str(ref),
        hint=problem.hint,
    )


def _decide_now(
    cluster: Cluster, ref: Ref, intent: Intent, check: Check, read_config: Configured
) -> Decision:
    seen = read(cluster, ref)
    check(seen)
    decision = decide(seen, intent, cluster=cluster)
    if decision.aborts or decision.terminates or any(entry.plugin for entry in decision.skips):
        config = read_config(cluster)
        if config is not None:
            return decide(seen, intent, config, cluster=cluster)
    return decision


def carry_out(
    cluster: Cluster,
    decision: Decision,
    intent: Intent,
    *,
    dry_run: bool = False,
    check: Check = anything,
    sent: Callable[[Decision], None] = _forget,
) -> Decision:
    """Sends what was decided; returns the decision that was sent in the end.

    A failed precondition is read again: where the person's intention still holds the change is
    decided anew and sent, a bounded number of times; otherwise Overtaken says what changed.
    `dry_run` lets the server try it and keep nothing; `check` sees what is read again; `sent` is
    told what was done before its record is kept, which may take its time. Raises NothingToDo when
    somebody else did the same meanwhile, HalfDone, and what the cluster raises.
    """
    current = decision
    for _ in range(ATTEMPTS):
        try:
            _send(cluster, current, dry_run=dry_run)
        except Conflict as conflict:
            refusal = conflict
        except HalfDone:
            intent.record(current)
            raise
        else:
            if not dry_run:
                sent(current)
                intent.record(current)
            return current
        current = _again(cluster, decision, intent, refusal, check)
    raise Conflict(
        f"not done: the server refused the change {ATTEMPTS} times ({refusal.message})",
        subject=str(decision.ref),
        hint="look at the rollout, then try again",
    ) from refusal


def _send(cluster: Cluster, decision: Decision, *, dry_run: bool) -> None:
    """All changes of a decision; those after the first stand on their own feet."""
    first, *rest = decision.changes
    cluster.apply(first, dry_run=dry_run)
    for change in rest:
        try:
            cluster.apply(change, dry_run=dry_run)
        except Conflict:
            _unpause_anew(cluster, decision, dry_run=dry_run)
        except RolloutctlError as error:
            raise _half(decision, error) from error


def _unpause_anew(cluster: Cluster, decision: Decision, *, dry_run: bool) -> None:
    """Lifts a hold whose precondition failed: it may just have been lifted by somebody else."""
    try:
        seen = read(cluster, decision.ref)
        if seen.rollout.metadata.uid != decision.seen.rollout.metadata.uid:
            raise NotFound("it was deleted meanwhile", subject=str(decision.ref))
        cluster.apply(changes.resume(seen).changes[0], dry_run=dry_run)
    except (NothingToDo, Refused):
        return
    except RolloutctlError as error:
        raise _half(decision, error) from error


def _half(decision: Decision, error: RolloutctlError) -> HalfDone:
    return HalfDone(
        f"half done: its status was changed, but the hold by a person stays: {error.message}",
        error,
        subject=str(decision.ref),
        hint=("rolloutctl resume lets it go on" + (f"\n{error.hint}" if error.hint else "")),
    )


def _again(
    cluster: Cluster, decided: Decision, intent: Intent, refusal: Conflict, check: Check
) -> Decision:
    """The same intention in the state that is now, or what stands against it."""
    agreed = intent
    if intent.action is Action.PROMOTE and (decided.skips or len(decided.changes) > 1):
        agreed = msgspec.structs.replace(intent, skip_step=True)
    try:
        fresh = plan(cluster, decided.ref, agreed, check=check)
    except LeftOut:
        raise
    except NothingToDo:
        found = difference(decided.seen.rollout, read(cluster, decided.ref).rollout)
        what = {entry.what for entry in found}
        lost = {Changed.RECREATED, Changed.TEMPLATE}
        if intent.action in (Action.ABORT, Action.RETRY):
            lost.add(Changed.PROMOTED)
        if intent.action is not Action.PROMOTE and not what & lost:
            raise
        raise _overtaken(decided, found, refusal) from refusal
    except Conflict:
        found = difference(decided.seen.rollout, read(cluster, decided.ref).rollout)
        raise _overtaken(decided, found, refusal) from refusal
    if not _same_meaning(decided, fresh):
        found = difference(decided.seen.rollout, fresh.seen.rollout)
        raise _overtaken(decided, found, refusal) from refusal
    return fresh


def _same_meaning(decided: Decision, fresh: Decision) -> bool:
    """Whether `fresh` is what the person meant with `decided`."""
    if decided.seen.rollout.metadata.uid != fresh.seen.rollout.metadata.uid:
        return False
    if decided.action is Action.RESTART:
        from rolloutctl.domain.restarting import same_restart

        return same_restart(decided, fresh)
    if decided.action is Action.UNDO:
        from rolloutctl.domain.undoing import same_undo

        return same_undo(decided, fresh)
    if decided.action is Action.SCALE:
        from rolloutctl.domain.scaling import same_scaling

        return same_scaling(decided, fresh)
    if decided.action is Action.SET_IMAGE:
        from rolloutctl.domain.images import same_setting

        return same_setting(decided, fresh)
    return changes.same_meaning(decided, fresh)


_PARTICIPLES = {
    Action.PROMOTE: "promoted",
    Action.PROMOTE_FULL: "promoted",
    Action.ABORT: "aborted",
    Action.RETRY: "retried",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.RESTART: "restarted",
    Action.UNDO: "undone",
    Action.SET_IMAGE: "set",
    Action.SCALE: "scaled",
}


def _overtaken(
    decision: Decision, found: tuple[Difference, ...], refusal: Conflict
) -> RolloutctlError:
    done = _PARTICIPLES[decision.action]
    meanwhile = "; ".join(sentence(entry) for entry in found)
    changed = decision.undo or decision.images
    if not meanwhile and changed is not None and changed.workload:
        # Nothing of the rollout itself: it was the workload the patch went to.
        meanwhile = f"the pod template of {changed.workload} was changed"
    meanwhile = meanwhile or refusal.message
    return Overtaken(
        f"not {done}: meanwhile {meanwhile}",
        subject=str(decision.ref),
        hint=f"rolloutctl get {decision.ref.name} -n {decision.ref.namespace}"
        " shows where it is now",
        differences=found,
    )


def _decoded(data: bytes, ref: Ref) -> Seen:
    try:
        return Seen.read(data)
    except msgspec.DecodeError as error:
        raise ClusterError(
            f"it does not have the form of a rollout: {error}", subject=str(ref)
        ) from error
