"""Which rights each command needs: what `doctor` asks for, and what a Role has to give."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

from msgspec import Struct

from rolloutctl.domain.wire import Json

_ARGO = "argoproj.io"
_GROUPS = {
    **dict.fromkeys(
        (
            "rollouts",
            "analysisruns",
            "experiments",
            "analysistemplates",
            "clusteranalysistemplates",
        ),
        _ARGO,
    ),
    **dict.fromkeys(("replicasets", "deployments"), "apps"),
    "jobs": "batch",
    "virtualservices": "networking.istio.io",
}
"""The API groups of the resources that are not in the core group."""


class Place(enum.StrEnum):
    """Where a right is needed."""

    HERE = "namespace"
    """In the namespace of the rollouts."""
    CONTROLLER = "controller"
    """In the namespace of the controller."""


class Need(Struct, frozen=True, order=True):
    """One verb on one resource. `resource` may name a subresource: "rollouts/status".

    `optional`: without it the command works, and shows or does less.
    """

    resource: str
    verb: str
    place: Place = Place.HERE
    optional: bool = False

    @property
    def group(self) -> str:
        """The API group of the resource, "" for the core."""
        return _GROUPS.get(self.resource.partition("/")[0], "")

    @property
    def right(self) -> tuple[str, str, Place]:
        """What is asked for, whether a command can do without it or not."""
        return (self.resource, self.verb, self.place)


class Can(enum.StrEnum):
    """Whether the caller can use a command."""

    YES = "yes"
    PARTLY = "partly"
    """It works, and shows or does less."""
    NO = "no"
    UNKNOWN = "unknown"
    """The server did not say."""


class CommandRights(Struct, frozen=True):
    """A command, whether it can be used, and the rights that are missing for it."""

    command: str
    can: Can
    missing: tuple[Need, ...] = ()


def _need(text: str, place: Place = Place.HERE) -> list[Need]:
    """ "get,list rollouts; ?patch deployments": a question mark marks what is optional."""
    found = []
    for part in text.split(";"):
        words = part.strip()
        verbs, _, resource = words.lstrip("?").partition(" ")
        found += [Need(resource, verb, place, words[0] == "?") for verb in verbs.split(",")]
    return found


_PARTS = "?list replicasets; ?list pods; ?list analysisruns; ?list experiments"
_MOVING = "?watch replicasets; ?watch pods; ?get deployments"
_TEMPLATES = "?get analysistemplates; ?get clusteranalysistemplates"
_ROUTES = "?get services; ?get virtualservices"
_SHIPPED = "?list replicasets; ?list pods; ?list analysisruns"
"""What a person is shown before something is shipped or left."""
_CONFIG = _need("?get configmaps", Place.CONTROLLER)
_FOLLOW = "?list,watch rollouts; ?create events"
"""What --wait takes, and the Event that says who made the change."""
_OWN = f"get rollouts; patch rollouts; {_FOLLOW}"
_STATUS = f"get rollouts; patch rollouts/status; {_FOLLOW}"

NEEDS: Mapping[str, tuple[Need, ...]] = {
    command: tuple(needs)
    for command, needs in {
        "get": [*_need(f"get,list rollouts; {_PARTS}"), *_CONFIG],
        "watch": [
            *_need(f"list,watch rollouts; {_PARTS}; {_MOVING}"),
            *_CONFIG,
        ],
        "list": _need("list rollouts; ?watch rollouts"),
        "fleet": [*_need("list rollouts; ?watch rollouts"), *_CONFIG],
        "status": [*_need(f"get rollouts; ?list,watch rollouts; {_PARTS}; {_MOVING}"), *_CONFIG],
        "dashboard": [
            *_need(f"list,watch rollouts; {_PARTS}; {_MOVING}; ?list,watch events; ?get pods/log"),
            *_CONFIG,
        ],
        "wait": _need("list,watch rollouts; ?get rollouts; ?get deployments"),
        "plan": [*_need(f"get rollouts; ?list replicasets; {_TEMPLATES}; {_ROUTES}"), *_CONFIG],
        "explain": [*_need(f"get rollouts; {_PARTS}; ?list events"), *_CONFIG],
        "history": _need("get rollouts; list replicasets; ?list events"),
        "diff": _need("get rollouts; list replicasets; ?get deployments"),
        "tree": _need(f"get rollouts; {_PARTS}; ?list jobs; {_TEMPLATES}; {_ROUTES}"),
        "events": _need(f"get rollouts; list events; ?watch events; {_PARTS}"),
        "logs": _need("get rollouts; list pods; get pods/log; ?watch pods; ?list replicasets"),
        "analysis list": _need("list analysisruns"),
        "analysis get": _need("get analysisruns; ?list analysisruns"),
        "analysis run": _need(
            "create analysisruns; ?get analysistemplates; ?list,watch analysisruns"
        ),
        "analysis logs": _need("get analysisruns; list pods; get pods/log; ?get jobs"),
        "experiment list": _need("list experiments"),
        "experiment get": _need(
            "get experiments; ?list experiments; ?list analysisruns; ?list replicasets"
        ),
        "promote": [*_need(f"{_STATUS}; ?patch rollouts; {_SHIPPED}"), *_CONFIG],
        "abort": [*_need(f"{_STATUS}; ?patch rollouts"), *_CONFIG],
        "retry": [*_need(_STATUS), *_CONFIG],
        "pause": _need(_OWN),
        "resume": _need(_OWN),
        "restart": _need(_OWN),
        "undo": [
            *_need(f"{_OWN}; list replicasets; ?get,patch deployments; ?patch rollouts/status"),
            *_need("?list pods; ?list analysisruns"),
            *_CONFIG,
        ],
        "set image": [*_need(f"{_OWN}; ?get,patch deployments"), *_CONFIG],
        "scale": _need(_OWN),
        "terminate analysisrun": _need("get,patch analysisruns"),
        "terminate experiment": _need("get,patch experiments"),
        "create": _need(
            "create rollouts; ?create analysistemplates; ?create analysisruns; ?create experiments"
        ),
        "plugins list": [
            *_need("list rollouts; ?list analysistemplates; ?list clusteranalysistemplates"),
            *_need("get configmaps; ?get,list deployments; ?list pods", Place.CONTROLLER),
        ],
        "plugins disable": [
            *_need("list rollouts"),
            *_need("get,patch configmaps; ?get,list deployments; ?list pods", Place.CONTROLLER),
        ],
        "plugins disable --restart": [
            *_need("list rollouts"),
            *_need("get,patch configmaps; get,patch deployments; list pods", Place.CONTROLLER),
        ],
        "notifications": [*_need("?get rollouts"), *_need("get configmaps", Place.CONTROLLER)],
    }.items()
}
"""The rights each command needs, by its words; commands that need none are not in it."""


def rights() -> list[Need]:
    """Every right that some command needs, once, in a steady order."""
    found = {need.right: need for needs in NEEDS.values() for need in needs}
    return [found[right] for right in sorted(found)]


def assess(allowed: Mapping[tuple[str, str, Place], bool]) -> list[CommandRights]:
    """Which commands can be used, by the rights the caller has (what is missing: not known)."""
    return [_assess(command, needs, allowed) for command, needs in NEEDS.items()]


def _assess(
    command: str, needs: Iterable[Need], allowed: Mapping[tuple[str, str, Place], bool]
) -> CommandRights:
    missing = tuple(need for need in needs if allowed.get(need.right) is False)
    if any(not need.optional for need in missing):
        return CommandRights(command, Can.NO, missing)
    if any(need.right not in allowed for need in needs):
        return CommandRights(command, Can.UNKNOWN, missing)
    return CommandRights(command, Can.PARTLY if missing else Can.YES, missing)


def rules(needs: Iterable[Need]) -> list[Json]:
    """The rules of a Role that give these rights, as few as there can be."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for need in needs:
        verbs.setdefault((need.group, need.resource), set()).add(need.verb)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), given in verbs.items():
        grouped.setdefault((group, tuple(sorted(given))), []).append(resource)
    return [
        {"apiGroups": [group], "resources": sorted(resources), "verbs": list(given)}
        for (group, given), resources in sorted(grouped.items())
    ]


def roles(namespace: str | None, controller: str) -> list[Json]:
    """Roles with every right that some command needs; `namespace` None: a ClusterRole."""
    here = [need for need in rights() if need.place is Place.HERE]
    there = [need for need in rights() if need.place is Place.CONTROLLER]
    kind = "Role" if namespace is not None else "ClusterRole"
    place = {} if namespace is None else {"namespace": namespace}
    return [
        _role(kind, {"name": "rolloutctl", **place}, rules(here)),
        _role("Role", {"name": "rolloutctl-plugins", "namespace": controller}, rules(there)),
    ]


def _role(kind: str, metadata: Json, given: list[Json]) -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": given,
    }
