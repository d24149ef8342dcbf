"""What the project says of itself in pyproject.toml, constraints.txt and CONTRIBUTING.md is so."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.cli import app, manual
from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.plugins.protocol import Context

ROOT = Path(__file__).parent.parent
MODULE_OF = {
    "python-jsonpath": "jsonpath",
    "pyyaml": "yaml",
    "ruamel.yaml": "ruamel",
    "textual-serve": "textual_serve",
}
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


def test_the_readme_and_the_manual_give_every_exit_code() -> None:
    codes = {str(int(code)): code.name for code in ExitCode}
    readme = (ROOT / "README.md").read_text()
    assert dict(re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", readme, re.M)) == codes
    assert {code: text.partition(":")[0] for code, text in manual.EXIT_CODES} == codes


def test_the_readme_has_every_command() -> None:
    table = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("###")[0]
    rows = re.findall(r"^\| (`.*?) \| ", table, re.M)
    named = {word for row in rows for word in re.findall(r"`([a-z]+)", row)}
    assert set(app.COMMANDS) - {"version"} <= named


def test_the_plugin_in_the_readme_works() -> None:
    readme = (ROOT / "README.md").read_text()
    scope: dict[str, Any] = {}
    exec(readme.partition("```python\n")[2].partition("```")[0], scope)
    gate, status, phases = scope["Gate"](), None, []
    for _ in range(3):
        result = gate.run({}, Context(gate.name, {}, status))
        status = result.status
        phases.append(result.phase)
    assert phases == ["Running", "Running", "Successful"]
    assert gate.terminate({}, Context(gate.name, {}, status)).phase == "Successful"
    assert gate.abort({}, Context(gate.name, {}, status)).phase == "Successful"


def test_files_that_are_linked_exist() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/output.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text())
        assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
