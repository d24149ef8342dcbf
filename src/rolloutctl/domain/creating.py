"""What `create` makes: which kinds, in which namespace and order, and what became of each."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime

import msgspec

from rolloutctl.domain import cluster as resources
from rolloutctl.domain.cluster import Kind
from rolloutctl.domain.lint.finding import Manifest
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Json
from rolloutctl.errors import ExitCode, RolloutctlError, UsageError

KINDS: tuple[Kind, ...] = (
    resources.NAMESPACES,
    resources.SECRETS,
    resources.CONFIG_MAPS,
    resources.SERVICES,
    resources.DEPLOYMENTS,
    resources.REPLICA_SETS,
    resources.CLUSTER_ANALYSIS_TEMPLATES,
    resources.ANALYSIS_TEMPLATES,
    resources.ROLLOUTS,
    resources.EXPERIMENTS,
    resources.ANALYSIS_RUNS,
    resources.JOBS,
)
"""The kinds that can be created, what is referred to before what refers to it."""
OWN = frozenset(kind.kind for kind in KINDS if kind.group == "argoproj.io")
"""The kinds of Argo Rollouts."""
ENDS = frozenset({"Rollout", "Experiment", "AnalysisRun"})
"""The kinds that can be waited for."""


class Wanted(msgspec.Struct, frozen=True):
    """One object to create. `namespace` is "" for a kind that has none; `source` is its file."""

    kind: Kind
    namespace: str
    data: Json
    source: str

    @property
    def name(self) -> str:
        """ "" where the server is to choose one (metadata.generateName)."""
        return str(self.data["metadata"].get("name") or "")

    @property
    def called(self) -> str:
        """Its name, or the beginning of it that the server goes on from, as "smoke-*"."""
        return self.name or f"{self.data['metadata'].get('generateName') or ''}*"

    @property
    def ref(self) -> Ref:
        return Ref(self.namespace, self.called)


class Made(enum.StrEnum):
    """What was done with one object."""

    CREATED = "created"
    EXISTS = "exists"
    """There is one of that name already; it was left as it is."""
    TRIED = "tried"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was sent and no answer came."""
    NOT_DONE = "not-done"


class Outcome(msgspec.Struct, frozen=True):
    """How far an object came while it was waited for: `seconds` since it was created."""

    phase: str
    message: str
    good: bool
    seconds: float
    timed_out: bool = False
    awaiting: bool = False
    """A person has to decide before it goes on."""


class Creation(msgspec.Struct, frozen=True):
    """What became of one object. `ref` has the name the server gave it."""

    wanted: Wanted
    ref: Ref
    made: Made
    uid: str = ""
    version: str = ""
    """Its resourceVersion, as it was created."""
    at: datetime | None = None
    error: RolloutctlError | None = None
    outcome: Outcome | None = None
    server: bool = False
    """Of TRIED: whether the server tried it too."""

    @property
    def exit_code(self) -> ExitCode:
        if self.error is not None:
            return self.error.exit_code
        if self.made is Made.NOT_DONE:
            return ExitCode.FAILED
        if self.outcome is None or self.outcome.good:
            return ExitCode.OK
        late = self.outcome.timed_out or self.outcome.awaiting
        return ExitCode.TIMEOUT if late else ExitCode.FAILED


def exit_code(creations: Sequence[Creation]) -> ExitCode:
    """OK if all are; the code shared by those that failed; FAILED where they differ."""
    codes = {each.exit_code for each in creations if each.made is not Made.NOT_DONE}
    codes -= {ExitCode.OK}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def wanted(manifest: Manifest, *, given: str | None, fallback: str) -> Wanted:
    """The object to create, with its namespace filled in.

    `given` is the namespace of the command line; `fallback` the one of objects that name none.
    Raises UsageError for another kind, another namespace than `given`, and for what no API server
    would know as an object.
    """
    place = manifest.where(())
    source = f"{place.file}:{place.line}" if place.line else place.file
    metadata = manifest.at("metadata")
    for field, value in (("apiVersion", manifest.api_version), ("kind", manifest.kind)):
        if not value:
            raise UsageError(f"{source}: the object has no {field}")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise UsageError(f"{source}: the {manifest.kind} has no metadata.name")
    for field in ("name", "generateName", "namespace"):
        if not isinstance(metadata.get(field), str | None):
            raise UsageError(f"{source}: metadata.{field} is no text")
    subject = f"{manifest.kind.lower()} {metadata.get('name') or metadata.get('generateName')}"
    kind = _kind(manifest)
    if kind is None:
        known = ", ".join(each.kind for each in KINDS if each.group == "argoproj.io")
        raise UsageError(
            f"{source}: objects of {manifest.api_version}, kind {manifest.kind}, are not created"
            " by this",
            subject=subject,
            hint=f"it creates {known}, and what they need; kubectl apply -f takes all kinds",
        )
    data, file = manifest.data, place.file
    if not kind.namespaced:
        return Wanted(kind, "", data, file)
    named = metadata.get("namespace")
    if given and named and given != named:
        raise UsageError(
            f"{source}: its namespace is {named}, and -n says {given}",
            subject=subject,
            hint=f"leave -n out, or pass -n {named}",
        )
    namespace = named or given or fallback
    return Wanted(kind, namespace, {**data, "metadata": {**metadata, "namespace": namespace}}, file)


def _kind(manifest: Manifest) -> Kind | None:
    for each in KINDS:
        version = f"{each.group}/{each.version}" if each.group else each.version
        if (version, each.kind) == (manifest.api_version, manifest.kind):
            return each
    return None


def ordered(objects: Sequence[Wanted]) -> list[Wanted]:
    """What is referred to first, else as given. Raises UsageError for an object given twice."""
    seen: dict[tuple[Kind, Ref], Wanted] = {}
    for each in objects:
        before = seen.setdefault((each.kind, each.ref), each) if each.name else each
        if before is not each:
            place = f" in namespace {each.namespace}" if each.namespace else ""
            raise UsageError(
                f"{each.kind.kind.lower()} {each.name}{place} is given twice: in {before.source}"
                f" and in {each.source}"
            )
    return sorted(objects, key=lambda each: KINDS.index(each.kind))
