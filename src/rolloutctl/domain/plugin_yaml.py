"""The YAML of one key of `argo-rollouts-config`, with the place of everything in the text.

PyYAML's nodes keep the position of each value, which an edit needs, and tell a bool from a text.
"""

from __future__ import annotations

import functools
from typing import Any

import yaml
from msgspec import Struct

_TAG = "tag:yaml.org,2002:"
MERGE = _TAG + "merge"
_MAX_VALUES = 200_000
"""More values than a ConfigMap of 1 MiB can hold, unless aliases multiply them."""

_SAFE_DEPTH = 1500


class Broken(Exception):
    """The text is no YAML; `line` and `column` are 1-based, 0 when unknown."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


class Alien(Struct, frozen=True):
    """A scalar of a tag that is neither text, bool, number nor null."""

    tag: str
    text: str


def compose(text: str) -> yaml.Node | None:
    """The document's root with exact places of everything, None for an empty one. Raises Broken."""
    return _compose(text, yaml.SafeLoader)


def compose_fast(text: str) -> yaml.Node | None:
    """As `compose`, several times as fast where libyaml is there; not fit to edit by.

    (libyaml places empty values elsewhere than behind their colon.) What it refuses is read again
    by PyYAML, so that there is one wording of what is wrong.
    """
    loader = getattr(yaml, "CSafeLoader", None)
    # Its composer recurses on the C stack, so nothing that might be nested deeply is given to it.
    longest = max(map(len, text.splitlines()), default=0)
    if loader is not None and 2 * longest + text.count("[") + text.count("{") < _SAFE_DEPTH:
        try:
            return _compose(text, loader)
        except (Broken, UnicodeError):
            pass
    return compose(text)


@functools.lru_cache(maxsize=4)
def read(text: str) -> tuple[yaml.Node | None, Any]:
    """`compose_fast` and `plain`; neither may be changed. One edit reads each text several times.

    Raises Broken.
    """
    root = compose_fast(text)
    return root, plain(root)


def _compose(text: str, loader: Any) -> yaml.Node | None:
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        if mark is None:
            raise Broken(problem) from error
        raise Broken(problem, mark.line + 1, mark.column + 1) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise Broken(f"character {error.character!r} is not allowed", line, column) from error
    except yaml.YAMLError as error:
        raise Broken(str(error)) from error
    except RecursionError:
        raise Broken("it is nested too deeply") from None
    return root


def plain(root: yaml.Node | None) -> Any:
    """The values below `root`: dict (keys as text, the last of doubles wins), list, str, bool...

    Merge keys are followed. Raises Broken for a cycle and for what aliases blow up.
    """
    return None if root is None else _Plain().of(root, ())


def scalar(node: yaml.ScalarNode) -> Any:
    """str, bool, int, float or None; Alien for other tags and for numbers that are none."""
    kind = node.tag.removeprefix(_TAG)
    text: str = node.value
    if kind == "bool":
        value = yaml.SafeLoader.bool_values.get(text.lower())
        return Alien(node.tag, text) if value is None else value
    if kind == "null":
        return None
    if kind in ("int", "float"):
        try:
            return _number(text) if not node.style else float(text)
        except (ValueError, yaml.YAMLError):
            return Alien(node.tag, text)
    if kind in ("str", "timestamp", "value", "binary"):
        return text
    return Alien(node.tag, text)


@functools.lru_cache(maxsize=1024)
def _number(text: str) -> Any:
    # Through aliases one number can stand in a hundred thousand places.
    return yaml.safe_load(text)


class _Plain:
    def __init__(self) -> None:
        self._left = _MAX_VALUES

    def of(self, node: yaml.Node, above: tuple[int, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Broken("its aliases stand for too many values", *_place(node))
        if id(node) in above:
            raise Broken("an alias contains itself", *_place(node))
        if len(above) > 100:
            raise Broken("it is nested too deeply", *_place(node))
        inside = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.of(each, inside) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, inside)
        assert isinstance(node, yaml.ScalarNode)
        return scalar(node)

    def _mapping(self, node: yaml.MappingNode, inside: tuple[int, ...]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            found = self.of(value, inside)
            if key.tag == MERGE:
                sources = found if isinstance(found, list) else [found]
                for source in reversed(sources):
                    if isinstance(source, dict):
                        merged.update(source)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise Broken("a key is not a simple value", *_place(key))
            own[key.value] = found
        return merged | own


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
