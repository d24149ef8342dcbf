"""Refusals, as the Status objects a Kubernetes API server answers with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Cause(NamedTuple):
    """One reason of an Invalid answer: where, which kind of fault, and the words for it."""

    field: str
    reason: str
    message: str

    def text(self) -> str:
        return f"{self.field}: {self.message}"


class Refused(Exception):
    """A request that is answered with a Status instead of its result."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = headers or {}

    def status(self) -> dict[str, Any]:
        """The Status object."""
        answer: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details is not None:
            answer["details"] = self.details
        answer["code"] = self.code
        return answer


class Aborted(Exception):
    """The server closes the connection without an answer, as a real one does after a panic."""


def qualified(name: str, group: str) -> str:
    """`rollouts.argoproj.io`, and just `pods` for the core group."""
    return f"{name}.{group}" if group else name


def details(name: str, group: str, kind: str) -> dict[str, Any]:
    """The details of a refusal about one object; empty members are left out."""
    found = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in found.items() if value}


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def not_found(plural: str, group: str, name: str) -> Refused:
    message = f'{qualified(plural, group)} "{name}" not found'
    return Refused(404, "NotFound", message, details=details(name, group, plural))


def already_exists(plural: str, group: str, name: str) -> Refused:
    message = f'{qualified(plural, group)} "{name}" already exists'
    return Refused(409, "AlreadyExists", message, details=details(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str = "") -> Refused:
    why = why or (
        "the object has been modified;"
        " please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return Refused(409, "Conflict", message, details=details(name, group, plural))


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Refused:
    """422 with its causes; one cause stands alone in the message, several in brackets."""
    texts = [cause.text() for cause in causes]
    said = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    listed = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return Refused(
        422,
        "Invalid",
        f'{qualified(kind, group)} "{name}" is invalid: {said}',
        details={**details(name, group, kind), "causes": listed},
    )


def unpatchable() -> Refused:
    """A JSON Patch that cannot be applied; a real server says no more than this."""
    message = "the server rejected our request due to an error in our request"
    return Refused(422, "Invalid", message, details={})


def unsupported_media(*accepted: str) -> Refused:
    listed = ", ".join(accepted)
    message = (
        f"the body of the request was in an unknown format - accepted media types include: {listed}"
    )
    return Refused(415, "UnsupportedMediaType", message)


def method_not_allowed(plural: str, verb: str) -> Refused:
    message = f'{verb} is not supported on resources of kind "{plural}"'
    return Refused(405, "MethodNotAllowed", message, details={"kind": plural})


def forbidden(plural: str, group: str, name: str, why: str) -> Refused:
    quoted = f' "{name}"' if name else ""
    message = f"{qualified(plural, group)}{quoted} is forbidden: {why}"
    return Refused(403, "Forbidden", message, details=details(name, group, plural))


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized", "Unauthorized")


def expired(version: int, oldest: int) -> Refused:
    return Refused(410, "Expired", f"too old resource version: {version} ({oldest})")


def too_many_requests(seconds: int) -> Refused:
    """429: ask again after so many seconds."""
    message = "Too many requests, please try again later."
    return Refused(
        429,
        "TooManyRequests",
        message,
        details={"retryAfterSeconds": seconds},
        headers={"Retry-After": str(seconds)},
    )
