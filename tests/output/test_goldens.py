"""What each command prints, in every format it has: one golden file each, from recorded moments.

Commands whose golden files stand beside their own tests (history, diff, set image, config, wait,
doctor, notifications, lint, create, convert, analysis, experiment, logs, events, tree, fleet,
explain, plan) are not repeated here.
"""

from __future__ import annotations

import copy
import shlex
from typing import Any

import pytest

from support.changing_cluster import ChangingCluster
from support.program import Program
from support.screens import screen

SHOWS = ("text", "wide", "json", "yaml", "jsonl", "name")
CHANGES = ("text", "json", "yaml", "jsonl", "name")
CASES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("get demo", "plugin running", SHOWS),
    ("get", "paused canary", SHOWS),
    ("list", "blue-green", SHOWS),
    ("status demo", "istio", SHOWS),
    ("explain demo", "analysis failed", ("text", "wide", "json", "yaml", "jsonl")),
    ("fleet", "plugin aborted while running", ("text", "json", "yaml", "jsonl")),
    ("plugins list", "plugin running", ("text", "json", "yaml", "jsonl", "name")),
    ("plugins show step/e2e-test", "plugin running", ("text", "json", "yaml", "jsonl", "name")),
    ("plugins status", "plugin running", ("text", "json", "yaml", "jsonl", "name")),
    (
        "plugins enable step/e2e-test-disabled --dry-run",
        "plugin running",
        ("text", "json", "yaml", "jsonl"),
    ),
    ("promote demo", "paused canary", CHANGES),
    ("promote demo --full --yes", "plugin running", CHANGES),
    ("abort demo", "plugin running", CHANGES),
    ("retry demo", "analysis failed", CHANGES),
    ("pause demo", "plugin running", CHANGES),
    ("resume demo", "plugin held by a person", CHANGES),
    ("restart demo", "healthy", CHANGES),
    ("undo demo --yes", "healthy", CHANGES),
)


@pytest.mark.parametrize(("line", "where", "formats"), CASES, ids=[case[0] for case in CASES])
def test_golden(line: str, where: str, formats: tuple[str, ...], snapshot: Any) -> None:
    found = screen(where)
    for form in formats:
        cluster = ChangingCluster(copy.deepcopy(found.objects), namespace=found.namespace)
        if line.startswith("resume"):
            cluster.rollout["spec"]["paused"] = True
        program = Program(cluster=cluster, now=lambda: found.now, columns=110)
        done = program(*shlex.split(line), *(() if form == "text" else ("-o", form)))
        assert done.stdout, (form, done.stderr)
        assert f"{done.stdout}--- exit code {int(done.exit_code)}\n" == snapshot(name=form)
