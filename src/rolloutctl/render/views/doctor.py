"""What `doctor` found, in words: a line for each finding, and what to do below it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rolloutctl.domain.doctor import STEP_PLUGINS_SINCE, Check, Finding, Severity
from rolloutctl.domain.rights import Can, CommandRights, Need, Place, rules
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap

_STYLES = {
    Severity.OK: "good",
    Severity.NOTE: "dim",
    Severity.WARNING: "warn",
    Severity.ERROR: "bad",
}
_CAN_STYLES = {Can.YES: "good", Can.PARTLY: "warn", Can.NO: "bad", Can.UNKNOWN: "dim"}
_NAMES = 12
_Facts = Mapping[str, Any]


def lines(found: Sequence[Finding], surface: Surface) -> list[Line]:
    """The findings, each with what to do about it."""
    told: list[Line] = []
    wide = max(len(finding.check) for finding in found) + 2
    for finding in found:
        head = f"{finding.severity:<9}"
        lead = len(head) + wide
        told += wrap(
            line(
                Span(head, _STYLES[finding.severity]),
                f"{finding.check:<{wide}}",
                Span(message(finding)),
            ),
            surface.room,
            indent=lead,
        )
        for text in advice(finding):
            told += wrap(line(" " * lead, Span(text, "dim")), surface.room, indent=lead + 2)
    return told


def message(finding: Finding) -> str:
    """What was found, in one line."""
    return _MESSAGES[finding.check](finding.facts)


def advice(finding: Finding) -> list[str]:
    """What to do about it; nothing where all is well."""
    if finding.severity is Severity.OK:
        return []
    return [text for text in _ADVICE[finding.check](finding.facts) if text]


# --- rights -------------------------------------------------------------------------------------


def rights_lines(found: Iterable[CommandRights], surface: Surface) -> Iterator[Line]:
    """A table of the commands, whether the caller can use them, and what is missing."""
    rows = [
        (item.command, Span(item.can, _CAN_STYLES[item.can]), _missing(item.missing))
        for item in found
    ]
    return table(["COMMAND", "CAN", "MISSING"], rows, surface)


def asking(found: Iterable[CommandRights], namespace: str | None, controller: str) -> list[str]:
    """The rules to ask for, so that every command works in full."""
    missing = [need for item in found for need in item.missing]
    told: list[str] = []
    for place in Place:
        needs = [need for need in missing if need.place is place]
        if needs:
            where = controller if place is Place.CONTROLLER else namespace
            told.append(f"to ask for, in {'namespace ' + where if where else 'all namespaces'}:")
            told += [f"  {_flow(rule)}" for rule in rules(needs)]
    return told


def _missing(needs: Sequence[Need]) -> str:
    by_resource: dict[tuple[str, Place, bool], list[str]] = {}
    for need in needs:
        key = (need.resource, need.place, need.optional)
        by_resource.setdefault(key, []).append(need.verb)
    return ", ".join(
        f"{'/'.join(verbs)} {resource}"
        + (" of the controller" if place is Place.CONTROLLER else "")
        + (" (optional)" if optional else "")
        for (resource, place, optional), verbs in by_resource.items()
    )


def _flow(rule: _Facts) -> str:
    """A rule on one line, as YAML takes it."""
    parts = (f"{key}: {json.dumps(value)}" for key, value in rule.items())
    return "{" + ", ".join(parts) + "}"


# --- messages -----------------------------------------------------------------------------------


def _text(value: object) -> str:
    return safe(value, words.MESSAGE)


def _some(names: Iterable[object]) -> str:
    listed = [safe(name, 100) for name in names]
    more = f" and {len(listed) - _NAMES} more" if len(listed) > _NAMES else ""
    return ", ".join(listed[:_NAMES]) + more


def _span(seconds: float) -> str:
    return words.elapsed(timedelta(seconds=seconds))


def _server(facts: _Facts) -> str:
    if facts.get("version"):
        platform = f" ({_text(facts['platform'])})" if facts.get("platform") else ""
        return f"Kubernetes {_text(facts['version'])}{platform}"
    return _text(facts.get("problem")) or "its version is not known"


def _clock(facts: _Facts) -> str:
    skew = facts["skewSeconds"]
    if abs(skew) < 1:
        return "this machine and the server agree"
    return f"this machine is {_span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the server"


def _installed(facts: _Facts) -> str:
    if facts["problem"]:
        return f"what is served is not known: {_text(facts['problem'])}"
    served = f"argoproj.io {_some(facts['versions'])}" if facts["versions"] else "no argoproj.io"
    return f"{served} is served" + (
        f", without {_some(facts['missing'])}" if facts["missing"] else ""
    )


def _controller(facts: _Facts) -> str:
    if facts.get("several"):
        return _some(facts["several"])
    if "deployment" not in facts:
        return f"not seen: {_text(facts['problem']) or 'it may not be read'}"
    age = f", running for {_span(facts['ageSeconds'])}" if facts["ageSeconds"] is not None else ""
    place = f"{safe(facts['namespace'])}/{safe(facts['deployment'])}"
    return f"{place}: {facts['ready']} of {words.counted(facts['replicas'], 'pod')} ready{age}"


def _controller_version(facts: _Facts) -> str:
    told = f", it calls itself {_text(facts['version'])}" if facts["version"] else ""
    return f"image {_text(facts['image']) or 'unknown'}{told}"


def _config(facts: _Facts) -> str:
    if facts["found"] is None:
        return f"not read: {_text(facts['problem'])}"
    if not facts["found"]:
        return "there is no ConfigMap argo-rollouts-config: no plugins"
    problems = [f"{_text(each['place'])}: {_text(each['message'])}" for each in facts["problems"]]
    if problems:
        return "; ".join(problems)
    off = f", disabled: {_some(facts['disabled'])}" if facts["disabled"] else ""
    return f"{words.counted(facts['plugins'], 'plugin')} configured{off}"


def _config_read(facts: _Facts) -> str:
    if facts["pending"] is None:
        return f"whether the controller has read it is not known: {_text(facts['problem'])}"
    if facts["pending"]:
        return "the controller runs an older configuration: the ConfigMap was changed since"
    return "the controller has read the ConfigMap as it is"


def _plugins_used(facts: _Facts) -> str:
    missing = facts["notConfigured"]
    if not missing:
        return f"{words.counted(facts['used'], 'plugin')} used by rollouts, all configured"
    listed = (f"{name} ({words.counted(count, 'rollout')})" for name, count in missing.items())
    return f"used by rollouts and not configured: {_some(listed)}"


def _routers(facts: _Facts) -> str:
    served = (f"{name} {', '.join(versions)}" for name, versions in facts["served"].items())
    told = f"served: {_some(served)}" if facts["served"] else "no traffic router's objects served"
    missing = facts["missing"]
    if missing:
        listed = (f"{name} ({words.counted(count, 'rollout')})" for name, count in missing.items())
        told += f"; used and not served: {_some(listed)}"
    return told


def _metrics(facts: _Facts) -> str:
    if facts["problem"]:
        return f"not reached through the API server: {_text(facts['problem'])}"
    return f"reached through the API server, {words.counted(facts['lines'], 'line')}"


def _rollouts(facts: _Facts) -> str:
    where = f"namespace {safe(facts['namespace'])}" if facts["namespace"] else "all namespaces"
    if facts["problem"]:
        return f"not read in {where}: {_text(facts['problem'])}"
    bad = f", {facts['unreadable']} of them not readable" if facts["unreadable"] else ""
    return f"{words.counted(facts['count'] + facts['unreadable'], 'rollout')} in {where}{bad}"


def _stable(facts: _Facts) -> str:
    listed = (
        f"{each['namespace']}/{each['name']} ({each['available']} of {each['desired']})"
        for each in facts["rollouts"]
    )
    return f"updates that their own stable version's missing pods may hold up: {_some(listed)}"


def _rights(facts: _Facts) -> str:
    if facts["problem"] or "yes" not in facts:
        return f"not known: {_text(facts['problem'])}"
    told = [f"{len(facts['yes'])} commands can be used"]
    told += [f"partly: {_some(facts['partly'])}"] if facts["partly"] else []
    told += [f"not: {_some(facts['no'])}"] if facts["no"] else []
    told += [f"not known: {_some(facts['unknown'])}"] if facts["unknown"] else []
    return "; ".join(told)


_MESSAGES: dict[Check, Callable[[_Facts], str]] = {
    Check.CLIENT: lambda facts: f"rolloutctl {_text(facts['version'])}",
    Check.SERVER: _server,
    Check.CLOCK: _clock,
    Check.INSTALLED: _installed,
    Check.CONTROLLER: _controller,
    Check.CONTROLLER_VERSION: _controller_version,
    Check.PLUGIN_CONFIG: _config,
    Check.PLUGIN_CONFIG_READ: _config_read,
    Check.PLUGINS_USED: _plugins_used,
    Check.ROUTERS: _routers,
    Check.METRICS: _metrics,
    Check.ROLLOUTS: _rollouts,
    Check.STABLE: _stable,
    Check.RIGHTS: _rights,
}


# --- what to do ---------------------------------------------------------------------------------


def _about_server(facts: _Facts) -> list[str]:
    if facts.get("problem") and "version" not in facts:
        return ["nothing else can be looked at before it answers; is the context the right one?"]
    return ["ask for the right to get /version"]


def _about_controller(facts: _Facts) -> list[str]:
    if facts.get("several"):
        return ["say which is meant with --controller-namespace"]
    if "deployment" not in facts:
        return [
            "without it no rollout moves; if it runs elsewhere, name that with"
            " --controller-namespace"
        ]
    place = f"-n {safe(facts['namespace'])} deployment/{safe(facts['deployment'])}"
    return [f"kubectl logs {place} says why, and kubectl describe {place} what its pods lack"]


def _about_version(facts: _Facts) -> list[str]:
    if facts["tooOldForStepPlugins"]:
        major, minor = STEP_PLUGINS_SINCE
        return [f"step plugins need v{major}.{minor} or newer: update the controller"]
    return ["its tag tells no version: whether it knows step plugins cannot be said"]


def _about_config(facts: _Facts) -> list[str]:
    if facts["found"] is None:
        return ["ask for the right to get it: doctor --rights shows the rule"]
    return ["the controller exits on this when it starts again: correct the ConfigMap before"]


def _about_config_read(facts: _Facts) -> list[str]:
    if facts["pending"] is None:
        return []
    return ["the controller reads it only when it starts: restart it when that suits"]


def _about_rollouts(facts: _Facts) -> list[str]:
    if facts["problem"]:
        return ["ask for the right to list rollouts: doctor --rights shows the rule"]
    return ["rolloutctl list names those that have not the form of a rollout, and why"]


def _about_stable(facts: _Facts) -> list[str]:
    return [
        f"rolloutctl promote {safe(each['name'])} -n {safe(each['namespace'])} --full"
        " goes on without waiting for them, once the new version is known to be good"
        for each in facts["rollouts"][:1]
    ]


_ADVICE: dict[Check, Callable[[_Facts], list[str]]] = {
    Check.CLIENT: lambda facts: [],
    Check.SERVER: _about_server,
    Check.CLOCK: lambda facts: ["set this machine's clock: ages and countdowns are told by it"],
    Check.INSTALLED: lambda facts: (
        ["ask for the right to get /apis"]
        if facts["problem"]
        else ["install the CustomResourceDefinitions of Argo Rollouts that belong to its version"]
    ),
    Check.CONTROLLER: _about_controller,
    Check.CONTROLLER_VERSION: _about_version,
    Check.PLUGIN_CONFIG: _about_config,
    Check.PLUGIN_CONFIG_READ: _about_config_read,
    Check.PLUGINS_USED: lambda facts: [
        "a rollout stands still at such a step: configure the plugin, or correct its name"
    ],
    Check.ROUTERS: lambda facts: [
        "those rollouts are invalid until the router's CustomResourceDefinitions are installed"
        if facts["missing"]
        else ""
    ],
    Check.METRICS: lambda facts: [
        "that takes the right to get pods/proxy there; Prometheus may reach them all the same"
    ],
    Check.ROLLOUTS: _about_rollouts,
    Check.STABLE: _about_stable,
    Check.RIGHTS: lambda facts: [
        "doctor --rights shows what is missing, doctor --print-role a Role that has it all"
    ],
}
