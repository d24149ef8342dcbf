"""What the project says of itself in pyproject.toml, constraints.txt and CONTRIBUTING.md is so."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MODULE_OF = {"pyyaml": "yaml"}
NAME = re.compile(r"[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> list[str]:
    return [found.group() for text in requirements if (found := NAME.match(text))]


def imported() -> set[str]:
    """Top-level modules that the package imports, wherever in a file."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def test_the_dependencies_are_those_the_package_imports(project: Any) -> None:
    declared = {MODULE_OF.get(name, name) for name in names(project["dependencies"])}
    assert imported() - set(sys.stdlib_module_names) - {"rolloutctl"} == declared


def test_each_dependency_has_its_reason_in_contributing(project: Any) -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]
    given = set(re.findall(r"^\| (\S+) \|", table, re.M))
    assert given - {"Library"} == set(names(project["dependencies"]))


def test_ci_pins_every_direct_dependency(project: Any) -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    pinned = {normal(line.partition("==")[0]) for line in lines}
    assert all("==" in line for line in lines)
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    assert {normal(name) for name in names(wanted)} - pinned == set()
