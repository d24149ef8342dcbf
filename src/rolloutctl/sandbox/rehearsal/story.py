"""From what a rehearsal's cluster wrote to the facts of a plan, as plain dicts.

Times are seconds since the update began.
"""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.controller.objects import (
    Obj,
    dig,
    items,
    mapping,
    number,
    pod_hash,
    spec_replicas,
    text,
)
from rolloutctl.sandbox.controller.steps import (
    index_of,
    is_kind,
    pause_seconds,
    set_weight,
    step_text,
    steps_of,
)

from . import analyses, shares, stages
from .outcomes import Outcomes
from .recording import Seen
from .stage import Stage

FINAL = ("Successful", "Failed", "Error", "Inconclusive")


class Story:
    """Reads a recording from its beginning; `facts` is what came of it."""

    def __init__(self, stage: Stage, outcomes: Outcomes) -> None:
        self._stage = stage
        self._outcomes = outcomes
        templates = [each for each in stage.cast.objects if analyses.is_template(each)]
        self._assumed = analyses.assumed(templates, outcomes)
        self._rollout: Obj = {}
        self._old = stage.stable
        self._sets: dict[str, Obj] = {
            pod_hash(each): each for each in stage.recording.before["replicasets"]
        }
        self._new = ""
        self._peak = self._pods_wanted()
        self._samples: list[Obj] = []
        self._steps: dict[int, Obj] = {}
        self._records: dict[tuple[int, str], Obj] = {}
        self._runs: dict[tuple[str, str], Obj] = {}
        self._promoted: float | None = None
        self._aborted: float | None = None
        self._reached = -1
        for each in stage.recording.seen:
            self._take(each)

    @property
    def is_blue_green(self) -> bool:
        return dig(self._stage.cast.rollout, "spec", "strategy", "blueGreen") is not None

    def facts(self, ended: str) -> Obj:
        """All of it; `ended` is what `Stage.run` returned."""
        rollout = self._rollout or self._stage.rollout
        status = mapping(rollout, "status")
        result = ended if ended in ("stuck", "long") else "promoted"
        if self._aborted is not None:
            result = "aborted"
        last = self._stage.at
        return {
            "strategy": "blueGreen" if self.is_blue_green else "canary",
            "namespace": self._stage.cast.namespace,
            "name": text(rollout, "metadata", "name"),
            "replicas": spec_replicas(rollout),
            "images_from": self._stage.cast.images,
            "images_to": self._stage.cast.images_to,
            "result": result,
            "phase": text(status, "phase"),
            "message": text(status, "message"),
            "seconds": self._promoted if result == "promoted" else self._aborted,
            "settled_seconds": _round(last) if ended == "over" else None,
            "routed": self._is_routed,
            "peak_pods": self._peak,
            "steps": self._step_facts(result),
            "samples": self._samples,
            "runs": [each for each in self._runs.values() if each["at"] is not None],
            "aborts": [self._call(each) for each in self._calls("Abort")],
            "terminates": [self._call(each) for each in self._calls("Terminate")],
            "persons": [{**each, "at": _round(each["at"])} for each in self._stage.persons],
            "events": [
                {
                    "at": _round(each.at),
                    "type": text(each.object, "type"),
                    "reason": text(each.object, "reason"),
                    "message": text(each.object, "message"),
                }
                for each in self._stage.recording.events()
            ],
            "notes": self._stage.cast.notes,
            "pod_ready_seconds": self._stage.options.pod_ready,
        }

    @property
    def _is_routed(self) -> bool:
        canary = mapping(self._stage.cast.rollout, "spec", "strategy", "canary")
        return canary.get("trafficRouting") is not None

    # --- reading --------------------------------------------------------------------------------

    def _take(self, seen: Seen) -> None:
        if seen.resource == "rollouts":
            self._take_rollout(seen)
        elif seen.resource == "replicasets":
            self._sets[pod_hash(seen.object)] = seen.object
            self._peak = max(self._peak, self._pods_wanted())
            self._sample(seen.at)
        elif seen.resource in ("analysisruns", "experiments"):
            self._take_run(seen)

    def _take_rollout(self, seen: Seen) -> None:
        rollout = seen.object
        status = mapping(rollout, "status")
        current = text(status, "currentPodHash")
        if current and current != self._old:
            self._new = current
        if not self._new:
            self._rollout = rollout
            return
        for each in items(status, "canary", "stepPluginStatuses"):
            self._records[number(each, "index"), text(each, "operation")] = each
        if status.get("abort") is True and self._aborted is None:
            self._aborted = _round(seen.at)
        if text(status, "stableRS") == self._new and self._promoted is None:
            self._promoted = _round(seen.at)
        place = self._place(rollout)
        if place is not None:
            self._move(place, seen.at, rollout)
        self._rollout = rollout
        self._sample(seen.at)

    def _place(self, rollout: Obj) -> int | None:
        """The step it is at; None when it is at none of this update any more."""
        if self.is_blue_green:
            return stages.place(rollout, self._new)
        if mapping(rollout, "status").get("abort") is True:
            return None
        return index_of(rollout)

    def _move(self, place: int, at: float, rollout: Obj) -> None:
        """The steps before `place` are left, as things stand with `rollout` as it was written."""
        for index in range(self._reached, place):
            if index >= 0:
                self._leave(index, at, rollout)
            self._steps.setdefault(index + 1, {"at": at, "ends": None})
        self._reached = max(self._reached, place)

    def _leave(self, index: int, at: float, rollout: Obj) -> None:
        step = self._steps.setdefault(index, {"at": at, "ends": None})
        if step["ends"] is None:
            # The weight a router has got is told by the write that leaves the step; the one that
            # leaves a stage of a blue-green update may tell of the switch that follows.
            told = rollout
            if self.is_blue_green and index < stages.stages(rollout).index(stages.SWITCH):
                told = self._rollout
            traffic = shares.of(told, self._new)
            step.update({"ends": at, **self._sizes(), "traffic": traffic})
            last = self._samples[-1] if self._samples else None
            if last is not None and (last["at"], last["index"]) == (_round(at), index):
                last["traffic"] = traffic

    def _take_run(self, seen: Seen) -> None:
        key = (seen.resource, text(seen.object, "metadata", "name"))
        labels = mapping(seen.object, "metadata", "labels")
        phase = text(seen.object, "status", "phase")
        run = self._runs.setdefault(
            key,
            {
                "kind": "AnalysisRun" if seen.resource == "analysisruns" else "Experiment",
                "name": key[1],
                "role": text(labels, "rollout-type"),
                "index": self._run_index(seen, labels),
                "at": _round(seen.at),
                "ends": None,
                "phase": "",
                "message": "",
                "metrics": [
                    {"name": text(each, "name"), "assumed": text(each, "name") in self._assumed}
                    for each in items(seen.object, "spec", "metrics")
                ],
            },
        )
        run["phase"], run["message"] = phase, text(seen.object, "status", "message")
        if phase in FINAL and run["ends"] is None:
            run["ends"] = _round(seen.at)

    def _run_index(self, seen: Seen, labels: Obj) -> int | None:
        if seen.resource == "experiments":
            return self._reached if self._reached >= 0 else None
        if self.is_blue_green:
            return stages.index_of_run(self._stage.cast.rollout, text(labels, "rollout-type"))
        index = text(labels, "step-index")
        return int(index) if index.isdecimal() else None

    def _pods_wanted(self) -> int:
        return sum(spec_replicas(each) for each in self._sets.values())

    # --- sizes and weights ----------------------------------------------------------------------

    def _sizes(self) -> Obj:
        return {
            "weight": self._weight(),
            "traffic": shares.of(self._rollout, self._new),
            "canary": _pods(self._sets.get(self._new)),
            "stable": _pods(self._sets.get(self._old)),
        }

    def _weight(self) -> int | None:
        """The setWeight in force; 100 once the new version is the stable one."""
        if self.is_blue_green:
            return None
        status = mapping(self._rollout, "status")
        if not self._new or text(status, "currentPodHash") != self._new:
            return 0
        return 100 if text(status, "stableRS") == self._new else set_weight(self._rollout)

    def _sample(self, at: float) -> None:
        index = self._reached if self._reached >= 0 else None
        sample = {
            "at": _round(at),
            "index": index,
            "phase": text(self._rollout, "status", "phase"),
            **self._sizes(),
        }
        # Of one instant only how a step of it ends is seen.
        last = self._samples[-1] if self._samples else None
        if last is not None and (last["at"], last["index"]) == (sample["at"], index):
            self._samples.pop()
            last = self._samples[-1] if self._samples else None
        if last is None or {**last, "at": sample["at"]} != sample:
            self._samples.append(sample)

    # --- steps ----------------------------------------------------------------------------------

    def _step_facts(self, result: str) -> list[Obj]:
        rollout = self._stage.cast.rollout
        if self.is_blue_green:
            texts = [(kind, kind) for kind in stages.stages(rollout)]
        else:
            texts = [(_kind(step), step_text(step)) for step in steps_of(rollout)]
        found = []
        for index, (kind, said) in enumerate(texts):
            known = self._steps.get(index)
            if known is not None and known["ends"] is None:
                known = {**known, **self._sizes_at_the_end(result)}
            fact: Obj = {
                "index": index,
                "kind": kind,
                "text": said,
                "at": None,
                "ends": None,
                "weight": None,
                "traffic": None,
                "canary": None,
                "stable": None,
                **(known or {}),
            }
            fact["at"], fact["ends"] = _round(fact["at"]), _round(fact["ends"])
            fact["result"] = self._result(index, fact, result)
            persons = [each["reason"] for each in self._stage.persons if each["index"] == index]
            fact["person"] = persons[0] if persons else ""
            fact["pause"] = self._pause(index, kind)
            fact["plugin"] = self._plugin(index) if kind == "plugin" else None
            found.append(fact)
        return found

    def _sizes_at_the_end(self, result: str) -> Obj:
        """How it stood when the update left the step for another reason than its end."""
        before = [each for each in self._samples if not self._is_after_abort(each)]
        last = before[-1] if before else self._sizes()
        ends = self._aborted if result == "aborted" else None
        kept = {key: last[key] for key in ("weight", "traffic", "canary", "stable")}
        return {**kept, "ends": ends}

    def _is_after_abort(self, sample: Obj) -> bool:
        return self._aborted is not None and sample["at"] >= self._aborted

    def _result(self, index: int, fact: Obj, result: str) -> str:
        if fact["at"] is None:
            return "ahead"
        if index < self._reached or result == "promoted":
            return "done"
        return "failed" if result == "aborted" else "waiting"

    def _pause(self, index: int, kind: str) -> Obj | None:
        if kind != "pause":
            return None
        if self.is_blue_green:
            return stages.pause(self._stage.cast.rollout)
        seconds = pause_seconds(steps_of(self._stage.cast.rollout)[index]["pause"])
        if seconds is None:
            return {"seconds": None, "shortest_seconds": None, "longest_seconds": None}
        # It counts from the whole second it began in.
        return {
            "seconds": seconds,
            "shortest_seconds": max(0.0, seconds - 1),
            "longest_seconds": seconds,
        }

    def _plugin(self, index: int) -> Obj:
        step = steps_of(self._stage.cast.rollout)[index]
        named = text(step, "plugin", "name")
        wanted = self._outcomes.plugin(index, named)
        run = self._records.get((index, "Run"), {})
        runs = wanted.outcome not in ("Disabled", "Missing")
        return {
            "name": named,
            "outcome": wanted.outcome,
            "outcome_assumed": "outcome" not in wanted.given,
            "duration_seconds": wanted.duration if runs else 0.0,
            "duration_assumed": runs and "duration" not in wanted.given,
            "phase": text(run, "phase"),
            "message": text(run, "message"),
            "calls": number(run, "executions"),
        }

    def _calls(self, operation: str) -> list[Obj]:
        return [each for (_, what), each in self._records.items() if what == operation]

    def _call(self, record: Obj) -> Obj:
        return {
            "index": number(record, "index"),
            "name": text(record, "name"),
            "phase": text(record, "phase"),
            "message": text(record, "message"),
        }


def _kind(step: Obj) -> str:
    for kind in (
        *("setWeight", "pause", "experiment", "analysis", "setCanaryScale", "plugin"),
        *("setHeaderRoute", "setMirrorRoute"),
    ):
        if is_kind(step, kind):
            return kind
    return "unknown"


def _pods(replica_set: Obj | None) -> Obj:
    return {
        "desired": spec_replicas(replica_set),
        "available": number(replica_set, "status", "availableReplicas") if replica_set else 0,
    }


def _round(seconds: Any) -> float | None:
    """To a tenth: a timer of the controller goes off a moment late, and that says nothing."""
    return None if seconds is None else round(float(seconds), 1)
