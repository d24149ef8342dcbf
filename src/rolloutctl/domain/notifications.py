"""Triggers and templates of notifications, as far as their ConfigMap shows them.

Source: argo-rollouts, utils/record/record.go; notifications-engine, pkg/triggers, pkg/templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from rolloutctl.domain.expressions import NotEvaluated, evaluate

CONFIG_MAP = "argo-rollouts-notification-configmap"
_TRIGGER = "trigger."
_TEMPLATE = "template."
_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(r"\s*((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*")
_OPENS = frozenset({"if", "range", "with", "block", "define"})
_MOVES_DOT = frozenset({"range", "with", "block", "define"})
_NOT_READ = ("secrets", "time", "analysisRuns")
"""What the controller also knows in an expression, and nobody reads here."""


class Condition(msgspec.Struct, frozen=True):
    """One condition of a trigger. Without `when` it holds at each event of the trigger's name."""

    when: str = ""
    once_per: str = ""
    send: tuple[str, ...] = ()
    description: str = ""


class Trigger(msgspec.Struct, frozen=True):
    """`problem`: why it cannot be read, and then there are no conditions. `lacks`: the templates it
    sends that there are none of."""

    name: str
    conditions: tuple[Condition, ...] = ()
    problem: str = ""
    lacks: tuple[str, ...] = ()


class Template(msgspec.Struct, frozen=True):
    """`content` is what the ConfigMap has: "message", and what is for single services."""

    name: str
    content: Mapping[str, Any] = {}
    problem: str = ""


class Notifications(msgspec.Struct, frozen=True):
    triggers: tuple[Trigger, ...] = ()
    templates: tuple[Template, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What a condition comes to for one rollout. `holds` None: `why` says what kept it from being
    evaluated. `always`: it has no `when`."""

    condition: Condition
    holds: bool | None
    why: str = ""
    always: bool = False


class Text(msgspec.Struct, frozen=True):
    """One text of a template, filled in. `path` is where it stands: "email.subject"."""

    path: str
    text: str


class Preview(msgspec.Struct, frozen=True):
    """A template for one rollout. `left`: the placeholders that stand as they were, each once."""

    name: str
    texts: tuple[Text, ...]
    left: tuple[str, ...]


def parse(data: Mapping[str, str] | None) -> Notifications:
    """Reads the ConfigMap's `data`, by name. Never raises: what is wrong is in `problem`."""
    entries = sorted((data or {}).items())
    templates = tuple(
        _template(key.removeprefix(_TEMPLATE), text)
        for key, text in entries
        if key.startswith(_TEMPLATE)
    )
    known = {template.name for template in templates}
    triggers = tuple(
        _trigger(key.removeprefix(_TRIGGER), text, known)
        for key, text in entries
        if key.startswith(_TRIGGER)
    )
    return Notifications(triggers, templates)


def run_trigger(trigger: Trigger, rollout: Mapping[str, Any]) -> tuple[Outcome, ...]:
    """Each condition for a rollout (as plain JSON)."""
    return tuple(_run(condition, rollout) for condition in trigger.conditions)


def preview(template: Template, rollout: Mapping[str, Any]) -> Preview:
    """A template with what can be filled in: plain paths into the rollout, as .rollout.spec.x.

    There is no engine of Go templates here: what else is in double braces stands as it is, and so
    does everything where a range or a with gives the dot another meaning.
    """
    left: dict[str, None] = {}
    texts = tuple(
        Text(path, _filled(text, {"rollout": rollout}, left))
        for path, text in _texts("", template.content)
    )
    return Preview(template.name, texts, tuple(left))


# ------------------------------------------------------------------------------------------------


def _read(text: str) -> tuple[Any, str]:
    try:
        return yaml.safe_load(text), ""
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        return None, f"{where}{getattr(error, 'problem', None) or error}"


def _trigger(name: str, text: str, known: set[str]) -> Trigger:
    found, problem = _read(text)
    if problem:
        return Trigger(name, problem=problem)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        return Trigger(name, problem="it is no list of conditions")
    conditions = tuple(_condition(each) for each in found)
    sent = dict.fromkeys(name for each in conditions for name in each.send)
    return Trigger(name, conditions, lacks=tuple(each for each in sent if each not in known))


def _condition(raw: Mapping[str, Any]) -> Condition:
    def text(key: str) -> str:
        value = raw.get(key)
        if isinstance(value, bool):
            return str(value).lower()  # `when: true` is YAML's, and the text "true" to the engine
        return "" if value is None else str(value)

    send = raw.get("send")
    names = tuple(str(each) for each in send) if isinstance(send, list) else ()
    return Condition(text("when"), text("oncePer"), names, text("description"))


def _template(name: str, text: str) -> Template:
    found, problem = _read(text)
    if problem:
        return Template(name, problem=problem)
    if found is None:
        return Template(name)
    if not isinstance(found, dict):
        return Template(name, problem="it is no map of message and services")
    return Template(name, {str(key): value for key, value in found.items()})


def _run(condition: Condition, rollout: Mapping[str, Any]) -> Outcome:
    if not condition.when.strip():
        return Outcome(condition, True, always=True)
    try:
        found = evaluate(condition.when, {"rollout": rollout})
    except NotEvaluated as error:
        unread = next((name for name in _NOT_READ if f"{name} is not" in error.message), "")
        return Outcome(condition, None, f"{unread} is not read here" if unread else error.message)
    # Anything else than true does not trigger.
    return Outcome(condition, found is True)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(f"{path}.{key}" if path else str(key), each)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(f"{path}[{index}]", each)


def _filled(text: str, variables: Mapping[str, Any], left: dict[str, None]) -> str:
    opened: list[str] = []

    def fill(match: re.Match[str]) -> str:
        inner = match[1]
        word = (inner.strip("- \t\n").split() or [""])[0]
        path = _PATH.fullmatch(inner)
        if word in _OPENS:
            opened.append(word)
        elif word == "end" and opened:
            opened.pop()
        elif path is not None and not _MOVES_DOT.intersection(opened):
            value = _at(variables, path[1].split(".")[1:])
            if value is not None:
                return value
        left.setdefault(match[0])
        return match[0]

    return _PLACEHOLDER.sub(fill, text)


def _at(value: Any, path: list[str]) -> str | None:
    """The value there as Go prints it; None for what is not plain."""
    if path[0] not in value:
        return None
    for key in path:
        if value is not None and not isinstance(value, Mapping):
            return None
        value = None if value is None else value.get(key)
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int)) else None
