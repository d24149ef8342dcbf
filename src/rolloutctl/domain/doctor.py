"""What is well and what is not with a cluster, its controller and the caller's rights: facts."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from rolloutctl.domain.plugin_config import STEP, TRAFFIC_ROUTER, PluginConfiguration
from rolloutctl.domain.plugin_use import ControllerFacts
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.rights import Can, CommandRights, Place
from rolloutctl.errors import ExitCode

SKEW_TOLD = 2.0
SKEW_BAD = 30.0
"""Seconds of difference between two clocks that are mentioned, and that mislead."""
STEP_PLUGINS_SINCE = (1, 8)
"""The controller's first version with step plugins. Source: argo-rollouts, v1.8.0."""
RESOURCES = (
    "rollouts",
    "analysisruns",
    "analysistemplates",
    "clusteranalysistemplates",
    "experiments",
)
"""What the installation serves in argoproj.io/v1alpha1."""
ROUTERS = {
    "istio": "networking.istio.io",
    "smi": "split.smi-spec.io",
    "gateway-api": "gateway.networking.k8s.io",
    "alb": "elbv2.k8s.aws",
    "ambassador": "getambassador.io",
    "apisix": "apisix.apache.org",
    "traefik": "traefik.io",
}
"""The API groups that tell which traffic routers' objects a cluster has."""
_ROUTER_OF_FIELD = {
    **{"istio": "istio", "smi": "smi", "alb": "alb", "ambassador": "ambassador"},
    **{"apisix": "apisix", "traefik": "traefik"},
}
_GATEWAY_PLUGIN = "argoproj-labs/gatewayAPI"
_MOST_NAMED = 10
_SEE_CONTROLLER = ("deployments", "get", Place.CONTROLLER)


class Severity(enum.StrEnum):
    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Check(enum.StrEnum):
    CLIENT = "client"
    SERVER = "server"
    CLOCK = "clock"
    INSTALLED = "installed"
    CONTROLLER = "controller"
    CONTROLLER_VERSION = "controller-version"
    PLUGIN_CONFIG = "plugin-config"
    PLUGIN_CONFIG_READ = "plugin-config-read"
    PLUGINS_USED = "plugins-used"
    ROUTERS = "routers"
    METRICS = "metrics"
    ROLLOUTS = "rollouts"
    STABLE = "unhealthy-stable"
    RIGHTS = "rights"


class Finding(Struct, frozen=True):
    """What one check came to; `facts` are for programs, and for the words of a view."""

    check: Check
    severity: Severity
    facts: Mapping[str, Any] = {}


class Metrics(Struct, frozen=True):
    """What came of asking the controller's metrics through the API server: their number of lines,
    or why there are none."""

    lines: int = 0
    version: str = ""
    """What the controller's own metrics call its version, "" if they do not."""
    problem: str = ""


class UnhealthyStable(Struct, frozen=True):
    """An update under way whose stable version lacks available pods."""

    ref: Ref
    available: int
    desired: int


class Used(Struct, frozen=True):
    """What the rollouts that may be read make use of; `problem`: why they could not be."""

    namespace: str | None
    """None: all of them."""
    rollouts: int = 0
    unreadable: int = 0
    plugins: Mapping[tuple[str, str], int] = {}
    """How many rollouts use a plugin, by kind ("step", "trafficRouter") and name."""
    routers: Mapping[str, int] = {}
    """How many rollouts name a router, by the field of `trafficRouting`."""
    stable: tuple[UnhealthyStable, ...] = ()
    problem: str = ""


class Gathered(Struct, frozen=True):
    """What could be found out; None or "" where it could not."""

    client: str
    reachable: bool = True
    problem: str = ""
    """Why it is not reachable, or what else was wrong with the server's answers."""
    server: str = ""
    platform: str = ""
    skew: float = 0.0
    groups: Mapping[str, tuple[str, ...]] | None = None
    """The versions of each API group that is served."""
    resources: tuple[str, ...] | None = None
    """What is served in argoproj.io/v1alpha1."""
    controller: ControllerFacts | None = None
    controller_image: str = ""
    controllers: tuple[str, ...] = ()
    """Where there are several: which one is meant cannot be told."""
    config: PluginConfiguration | None = None
    config_found: bool = False
    config_problem: str = ""
    used: Used | None = None
    metrics: Metrics | None = None
    rights: tuple[CommandRights, ...] = ()
    rights_problem: str = ""
    now: datetime | None = None


