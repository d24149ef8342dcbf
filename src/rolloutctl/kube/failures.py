"""What the API server's refusals mean, as errors a person can act on."""

from __future__ import annotations

import msgspec

from rolloutctl.domain.cluster import Kind
from rolloutctl.errors import (
    ClusterError,
    Conflict,
    Failed,
    Forbidden,
    NotFound,
    RolloutctlError,
    Unauthorized,
)

_LONGEST = 1000


class _Cause(msgspec.Struct):
    field: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    name: str = ""
    kind: str = ""
    causes: list[_Cause] | None = None


class Status(msgspec.Struct):
    """The API's own description of a failure."""

    message: str = ""
    reason: str = ""
    code: int = 0
    details: _Details | None = None


class Target(msgspec.Struct, frozen=True):
    """What was asked of whom; `name` is empty for lists."""

    verb: str
    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""


def status_of(body: bytes) -> Status:
    """The Status in a body; an empty one when it is none (a proxy's page, a cut answer)."""
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Status()


def failure(code: int, body: bytes, target: Target, cluster: str) -> RolloutctlError:
    """The error for an answer that is no success."""
    status = status_of(body)
    said = status.message[:_LONGEST]
    what = _what(target)
    if code == 401:
        return Unauthorized(
            f"cluster {cluster} does not know you: 401 Unauthorized",
            subject=what,
            hint="the token or certificate of the kubeconfig is wrong or has expired",
        )
    if code == 403:
        return _forbidden(target, cluster, said)
    if code == 404:
        return _missing(status, target, cluster)
    if code == 409 or (code == 422 and target.verb == "patch" and _refused(status)):
        return Conflict(f"{what} changed meanwhile", subject=what, hint=said)
    if code in (400, 415, 422):
        return Failed(f"{what}: the server refuses this: {said or code}", subject=what)
    if code == 429:
        return ClusterError(
            f"cluster {cluster} has too much to do (429)", subject=what, hint="try again later"
        )
    if code == 504 or code == 500 or not said:
        return ClusterError(
            f"cluster {cluster} failed: HTTP {code}{': ' + said if said else ''}", subject=what
        )
    return ClusterError(f"cluster {cluster}: {said}", subject=what)


def _refused(status: Status) -> bool:
    """A JSON Patch whose `test` did not hold: the server says no more than that."""
    return not (status.details and status.details.causes)


def _what(target: Target) -> str:
    singular = target.kind.kind.lower()
    if not target.name:
        return target.kind.plural
    place = f"{target.namespace}/" if target.namespace else ""
    return f"{singular} {place}{target.name}"


def _forbidden(target: Target, cluster: str, said: str) -> Forbidden:
    resource = target.kind.plural + (f"/{target.subresource}" if target.subresource else "")
    where = f"in namespace {target.namespace}" if target.namespace else "in all namespaces"
    rule = (
        f'{{apiGroups: ["{target.kind.group}"], resources: [{resource}], verbs: [{target.verb}]}}'
    )
    return Forbidden(
        f"cluster {cluster}: not allowed to {target.verb} {resource} {where}",
        subject=_what(target),
        hint=[f"ask for: {rule}", *([f"the server says: {said}"] if said else [])],
    )


def _missing(status: Status, target: Target, cluster: str) -> RolloutctlError:
    if status.details is None or not status.details.name:
        if target.kind.group == "argoproj.io":
            return ClusterError(
                f"Argo Rollouts is not installed in cluster {cluster}: it serves no"
                f" {target.kind.plural}",
                hint="kubectl get crd rollouts.argoproj.io shows whether it is",
            )
        if not target.name or not status.message:
            return ClusterError(f"cluster {cluster} serves no {target.kind.plural}")
    where = f" in namespace {target.namespace}" if target.namespace else ""
    return NotFound(f'no {target.kind.kind.lower()} "{target.name}"{where}', subject=_what(target))
