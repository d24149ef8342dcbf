"""Who am I, and may I: reviews that are answered and forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import bodies, managers, metadata
from .access import Asked, User
from .messages import Request, Response
from .routing import Target


def answer(target: Target, request: Request, user: User, now: datetime) -> Response:
    """Answer a SelfSubjectReview or a SelfSubjectAccessReview. Raises Refused (400, 415)."""
    obj = bodies.read_object(request, target.resource, target.api_version)
    review: dict[str, Any] = {"apiVersion": target.api_version, "kind": target.resource.kind}
    if target.resource.plural == "selfsubjectreviews":
        review["metadata"] = {"creationTimestamp": metadata.timestamp(now)}
        review["status"] = {"userInfo": user.info()}
        return Response(201, bodies.encode(review))
    spec = obj.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    fields = managers.all_of(target.resource, {"spec": spec})
    written = managers.created(target.api_version, managers.of(request), fields, now)
    about = {"managedFields": managers.listed(written)} if written else {}
    review.update(metadata=about, spec=spec, status={"allowed": user.allows(_asked(spec))})
    return Response(201, bodies.encode(review))


def _asked(spec: dict[str, Any]) -> Asked:
    attributes = spec.get("resourceAttributes")
    if not isinstance(attributes, dict):
        path = spec.get("nonResourceAttributes") or {}
        return Asked(str(path.get("verb", "")) if isinstance(path, dict) else "")

    def text(name: str) -> str:
        value = attributes.get(name)
        return value if isinstance(value, str) else ""

    resource, part = text("resource"), text("subresource")
    return Asked(
        text("verb"),
        text("group"),
        f"{resource}/{part}" if part else resource,
        text("namespace"),
        text("name"),
    )
