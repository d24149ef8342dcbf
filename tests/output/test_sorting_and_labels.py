"""What kubectl has `--sort-by` and `--label-columns` for."""

from __future__ import annotations

from typing import Any

import pytest

from support.fake_cluster import FakeCluster
from support.program import Program


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
