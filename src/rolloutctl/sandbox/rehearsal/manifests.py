"""What a rehearsal plays with: the rollout as its manifest has it, and what it refers to.

Whatever a live object carries of its past (status, hashes in selectors, routed weights) is taken
off, and what a rollout refers to and nobody has given is stubbed, so that the rest can be played.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rolloutctl.errors import UsageError
from rolloutctl.sandbox.api.resources import BY_KIND
from rolloutctl.sandbox.controller import pods
from rolloutctl.sandbox.controller.objects import (
    HASH_LABEL,
    MANAGED_BY,
    REVISION,
    WORKLOAD_GENERATION,
    Obj,
    dig,
    items,
    mapping,
    name,
    text,
)
from rolloutctl.sandbox.controller.steps import steps_of
from rolloutctl.sandbox.mandate import INSTANCE_ID
from rolloutctl.sandbox.scenarios.catalogue import parse

from . import stubs

WORKLOADS = {"Deployment": "deployments", "ReplicaSet": "replicasets"}
_OF_THE_PAST = (REVISION, WORKLOAD_GENERATION, MANAGED_BY)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object a rollout refers to, directly or through a template; `namespace` "" has none."""

    kind: str
    namespace: str
    name: str

    @property
    def plural(self) -> str:
        return BY_KIND[self.kind].plural

    @property
    def group(self) -> str:
        return BY_KIND[self.kind].group

    @property
    def versions(self) -> tuple[str, ...]:
        return BY_KIND[self.kind].versions


@dataclass(slots=True)
class Cast:
    """`rollout` and `objects` ready to be created; `template` is where its containers are.

    `notes` are facts: {"note": what, ...} of what was assumed, left out or stubbed.
    """

    rollout: Obj
    objects: list[Obj]
    images: list[str]
    """Of its containers, as the manifest has them."""
    images_to: list[str]
    """The same of the new version; empty when no image was named."""
    changes: Obj
    """Container to the image that the update gives it, on the rehearsal's cluster."""
    notes: list[Obj] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return text(self.rollout, "metadata", "namespace")

    @property
    def analysis_names(self) -> list[str]:
        """The analysis templates and their metrics."""
        found: list[str] = []
        for each in self.objects:
            if text(each, "kind").endswith("AnalysisTemplate"):
                found.append(name(each))
                found += [text(metric, "name") for metric in items(each, "spec", "metrics")]
        return found

    @property
    def workload(self) -> Obj | None:
        """The object that holds the template, None when it is the rollout itself."""
        wanted = _workload(self.rollout, self.namespace)
        return _find(self.objects, wanted, self.namespace) if wanted else None


def read(text_: str, source: str) -> list[Obj]:
    """The objects in a YAML or JSON text. Raises UsageError that names `source`."""
    return parse(text_, source)


def rollouts_of(documents: Sequence[Obj]) -> list[Obj]:
    return [each for each in documents if each.get("kind") == "Rollout"]


def plugins_of(rollout: Obj) -> dict[int, str]:
    """The plugins of a rollout's steps by the index of the step."""
    named = {index: text(step, "plugin", "name") for index, step in enumerate(steps_of(rollout))}
    return {index: plugin for index, plugin in named.items() if plugin}


def missing(rollout: Obj, documents: Sequence[Obj], namespace: str) -> list[Wanted]:
    """What `rollout` refers to and is not among `documents`, each once, in order."""
    found: dict[Wanted, None] = {}
    for wanted in _closure(rollout, documents, namespace):
        if _find(documents, wanted, namespace) is None:
            found[wanted] = None
    return list(found)


