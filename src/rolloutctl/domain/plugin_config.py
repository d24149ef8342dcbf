"""What `argo-rollouts-config` configures, checked as the controller checks it when it starts.

The controller reads the ConfigMap once, at its start; on a bad one it exits and never runs.
Source: argo-rollouts, utils/config and utils/plugin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml
from msgspec import Struct

from rolloutctl.domain.plugin_yaml import Alien, Broken, read
from rolloutctl.errors import NotFound

CONFIG_MAP = "argo-rollouts-config"
CONTROLLER_NAMESPACE = "argo-rollouts"
"""Where the controller and its ConfigMap are unless somebody installed them elsewhere."""
STEP_KEY = "stepPlugins"
STEP = "step"
TRAFFIC_ROUTER = "trafficRouter"
METRIC = "metric"

KEYS: dict[str, tuple[str, str]] = {
    "trafficRouterPlugins": (TRAFFIC_ROUTER, "traffic router plugins"),
    "metricProviderPlugins": (METRIC, "metric provider plugins"),
    STEP_KEY: (STEP, "step plugins"),
}
"""ConfigMap key: (kind of plugin, how the controller's messages call it), in its order."""

# Go's `$` is the end of the text only, so the whole name has to match.
_NAME = re.compile(r"[a-zA-Z0-9\-]+/[a-zA-Z0-9_\-.]+")
_FIELDS = {
    "name": (str, "string"),
    "location": (str, "string"),
    "sha256": (str, "string"),
    "disabled": (bool, "bool"),
    "args": (list, "[]string"),
    "headersFrom": (list, "[]types.HeaderFrom"),
}


class PluginItem(Struct, frozen=True):
    """One configured plugin. `kind` is "step", "trafficRouter" or "metric".

    `disabled` is honoured for step plugins only. `index` is the place in its list, 0-based.
    `secret_headers`: the download sends headers of a Secret, which cannot be tried from here.
    """

    kind: str
    name: str
    location: str = ""
    sha256: str = ""
    disabled: bool = False
    index: int = 0
    secret_headers: bool = False


class ConfigProblem(Struct, frozen=True):
    """Why the controller would exit when it starts; `message` is its last log line.

    `key` is the ConfigMap's key, `line` and `column` are 1-based in that key's text (0: unknown),
    `plugin` the item's name if it has one.
    """

    key: str
    message: str
    line: int = 0
    column: int = 0
    plugin: str = ""

    @property
    def place(self) -> str:
        """ "stepPlugins, line 3, column 5"."""
        if not self.line:
            return self.key
        return f"{self.key}, line {self.line}, column {self.column}"


class PluginConfiguration(Struct, frozen=True):
    """All plugins of the ConfigMap in the controller's order, and what keeps it from starting."""

    items: tuple[PluginItem, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()

    def find(self, name: str, kind: str = STEP) -> PluginItem | None:
        """The item of that name; of doubles a disabled one, else the first."""
        found = [item for item in self.items if item.kind == kind and item.name == name]
        return next((item for item in found if item.disabled), found[0] if found else None)


class UnknownPlugin(NotFound):
    """No plugin of this name is configured."""


def parse(data: Mapping[str, str] | None) -> PluginConfiguration:
    """Reads the ConfigMap's `data`. A missing ConfigMap or key configures nothing, and is fine.

    Never raises: what is wrong is in `problems`, and what can be read is in `items` all the same.
    Source: argo-rollouts, utils/config/config.go.
    """
    items: list[PluginItem] = []
    problems: list[ConfigProblem] = []
    for key, (kind, words) in KEYS.items():
        found, wrong = _parse_key((data or {}).get(key, ""), key, kind, words)
        items += found
        problems += wrong
    return PluginConfiguration(tuple(items), tuple(problems))


def _parse_key(
    text: str, key: str, kind: str, words: str
) -> tuple[list[PluginItem], list[ConfigProblem]]:
    failed = f"Failed to init config: failed to unmarshal {words} while initializing: "
    try:
        root, found = read(text)
    except Broken as broken:
        where = f"line {broken.line}: " if broken.line else ""
        message = f"{failed}error converting YAML to JSON: yaml: {where}{broken.problem}"
        return [], [ConfigProblem(key, message, broken.line, broken.column)]
    if found is None:
        return [], []
    failed += "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
    if not isinstance(found, list):
        message = f"{failed}{_go_kind(found)} into Go value of type []types.PluginItem"
        return [], [ConfigProblem(key, message, *_place(root))]
    assert isinstance(root, yaml.SequenceNode)
    items: list[PluginItem] = []
    problems: list[ConfigProblem] = []
    for index, (value, node) in enumerate(zip(found, root.value, strict=True)):
        item, wrong = _item(value, kind, index, failed)
        items += [item] if item else []
        line, column = _place(node)
        name = item.name if item else ""
        problems += [ConfigProblem(key, message, line, column, name) for message in wrong]
    return items, problems


def _item(value: Any, kind: str, index: int, failed: str) -> tuple[PluginItem | None, list[str]]:
    if value is None:
        value = {}
    if not isinstance(value, dict):
        return None, [f"{failed}{_go_kind(value)} into Go value of type types.PluginItem"]
    wrong: list[str] = []
    fields: dict[str, Any] = {}
    for field, (wanted, go) in _FIELDS.items():
        given = lookup(value, field)
        if wanted is str and isinstance(given, int | float) and not isinstance(given, bool):
            given = str(given)  # the YAML library hands a number to a text field as text
        if given is None or isinstance(given, wanted):
            fields[field] = given
        else:
            what = f"{_go_kind(given)} into Go struct field PluginItem.{field} of type {go}"
            wrong.append(failed + what)
    item = PluginItem(
        kind=kind,
        name=fields.get("name") or "",
        location=fields.get("location") or "",
        sha256=fields.get("sha256") or "",
        disabled=fields.get("disabled") or False,
        index=index,
        secret_headers=bool(fields.get("headersFrom")),
    )
    if "name" in fields and not _NAME.fullmatch(item.name):
        wrong.append(
            f"Failed to init config: validation of config due to (plugin repository ({item.name}) "
            "must be in the format of <namespace>/<name>)"
        )
    if "location" in fields and (message := location_problem(item.location)):
        wrong.append(f"Failed to download plugins: {message}")
    return item, wrong


def lookup(item: Mapping[str, Any], field: str) -> Any:
    """The field's value as Go's JSON decoder finds it: by exact name, else ignoring case."""
    if field in item:
        return item[field]
    return next((value for key, value in item.items() if key.lower() == field.lower()), None)


def location_problem(location: str) -> str:
    """Why the controller cannot even try to fetch from `location`, "" when it can.

    Source: argo-rollouts, utils/plugin/downloader.go.
    """
    if re.search(r"[\x00-\x1f\x7f]", location):
        return "failed to parse plugin location: invalid control character in URL"
    if location.startswith(":"):
        return "failed to parse plugin location: missing protocol scheme"
    try:
        scheme = urlsplit(location).scheme
    except ValueError as error:
        return f"failed to parse plugin location: {error}"
    if scheme not in ("http", "https", "file"):
        return "plugin location must be of http(s) or file scheme"
    return ""


def _go_kind(value: Any) -> str:
    """How Go's JSON decoder calls a value of the wrong kind."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "string" if isinstance(value, str | Alien) else "null"


def _place(node: yaml.Node | None) -> tuple[int, int]:
    return (node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else (0, 0)
