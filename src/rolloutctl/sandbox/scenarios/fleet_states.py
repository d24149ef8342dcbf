"""The strategies of a made-up fleet and the states its rollouts are in.

Of 40 rollouts 33 are canaries with steps, 6 are blue-green, one is a canary without steps; together
they have 3.5 steps a rollout. Of 100, about 94 are Healthy, 2 wait for a person, 2 are on their way
and 2 are Degraded, by causes that fit their strategy.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

Json = dict[str, Any]

REVISION = "rollout.argoproj.io/revision"
GATE, SMOKE, LOAD = "demo/jenkins-gate", "team/smoke-test", "team/load-test"


class Shape(NamedTuple):
    """A strategy. `gate` is the 0-based index of the step a person is waited for at, None: no such
    step; `busy` that of a step that takes its time; `failure` what it is aborted for ("": by a
    person), with `{set}` for the name of the new ReplicaSet."""

    name: str
    strategy: Json
    gate: int | None
    busy: int | None
    failure: str

    @property
    def steps(self) -> list[Json]:
        found: list[Json] = self.strategy.get("canary", {}).get("steps", [])
        return found


def _weight(value: int) -> Json:
    return {"setWeight": value}


def _pause(duration: str | None = None) -> Json:
    return {"pause": {"duration": duration} if duration else {}}


def _plugin(name: str, **config: str) -> Json:
    return {"plugin": {"name": name, "config": config}}


def _canary(*steps: Json) -> Json:
    found: Json = {"maxSurge": "25%", "maxUnavailable": 0}
    return {"canary": found | ({"steps": list(steps)} if steps else {})}


_ANALYSIS = {"analysis": {"templates": [{"templateName": "success-rate"}]}}
PLAIN = Shape(
    "plain", _canary(_weight(20), _pause("5m"), _weight(50), _pause()), gate=3, busy=1, failure=""
)
GATED = Shape(
    "gated",
    _canary(
        _weight(10),
        _plugin(GATE, job="smoke"),
        _weight(40),
        _pause(),
        _weight(80),
        _pause("10m"),
    ),
    gate=3,
    busy=1,
    failure="Step Plugin 2 (demo/jenkins-gate) failed: job smoke #1: FAILURE",
)
QUICK = Shape(
    "quick",
    _canary(_weight(50), _pause("2m")),
    gate=None,
    busy=1,
    failure='ReplicaSet "{set}" has timed out progressing.',
)
TESTED = Shape(
    "tested",
    _canary(_plugin(SMOKE, suite="critical"), _weight(25), _plugin(LOAD, users="200")),
    gate=None,
    busy=2,
    failure="Step Plugin 3 (team/load-test) failed: p99 812 ms is over 500 ms",
)
ANALYSED = Shape(
    "analysed",
    _canary(_weight(20), _ANALYSIS, _weight(60), _pause()),
    gate=3,
    busy=1,
    failure='Step-based analysis phase error/failed: Metric "success-rate" assessed Failed due to'
    " failed (2) > failureLimit (1)",
)
SWITCHED = Shape(
    "switched",
    {"blueGreen": {"activeService": "active", "autoPromotionEnabled": False}},
    gate=0,
    busy=None,
    failure="",
)
BARE = Shape("bare", _canary(), gate=None, busy=None, failure="{deadline}")

_OF_20 = (
    *(PLAIN, GATED, QUICK, TESTED, PLAIN, GATED, SWITCHED, ANALYSED, PLAIN, GATED),
    *(TESTED, PLAIN, GATED, SWITCHED, ANALYSED, PLAIN, GATED, QUICK, SWITCHED, PLAIN),
)
_BARE_EACH = 40
"""Every so many rollouts one has no steps at all."""


def shape_of(number: int) -> Shape:
    """The strategy of rollout `number`."""
    return BARE if number % _BARE_EACH == _BARE_EACH - 1 else _OF_20[number % 20]


def status_of(number: int, app: str, replicas: int, now: datetime) -> Json:
    """The status of rollout `number`."""
    # Spread by the golden ratio: evenly, whatever the strategy, and the same each time.
    slot = (number * 2_654_435_761 % 2**32) * 100 >> 32
    shape = shape_of(number)
    since = now - timedelta(seconds=60 + number * 7919 % 600_000)
    found = _Status(app, replicas, shape, since, 2 + number % 40, f"{number:05d}b7f9c")
    if slot >= 98:
        return found.degraded()
    if slot >= 96:
        return found.busy()
    if slot >= 93 and shape.gate is not None:
        return found.waiting(shape.gate)
    return found.healthy()


def journey(number: int, obj: Json, now: datetime) -> list[Json]:
    """The statuses a deployment of rollout `number`, which is as `obj`, goes through to its end."""
    revision = int(obj["metadata"]["annotations"][REVISION]) + 1
    name, replicas = obj["metadata"]["name"], obj["spec"]["replicas"]
    shape, stable = shape_of(number), obj["status"]["stableRS"]
    found = _Status(name, replicas, shape, now, revision, stable)
    return [*found.steps(), found.promoted()]


def length(number: int) -> int:
    """How many statuses that are."""
    return len(shape_of(number).steps) + 2


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Status:
    def __init__(
        self, app: str, replicas: int, shape: Shape, since: datetime, revision: int, stable: str
    ) -> None:
        self.app = app
        self.replicas = replicas
        self.shape = shape
        self.since = stamp(since)
        self.revision = revision
        self.stable, self.new = stable, f"{revision:05x}d54x6"

    def steps(self) -> list[Json]:
        """The status at each step, one after the other."""
        found = [self._status("Progressing", "more replicas need to be updated", self.new, 0)]
        for index, step in enumerate(self.shape.steps):
            if "pause" in step:
                found.append(self._paused("CanaryPauseStep", index))
                continue
            found.append(
                self._status("Progressing", "more replicas need to be updated", self.new, index)
            )
            if "plugin" in step:
                runs = self._runs(index, "Running", "still at work")
                found[-1]["canary"] = {"stepPluginStatuses": runs}
        return found

    def promoted(self) -> Json:
        """The new version is the stable one."""
        self.stable = self.new
        return self.healthy()

    def healthy(self) -> Json:
        return self._status("Healthy", "", self.stable, len(self.shape.steps))

    def waiting(self, gate: int) -> Json:
        reason = "CanaryPauseStep" if self.shape.steps else "BlueGreenPause"
        return self._paused(reason, gate)

    def busy(self) -> Json:
        """On its way: a timed pause, a plugin, an analysis, or pods that are not there yet."""
        at = self.shape.busy
        if at is None:
            return self._status("Progressing", "more replicas need to be updated", self.new, 0)
        step = self.shape.steps[at]
        if "pause" in step:
            return self._paused("CanaryPauseStep", at)
        found = self._status("Progressing", "more replicas need to be updated", self.new, at)
        if "plugin" in step:
            found["canary"] = {"stepPluginStatuses": self._runs(at, "Running", "still at work")}
        else:
            name = f"{self.app}-{self.new}-{self.revision}-{at}"
            found["canary"] = {"currentStepAnalysisRunStatus": {"name": name, "status": "Running"}}
        return found

    def degraded(self) -> Json:
        if self.shape is BARE:
            text = f'ReplicaSet "{self.app}-{self.new}" has timed out progressing.'
            found = self._status("Degraded", f"ProgressDeadlineExceeded: {text}", self.new, 0)
            found["conditions"].append(self._progressing("ProgressDeadlineExceeded", text))
            return found
        cause = self.shape.failure.format(set=f"{self.app}-{self.new}", deadline="")
        text = f"Rollout aborted update to revision {self.revision}"
        text += f": {cause}" if cause else ""
        found = self._status("Degraded", f"RolloutAborted: {text}", self.new, 0)
        found |= {"abort": True, "abortedAt": self.since, "updatedReplicas": 0}
        failed = next((i for i, step in enumerate(self.shape.steps) if _named(step, cause)), None)
        if failed is not None:
            message = cause.partition("failed: ")[2]
            found["canary"] = {"stepPluginStatuses": self._runs(failed, "Failed", message)}
        found["conditions"].append(self._progressing("RolloutAborted", text))
        return found

    def _paused(self, reason: str, index: int) -> Json:
        found = self._status("Paused", reason, self.new, index)
        found |= {
            "controllerPause": True,
            "pauseConditions": [{"reason": reason, "startTime": self.since}],
        }
        if runs := self._runs(index, "", ""):
            found["canary"] = {"stepPluginStatuses": runs}
        return found

    def _status(self, phase: str, message: str, current: str, index: int) -> Json:
        updating = current != self.stable
        found: Json = {
            "HPAReplicas": self.replicas,
            "availableReplicas": self.replicas,
            "readyReplicas": self.replicas,
            "replicas": self.replicas,
            "updatedReplicas": 1 if updating else self.replicas,
            "blueGreen": {},
            "canary": {},
            "currentPodHash": current,
            "stableRS": self.stable,
            # A rollout just created is of generation 1; nobody edits these.
            "observedGeneration": "1",
            "selector": f"app={self.app}",
            "phase": phase,
            "conditions": [
                self._condition(
                    "Available", "True", "AvailableReason", "Rollout has minimum availability"
                )
            ],
        }
        if self.shape.steps:
            found |= {"currentStepHash": "5c9d7b8f64", "currentStepIndex": index}
        elif "blueGreen" in self.shape.strategy:
            found["blueGreen"] = {"activeSelector": self.stable}
        if message:
            found["message"] = message
        return found

    def _runs(self, index: int, phase: str, message: str) -> list[Json]:
        """The plugins that were called up to step `index`; `phase` is that of the last one."""
        return [
            self._run(at, step["plugin"]["name"], phase if at == index else "", message)
            for at, step in enumerate(self.shape.steps[: index + 1])
            if "plugin" in step
        ]

    def _run(self, index: int, name: str, phase: str, message: str) -> Json:
        record = {
            "index": index,
            "name": name,
            "operation": "Run",
            "phase": phase or "Successful",
            "message": message if phase else "done",
            "executions": 1,
            "startedAt": self.since,
            "updatedAt": self.since,
            "status": {"id": 1},
        }
        return record | ({"backoff": "12s"} if phase == "Running" else {"finishedAt": self.since})

    def _progressing(self, reason: str, message: str) -> Json:
        return self._condition("Progressing", "False", reason, message)

    def _condition(self, kind: str, status: str, reason: str, message: str) -> Json:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": self.since,
            "lastUpdateTime": self.since,
        }


def _named(step: Json, cause: str) -> bool:
    """Whether the cause of an abort names the plugin of a step."""
    return "plugin" in step and f"({step['plugin']['name']})" in cause