def cast(
    rollout: Obj,
    documents: Sequence[Obj],
    namespace: str,
    *,
    images: Sequence[str] = (),
    replicas: int | None = None,
) -> Cast:
    """Everything that is needed to play `rollout`, in its own namespace, else in `namespace`.

    `images`: `CONTAINER=IMAGE`, or `IMAGE` where there is one container. Raises UsageError for an
    image that cannot be meant, or that changes nothing.
    """
    namespace = text(rollout, "metadata", "namespace") or namespace
    own, notes = _fresh_rollout(rollout, namespace, replicas)
    objects = []
    for wanted in dict.fromkeys(_closure(own, documents, namespace)):
        found = _find(documents, wanted, namespace)
        if found is not None:
            objects.append(_fresh(found, wanted.namespace))
        else:
            notes.append({"note": "stubbed", "kind": wanted.kind, "name": wanted.name})
            objects.append(stubs.stub(own, wanted.kind, wanted.name, wanted.namespace))
    made = Cast(own, objects, [], [], {}, notes)
    _change_images(made, images)
    return made


def references(rollout: Obj, namespace: str) -> Iterator[Wanted]:
    """What the rollout's own spec names."""
    canary = mapping(rollout, "spec", "strategy", "canary")
    blue_green = mapping(rollout, "spec", "strategy", "blueGreen")
    wanted = _workload(rollout, namespace)
    if wanted is not None:
        yield wanted
    services = [text(canary, "stableService"), text(canary, "canaryService")]
    services += [text(canary, "pingPong", key) for key in ("pingService", "pongService")]
    services += [text(blue_green, key) for key in ("activeService", "previewService")]
    for service in services:
        if service:
            yield Wanted("Service", namespace, service)
    istio = mapping(canary, "trafficRouting", "istio")
    virtual = [mapping(istio, "virtualService"), *items(istio, "virtualServices")]
    routing = [("VirtualService", each) for each in virtual]
    for kind, entry in (*routing, ("DestinationRule", mapping(istio, "destinationRule"))):
        own, _, place = text(entry, "name").partition(".")
        if own:
            yield Wanted(kind, place or namespace, own)
    analyses = [mapping(canary, "analysis")]
    for step in steps_of(rollout):
        analyses.append(mapping(step, "analysis"))
        for each in items(step, "experiment", "analyses"):
            analyses.append({"templates": [each]})
    analyses += [
        mapping(blue_green, key) for key in ("prePromotionAnalysis", "postPromotionAnalysis")
    ]
    for analysis in analyses:
        yield from _templates(items(analysis, "templates"), namespace)


def _templates(entries: Sequence[Any], namespace: str) -> Iterator[Wanted]:
    for each in entries:
        named = text(each, "templateName")
        if named and dig(each, "clusterScope") is True:
            yield Wanted("ClusterAnalysisTemplate", "", named)
        elif named:
            yield Wanted("AnalysisTemplate", namespace, named)


def _closure(rollout: Obj, documents: Sequence[Obj], namespace: str) -> Iterator[Wanted]:
    """The rollout's references, and those of the templates it names."""
    seen: set[Wanted] = set()
    waiting = list(references(rollout, namespace))
    while waiting:
        wanted = waiting.pop(0)
        if wanted in seen:
            continue
        seen.add(wanted)
        yield wanted
        found = _find(documents, wanted, namespace)
        if found is not None and wanted.kind.endswith("AnalysisTemplate"):
            waiting += _templates(items(found, "spec", "templates"), namespace)


def _workload(rollout: Obj, namespace: str) -> Wanted | None:
    reference = mapping(rollout, "spec", "workloadRef")
    if text(reference, "kind") in WORKLOADS and text(reference, "name"):
        return Wanted(text(reference, "kind"), namespace, text(reference, "name"))
    return None


def _find(documents: Sequence[Obj], wanted: Wanted, namespace: str) -> Obj | None:
    for each in documents:
        if each.get("kind") != wanted.kind or name(each) != wanted.name:
            continue
        if not wanted.namespace or (dig(each, "metadata", "namespace") or namespace) == (
            wanted.namespace
        ):
            return each
    return None


