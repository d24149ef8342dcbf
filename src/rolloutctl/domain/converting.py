"""From a Deployment to a Rollout and back, as changes of the manifest itself.

The functions change the mapping they are given and leave every part alone that stays true, so that
a caller who keeps comments with its mappings keeps them. What cannot be said of the other kind is
told as remarks.

Source: argo-rollouts, docs of workloadRef; pkg/apis/rollouts/v1alpha1/types.go (RolloutSpec).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import msgspec

from rolloutctl.errors import UsageError

Tree = MutableMapping[str, Any]
"""A manifest: nested mappings and lists of plain values, JSON as far as it goes."""

ROLLOUT = ("argoproj.io/v1alpha1", "Rollout")
DEPLOYMENT = ("apps/v1", "Deployment")
_SHARED = frozenset(
    {
        *("replicas", "selector", "template", "minReadySeconds", "revisionHistoryLimit"),
        *("progressDeadlineSeconds", "paused"),
    }
)
"""Fields of a spec that both kinds have, with the same meaning."""
_SERVER_SET = (
    *("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences"),
)
_PAST = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "notified.notifications.argoproj.io",
    "argocd.argoproj.io/tracking-id",
)
_PAST_PREFIXES = ("deployment.kubernetes.io/", "rollout.argoproj.io/")
_SCALERS = {
    "HorizontalPodAutoscaler": "scaleTargetRef",
    "ScaledObject": "scaleTargetRef",
    "VerticalPodAutoscaler": "targetRef",
}


class Says(enum.StrEnum):
    """What a person should know of a conversion."""

    RECREATE = "recreate"
    """A Deployment of type Recreate became a rolling update of all pods at once."""
    DROPPED = "dropped"
    """A field without a counterpart was left out; `detail` is its path."""
    SERVICE_GUESSED = "service-guessed"
    """The active Service is taken to be `detail`; nothing says so."""
    MIGRATION = "migration"
    """How the workload and the rollout change places; `detail` is scaleDown."""
    SCALER = "scaler"
    """What scales the old object now names the new one; `detail` is "KIND NAME"."""
    SERVICES_EDITED = "services-edited"
    """The controller has put hashes in the selectors of the Services `detail`."""
    TEMPLATE_ELSEWHERE = "template-elsewhere"
    """The template is in the workload `detail`, and that is what is shown."""


class Remark(msgspec.Struct, frozen=True):
    says: Says
    name: str
    """Of the object it is about."""
    detail: str = ""


class Strategy(msgspec.Struct, frozen=True):
    """How the rollout is to ship. `steps` are those of a canary, in the manifest's own words."""

    blue_green: bool = False
    steps: tuple[Mapping[str, Any], ...] = ()
    active_service: str = ""
    preview_service: str = ""


# --- the command line's words -------------------------------------------------------------------


def steps(text: str) -> tuple[Mapping[str, Any], ...]:
    """The steps of "20,pause:10m,50,pause": weights, and pauses with or without an end.

    Raises UsageError.
    """
    found: list[Mapping[str, Any]] = []
    for part in text.split(","):
        word = part.strip().removesuffix("%")
        kind, colon, span = word.partition(":")
        if word.isascii() and word.isdecimal() and int(word) <= 100:
            found.append({"setWeight": int(word)})
        elif kind == "pause" and not colon:
            found.append({"pause": {}})
        elif kind == "pause" and re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+|\d+", span):
            found.append({"pause": {"duration": int(span) if span.isdecimal() else span}})
        else:
            raise UsageError(
                f'"{part.strip()}" is no step',
                hint="steps are weights from 0 to 100, pause, and pause:10m, as 20,pause:10m,50",
            )
    return tuple(found)


# --- to a Rollout -------------------------------------------------------------------------------


def to_rollout(deployment: Tree, strategy: Strategy) -> list[Remark]:
    """Makes a Rollout of a Deployment, in place. Raises UsageError for what is none."""
    name = _checked(deployment, "Deployment")
    spec = deployment["spec"]
    deployment["apiVersion"], deployment["kind"] = ROLLOUT
    _cleaned(deployment)
    remarks = _without(spec, _SHARED | {"strategy"}, name)
    made, said = _strategy(spec.get("strategy"), strategy, name)
    _replace(spec, made)
    return [*remarks, *said]


