"""Which scenarios there are, and reading them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from rolloutctl.errors import UsageError

from . import generated

Document = dict[str, Any]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as an API server takes it: a date is a text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario's description, its actions in order, and its files by name."""

    name: str
    description: str
    actions: tuple[Document, ...]
    files: dict[str, tuple[Document, ...]]


def names() -> list[str]:
    return sorted(folder.name for folder in _folders())


def descriptions() -> list[tuple[str, str]]:
    """(name, one line) of every scenario, those made by number last."""
    found = [(name, read(name).description) for name in names()]
    return [*found, *generated.descriptions()]


def read(name: str) -> Story:
    """The scenario `name`. Raises UsageError when there is none, suggesting near ones."""
    for folder in _folders():
        if folder.name == name:
            return _story(folder)
    known = [*names(), *(form for form, _ in generated.descriptions())]
    near = difflib.get_close_matches(name, known, n=3)
    hint = (
        f"did you mean {' or '.join(near)}?" if near else "rolloutctl sandbox scenarios lists them"
    )
    raise UsageError(f"there is no scenario {name!r}", hint=hint)


def parse(text: str, source: str) -> list[Document]:
    """The objects of a YAML or JSON text of any number of documents; Lists are taken apart.

    Raises UsageError, naming `source`, for what is no YAML or no Kubernetes object.
    """
    try:
        documents = [item for item in yaml.load_all(text, _Loader) if item is not None]
        # What JSON cannot hold (a date, a set, a key that is no text) no server would take.
        documents = json.loads(json.dumps(documents, allow_nan=False))
    except yaml.YAMLError as error:
        raise UsageError(f"{source} is no YAML: {_one_line(error)}", subject=source) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{source} holds what JSON cannot: {error}", subject=source) from error
    found: list[Document] = []
    for number, document in enumerate(documents, 1):
        found.extend(_objects(document, f"{source}, document {number}"))
    return found


def _objects(document: Any, where: str) -> Sequence[Document]:
    if not isinstance(document, dict):
        raise UsageError(f"{where} is no object")
    kind = document.get("kind")
    items = document.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        return [found for item in items for found in _objects(item, where)]
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str):
            raise UsageError(f"{where} has no {field}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise UsageError(f"{where} has no metadata.name")
    return [document]


def _folders() -> list[Traversable]:
    root = resources.files(__package__)
    return [item for item in root.iterdir() if item.is_dir() and (item / "story.yaml").is_file()]


def _story(folder: Traversable) -> Story:
    raw = yaml.load((folder / "story.yaml").read_text(encoding="utf-8"), _Loader)
    files = {
        item.name: tuple(parse(item.read_text(encoding="utf-8"), item.name))
        for item in folder.iterdir()
        if item.name.endswith(".yaml") and item.name != "story.yaml"
    }
    return Story(folder.name, raw["description"], tuple(raw["actions"]), files)


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
