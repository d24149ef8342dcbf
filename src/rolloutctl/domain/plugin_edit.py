"""Changes one `disabled` inside the YAML text of `stepPlugins`, and nothing else.

The place comes from PyYAML's marks; the text is spliced there, so comments, order, quoting,
indentation and line ends stay as they are. What came out is then read again and compared with what
went in: unless exactly the values meant have changed, nothing is returned.
"""

from __future__ import annotations

import contextlib
import copy
import re
from typing import Any

import yaml

from rolloutctl.domain.plugin_config import STEP_KEY, UnknownPlugin
from rolloutctl.domain.plugin_yaml import MERGE, Broken, compose, plain, read, scalar
from rolloutctl.errors import Failed

_FIELD = "disabled"
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


class NotEditable(Failed):
    """The text cannot be changed safely by a program; the message says why."""


def set_disabled(text: str, name: str, disabled: bool) -> str:
    """`text` with `disabled` of the step plugin `name` set; the same text when it is so already.

    A name that is listed several times is set everywhere, since it is not written which one the
    controller takes. An item without the field gets a line (or, in flow style, an entry).
    Raises NotEditable (broken YAML, aliases, merge keys, a `disabled` that is no bool) and
    UnknownPlugin.
    """
    if not text.startswith("\ufeff"):
        with contextlib.suppress(NotEditable, _Unsure):
            return _edit(text, name, disabled, exact=False)
    return _edit(text, name, disabled, exact=True)


def _edit(text: str, name: str, disabled: bool, *, exact: bool) -> str:
    """The edit by PyYAML's places, or by libyaml's (which are wrong where a value is empty)."""
    root, before = _read(text, exact)
    if not isinstance(root, yaml.SequenceNode):
        raise UnknownPlugin(f'no step plugin "{name}" is configured', subject=name)
    shared = _shared(root)
    wanted = copy.deepcopy(before)
    splices: list[tuple[int, int, str]] = []
    found = False
    for index, node in enumerate(root.value):
        if not isinstance(node, yaml.MappingNode) or _name_of(before[index]) != name:
            continue
        found = True
        if not exact and any(_is_empty(value) for _, value in node.value):
            raise _Unsure
        splice = _splice(text, node, name, disabled, shared)
        if splice is not None:
            splices.append(splice)
            wanted[index][_key_of(wanted[index])] = disabled
    if not found:
        raise UnknownPlugin(f'no step plugin "{name}" is configured', subject=name)
    result = text
    for start, end, put in sorted(splices, reverse=True):
        result = result[:start] + put + result[end:]
    if result != text:
        _verify(result, wanted, name)
    return result


class _Unsure(Exception):
    """The quick reading does not tell the place exactly."""


def _is_empty(node: yaml.Node) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _read(text: str, exact: bool) -> tuple[yaml.Node | None, Any]:
    try:
        if not exact:
            return read(text)
        root = compose(text)
        return root, plain(root)
    except Broken as broken:
        where = f", line {broken.line}, column {broken.column}" if broken.line else ""
        raise NotEditable(
            f"{STEP_KEY}{where}: this is no YAML: {broken.problem}",
            hint="the controller would not start with it: repair it first (nothing was changed)",
        ) from broken


def _verify(result: str, wanted: Any, name: str) -> None:
    try:
        _, now = read(result)
    except Broken as broken:
        now = broken
    if now != wanted:
        raise _refusal(name, "the way it is written does not allow to change just this value")


def _refusal(name: str, why: str, node: yaml.Node | None = None) -> NotEditable:
    where = f" (line {node.start_mark.line + 1})" if node is not None else ""
    return NotEditable(
        f"{name}{where}: {why}",
        subject=name,
        hint=f"edit {STEP_KEY} by hand; nothing was changed",
    )


def _splice(
    text: str, item: yaml.MappingNode, name: str, disabled: bool, shared: set[int]
) -> tuple[int, int, str] | None:
    """(start, end, new text) of the change one item needs, None when it needs none."""
    if any(key.tag == MERGE for key, _ in item.value):
        raise _refusal(name, "it takes values from elsewhere with a merge key (<<)", item)
    if id(item) in shared:
        raise _refusal(name, "it is written once and used in several places (an alias)", item)
    entries = [(key, value) for key, value in item.value if key.value.lower() == _FIELD]
    if len(entries) > 1:
        raise _refusal(name, f"it has {_FIELD} {len(entries)} times", entries[1][0])
    if entries:
        return _replaced(text, entries[0][1], name, disabled, shared)
    if not disabled:
        return None
    return _added_flow(text, item) if item.flow_style else _added_line(text, item)


def _replaced(
    text: str, value: yaml.Node, name: str, disabled: bool, shared: set[int]
) -> tuple[int, int, str] | None:
    if id(value) in shared:
        raise _refusal(name, f"the value of {_FIELD} is an alias", value)
    now = scalar(value) if isinstance(value, yaml.ScalarNode) else value.value
    if now is not None and not isinstance(now, bool):
        raise _refusal(name, f"{_FIELD} is neither true nor false", value)
    if bool(now) == disabled:
        return None
    start, end = value.start_mark.index, value.end_mark.index
    if text[start : start + 1] in ("&", "*", "!"):
        raise _refusal(name, f"the value of {_FIELD} has an anchor or a tag", value)
    word = "true" if disabled else "false"
    # A value left out sits right behind the colon.
    return start, end, f" {word}" if start == end else word


def _added_flow(text: str, item: yaml.MappingNode) -> tuple[int, int, str]:
    first = item.value[0][0]
    end = item.value[-1][1].end_mark.index
    quote = text[first.start_mark.index] if first.style in ('"', "'") else ""
    return end, end, f", {quote}{_FIELD}{quote}: true"


def _added_line(text: str, item: yaml.MappingNode) -> tuple[int, int, str]:
    """A line of its own below `location` (or `name`), else before the item's first key."""
    first = item.value[0][0].start_mark
    indent = " " * first.column
    values = {key.value.lower(): value for key, value in item.value}
    for key in ("location", "name"):
        value = values.get(key)
        # The mark of a block scalar's end is on another line, and an alias's is elsewhere.
        if isinstance(value, yaml.ScalarNode) and value.style in (None, "", "'", '"'):
            at = value.end_mark.index
            if at <= first.index:
                continue
            found = _BREAK.search(text, at)
            end = found.start() if found else len(text)
            return end, end, f"{_line_end(text, found)}{indent}{_FIELD}: true"
    return first.index, first.index, f"{_FIELD}: true{_line_end(text, None)}{indent}"


def _line_end(text: str, found: re.Match[str] | None) -> str:
    found = found or _BREAK.search(text)
    return found.group() if found else "\n"


def _name_of(item: Any) -> Any:
    return next((value for key, value in item.items() if key.lower() == "name"), None)


def _key_of(item: dict[str, Any]) -> str:
    return next((key for key in item if key.lower() == _FIELD), _FIELD)


def _shared(root: yaml.Node) -> set[int]:
    """The nodes that aliases make appear more than once, with all that is below them."""
    seen: set[int] = set()
    shared: set[int] = set()

    def mark(node: yaml.Node) -> None:
        if id(node) in shared:
            return
        shared.add(id(node))
        for child in _children(node):
            mark(child)

    def visit(node: yaml.Node) -> None:
        if id(node) in seen:
            mark(node)
            return
        seen.add(id(node))
        for child in _children(node):
            visit(child)

    visit(root)
    return shared


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