def referring(
    deployment: Mapping[str, Any], strategy: Strategy, scale_down: str
) -> tuple[dict[str, Any], list[Remark]]:
    """A Rollout that takes its template from the Deployment. `scale_down`: never, onsuccess,
    progressively. Raises UsageError for what is no Deployment."""
    name = _checked(deployment, "Deployment")
    metadata = deployment["metadata"]
    spec = deployment["spec"]
    made, remarks = _strategy(spec.get("strategy"), strategy, name)
    kept = {key: metadata[key] for key in ("name", "namespace", "labels") if metadata.get(key)}
    shared = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    rollout = {
        "apiVersion": ROLLOUT[0],
        "kind": ROLLOUT[1],
        "metadata": kept,
        "spec": {
            **{key: spec[key] for key in shared if spec.get(key) is not None},
            "workloadRef": {
                "apiVersion": DEPLOYMENT[0],
                "kind": DEPLOYMENT[1],
                "name": name,
                "scaleDown": scale_down,
            },
            "strategy": made,
        },
    }
    return rollout, [*remarks, Remark(Says.MIGRATION, name, scale_down)]


def _strategy(before: Any, wanted: Strategy, name: str) -> tuple[dict[str, Any], list[Remark]]:
    """`spec.strategy` of a rollout, from that of a Deployment."""
    before = before if isinstance(before, Mapping) else {}
    rolling = before.get("rollingUpdate")
    limits = {
        key: rolling[key]
        for key in ("maxSurge", "maxUnavailable")
        if isinstance(rolling, Mapping) and rolling.get(key) is not None
    }
    if wanted.blue_green:
        service = wanted.active_service or name
        made: dict[str, Any] = {"activeService": service}
        remarks = [] if wanted.active_service else [Remark(Says.SERVICE_GUESSED, name, service)]
        if wanted.preview_service:
            made["previewService"] = wanted.preview_service
        # A blue-green rollout has no surge: the new version comes up whole. maxUnavailable is for
        # restarts there, which a Deployment has under the same limit.
        if "maxUnavailable" in limits:
            made["maxUnavailable"] = limits["maxUnavailable"]
        if "maxSurge" in limits:
            path = "spec.strategy.rollingUpdate.maxSurge"
            remarks.append(Remark(Says.DROPPED, name, path))
        return {"blueGreen": made}, remarks
    remarks = []
    if before.get("type") == "Recreate":
        limits = {"maxSurge": 0, "maxUnavailable": "100%"}
        remarks.append(Remark(Says.RECREATE, name))
    canary: dict[str, Any] = dict(limits)
    if wanted.steps:
        canary["steps"] = [_copied(step) for step in wanted.steps]
    return {"canary": canary}, remarks


def _replace(spec: Tree, made: dict[str, Any]) -> None:
    """Puts the new strategy where the old one is, with the mapping of limits that it has: comments
    below the limits belong to it."""
    before = spec.get("strategy")
    rolling = before.get("rollingUpdate") if isinstance(before, MutableMapping) else None
    canary = made.get("canary")
    if isinstance(before, MutableMapping) and isinstance(rolling, MutableMapping) and canary:
        for key in list(rolling):
            del rolling[key]
        rolling.update(sorted(canary.items(), key=lambda item: item[0] != "steps"))
        before.clear()
        before["canary"] = rolling
    else:
        spec["strategy"] = made


def _copied(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in step.items()
    }


# --- to a Deployment ----------------------------------------------------------------------------


def workload_of(rollout: Mapping[str, Any]) -> tuple[str, str] | None:
    """Kind and name of what holds the template, None when that is the rollout itself."""
    spec = rollout.get("spec")
    ref = spec.get("workloadRef") if isinstance(spec, Mapping) else None
    if not isinstance(ref, Mapping):
        return None
    return str(ref.get("kind") or ""), str(ref.get("name") or "")


