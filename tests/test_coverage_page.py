"""docs/coverage.md: every test and every command it names exists, and no row is left open."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from rolloutctl.cli.manual import tree

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "coverage.md").read_text("utf-8")
SHARED = ROOT.parent / "shared"
NOT_OURS = ("kubectl", "kustomize")
"""Programs of others that the page names beside ours."""


def rows() -> list[list[str]]:
    found = []
    for line in PAGE.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            cells = re.split(r"(?<!\\) \| ", line.strip("| ").replace("|  |", "| |"))
            found.append([cell.strip() for cell in cells])
    return found


@cache
def functions_of(file: str) -> frozenset[str]:
    tree_ = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree_) if isinstance(node, ast.FunctionDef))


def test_every_test_named_there_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 150
    assert [(file, name) for file, name in named if name not in functions_of(file)] == []


def test_every_row_is_shown_or_says_why_not() -> None:
    open_ = [
        row
        for row in rows()
        if row[-1] not in ("Shown by", "---") and "::test_" not in row[-1] and "no: " not in row[-1]
    ]
    assert open_ == []


def test_every_command_and_option_named_there_exists() -> None:
    nodes = {node.path[1:]: node for node in tree()}
    every = {
        option
        for node in nodes.values()
        for parameter in node.command.get_params(node.ctx)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    wrong = []
    for row in rows():
        how = row[-2] if len(row) > 2 else ""
        for code in re.findall(r"`([^`]+)`", how):
            words = shlex.split(code)
            if words[0] in NOT_OURS:
                continue
            path: tuple[str, ...] = ()
            while words and (*path, words[0]) in nodes:
                path = (*path, words.pop(0))
            options = [word.partition("=")[0] for word in words if word.startswith("-")]
            options = [option for option in options if option != "-"]
            known = every
            if path:
                node = nodes[path]
                known = {
                    option
                    for parameter in node.command.get_params(node.ctx)
                    for option in (*parameter.opts, *parameter.secondary_opts)
                }
            if (not path and not options) or not known.issuperset(options):
                wrong.append(code)
    assert wrong == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="there is no ../shared beside the project")
def test_no_row_of_the_sources_is_missing() -> None:
    asks = (SHARED / "user-asks.md").read_text("utf-8")
    numbers = set(re.findall(r"^\| (\d+) \|", asks, re.M))
    assert numbers <= set(re.findall(r"^\| (\d+) \|", PAGE, re.M))
    existing = (SHARED / "kubectl-argo-rollouts.md").read_text("utf-8")
    table = existing.partition("### 1.3")[2].partition("### 1.4")[0]
    commands = re.findall(r"^\| `(\w[\w ]*?)`", table, re.M)
    section = PAGE.partition("## Commands of the existing client")[2]
    assert [command for command in commands if f"`{command}" not in section] == []


SOURCE = pytest.mark.skipif(not SHARED.is_dir(), reason="there is no ../shared beside the project")


def flags(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


@SOURCE
def test_every_issue_stands_beside_its_ask() -> None:
    asks = (SHARED / "user-asks.md").read_text("utf-8")
    listed = {row[0]: row[1] for row in rows()}
    missing = []
    for number, references in re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|", asks, re.M):
        project = ""
        for prefix, issue in re.findall(r"([\w-]*)#(\d+)", references):
            project = prefix or project
            if f"{project}#{issue}" not in listed[number]:
                missing.append((number, f"{project}#{issue}"))
    assert missing == []


@SOURCE
@pytest.mark.parametrize(
    ("begin", "end", "column"),
    [
        ("### 1.1", "### 1.2", 1),
        ("### 1.2", "### 1.3", 3),
        ("Flags users expect", "Habits", 1),
    ],
)
def test_every_flag_is_in_the_page(begin: str, end: str, column: int) -> None:
    """An option of ours of the same name says it as well as a row that names theirs."""
    existing = (SHARED / "kubectl-argo-rollouts.md").read_text("utf-8")
    section = existing.partition(begin)[2].partition(end)[0]
    cells = [line.split("|")[column] for line in section.splitlines() if line.startswith("| `")]
    wanted = flags(" ".join(cells))
    assert len(wanted) > 15
    by_its_letter = {"--filename", "--output"}
    assert wanted - flags(PAGE) - by_its_letter == set()
