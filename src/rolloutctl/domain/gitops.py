"""Who keeps an object as it is written elsewhere, and would take back a change made by hand.

By the marks that Argo CD, Flux and Helm leave on what they manage: labels, annotations, and the
names under which they write (`metadata.managedFields`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec


class Tool(enum.StrEnum):
    """What manages an object."""

    ARGO_CD = "argo-cd"
    FLUX = "flux"
    HELM = "helm"


class Keeper(msgspec.Struct, frozen=True):
    """`application` is what the tool calls it: an application, a Kustomization, a release; "" where
    the object does not say."""

    tool: Tool
    application: str = ""


_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCES = ("argocd.argoproj.io/instance", "argocd.argoproj.io/app-name")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_APP_INSTANCE = "app.kubernetes.io/instance"
_FLUX = ("kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io")
_ARGO_CD_WRITES_AS = frozenset({"argocd-controller", "argocd-application-controller"})
_FLUX_WRITES_AS = frozenset({"kustomize-controller", "helm-controller"})


def keepers(raw: Mapping[str, Any]) -> tuple[Keeper, ...]:
    """Those that manage the object, which is plain JSON; anything mistyped in it is no mark."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, Mapping):
        return ()
    labels = _texts(metadata.get("labels"))
    annotations = _texts(metadata.get("annotations"))
    writers = _writers(metadata.get("managedFields"))
    found = (
        _argo_cd(labels, annotations, writers),
        _flux(labels, writers),
        _helm(labels, annotations),
    )
    return tuple(one for one in found if one is not None)


def keepers_of(raw: Mapping[str, Any], *path: str) -> tuple[Keeper, ...]:
    """Those among `keepers` that would take back a change of this field: they bring back what they
    write, and leave alone what their source says nothing of.

    That they write it shows in `metadata.managedFields`, or in what was applied last.
    """
    found = keepers(raw)
    if not found:
        return ()
    metadata = raw["metadata"]
    entries = metadata.get("managedFields")
    writers = _ARGO_CD_WRITES_AS | _FLUX_WRITES_AS | {"helm", "kubectl-client-side-apply"}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and entry.get("manager") in writers:
            fields: Any = entry.get("fieldsV1")
            for part in path:
                fields = fields.get(f"f:{part}") if isinstance(fields, Mapping) else None
            if fields is not None:
                return found
    return found if _applied(_texts(metadata.get("annotations")), path) else ()


def _applied(annotations: Mapping[str, str], path: tuple[str, ...]) -> bool:
    try:
        value: Any = msgspec.json.decode(annotations.get(_LAST_APPLIED, "{}").encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return False
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None


def _argo_cd(
    labels: Mapping[str, str], annotations: Mapping[str, str], writers: frozenset[str]
) -> Keeper | None:
    if tracking := annotations.get(_TRACKING):
        return Keeper(Tool.ARGO_CD, tracking.partition(":")[0])
    for key in _INSTANCES:
        if instance := labels.get(key):
            return Keeper(Tool.ARGO_CD, instance)
    if writers & _ARGO_CD_WRITES_AS:
        # Its usual label is one that others set as well, so alone it proves nothing.
        return Keeper(Tool.ARGO_CD, labels.get(_APP_INSTANCE, ""))
    return None


def _flux(labels: Mapping[str, str], writers: frozenset[str]) -> Keeper | None:
    for prefix in _FLUX:
        if name := labels.get(f"{prefix}/name"):
            namespace = labels.get(f"{prefix}/namespace", "")
            return Keeper(Tool.FLUX, f"{namespace}/{name}" if namespace else name)
    return Keeper(Tool.FLUX) if writers & _FLUX_WRITES_AS else None


def _helm(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Keeper | None:
    release = annotations.get("meta.helm.sh/release-name", "")
    if release or labels.get("app.kubernetes.io/managed-by") == "Helm":
        return Keeper(Tool.HELM, release)
    return None


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _writers(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        return frozenset()
    names = (item.get("manager") for item in value if isinstance(item, Mapping))
    return frozenset(name for name in names if isinstance(name, str))
