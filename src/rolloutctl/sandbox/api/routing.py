"""From a method, a path and a query to what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from . import errors, resources
from .messages import Request
from .resources import Resource


class NoSuchPath(Exception):
    """404 in plain text, as for every path outside the API."""


@dataclass(frozen=True, slots=True)
class Target:
    """One resource request. `name` is empty for a collection, `namespace` for all of them."""

    resource: Resource
    version: str
    verb: str
    namespace: str = ""
    name: str = ""
    part: str = ""

    @property
    def api_version(self) -> str:
        return self.resource.api_version(self.version)


class Query:
    """The parameters of a request."""

    def __init__(self, request: Request) -> None:
        self.bare = request.bare
        self._values: dict[str, str] = {}
        for name, value in request.query:
            self._values.setdefault(name, value)

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def given(self, name: str) -> bool:
        """Whether the parameter is there at all."""
        return name in self._values

    def flag(self, name: str) -> bool:
        return self._values.get(name, "").lower() in ("true", "1", "t")

    def number(self, name: str) -> int | None:
        """A whole number, None if absent. Raises Refused (400)."""
        value = self._values.get(name, "")
        if not value:
            return None
        if not value.lstrip("-").isascii() or not value.lstrip("-").isdigit():
            raise errors.bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax')
        return int(value)


_ONE = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MANY = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}


def segments(path: str) -> list[str]:
    """The parts of a path, decoded; empty ones at the ends are left out."""
    return [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []


def locate(request: Request) -> Target:
    """What the request is about. Raises NoSuchPath, Refused (405)."""
    parts = segments(request.path)
    if parts[:2] == ["api", "v1"]:
        group, version, rest = "", "v1", parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise NoSuchPath
    namespace = ""
    if len(rest) >= 3 and rest[0] == "namespaces" and not _is_part_of_namespace(group, rest):
        namespace, rest = rest[1], rest[2:]
    if not 1 <= len(rest) <= 3 or not all(rest):
        raise NoSuchPath
    resource = resources.find(group, version, rest[0])
    if resource is None or (namespace and not resource.namespaced):
        raise NoSuchPath
    name = rest[1] if len(rest) > 1 else ""
    part = rest[2] if len(rest) > 2 else ""
    if name and resource.namespaced and not namespace:
        raise NoSuchPath
    return Target(resource, version, _verb(request, resource, name, part), namespace, name, part)


def _is_part_of_namespace(group: str, rest: list[str]) -> bool:
    return group == "" and len(rest) == 3 and rest[2] in ("status", "finalize")


def _verb(request: Request, resource: Resource, name: str, part: str) -> str:
    if part:
        known = next((found for found in resource.subresources if found[0] == part), None)
        if known is None:
            if resource.custom:
                raise errors.not_found(resource.plural, resource.group, name)
            raise NoSuchPath
        verb = "create" if request.method == "POST" else _ONE.get(request.method, "")
        if verb not in known[4]:
            raise _not_allowed()
        return verb
    if name:
        # A POST to a name creates: that the name is not to be there is seen when it is tried.
        verb = "create" if request.method == "POST" else _ONE.get(request.method, "")
    else:
        verb = _MANY.get(request.method, "")
    watching = Query(request).flag("watch")
    if watching and verb in ("list", "get"):
        verb = "watch"
    if verb not in resource.verbs:
        raise _not_allowed()
    return verb


def _not_allowed() -> errors.Refused:
    message = "the server does not allow this method on the requested resource"
    return errors.Refused(405, "MethodNotAllowed", message, details={})
