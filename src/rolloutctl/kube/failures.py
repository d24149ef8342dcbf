"""What the API server's refusals mean, as errors a person can act on."""

from __future__ import annotations

import msgspec

from rolloutctl.domain.cluster import Kind
from rolloutctl.domain.decoders import decoder
from rolloutctl.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Failed,
    Forbidden,
    NotFound,
    RolloutctlError,
    Unauthorized,
)
from rolloutctl.kube.decoding import MALFORMED

_LONGEST = 1000


class _Cause(msgspec.Struct):
    reason: str = ""
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


class ServerFault(ClusterError):
    """The server has too much to do or a fault of its own; the same request may work later."""


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
        return decoder(Status).decode(body)
    except MALFORMED:
        return Status()


def version_lost(code: int, status: Status) -> bool:
    """Whether a server refuses a resourceVersion: too old, or one it has not come to yet."""
    causes = (status.details.causes if status.details else None) or ()
    return code == 410 or any(cause.reason == "ResourceVersionTooLarge" for cause in causes)


def _said(status: Status, body: bytes) -> str:
    """The server's words: a Status's message, or the first line of a short text; no HTML."""
    if status.message:
        return status.message[:_LONGEST]
    try:
        text = body[:_LONGEST].decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    return "" if text[:1] in ("<", "{", "[") else text.partition("\n")[0].strip()


def failure(code: int, body: bytes, target: Target, cluster: str) -> RolloutctlError:
    """The error for an answer that is no success."""
    status = status_of(body)
    said = _said(status, body)
    what = _what(target)
    if code == 401:
        return Unauthorized(
            f"cluster {cluster} does not know you: 401 Unauthorized",
            subject=what,
            hint="the token or certificate of the kubeconfig is wrong or has expired",
        )
    if code == 403:
        return _forbidden(status, target, cluster, said)
    if code == 404:
        return _missing(status, target, cluster, said)
    if 300 <= code < 400:
        return ClusterError(
            f"cluster {cluster} points elsewhere (HTTP {code}) instead of answering",
            subject=what,
            hint="is the server's address in the kubeconfig the one of an API server?",
        )
    if code == 409 and target.verb == "create" and status.reason == "AlreadyExists":
        named = f"{_what(target)} is there already" if target.name else said
        return AlreadyExists(named, subject=what)
    if code == 409 or (code == 422 and target.verb == "patch" and _refused(status)):
        return Conflict(f"{what} changed meanwhile", subject=what, hint=said)
    if code in (400, 415, 422):
        return Failed(f"{what}: the server refuses this: {said or code}", subject=what)
    if code == 429:
        named = what if target.name or target.namespace is None else f"{what} in {target.namespace}"
        return ServerFault(
            f"cluster {cluster} has too much to do: it refused to {target.verb} {named} (429)",
            subject=what,
            hint="try again later; where many are changed at once, with a lower --max-concurrent",
        )
    fault = ServerFault if code >= 500 else ClusterError
    if code in (500, 504) or not said:
        return fault(
            f"cluster {cluster} failed: HTTP {code}{': ' + said if said else ''}", subject=what
        )
    return fault(f"cluster {cluster}: {said}", subject=what)


def _refused(status: Status) -> bool:
    """A JSON Patch whose `test` did not hold: the server says no more than that."""
    return not (status.details and status.details.causes)


def _what(target: Target) -> str:
    singular = target.kind.kind.lower()
    if not target.name:
        return target.kind.plural
    place = f"{target.namespace}/" if target.namespace else ""
    return f"{singular} {place}{target.name}"


def _forbidden(status: Status, target: Target, cluster: str, said: str) -> Forbidden:
    what = _what(target)
    if "cannot impersonate" in said:
        return Forbidden(
            f"cluster {cluster}: not allowed to act as another user",
            subject=what,
            hint=[f"the server says: {said}", "ask for the verb impersonate, or leave out --as"],
        )
    if "admission webhook" in said or "denied the request" in said or "denied request" in said:
        return Forbidden(
            f"cluster {cluster}: its admission control refuses to {target.verb} {what}",
            subject=what,
            hint=f"it says: {said}",
        )
    resource = target.kind.plural + (f"/{target.subresource}" if target.subresource else "")
    where = f"in namespace {target.namespace}" if target.namespace else "in all namespaces"
    rule = (
        f'{{apiGroups: ["{target.kind.group}"], resources: [{resource}], verbs: [{target.verb}]}}'
    )
    return Forbidden(
        f"cluster {cluster}: not allowed to {target.verb} {resource} {where}",
        subject=what,
        hint=[f"ask for: {rule}", *([f"the server says: {said}"] if said else [])],
    )


def _missing(status: Status, target: Target, cluster: str, said: str) -> RolloutctlError:
    details = status.details or _Details()
    if details.kind == "namespaces" and target.kind.plural != "namespaces":
        return NotFound(f'no namespace "{target.namespace}"', subject=_what(target))
    if not details.name:
        if not status.message and "page not found" not in said:
            return ClusterError(
                f"cluster {cluster} answers 404, and not as a Kubernetes API does",
                hint="is the server's address in the kubeconfig right?",
            )
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
