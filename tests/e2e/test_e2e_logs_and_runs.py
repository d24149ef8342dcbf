"""logs, events, tree, analysis: on a cluster that moves, over HTTP."""

from __future__ import annotations

import json
import signal

import pytest

from support.shell import ROLLOUTCTL, Shell

pytestmark = pytest.mark.e2e


def test_a_followed_log_shows_what_is_printed_and_the_pods_that_come(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    process = shell.start(ROLLOUTCTL, "-n", shell.namespace, "logs", "web", "-f", "-o", "jsonl")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["role"], first["container"]) == ("stable", "app")
    shell.ship("web", "v2")
    shell.until("web", "paused")
    seen: dict[str, str] = {}
    while seen.get("canary") is None:
        line = json.loads(process.stdout.readline())
        seen[line["role"]] = line["message"]
    assert "image=demo:v2" in seen["canary"]
    printed = ""
    while "GET /" not in printed:
        printed = json.loads(process.stdout.readline())["message"]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_events_and_the_tree_tell_of_an_update(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    shell.ship("web", "v2")
    shell.until("web", "paused")
    assert shell.rolloutctl("promote", "web", "--yes", "--reason", "seen", "--wait").code == 0
    told = shell.rolloutctl("events", "web", "-o", "jsonl")
    assert told.code == 0, told.stderr
    events = [json.loads(line) for line in told.stdout.splitlines()]
    (ours,) = [event for event in events if event["audit"] is not None]
    assert (ours["audit"]["action"], ours["audit"]["reason"]) == ("promote", "seen")
    assert {"Rollout", "ReplicaSet"} <= {event["object"]["kind"] for event in events}
    followed = shell.rolloutctl("events", "web", "-w", "--own", "--timeout", "100ms")
    assert followed.code == 4
    assert "RolloutctlPromote" in followed.stdout
    root = shell.rolloutctl("tree", "web", "-o", "json").json["root"]
    kinds = [child["kind"] for child in root["children"]]
    assert kinds == ["ReplicaSet", "ReplicaSet"]
    assert len(root["children"][0]["children"]) == 2


def test_a_run_is_made_followed_and_looked_at(shell: Shell) -> None:
    job = {
        "backoffLimit": 0,
        "template": {
            "spec": {"containers": [{"name": "it", "image": "it:v1"}], "restartPolicy": "Never"}
        },
    }
    metric = {"name": "smoke", "count": 2, "interval": "1s", "provider": {"job": {"spec": job}}}
    shell.load(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": "smoke", "namespace": shell.namespace},
            "spec": {"metrics": [metric]},
        }
    )
    run = ("analysis", "run", "--from", "smoke", "--name", "once")
    done = shell.rolloutctl(*run, "--wait", "--timeout", "30s")
    assert done.code == 0, done.stderr
    assert done.stderr.count("smoke  Successful") == 2
    assert "2 ok" in shell.rolloutctl("analysis", "list").stdout
    logs = shell.rolloutctl("analysis", "logs", "once", "-f", "--timeout", "20s")
    assert logs.code == 0, logs.stderr
    assert logs.stdout.count("ended with exit code 0") == 2
    again = shell.rolloutctl(*run)
    assert again.code == 6
    assert "is there already" in again.stderr
