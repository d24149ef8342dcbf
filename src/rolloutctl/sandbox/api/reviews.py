"""Who am I, and may I: reviews that are answered and forgotten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from . import bodies, errors, managers, metadata
from .access import MASTERS, Asked, User
from .messages import Request, Response
from .routing import Target

_REVIEWS = ["selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"]


def answer(target: Target, request: Request, user: User, now: datetime) -> Response:
    """Answer a review of who somebody is or what they may do. Raises Refused (400, 415)."""
    obj = bodies.read_object(request, target.resource, target.api_version)
    review: dict[str, Any] = {"apiVersion": target.api_version, "kind": target.resource.kind}
    if target.resource.plural == "selfsubjectreviews":
        review["metadata"] = {"creationTimestamp": metadata.timestamp(now)}
        review["status"] = {"userInfo": user.info()}
        return Response(201, bodies.encode(review))
    spec = obj.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    if target.resource.plural == "selfsubjectrulesreviews":
        namespace = spec.get("namespace")
        if not isinstance(namespace, str) or not namespace:
            raise errors.bad_request("no namespace on request")
        review.update(metadata={}, spec={}, status=_rules(user, namespace))
        return Response(201, bodies.encode(review))
    fields = managers.all_of(target.resource, {"spec": spec})
    written = managers.created(target.api_version, managers.of(request), fields, now)
    about = {"managedFields": managers.listed(written)} if written else {}
    review.update(metadata=about, spec=spec, status={"allowed": user.allows(_asked(spec))})
    return Response(201, bodies.encode(review))


def _rules(user: User, namespace: str) -> dict[str, Any]:
    """What a user may do in a namespace; everybody may ask who and what one is."""
    own = [
        {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": [_REVIEWS[0]]},
        {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": _REVIEWS[1:]},
    ]
    paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*"]
    rest = [{"verbs": ["get"], "nonResourceURLs": [*paths, "/readyz", "/version"]}]
    if MASTERS in user.groups:
        own.insert(0, {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
        rest.insert(0, {"verbs": ["*"], "nonResourceURLs": ["*"]})
    for rule in user.rules:
        if not rule.namespaces or namespace in rule.namespaces:
            listed = {
                "verbs": list(rule.verbs),
                "apiGroups": list(rule.api_groups),
                "resources": list(rule.resources),
            }
            if rule.resource_names:
                listed["resourceNames"] = list(rule.resource_names)
            own.append(listed)
    return {"resourceRules": own, "nonResourceRules": rest, "incomplete": False}


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
