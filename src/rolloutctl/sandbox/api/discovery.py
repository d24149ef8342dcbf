"""What the server serves: versions, groups and resources, one by one and all at once."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

from . import bodies, openapi, resources, routing
from .messages import Request, Response
from .resources import Resource

_AGGREGATED = {
    "v2": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    "v2beta1": "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
}
_ROOT = [
    "/api",
    "/api/v1",
    "/apis",
    "/healthz",
    "/livez",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
]
_MINOR = "34"
_EPOCH = "1970-01-01T00:00:00Z"


def answer(request: Request) -> Response | None:
    """The answer to a discovery request, None if it is something else. Raises NoSuchPath."""
    parts = routing.segments(request.path)
    if not parts:
        return _json({"paths": _ROOT})
    if parts == ["version"]:
        return _json(_version())
    if parts[0] == "openapi":
        return openapi.answer(request)
    if parts[0] not in ("api", "apis") or len(parts) > 3:
        return None
    aggregated = _aggregated(request)
    if parts == ["api"]:
        return _discover(["v1"], "", aggregated) if aggregated else _json(_core_versions(request))
    if parts == ["apis"]:
        return _discover([], None, aggregated) if aggregated else _json(_group_list())
    if parts == ["api", "v1"]:
        return _json(_resource_list("", "v1"))
    if parts[0] == "apis":
        known = dict(resources.groups())
        if parts[1] not in known:
            raise routing.NoSuchPath
        if len(parts) == 2:
            return _json(
                {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], known[parts[1]])}
            )
        if parts[2] not in known[parts[1]]:
            raise routing.NoSuchPath
        return _json(_resource_list(parts[1], parts[2]))
    return None


def _json(value: Any, content_type: str = "application/json") -> Response:
    return Response(200, bodies.encode(value), content_type)


def _version() -> dict[str, str]:
    return {
        "major": "1",
        "minor": _MINOR,
        "emulationMajor": "1",
        "emulationMinor": _MINOR,
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "33",
        "gitVersion": f"v1.{_MINOR}.0+rolloutctl-sandbox",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": _EPOCH,
        "goVersion": "",
        "compiler": "",
        "platform": "",
    }


def _core_versions(request: Request) -> dict[str, Any]:
    address = request.headers.get("host", "127.0.0.1")
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def _group(name: str, versions: tuple[str, ...]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _group_list() -> dict[str, Any]:
    listed = [_group(name, versions) for name, versions in resources.groups()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def _resource_list(group: str, version: str) -> dict[str, Any]:
    listed: list[dict[str, Any]] = []
    for resource in resources.of(group, version):
        entry: dict[str, Any] = {
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(resource.verbs),
        }
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        if resource.stored:
            entry["storageVersionHash"] = _storage_hash(resource)
        listed.append(entry)
        for part, kind, part_group, part_version, verbs in resource.subresources:
            about: dict[str, Any] = {
                "name": f"{resource.plural}/{part}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": list(verbs),
            }
            if part_group:
                about.update(group=part_group, version=part_version)
            listed.append(about)
    group_version = f"{group}/{version}" if group else version
    found: dict[str, Any] = {"kind": "APIResourceList", "groupVersion": group_version}
    if group:
        found["apiVersion"] = "v1"
    found["resources"] = listed
    return found


def _storage_hash(resource: Resource) -> str:
    text = f"{resource.group}/{resource.versions[0]}/{resource.kind}"
    return b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _aggregated(request: Request) -> str:
    """The version of aggregated discovery the client prefers to the plain kind, empty if none."""
    for wanted in request.headers.get("accept", "").split(","):
        parameters = dict(
            part.strip().partition("=")[::2] for part in wanted.split(";")[1:] if "=" in part
        )
        if parameters.get("as") == "APIGroupDiscoveryList":
            if parameters.get("v") in _AGGREGATED:
                return parameters["v"]
        elif wanted.strip().startswith(("application/json", "*/*")):
            return ""
    return ""


def _discover(versions: list[str], group: str | None, form: str) -> Response:
    """All groups, or the core group."""
    wanted = [(group, tuple(versions))] if group is not None else list(resources.groups())
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_discovered_version(name, version) for version in listed],
        }
        for name, listed in wanted
    ]
    answer = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{form}",
        "metadata": {},
        "items": items,
    }
    return _json(answer, _AGGREGATED[form])


def _discovered_version(group: str, version: str) -> dict[str, Any]:
    found = [_discovered(resource, version) for resource in resources.of(group, version)]
    return {"version": version, "resources": found, "freshness": "Current"}


def _discovered(resource: Resource, version: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        found["shortNames"] = list(resource.short_names)
    if resource.categories:
        found["categories"] = list(resource.categories)
    subresources = []
    for part, kind, group, part_version, verbs in resource.subresources:
        response = {
            "group": group or resource.group,
            "version": part_version or version,
            "kind": kind,
        }
        subresources.append({"subresource": part, "responseKind": response, "verbs": list(verbs)})
    if subresources:
        found["subresources"] = subresources
    return found
