"""The ConfigMap `argo-rollouts-config`, as the controller reads it once, at its start.

Source: argo-rollouts, utils/config and utils/plugin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from .objects import Obj, mapping

NAME = "argo-rollouts-config"
NAMESPACE = "argo-rollouts"

_KINDS = {
    "trafficRouterPlugins": "traffic router plugins",
    "metricProviderPlugins": "metric provider plugins",
    "stepPlugins": "step plugins",
}
_PLUGIN_NAME = re.compile(r"([a-zA-Z0-9\-]+)/{1}([a-zA-Z0-9_\-.]+)")
_FIELDS: dict[str, type] = {"name": str, "location": str, "sha256": str, "disabled": bool}
_GO_NAMES = {bool: "bool", str: "string", int: "number", float: "number"}

Fetch = Callable[[str], None]
"""Try to get an http(s) address. Raises OSError, whose text says why it cannot be had."""


class Fatal(Exception):
    """The controller cannot start; the text is the last line of its log."""


@dataclass(frozen=True, slots=True)
class StepPluginConfig:
    """What the running controller knows of the step plugins."""

    disabled: frozenset[str]
    enabled: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    location: str
    disabled: bool


def load(config_map: Obj | None, fetch: Fetch) -> StepPluginConfig:
    """Read, check and "download". Raises Fatal. No ConfigMap is an empty one."""
    data = mapping(config_map, "data")
    lists = {key: _parse(data.get(key, ""), what) for key, what in _KINDS.items()}
    every = [item for found in lists.values() for item in found]
    for item in every:
        if not _PLUGIN_NAME.fullmatch(item.name):
            raise Fatal(
                "Failed to init config: validation of config due to (plugin repository "
                f"({item.name}) must be in the format of <namespace>/<name>)"
            )
    for item in every:
        _download(item, fetch)
    steps = lists["stepPlugins"]
    disabled = frozenset(item.name for item in steps if item.disabled)
    return StepPluginConfig(disabled, frozenset(item.name for item in steps) - disabled)


def _parse(written: Any, what: str) -> Iterable[_Item]:
    failed = f"Failed to init config: failed to unmarshal {what} while initializing: "
    try:
        found = yaml.safe_load(written if isinstance(written, str) else "")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "the text is no YAML"
        raise Fatal(f"{failed}error converting YAML to JSON: yaml: {line}{problem}") from error
    if found is None:
        return []
    go = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
    if not isinstance(found, list):
        raise Fatal(f"{failed}{go}{_kind(found)} into Go value of type []types.PluginItem")
    return [_item(each, failed + go) for each in found]


def _item(found: Any, failed: str) -> _Item:
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise Fatal(f"{failed}{_kind(found)} into Go value of type types.PluginItem")
    for key, kind in _FIELDS.items():
        value = found.get(key)
        if value is not None and not isinstance(value, kind):
            raise Fatal(
                f"{failed}{_kind(value)} into Go struct field PluginItem.{key} "
                f"of type {_GO_NAMES[kind]}"
            )
    return _Item(found.get("name") or "", found.get("location") or "", bool(found.get("disabled")))


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else _GO_NAMES.get(type(value), "string")


def _download(item: _Item, fetch: Fetch) -> None:
    failed = "Failed to download plugins: "
    try:
        address = urlsplit(item.location)
    except ValueError as error:
        raise Fatal(f"{failed}failed to parse plugin location: {error}") from error
    if address.scheme == "file":
        path = Path(unquote(address.netloc + address.path))
        if not path.is_file():
            raise Fatal(
                f"{failed}failed to copy plugin from {path}: open {path}: no such file or directory"
            )
    elif address.scheme in ("http", "https"):
        try:
            fetch(item.location)
        except OSError as error:
            raise Fatal(
                f"{failed}failed to download plugin from {item.location}: {error}"
            ) from error
    else:
        raise Fatal(f"{failed}plugin location must be of http(s) or file scheme")


def fetch_http(location: str) -> None:
    """Get `location` past any proxy; a few seconds at most, the body is not read."""
    import urllib3

    try:
        with urllib3.PoolManager(retries=False, timeout=3.0) as pool:
            answer = pool.request("GET", location, preload_content=False)
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise ConnectionError(str(error)) from error
    if answer.status >= 400:
        raise ConnectionError(f"the server answered {answer.status}")
