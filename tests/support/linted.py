"""Manifests with the places of their fields, read without the program's own reader."""

from __future__ import annotations

import re
from pathlib import Path as File
from typing import Any, NamedTuple

import yaml

from rolloutctl.domain.lint.finding import Manifest, Path, Place

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EXPECTED = re.compile(r"^# expect: (\S+) (\d+) (.*)$", re.M)


class Expected(NamedTuple):
    rule: str
    line: int
    said: str


def expected(file: File) -> list[Expected]:
    """What a file of the corpus says is wrong with it."""
    found = _EXPECTED.findall(file.read_text("utf-8"))
    return [Expected(rule, int(line), said) for rule, line, said in found]


def manifests(text: str) -> list[Manifest]:
    """The objects of a text."""
    nodes = yaml.compose_all(text, LOADER)
    return [
        Manifest(data, _where(node))
        for node, data in zip(nodes, yaml.load_all(text, LOADER), strict=True)
    ]


def made(*objects: Any) -> list[Manifest]:
    """Manifests of objects that stand in no file."""
    return [Manifest(each, lambda path: Place("made")) for each in objects]


def _where(root: Any) -> Any:
    def where(path: Path) -> Place:
        node, mark = root, root.start_mark
        for part in path:
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == part), None)
                if pair is None:
                    break
                mark, node = pair[0].start_mark, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                if part >= len(node.value):
                    break
                node = node.value[part]
                mark = node.start_mark
            else:
                break
        return Place("corpus", mark.line + 1, mark.column + 1)

    return where
