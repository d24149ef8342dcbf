"""What kubectl has `--sort-by` and `--label-columns` for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.errors import ExitCode
from rolloutctl.render.text import width
from support.fake_cluster import FakeCluster
from support.program import Program
from support.shapes import problems


def item(name: str, team: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "labels": {"team": team, **labels}}
    return {"metadata": metadata, "spec": {}, "status": {"phase": "Healthy"}}


@pytest.fixture
def teams() -> Program:
    found = [item("b", "blue"), item("a", "red", tier="web"), item("c", "green")]
    return Program(cluster=FakeCluster({"rollouts": found}, namespace="shop"))


def test_a_query_sorts_the_rows(teams: Program) -> None:
    assert teams("list", "--columns", "name").stdout == "NAME\nb\na\nc\n"
    by_name = ("--query", "sort_by(items, &name)")
    assert teams("list", *by_name, "--columns", "name").stdout == "NAME\na\nb\nc\n"
    backwards = ("--query", "reverse(sort_by(items, &name))")
    assert teams("list", *backwards, "--columns", "name").stdout == "NAME\nc\nb\na\n"


def test_labels_are_columns(teams: Program) -> None:
    columns = "custom-columns=NAME:.metadata.name,TEAM:.metadata.labels.team"
    lines = teams("get", "-o", columns).stdout.splitlines()
    assert lines == ["NAME  TEAM", "b     blue", "a     red", "c     green"]
    shown = teams("get", "a", "--columns", "name,LABELS:metadata.labels").stdout
    assert "red" in shown and "web" in shown


def table(program: Program, *options: str) -> list[list[str]]:
    """The name and what stands behind the image, of each line."""
    lines = program("list", *options).stdout.splitlines()
    at = lines[0].index("IMAGE") + len("IMAGE")
    return [[line.split()[0], *line[at:].split()] for line in lines]


def test_labels_are_columns_of_the_table_as_kubectl_has_them(teams: Program) -> None:
    assert table(teams, "-L", "team,tier") == [
        ["NAME", "TEAM", "TIER"],
        ["b", "blue", "-"],
        ["a", "red", "web"],
        ["c", "green", "-"],
    ]
    assert table(teams, "-L", "tier", "--label-columns", "team")[2] == ["a", "web", "red"]


def test_all_labels_are_one_column(teams: Program) -> None:
    shown = table(teams, "--show-labels")
    assert shown[0] == ["NAME", "LABELS"]
    assert shown[2] == ["a", "team=red,tier=web"]
    assert table(teams, "--show-labels", "-L", "tier")[2] == ["a", "web", "team=red,tier=web"]
    wide = teams("list", "-o", "wide", "--show-labels").stdout.splitlines()
    assert wide[0].split()[-2:] == ["MESSAGE", "LABELS"]
    assert wide[2].endswith("  team=red,tier=web")


def test_a_label_with_a_prefix_is_called_by_what_follows_it() -> None:
    found = item("a", "red") | {}
    found["metadata"]["labels"] = {"app.kubernetes.io/part-of": "shop"}
    program = Program(cluster=FakeCluster({"rollouts": [found]}, namespace="shop"))
    assert table(program, "-L", "app.kubernetes.io/part-of") == [["NAME", "PART-OF"], ["a", "shop"]]


def test_labels_cannot_break_the_table() -> None:
    evil = "\x1b[2Jx\ny\u202e%s"
    found = [item("a" * 60, evil, **{evil: "z" * 300}), item("b", "blue")]
    program = Program(cluster=FakeCluster({"rollouts": found}, namespace="shop"))
    for options in (["-L", "team"], ["--show-labels"], ["-L", evil]):
        shown = program("list", *options).stdout
        assert "\x1b" not in shown and "\u202e" not in shown
        assert len(shown.splitlines()) == 3
    narrow = Program(cluster=program.cluster, terminal=True, columns=100)
    lines = narrow("list", "--show-labels", "--no-color").stdout.splitlines()
    assert max(map(width, lines)) <= 100
    assert "".join(line[-12:].strip() for line in lines).count("z") >= 12


def test_labels_are_in_the_json_of_a_row_where_they_are_in_that_of_a_rollout(
    teams: Program,
) -> None:
    listed = json.loads(teams("list", "-o", "json").stdout)
    assert [each["metadata"]["labels"]["team"] for each in listed["items"]] == [
        *("blue", "red", "green")
    ]
    assert problems(listed, "RolloutList") == []
    columns = "NAME:name,TEAM:metadata.labels.team"
    assert teams("list", "--columns", columns).stdout.splitlines()[1] == "b     blue"
    changes = teams("list", "-w", "-o", "jsonl").stdout.splitlines()
    assert json.loads(changes[1])["row"]["metadata"] == {"labels": {"team": "red", "tier": "web"}}
    status = json.loads(teams("status", "a", "-o", "json").stdout)
    assert status["metadata"]["labels"]["tier"] == "web"


def test_labels_are_asked_for_where_the_settings_have_other_columns(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('columns = ["name"]\n')
    cluster = FakeCluster({"rollouts": [item("b", "blue")]}, namespace="shop")
    program = Program(cluster=cluster, env={"ROLLOUTCTL_CONFIG": str(file)})
    assert program("list").stdout == "NAME\nb\n"
    assert table(program, "-L", "team") == [["NAME", "TEAM"], ["b", "blue"]]
    assert table(program, "--show-labels") == [["NAME", "LABELS"], ["b", "team=blue"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "json"], "-L does not go with -o json"),
        (["--columns", "name"], "-L does not go with --columns"),
        (["-w"], "-L does not go with --watch"),
    ],
)
def test_labels_are_columns_of_a_table_only(teams: Program, options: list[str], said: str) -> None:
    result = teams("list", "-L", "team", *options)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert said in result.stderr
    assert "metadata.labels" in result.stderr
    other = teams("list", "--show-labels", *options)
    assert said.replace("-L", "--show-labels") in other.stderr