def to_deployment(rollout: Tree) -> list[Remark]:
    """Makes a Deployment of a Rollout with a template of its own, in place. Raises UsageError."""
    name = _checked(rollout, "Rollout")
    spec = rollout["spec"]
    rollout["apiVersion"], rollout["kind"] = DEPLOYMENT
    _cleaned(rollout)
    remarks = _without(spec, _SHARED | {"strategy"}, name)
    strategy = spec.get("strategy")
    strategy = strategy if isinstance(strategy, MutableMapping) else {}
    services: list[str] = []
    for kind, part in strategy.items():
        for key in list(part) if isinstance(part, MutableMapping) else ():
            if kind == "canary" and key in ("maxSurge", "maxUnavailable"):
                continue
            value = part.pop(key)
            remarks.append(Remark(Says.DROPPED, name, f"spec.strategy.{kind}.{key}"))
            if key in ("activeService", "previewService", "canaryService", "stableService"):
                services.append(str(value))
    limits = strategy.get("canary")
    if limits:
        # The mapping stays the one it was: comments below the limits belong to it.
        strategy.clear()
        strategy.update(type="RollingUpdate", rollingUpdate=limits)
    else:
        spec.pop("strategy", None)
    if services:
        remarks.append(Remark(Says.SERVICES_EDITED, name, ", ".join(services)))
    return remarks


def standing_alone(deployment: Tree, rollout: Mapping[str, Any]) -> list[Remark]:
    """Makes the Deployment a rollout refers to do without it, in place: its pods are its own."""
    name = _checked(deployment, "Deployment")
    _cleaned(deployment)
    spec = rollout.get("spec")
    replicas = spec.get("replicas") if isinstance(spec, Mapping) else None
    if replicas is not None:
        deployment["spec"]["replicas"] = replicas
    return [Remark(Says.TEMPLATE_ELSEWHERE, name, f"deployment {name}")]


# --- what both have -----------------------------------------------------------------------------


def retarget(document: Tree, names: frozenset[str], *, back: bool) -> Remark | None:
    """Points an autoscaler of one of `names` to the new kind, in place; None if it is none."""
    field = _SCALERS.get(str(document.get("kind")))
    spec = document.get("spec")
    target = spec.get(field) if field and isinstance(spec, Mapping) else None
    if not isinstance(target, MutableMapping) or target.get("name") not in names:
        return None
    old, new = (ROLLOUT, DEPLOYMENT) if back else (DEPLOYMENT, ROLLOUT)
    if target.get("kind", "Deployment") != old[1]:
        return None
    target["apiVersion"], target["kind"] = new
    called = (document.get("metadata") or {}).get("name", "")
    return Remark(Says.SCALER, str(target["name"]), f"{document['kind']} {called}")


def is_of(document: Any, kind: str) -> bool:
    """Whether a document is an object of this kind and its group, of any version."""
    group = {"Deployment": ("apps", "extensions"), "Rollout": ("argoproj.io",)}[kind]
    return (
        isinstance(document, Mapping)
        and document.get("kind") == kind
        and str(document.get("apiVersion", "")).partition("/")[0] in group
    )


def _checked(document: Mapping[str, Any], kind: str) -> str:
    """The name of an object that has what a conversion needs."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, MutableMapping) else None
    called = name if isinstance(name, str) and name else "without a name"
    if not is_of(document, kind) or not isinstance(name, str) or not name:
        raise UsageError(f"this is no {kind}: {document.get('kind')} {called}")
    if not isinstance(document.get("spec"), MutableMapping):
        raise UsageError(f"{kind.lower()} {called} has no spec")
    return name


def _without(spec: Tree, known: frozenset[str], name: str) -> list[Remark]:
    """Takes out the fields that are not `known`."""
    remarks = []
    for key in [key for key in spec if key not in known]:
        if spec[key] is not None:
            remarks.append(Remark(Says.DROPPED, name, f"spec.{key}"))
        del spec[key]
    return remarks


def _cleaned(document: Tree) -> None:
    """Takes out what a server, a controller or kubectl has written."""
    document.pop("status", None)
    metadata = document["metadata"]
    for key in _SERVER_SET:
        metadata.pop(key, None)
    annotations = metadata.get("annotations")
    if isinstance(annotations, MutableMapping):
        for key in list(annotations):
            if key in _PAST or str(key).startswith(_PAST_PREFIXES):
                del annotations[key]
        if not annotations:
            del metadata["annotations"]
    template = document["spec"].get("template")
    inner = template.get("metadata") if isinstance(template, Mapping) else None
    if isinstance(inner, MutableMapping) and inner.get("creationTimestamp", "") is None:
        del inner["creationTimestamp"]
