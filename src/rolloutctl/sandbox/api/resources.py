"""Every resource the embedded cluster serves: one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_BUILT_IN_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
PART_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Resource:
    """What the API says about one resource.

    `versions` are those it is served in, the preferred one first; all share one storage.
    `generation` is whether metadata.generation counts changes of the specification.
    """

    plural: str
    kind: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = False
    scale: bool = False
    more: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = ()
    """Further subresources: (name, kind, group, version, verbs)."""
    custom: bool = False
    generation: bool = False
    categories: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """What a field selector may name besides metadata.name and metadata.namespace."""
    stored: bool = True
    """False for reviews, which are answered and forgotten."""

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def verbs(self) -> tuple[str, ...]:
        if not self.stored:
            return ("create",)
        if self.plural == "namespaces":
            return tuple(verb for verb in _BUILT_IN_VERBS if verb != "deletecollection")
        return _CUSTOM_VERBS if self.custom else _BUILT_IN_VERBS

    @property
    def subresources(self) -> tuple[tuple[str, str, str, str, tuple[str, ...]], ...]:
        """(name, kind, group, version, verbs); group and version are empty for the object's own."""
        own = (("status", self.kind, "", "", PART_VERBS),) if self.status else ()
        scale = (("scale", "Scale", "autoscaling", "v1", PART_VERBS),) if self.scale else ()
        return (*own, *scale, *self.more)

    def api_version(self, version: str = "") -> str:
        """`argoproj.io/v1alpha1`; of the preferred version unless one is given."""
        version = version or self.versions[0]
        return f"{self.group}/{version}" if self.group else version


def _argo(
    plural: str, kind: str, short: str, *, namespaced: bool = True, parts: bool = False
) -> Resource:
    return Resource(
        plural,
        kind,
        "argoproj.io",
        ("v1alpha1",),
        (short,),
        namespaced=namespaced,
        status=parts,
        scale=parts,
        custom=True,
        generation=True,
    )


def _istio(plural: str, kind: str, short: str) -> Resource:
    return Resource(
        plural,
        kind,
        "networking.istio.io",
        ("v1", "v1beta1", "v1alpha3"),
        (short,),
        status=True,
        custom=True,
        generation=True,
    )


def _review(plural: str, kind: str, group: str) -> Resource:
    return Resource(plural, kind, group, namespaced=False, stored=False)


_EVENT_FIELDS = (
    *(
        f"involvedObject.{name}"
        for name in (
            "kind",
            "namespace",
            "name",
            "uid",
            "apiVersion",
            "resourceVersion",
            "fieldPath",
        )
    ),
    *("reason", "reportingComponent", "source", "type"),
)
_POD_FIELDS = (
    *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
    *("spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"),
)
_POD_PARTS = (
    ("eviction", "Eviction", "policy", "v1", ("create",)),
    ("log", "Pod", "", "", ("get",)),
)

RESOURCES: tuple[Resource, ...] = (
    Resource("configmaps", "ConfigMap", short_names=("cm",)),
    Resource("events", "Event", short_names=("ev",), fields=_EVENT_FIELDS),
    Resource(
        "namespaces",
        "Namespace",
        short_names=("ns",),
        namespaced=False,
        status=True,
        fields=("status.phase",),
    ),
    Resource(
        "pods",
        "Pod",
        short_names=("po",),
        status=True,
        more=_POD_PARTS,
        generation=True,
        categories=("all",),
        fields=_POD_FIELDS,
    ),
    Resource("podtemplates", "PodTemplate"),
    Resource("secrets", "Secret", fields=("type",)),
    Resource("serviceaccounts", "ServiceAccount", short_names=("sa",)),
    Resource("services", "Service", short_names=("svc",), status=True, categories=("all",)),
    Resource(
        "deployments",
        "Deployment",
        "apps",
        short_names=("deploy",),
        status=True,
        scale=True,
        generation=True,
        categories=("all",),
    ),
    Resource(
        "replicasets",
        "ReplicaSet",
        "apps",
        short_names=("rs",),
        status=True,
        scale=True,
        generation=True,
        categories=("all",),
        fields=("status.replicas",),
    ),
    _review("selfsubjectreviews", "SelfSubjectReview", "authentication.k8s.io"),
    _review("selfsubjectaccessreviews", "SelfSubjectAccessReview", "authorization.k8s.io"),
    _review("selfsubjectrulesreviews", "SelfSubjectRulesReview", "authorization.k8s.io"),
    Resource(
        "jobs",
        "Job",
        "batch",
        status=True,
        generation=True,
        categories=("all",),
        fields=("status.successful",),
    ),
    Resource("leases", "Lease", "coordination.k8s.io"),
    _argo("analysisruns", "AnalysisRun", "ar"),
    _argo("analysistemplates", "AnalysisTemplate", "at"),
    _argo("clusteranalysistemplates", "ClusterAnalysisTemplate", "cat", namespaced=False),
    _argo("experiments", "Experiment", "exp"),
    _argo("rollouts", "Rollout", "ro", parts=True),
    _istio("destinationrules", "DestinationRule", "dr"),
    _istio("virtualservices", "VirtualService", "vs"),
)

BY_PLURAL: dict[str, Resource] = {resource.plural: resource for resource in RESOURCES}
BY_KIND: dict[str, Resource] = {resource.kind: resource for resource in RESOURCES}


def groups() -> Iterator[tuple[str, tuple[str, ...]]]:
    """(group, versions) in the order discovery lists them, without the core group."""
    seen: set[str] = set()
    for resource in RESOURCES:
        if resource.group and resource.group not in seen:
            seen.add(resource.group)
            yield resource.group, resource.versions


def find(group: str, version: str, plural: str) -> Resource | None:
    """The resource under `/apis/{group}/{version}/{plural}`, None if there is none."""
    found = BY_PLURAL.get(plural)
    if found and found.group == group and version in found.versions:
        return found
    return None


def of(group: str, version: str) -> list[Resource]:
    """The resources of one group version; empty if it is not served."""
    return [r for r in RESOURCES if r.group == group and version in r.versions]