def findings(seen: Gathered) -> list[Finding]:
    """What there is to say, in the order in which a person goes about it."""
    found = [Finding(Check.CLIENT, Severity.OK, {"version": seen.client})]
    if not seen.reachable:
        return [*found, Finding(Check.SERVER, Severity.ERROR, {"problem": seen.problem})]
    severity = Severity.OK if seen.server else Severity.NOTE
    facts = {"version": seen.server, "platform": seen.platform, "problem": seen.problem}
    found.append(Finding(Check.SERVER, severity, facts))
    found.append(_clock(seen.skew))
    found += _installed(seen)
    found += _controller(seen)
    found += _plugins(seen)
    found += _routers(seen)
    found += _metrics(seen)
    found += _rollouts(seen)
    found += _rights(seen)
    return found


def exit_code(found: Sequence[Finding]) -> ExitCode:
    """CLUSTER when the server did not answer, FAILED for errors, else OK."""
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if any(finding.check is Check.SERVER for finding in errors):
        return ExitCode.CLUSTER
    return ExitCode.FAILED if errors else ExitCode.OK


def version_of(image: str) -> tuple[int, int] | None:
    """Major and minor version by an image's tag: "…:v1.8.3" is (1, 8); None: it does not tell."""
    tag = re.search(r":v?(\d{1,4})\.(\d{1,4})(?:[.\-+@]|$)", image.rpartition("/")[2])
    return None if tag is None else (int(tag[1]), int(tag[2]))


# ------------------------------------------------------------------------------------------------


def _clock(skew: float) -> Finding:
    size = abs(skew)
    severity = Severity.OK if size < SKEW_TOLD else Severity.NOTE
    return Finding(
        Check.CLOCK, Severity.WARNING if size >= SKEW_BAD else severity, {"skewSeconds": skew}
    )


def _installed(seen: Gathered) -> Iterator[Finding]:
    if seen.groups is None:
        yield Finding(Check.INSTALLED, Severity.NOTE, {"problem": seen.problem})
        return
    versions = list(seen.groups.get("argoproj.io", ()))
    served = set(seen.resources or ())
    # Other projects of the group may be there without this one.
    missing = [name for name in RESOURCES if name not in served]
    facts = {"versions": versions, "missing": missing, "problem": ""}
    if "rollouts" in missing:
        yield Finding(Check.INSTALLED, Severity.ERROR, facts)
    else:
        yield Finding(Check.INSTALLED, Severity.WARNING if missing else Severity.OK, facts)


def _controller(seen: Gathered) -> Iterator[Finding]:
    if seen.controllers:
        yield Finding(Check.CONTROLLER, Severity.WARNING, {"several": list(seen.controllers)})
        return
    it = seen.controller
    if it is None or not it.deployment:
        facts = {
            "namespace": it.namespace if it is not None else None,
            "problem": it.unknown if it is not None else "",
        }
        hidden = any(_SEE_CONTROLLER in _rights_of(item) for item in seen.rights)
        yield Finding(Check.CONTROLLER, Severity.NOTE if hidden else Severity.WARNING, facts)
        return
    running = {
        "namespace": it.namespace,
        "deployment": it.deployment,
        "replicas": it.replicas,
        "ready": it.ready,
        "startedAt": it.started,
        "ageSeconds": None
        if it.started is None or seen.now is None
        else max(0.0, (seen.now - it.started).total_seconds()),
    }
    severity = Severity.OK if it.ready >= max(1, it.replicas) else Severity.WARNING
    yield Finding(Check.CONTROLLER, severity if it.ready else Severity.ERROR, running)
    yield from _controller_version(seen)
    yield from _config(seen)


def _rights_of(item: CommandRights) -> list[tuple[str, str, Place]]:
    return [need.right for need in item.missing]


def _controller_version(seen: Gathered) -> Iterator[Finding]:
    told = seen.metrics.version if seen.metrics is not None else ""
    known = version_of(seen.controller_image) or version_of(f":{told}")
    uses = seen.config is not None and any(item.kind == STEP for item in seen.config.items)
    old = known is not None and known < STEP_PLUGINS_SINCE and uses
    severity = Severity.WARNING if old else Severity.OK if known is not None else Severity.NOTE
    yield Finding(
        Check.CONTROLLER_VERSION,
        severity,
        {"image": seen.controller_image, "version": told or None, "tooOldForStepPlugins": old},
    )


