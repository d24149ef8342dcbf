"""Ending analysis runs and experiments before their time, and starting an experiment again.

Source: argo-rollouts, analysis/analysis.go and experiments/controller.go (what `spec.terminate`
does); pkg/kubectl-argo-rollouts/cmd/terminate and cmd/retry. Neither kind has a status subresource.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from rolloutctl.domain.cluster import EXPERIMENTS, Change, Kind
from rolloutctl.domain.decision import NothingToDo, Refused
from rolloutctl.domain.gitops import Keeper, keepers
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Json
from rolloutctl.errors import ExitCode, RolloutctlError

FINAL = frozenset({"Successful", "Failed", "Error", "Inconclusive"})
_TYPE_LABEL = "rollout-type"
_STEP_LABEL = "step-index"


class RunAction(enum.StrEnum):
    """What can be done with them."""

    TERMINATE = "terminate"
    RETRY = "retry"


class Effect(enum.StrEnum):
    """What follows for whoever started it."""

    ALONE = "alone"
    """Nobody waits for it."""
    STEP_GOES_ON = "step-goes-on"
    """A canary step waits for it, and counts it as Successful unless something was bad so far."""
    NOT_WATCHED = "not-watched"
    """It watched an update in the background, which goes on without it."""
    SWITCH_GOES_ON = "switch-goes-on"
    """A blue-green update waits for it, and counts it as the step does."""
    EXPERIMENT = "experiment"
    """An experiment takes its result."""
    STARTS_ANEW = "starts-anew"


class RunDecision(msgspec.Struct, frozen=True):
    """A change of one analysis run or experiment, decided on and not yet sent. `owner`: who
    started it ("Rollout checkout"), "" for nobody; `step`: 1-based, None where there is none."""

    action: RunAction
    kind: Kind
    ref: Ref
    uid: str
    phase: str
    change: Change
    effect: Effect
    owner: str = ""
    step: int | None = None
    keepers: tuple[Keeper, ...] = ()


class RunDid(enum.StrEnum):
    """What was done with one of them."""

    CHANGED = "changed"
    NOTHING = "nothing"
    TRIED = "tried"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was sent and no answer came."""


class RunResult(msgspec.Struct, frozen=True):
    """What became of the request for one. `ended`: the phase it came to, None where that was not
    waited for; `message` says why."""

    ref: Ref
    did: RunDid
    decision: RunDecision | None = None
    error: RolloutctlError | None = None
    ended: str | None = None
    message: str = ""

    @property
    def exit_code(self) -> ExitCode:
        if self.did is RunDid.NOTHING or self.error is None:
            return ExitCode.OK
        return self.error.exit_code


def terminate(kind: Kind, ref: Ref, raw: Json) -> RunDecision:
    """The change that ends it. Raises NothingToDo where it has ended, or ends already."""
    phase = _text(raw, "status", "phase")
    called = f"{kind.kind.lower()} {ref.name}"
    if phase in FINAL:
        raise NothingToDo(f"nothing to do: it has ended already ({phase})", subject=called)
    if _at(raw, "spec", "terminate") is True:
        raise NothingToDo("nothing to do: it is ending already", subject=called)
    change = _change(
        kind, ref, raw, [{"op": "add", "path": "/spec/terminate", "value": True}], "/spec/terminate"
    )
    return _decision(RunAction.TERMINATE, kind, ref, raw, change, _effect(kind, raw))


def retry(ref: Ref, raw: Json) -> RunDecision:
    """The change that starts a finished experiment again, also one that was terminated.

    Raises Refused for one that runs: its status would be lost, and its pods left behind.
    """
    phase = _text(raw, "status", "phase")
    if phase not in FINAL:
        raise Refused(
            f"not started again: it has not ended yet ({phase or 'not begun'})",
            subject=f"experiment {ref.name}",
            hint=f"rolloutctl terminate experiment {ref.name} ends it",
        )
    operations: list[dict[str, Any]] = [{"op": "remove", "path": "/status"}]
    if _at(raw, "spec", "terminate") is not None:
        # As long as it stands there the new attempt would end at once.
        operations.append({"op": "remove", "path": "/spec/terminate"})
    change = _change(EXPERIMENTS, ref, raw, operations, "/status/phase", "/spec/terminate")
    return _decision(RunAction.RETRY, EXPERIMENTS, ref, raw, change, Effect.STARTS_ANEW)


def _change(kind: Kind, ref: Ref, raw: Json, operations: list[dict[str, Any]], *saw: str) -> Change:
    tests = [
        {"op": "test", "path": pointer, "value": _at(raw, *pointer.split("/")[1:])}
        for pointer in ("/metadata/uid", *saw)
    ]
    return Change(kind, ref.namespace, ref.name, "", (*tests, *operations))


def _decision(
    action: RunAction, kind: Kind, ref: Ref, raw: Json, change: Change, effect: Effect
) -> RunDecision:
    owner = _owner(raw)
    step = _text(raw, "metadata", "labels", _STEP_LABEL)
    return RunDecision(
        action=action,
        kind=kind,
        ref=ref,
        uid=_text(raw, "metadata", "uid"),
        phase=_text(raw, "status", "phase"),
        change=change,
        effect=effect,
        owner=" ".join(owner),
        step=int(step) + 1 if step.isascii() and step.isdigit() and len(step) < 6 else None,
        keepers=keepers(raw) if not owner else (),
    )


def _owner(raw: Json) -> tuple[str, ...]:
    found = _at(raw, "metadata", "ownerReferences")
    for one in found if isinstance(found, list) else ():
        kind, name = _text(one, "kind"), _text(one, "name")
        if kind in ("Rollout", "Experiment") and name:
            return kind, name
    return ()


def _effect(kind: Kind, raw: Json) -> Effect:
    owner = _owner(raw)
    if not owner:
        return Effect.ALONE
    if owner[0] == "Experiment":
        return Effect.EXPERIMENT
    if kind is EXPERIMENTS:
        return Effect.STEP_GOES_ON
    match _text(raw, "metadata", "labels", _TYPE_LABEL):
        case "Step":
            return Effect.STEP_GOES_ON
        case "Background":
            return Effect.NOT_WATCHED
        case "PrePromotion" | "PostPromotion":
            return Effect.SWITCH_GOES_ON
    return Effect.ALONE


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""
