"""Many rollouts promoted by one command, stopped half-way and gone on with."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from rolloutctl import kube
from rolloutctl.domain.cluster import ROLLOUTS, Change
from support.shell import ROLLOUTCTL, Shell, eventually, manifest

pytestmark = pytest.mark.e2e

COUNT = 30
STEPS: tuple[dict[str, Any], ...] = (
    {"setWeight": 20},
    {"pause": {}},
    {"setWeight": 50},
    {"pause": {}},
)


def rows(shell: Shell, *argv: str) -> list[Any]:
    """What `list` says of each rollout."""
    done = shell.rolloutctl("list", "-o", "jsonl", *argv)
    assert done.code == 0, done.stderr
    return [json.loads(text) for text in done.stdout.splitlines()]


def ship(shell: Shell, names: list[str]) -> None:
    """Somebody's pipeline gives all of them a new image."""
    cluster = kube.connect(
        kubeconfig=None,
        context=None,
        namespace=None,
        impersonate=None,
        request_timeout=None,
        env=shell.env,
    )
    path = "/spec/template/spec/containers/0/image"
    for name in names:
        operation = {"op": "replace", "path": path, "value": "demo:v2"}
        cluster.apply(Change(ROLLOUTS, shell.namespace, name, "", (operation,)))


def test_a_fleet_is_promoted_once_each_through_an_interrupt(shell: Shell) -> None:
    names = [f"web-{number:02}" for number in range(COUNT)]
    shell.load(*(manifest(shell.namespace, name, *STEPS, replicas=1) for name in names))
    eventually(lambda: len(rows(shell, "--phase", "Healthy")) == COUNT)
    ship(shell, names)
    eventually(lambda: len(rows(shell, "--awaiting")) == COUNT)

    pace = ("--max-concurrent", "4", "--batch", "10", "--batch-wait", "60s")
    select = ("-n", shell.namespace, "promote", "-l", "app", "--awaiting", "--yes")
    process = shell.start(ROLLOUTCTL, *select, *pace, "-o", "jsonl")
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(10)]
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=20)
    assert process.returncode == 130, told
    assert "10 promoted, 20 not done in" in told
    report = "".join(first) + rest
    results = [json.loads(text) for text in report.splitlines()]
    assert sorted(entry["name"] for entry in results) == names
    assert [entry["result"] for entry in results].count("not-done") == 20

    done = shell.rolloutctl("promote", "-f", "-", "--yes", "--max-concurrent", "20", stdin=report)
    assert done.code == 0, done.stderr
    assert "10 done already" in done.stderr and "20 promoted in" in done.stderr
    eventually(lambda: len(rows(shell, "--awaiting")) == COUNT)
    assert {row["rollout"]["step"]["number"] for row in rows(shell)} == {4}

    last = shell.rolloutctl(
        "promote", "--awaiting", "--yes", "--wait", "--timeout", "30s", "--batch", "15"
    )
    assert last.code == 0, last.stderr
    assert last.stdout.count("Healthy after") == COUNT
    assert "30 promoted in" in last.stderr
    none = shell.rolloutctl("promote", "--awaiting")
    assert none.code == 1 and "no rollouts that match" in none.stderr
