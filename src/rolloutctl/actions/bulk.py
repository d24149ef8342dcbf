"""The same action on many rollouts: planned together, sent a bounded number at a time.

Each one goes through `actions.promotion`: read, decided, sent with preconditions. Results are told
as they come, by the thread that called; what is under way when somebody stops it is waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from rolloutctl.actions import promotion
from rolloutctl.actions.crew import Crew, Done
from rolloutctl.actions.promotion import Check, Intent
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Decision, NothingToDo, NotObserved
from rolloutctl.domain.plugin_config import PluginConfiguration
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Did, Result
from rolloutctl.errors import Failed, InDoubt, RolloutctlError

AT_ONCE = 8
"""Requests in flight if nobody says otherwise."""

MOST_AT_ONCE = 64

PATIENCE = 10.0
"""Seconds that requests in flight are waited for when it was stopped."""

_LEAST_WAIT = 1.0
"""Seconds each rollout has for that at least: those read last are not given up unseen."""

Clock = Callable[[], float]


class Pace(msgspec.Struct, frozen=True):
    """How fast: `at_once` in flight, in batches of `batch` (0: all in one) with `rest` seconds
    between them; `stop_on_failure`: nothing more is begun after the first failure."""

    at_once: int = AT_ONCE
    batch: int = 0
    rest: float = 0.0
    stop_on_failure: bool = False


class Planned(msgspec.Struct, frozen=True):
    """What would be done with one rollout, or why nothing (then `decision` is None)."""

    ref: Ref
    decision: Decision | None = None
    error: RolloutctlError | None = None


def plan_all(
    cluster: Cluster,
    refs: Iterable[Ref],
    intent: Intent,
    *,
    at_once: int = AT_ONCE,
    timeout: float | None = None,
    checks: Mapping[Ref, Check] | None = None,
    waiting: Callable[[Ref, NotObserved], None] = lambda ref, reason: None,
    progress: Callable[[int], None] = lambda done: None,
    clock: Clock = time.monotonic,
) -> list[Planned]:
    """Reads and decides for each rollout, each once, in the order given. Nothing is sent.

    `timeout` in seconds, else `promotion.OBSERVE_TIMEOUT`, is how long all of them together wait
    for the controller to see their templates. `waiting` and `progress` (how many are done) are
    called in this thread. Raises nothing of the cluster's.
    """
    wanted = list(dict.fromkeys(refs))
    known = checks or {}

    def one(ref: Ref) -> Decision:
        def wait(reason: NotObserved) -> None:
            crew.tell(lambda: waiting(ref, reason))

        check = known.get(ref, promotion.anything)
        limit = max(min(_LEAST_WAIT, wait_for), deadline - clock())
        decision = promotion.plan(
            cluster, ref, intent, timeout=limit, waiting=wait, check=check, config=config
        )
        return _slim(decision)

    config = _once(promotion.configuration)
    wait_for = promotion.OBSERVE_TIMEOUT if timeout is None else timeout
    deadline = clock() + wait_for
    crew: Crew[Ref, Decision] = Crew(one, at_once)
    found: dict[Ref, Planned] = {}
    queue = iter(wanted)
    left = len(wanted)
    try:
        while left:
            while crew.free and (ref := next(queue, None)) is not None:
                crew.begin(ref)
            done = crew.take()
            if done is None:
                continue
            left -= 1
            error = None if done.error is None else _told(done.error)
            found[done.item] = Planned(done.item, done.result, error)
            progress(len(found))
    finally:
        crew.close()
    return [found[ref] for ref in wanted]


def _once(read: promotion.Configured) -> promotion.Configured:
    """`read`, asked once for all rollouts: they have one configuration of plugins."""
    lock = threading.Lock()
    found: list[PluginConfiguration | None] = []

    def remembered(cluster: Cluster) -> PluginConfiguration | None:
        with lock:
            if not found:
                found.append(read(cluster))
            return found[0]

    return remembered


def _slim(decision: Decision) -> Decision:
    """The decision with only what it touches of the object as sent: a fleet's are ten times that.

    What is left is what `same_meaning` compares, the preconditions name, and a dry run shows.
    """
    seen = decision.seen
    touched = (one["path"] for change in decision.changes for one in change.operations)
    raw: dict[str, Any] = {}
    for pointer in ("/status/pauseConditions", *touched):
        value = seen.at(pointer)
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in _parts(pointer))
        place = raw
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is not None:
            place[last] = value
    return msgspec.structs.replace(decision, seen=msgspec.structs.replace(seen, raw=raw))


def _parts(pointer: str) -> list[str]:
    return pointer.split("/")[1:]


def _told(error: BaseException) -> RolloutctlError:
    """The error for a person. Raises what is none of ours and no Exception either."""
    if isinstance(error, RolloutctlError):
        return error
    if not isinstance(error, Exception):
        raise error
    return Failed(f"internal error: {type(error).__name__}: {error}")


class Sending:
    """Sends decisions, each at most once; `stop` may be called from anywhere.

    `report` is told each result once, in this order: as they come, and at the end those that were
    not begun. `settle` is given the results of each batch and says whether the next may begin.
    `begins` is told the number of each batch (from 1), and of how many; `waits`, when it was
    stopped, how many answers are waited for.
    """

    def __init__(
        self,
        cluster: Cluster,
        decisions: Iterable[Decision],
        intent: Intent,
        pace: Pace,
        *,
        checks: Mapping[Ref, Check] | None = None,
        dry_run: bool = False,
        report: Callable[[Result], None] = lambda result: None,
        settle: Callable[[list[Result]], bool] = lambda results: True,
        begins: Callable[[int, int], None] = lambda number, count: None,
        waits: Callable[[int], None] = lambda count: None,
        clock: Clock = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self.cluster = cluster
        self.decisions = {decision.ref: decision for decision in decisions}
        self.intent = intent
        self.pace = pace
        self.checks = checks or {}
        self.dry_run = dry_run
        self.report = report
        self.settle = settle
        self.begins = begins
        self.waits = waits
        self.clock = clock
        self.patience = patience
        self.results: dict[Ref, Result] = {}
        self.failed = False
        self.begun: set[Ref] = set()
        """Those that were handed out and have no result yet."""
        self._made: dict[Ref, Result] = {}
        """Changes that were made; of some the record is still being kept."""
        # Plain flags: a signal handler may be interrupted by another while it sets them.
        self._stopped = False
        self._given_up = False
        self._crew: Crew[Decision, Result] = Crew(self._send, pace.at_once)

    # --- stopping ------------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it."""
        return self._stopped

    @property
    def in_flight(self) -> int:
        """How many were sent and have no answer yet."""
        return self._crew.busy

    def stop(self, *, at_once: bool = False) -> None:
        """Begins nothing more; `at_once`: does not wait for what is in flight either."""
        self._stopped = True
        self._given_up = self._given_up or at_once
        self._crew.wake()

    # --- sending -------------------------------------------------------------------------------

    def run(self) -> list[Result]:
        """Sends all that may be sent; a result for every decision, in their order."""
        try:
            try:
                self._batches()
            except KeyboardInterrupt:
                self.stop()
                self._wait_for_answers()
        finally:
            self._crew.close()
            self._account()
        return [self.results[ref] for ref in self.decisions]

    def _batches(self) -> None:
        wanted = list(self.decisions.values())
        size = self.pace.batch or max(1, len(wanted))
        batches = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        for number, batch in enumerate(batches, 1):
            if number > 1:
                self._rest()
            if self._ended():
                return
            self.begins(number, len(batches))
            self._batch(batch)
            if self.stopped:
                return
            sent = [self.results[one.ref] for one in batch if one.ref in self.results]
            if not self.settle(sent):
                return

    def _ended(self) -> bool:
        return self.stopped or (self.failed and self.pace.stop_on_failure)

    def _rest(self) -> None:
        """The time between two batches, or until somebody stops it."""
        end = self.clock() + self.pace.rest
        while not self._ended() and (left := end - self.clock()) > 0:
            self._take(left)

    def _batch(self, batch: Sequence[Decision]) -> None:
        queue = iter(batch)
        while True:
            while not self._ended() and self._crew.free:
                decision = next(queue, None)
                if decision is None:
                    break
                self.begun.add(decision.ref)
                self._crew.begin(decision)
            if not self._crew.busy:
                return
            if self.stopped:
                self._wait_for_answers()
                return
            self._take(None)

    def _wait_for_answers(self) -> None:
        end = self.clock() + self.patience
        if self._crew.busy:
            self.waits(self._crew.busy)
        while self._crew.busy and not self._given_up and (left := end - self.clock()) > 0:
            self._take(left)

    def _take(self, timeout: float | None) -> None:
        done = self._crew.take(timeout)
        if done is not None:
            self._keep(_result(self.intent, done))

    def _keep(self, result: Result) -> None:
        if result.ref in self.results:
            return
        self.results[result.ref] = result
        self.failed = self.failed or result.did in (Did.FAILED, Did.UNKNOWN)
        self.begun.discard(result.ref)
        self.report(result)

    def _account(self) -> None:
        """Says of the rest that it was not begun, or that its answer did not come."""
        for ref, decision in self.decisions.items():
            if ref in self.results:
                continue
            if ref in self._made:
                self._keep(self._made[ref])
            elif ref in self.begun:
                late = InDoubt(
                    "stopped before the answer came: whether it was done is not known",
                    subject=str(ref),
                    hint="look at it before trying again",
                )
                self._keep(Result(ref, self.intent.action, Did.UNKNOWN, decision, late))
            else:
                self._keep(Result(ref, self.intent.action, Did.NOT_DONE, decision))

    def _send(self, decision: Decision) -> Result:
        """One rollout, in a thread of the crew."""
        ref, action = decision.ref, self.intent.action
        check = self.checks.get(ref, promotion.anything)

        def made(sent: Decision) -> None:
            self._made[ref] = Result(ref, action, Did.CHANGED, sent)

        try:
            if check is not promotion.anything:
                check(promotion.read(self.cluster, ref))
            sent = promotion.carry_out(
                self.cluster, decision, self.intent, dry_run=self.dry_run, check=check, sent=made
            )
        except NothingToDo as nothing:
            return Result(ref, action, Did.NOTHING, error=nothing)
        except RolloutctlError as error:
            unknown = isinstance(error, InDoubt) or isinstance(error.__cause__, InDoubt)
            did = Did.UNKNOWN if unknown and not self.dry_run else Did.FAILED
            return Result(ref, action, did, decision, error)
        if self.dry_run:
            return Result(ref, action, Did.TRIED, sent, server=True)
        return Result(ref, action, Did.CHANGED, sent)


def _result(intent: Intent, done: Done[Decision, Result]) -> Result:
    if done.result is not None:
        return done.result
    assert done.error is not None
    # A fault of our own, and nobody knows whether before or after it was sent.
    decision = done.item
    return Result(decision.ref, intent.action, Did.UNKNOWN, decision, _told(done.error))
