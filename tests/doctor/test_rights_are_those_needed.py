"""The rights that `doctor` names are those that commands ask the server for."""

from __future__ import annotations

import pytest

from rolloutctl.domain.rights import NEEDS
from rolloutctl.errors import ExitCode
from support.fake_cluster import HANG, FakeCluster
from support.screens import program, screen

LINES = [
    *("get", "get demo", "list", "fleet", "status demo", "explain demo", "tree demo"),
    *("events demo", "logs demo", "plan demo", "wait demo --for generation"),
    *("watch demo --until generation", "status demo --wait --timeout 50ms"),
    *("analysis list", "analysis get x", "experiment list", "experiment get x", "plugins list"),
    *("promote demo --dry-run", "abort demo --dry-run", "retry demo --dry-run"),
    *("pause demo --dry-run", "resume demo --dry-run", "restart demo --dry-run"),
    *("undo demo --dry-run", "set image demo app=x:v9 --dry-run", "notifications trigger list"),
]


def command_of(line: str) -> str:
    return max((key for key in NEEDS if f"{line} ".startswith(f"{key} ")), key=len)


@pytest.mark.parametrize("line", LINES)
def test_no_command_asks_for_more_than_is_said(line: str) -> None:
    known = {(need.resource, need.verb) for need in NEEDS[command_of(line)]}
    routed = ("istio",) if line.startswith(("plan", "tree")) else ()
    for name in ("plugin running", "analysis failed", *routed):
        found = screen(name)
        cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
        run = program(found)
        run.cluster = cluster
        assert run(*line.split()).exit_code != ExitCode.USAGE
        assert {(each.plural, each.verb) for each in cluster.requests} - known == set(), name
