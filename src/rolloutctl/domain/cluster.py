"""What an action needs of a cluster: plain types, and the protocol that `rolloutctl.kube` meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

T = TypeVar("T")


class Kind(msgspec.Struct, frozen=True):
    """A resource as the API addresses it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True


ROLLOUTS = Kind("argoproj.io", "v1alpha1", "rollouts", "Rollout")
ANALYSIS_RUNS = Kind("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun")
EXPERIMENTS = Kind("argoproj.io", "v1alpha1", "experiments", "Experiment")
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
PODS = Kind("", "v1", "pods", "Pod")
EVENTS = Kind("", "v1", "events", "Event")
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
SERVICES = Kind("", "v1", "services", "Service")
SECRETS = Kind("", "v1", "secrets", "Secret")
POD_TEMPLATES = Kind("", "v1", "podtemplates", "PodTemplate")
INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress")
VIRTUAL_SERVICES = Kind("networking.istio.io", "v1", "virtualservices", "VirtualService")
JOBS = Kind("batch", "v1", "jobs", "Job")
ANALYSIS_TEMPLATES = Kind("argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate")
CLUSTER_ANALYSIS_TEMPLATES = Kind(
    "argoproj.io",
    "v1alpha1",
    "clusteranalysistemplates",
    "ClusterAnalysisTemplate",
    namespaced=False,
)
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
ACCESS_REVIEWS = Kind(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
)
IDENTITY_REVIEWS = Kind(
    "authentication.k8s.io",
    "v1",
    "selfsubjectreviews",
    "SelfSubjectReview",
    namespaced=False,
)
REVIEWS = (ACCESS_REVIEWS, IDENTITY_REVIEWS)
"""What is created only to get an answer: nothing in the cluster changes."""


class Unreadable(msgspec.Struct, frozen=True):
    """An object of a page that does not have the form its type has; the rest is not lost."""

    namespace: str
    name: str
    problem: str


class Change(msgspec.Struct, frozen=True):
    """One JSON Patch with its preconditions: the `test` operations stand first in it."""

    kind: Kind
    namespace: str
    name: str
    subresource: str
    """ "" for the object itself, else e.g. "status"."""
    operations: tuple[dict[str, Any], ...]


class Page(msgspec.Struct, frozen=True):
    """A part of a list: decoded objects (of the struct asked for), what could not be read.

    A watch from the first page's `resource_version` misses nothing that came after the list.
    """

    items: Sequence[Any]
    unreadable: Sequence[Unreadable]
    resource_version: str
    remaining: int | None


class WatchEvent(msgspec.Struct, frozen=True):
    """One thing a watch says.

    `type` is ADDED, MODIFIED, DELETED (`object` is the decoded struct); SYNCED: all that exists is
    out, or the connection is back after STALE; STALE: the connection dropped, it is tried again
    (`problem` says why); UNREADABLE: a version has not the form of its type (`object` is an
    Unreadable, `problem` says what is wrong). `resource_version` is set with SYNCED: all up to
    there has been told.
    """

    type: str
    object: Any = None
    problem: str = ""
    resource_version: str = ""


class Timings(msgspec.Struct, frozen=True):
    """What the time with one cluster went into so far, in seconds."""

    connect: float = 0.0
    """Credentials, TCP and TLS."""
    wait: float = 0.0
    """From sending a request until its answer was there (of a watch: its beginning)."""
    decode: float = 0.0
    busy: float = 0.0
    """Seconds that went by in any of these; less than their sum where requests overlapped."""
    requests: int = 0
    received: int = 0
    """Bytes of bodies as they were on the wire, compressed mostly."""


class Known(msgspec.Struct, frozen=True):
    """A list somebody has already: what a watch needs to go on from there without reading it.

    `items` maps namespace and name to version and object; a watch keeps it up to date from then
    on, so nobody else may change it.
    """

    resource_version: str
    items: dict[tuple[str, str], tuple[str, Any]]


class Cluster(Protocol):
    """A Kubernetes API as an action sees it.

    Every call raises errors of `rolloutctl.errors` only: NotFound, Forbidden, Unauthorized,
    Unreachable, ClusterError, Conflict (409, or 422 of a JSON Patch whose `test` did not hold).
    """

    @property
    def name(self) -> str:
        """How messages call it: the context's name."""
        ...

    @property
    def namespace(self) -> str:
        """The namespace used when the user gives none."""
        ...

    def get(self, kind: Kind, namespace: str, name: str, as_type: type[T]) -> T: ...

    def get_raw(self, kind: Kind, namespace: str, name: str) -> bytes:
        """The object as the server sent it, JSON."""
        ...

    def pages(
        self,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
    ) -> Iterator[Page]:
        """The list, page by page (None: all namespaces), in the order of namespace and name."""
        ...

    def watch(
        self,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        *,
        label_selector: str = "",
        field_selector: str = "",
        timeout: float | None = None,
        compact: Callable[[Any], Any] | None = None,
        known: Known | None = None,
    ) -> Iterator[WatchEvent]:
        """What is there (ADDED each, then SYNCED) and then what changes; survives drops and 410.

        After a 410 or a lost version it lists again and yields only differences (DELETED for what
        is gone). Ends quietly after `timeout` seconds. `compact` turns each object read into what
        is handed out and kept in its place, so that a fleet costs only what is shown of it.
        With `known` nothing is listed: what changed since comes out, and then SYNCED. DELETED
        carries the object as it was last.
        """
        ...

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        """Sends one PATCH; returns the object the server answered with, JSON.

        Raises Conflict when a precondition fails (the server says 422 and no more), InDoubt when
        it was sent and no answer came.
        """
        ...

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        """Sends one POST of an object in plain JSON; returns it as the server keeps it, JSON.

        Raises Conflict when there is one of that name, InDoubt when it was sent and no answer came.
        """
        ...

    def ask(self, path: str) -> bytes:
        """The answer to a GET outside of the resources, as "/version"."""
        ...

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        """The last lines of a pod's log."""
        ...

    def log_lines(
        self,
        namespace: str,
        name: str,
        *,
        container: str = "",
        follow: bool = False,
        tail: int | None = None,
        since_seconds: float | None = None,
        previous: bool = False,
        timestamps: bool = False,
    ) -> Iterator[str]:
        """A container's log line by line, without line ends; with `follow` as it grows.

        Bytes that are no UTF-8 become replacement characters; a line longer than a mebibyte comes
        in parts. Ends when the server ends it. Raises as other calls, Unreachable when it breaks.
        """
        ...

    def server_time_skew(self) -> float:
        """Seconds this machine's clock is ahead of the server's, as last seen; 0.0 if unknown."""
        ...

    def uid(self) -> str:
        """What tells this cluster from any other, also at the same address; "" if it is not known.

        It is read once, and raises nothing.
        """
        ...

    def timings(self) -> Timings:
        """What the time with this cluster went into so far."""
        ...