def _fresh_rollout(rollout: Obj, namespace: str, replicas: int | None) -> tuple[Obj, list[Obj]]:
    own = _fresh(rollout, namespace)
    notes: list[Obj] = []
    spec = own.get("spec")
    if not isinstance(spec, dict):
        spec = own["spec"] = {}
    if spec.pop("paused", None) is True:
        notes.append({"note": "held"})
    spec.pop("restartAt", None)
    if replicas is not None:
        spec["replicas"] = replicas
    if isinstance(dig(spec, "template", "spec"), dict):
        _make_harmless(spec["template"], 1)
    routing = mapping(spec, "strategy", "canary", "trafficRouting")
    for router in routing:
        if router == "plugins":
            notes += [{"note": "router", "name": each} for each in mapping(routing, router)]
        elif router not in ("istio", "managedRoutes", "maxTrafficWeight"):
            notes.append({"note": "router", "name": router})
    return own, notes


def _fresh(obj: Obj, namespace: str) -> Obj:
    """The object as if it had never been anywhere."""
    own = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    before = mapping(own, "metadata")
    labels = {k: v for k, v in mapping(before, "labels").items() if k != INSTANCE_ID}
    notes = mapping(before, "annotations")
    notes = {k: v for k, v in notes.items() if k not in (*_OF_THE_PAST, _LAST_APPLIED)}
    own["metadata"] = {
        "name": before.get("name") or before.get("generateName"),
        **({"namespace": namespace} if namespace else {}),
        **({"labels": labels} if labels else {}),
        **({"annotations": notes} if notes else {}),
    }
    kind = own.get("kind")
    if kind == "Service":
        mapping(own, "spec", "selector").pop(HASH_LABEL, None)
        for key in ("clusterIP", "clusterIPs"):
            mapping(own, "spec").pop(key, None)
    elif kind == "DestinationRule":
        for subset in items(own, "spec", "subsets"):
            mapping(subset, "labels").pop(HASH_LABEL, None)
    elif kind in WORKLOADS:
        _make_harmless(mapping(own, "spec", "template"), 1)
    return own


# --- images -------------------------------------------------------------------------------------


def _containers(template: Any) -> list[Obj]:
    found = items(template, "spec", "containers")
    return [each for each in found if isinstance(each, dict)]


def _make_harmless(template: Any, version: int) -> None:
    for container in _containers(template):
        if isinstance(container.get("image"), str):
            container["image"] = _harmless(container["image"], version)


def _harmless(image: str, version: int) -> str:
    """The image, unless its tag is one with which the sandbox's pods never start."""
    if not pods.is_bad(image):
        return image
    return f"{image.rpartition(':')[0]}:{_REHEARSED}-{version}"


def _change_images(made: Cast, images: Sequence[str]) -> None:
    holder = made.workload or made.rollout
    containers = _containers(mapping(holder, "spec", "template"))
    given = {text(each, "name"): text(each, "image") for each in containers}
    made.images[:] = list(given.values())
    if not images:
        if containers:
            first = text(containers[0], "name")
            repository = given[first].partition("@")[0]
            head, slash, last = repository.rpartition("/")
            repository = f"{head}{slash}{last.partition(':')[0]}"
            made.changes[first] = f"{repository or _REHEARSED}:{_REHEARSED}-2"
        return
    after = dict(given)
    for each in images:
        container, image = _meant(each, given)
        if image == given[container]:
            raise UsageError(
                f"container {container} has the image {image} already",
                hint="name the image of the new version; without --image one is assumed",
            )
        after[container] = image
        made.changes[container] = _harmless(image, 2)
    made.images_to[:] = list(after.values())


def _meant(written: str, containers: Obj) -> tuple[str, str]:
    container, equals, image = written.partition("=")
    known = ", ".join(containers)
    if not equals:
        if len(containers) != 1:
            raise UsageError(
                f'--image "{written}" does not say which container it is for',
                hint=f"write CONTAINER=IMAGE; the containers are {known}",
            )
        container, image = next(iter(containers)), written
    if container not in containers:
        raise UsageError(
            f'there is no container "{container}" in the rollout',
            hint=f"the containers are {known}" if known else "its template has no containers",
        )
    if not image or any(char.isspace() for char in image):
        raise UsageError(f'--image "{written}" names no image')
    return container, image