def _config(seen: Gathered) -> Iterator[Finding]:
    if seen.config is None:
        facts: dict[str, Any] = {"found": None, "problem": seen.config_problem}
        yield Finding(Check.PLUGIN_CONFIG, Severity.NOTE, facts)
        return
    problems = [{"place": each.place, "message": each.message} for each in seen.config.problems]
    disabled = [item.name for item in seen.config.items if item.disabled]
    facts = {
        "found": seen.config_found,
        "plugins": len(seen.config.items),
        "disabled": disabled,
        "problems": problems,
    }
    yield Finding(Check.PLUGIN_CONFIG, Severity.ERROR if problems else Severity.OK, facts)
    it = seen.controller
    if it is not None and seen.config_found:
        by_state = {True: Severity.WARNING, False: Severity.OK, None: Severity.NOTE}
        facts = {
            "pending": it.pending,
            "changedAt": it.changed,
            "startedAt": it.started,
            "problem": it.unknown if it.pending is None else "",
        }
        yield Finding(Check.PLUGIN_CONFIG_READ, by_state[it.pending], facts)


def _plugins(seen: Gathered) -> Iterator[Finding]:
    """Plugins that rollouts name and nobody configured: those rollouts stand still."""
    if seen.used is None or seen.used.problem or seen.config is None or seen.config.problems:
        return
    missing = {
        name: count
        for (kind, name), count in sorted(seen.used.plugins.items())
        if seen.config.find(name, kind) is None
    }
    if seen.used.plugins:
        severity = Severity.WARNING if missing else Severity.OK
        facts = {"used": len(seen.used.plugins), "notConfigured": missing}
        yield Finding(Check.PLUGINS_USED, severity, facts)


def _routers(seen: Gathered) -> Iterator[Finding]:
    if seen.groups is None:
        return
    served = {name: list(seen.groups[g]) for name, g in ROUTERS.items() if g in seen.groups}
    used: dict[str, int] = {}
    if seen.used is not None:
        for field, count in seen.used.routers.items():
            router = _ROUTER_OF_FIELD.get(field)
            if router is not None:
                used[router] = count
        count = seen.used.plugins.get((TRAFFIC_ROUTER, _GATEWAY_PLUGIN), 0)
        used |= {"gateway-api": count} if count else {}
    missing = {name: used[name] for name in sorted(used) if name not in served}
    severity = Severity.WARNING if missing else Severity.OK
    yield Finding(Check.ROUTERS, severity, {"served": served, "missing": missing})


def _metrics(seen: Gathered) -> Iterator[Finding]:
    if seen.metrics is not None:
        severity = Severity.NOTE if seen.metrics.problem else Severity.OK
        facts = {"lines": seen.metrics.lines, "problem": seen.metrics.problem}
        yield Finding(Check.METRICS, severity, facts)


def _rollouts(seen: Gathered) -> Iterator[Finding]:
    used = seen.used
    if used is None:
        return
    facts = {
        "namespace": used.namespace,
        "count": used.rollouts,
        "unreadable": used.unreadable,
        "problem": used.problem,
    }
    bad = used.problem or used.unreadable
    yield Finding(Check.ROLLOUTS, Severity.WARNING if bad else Severity.OK, facts)
    if used.stable:
        listed = [
            {
                "namespace": each.ref.namespace,
                "name": each.ref.name,
                "available": each.available,
                "desired": each.desired,
            }
            for each in used.stable[:_MOST_NAMED]
        ]
        total = len(used.stable)
        yield Finding(Check.STABLE, Severity.WARNING, {"total": total, "rollouts": listed})


def _rights(seen: Gathered) -> Iterator[Finding]:
    if seen.rights_problem or not seen.rights:
        yield Finding(Check.RIGHTS, Severity.NOTE, {"problem": seen.rights_problem})
        return
    by_can = {can: [item.command for item in seen.rights if item.can is can] for can in Can}
    severity = Severity.NOTE if by_can[Can.NO] or by_can[Can.PARTLY] else Severity.OK
    if "list" in by_can[Can.NO] or "get" in by_can[Can.NO]:
        severity = Severity.ERROR  # nothing at all can be seen
    facts = {str(can): commands for can, commands in by_can.items()}
    yield Finding(Check.RIGHTS, severity, {**facts, "problem": ""})
