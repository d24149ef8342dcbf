"""Server-side apply, in the simple form this server has: it never asks who owns a field.

It creates what is not there and merges into what is; two managers never conflict, and a field left
out of a later configuration stays. A real server tracks who owns which field.
"""

from __future__ import annotations

from typing import Any

from . import bodies, errors, patching, strategic
from .messages import Request
from .resources import Resource
from .routing import Target


def read(request: Request, target: Target) -> dict[str, Any]:
    """The configuration in the body. Raises Refused (400)."""
    found = bodies.read_yaml(request.body)
    if not isinstance(found, dict) or not isinstance(found.get("metadata", {}), dict):
        raise errors.bad_request("error decoding YAML: the configuration is no object")
    for name, expected in (("apiVersion", target.api_version), ("kind", target.resource.kind)):
        if found.get(name) != expected:
            raise errors.bad_request(f"{name} of the configuration must be {expected}")
    name = found.setdefault("metadata", {}).setdefault("name", target.name)
    if name != target.name:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    found["metadata"].pop("managedFields", None)
    return found


def merged(resource: Resource, before: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """`before` with the configuration merged in."""
    if resource.custom:
        return patching.apply_merge(before, wanted)
    return strategic.apply(resource, before, wanted)
