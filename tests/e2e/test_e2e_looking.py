"""get, list, watch, status: on a cluster that moves."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
import yaml

from support.shell import ROLLOUTCTL, Shell, manifest, plugin

pytestmark = pytest.mark.e2e

PAUSED: tuple[dict[str, Any], ...] = ({"setWeight": 50}, {"pause": {}})


def test_the_picture_of_one_rollout(shell: Shell) -> None:
    shell.rollout("web", plugin(), *PAUSED)
    shell.ship("web", "v2")
    shell.until("web", "paused")
    done = shell.rolloutctl("get", "web")
    assert done.code == 0
    assert done.stderr == ""
    first = done.stdout.splitlines()[0]
    assert "web" in first and "Paused" in first
    for fact in ("step/e2e-test", "Successful", "v1", "v2", "pause", "50"):
        assert fact in done.stdout


def test_the_same_facts_as_json_and_yaml(shell: Shell) -> None:
    shell.rollout("web", plugin(), *PAUSED)
    shell.ship("web", "v2")
    shell.until("web", "paused")
    as_json = shell.rolloutctl("get", "web", "-o", "json").json
    assert as_json["rollout"]["phase"] == "Paused"
    assert [step["state"] for step in as_json["steps"]] == ["done", "done", "current"]
    as_yaml = yaml.safe_load(shell.rolloutctl("get", "ro/web", "-o", "yaml").stdout)
    assert as_yaml["rollout"]["phase"] == "Paused"
    assert shell.rolloutctl("get", "rollout/web", "-o", "name").stdout.strip().endswith("/web")


def test_lists_by_phase_plugin_and_who_waits(shell: Shell) -> None:
    shell.rollout("calm", {"setWeight": 50})
    shell.rollout("gated", plugin("Running", requeue="1h"))
    shell.rollout("held", *PAUSED)
    shell.ship("held", "v2")
    shell.until("held", "paused")
    shell.ship("gated", "v2")
    shell.until("gated", "plugin=step/e2e-test:Running")

    def names(*argv: str) -> list[str]:
        done = shell.rolloutctl("list", "-o", "name", *argv)
        assert done.code == 0, done.stderr
        return sorted(line.rpartition("/")[2] for line in done.stdout.splitlines())

    assert names() == ["calm", "gated", "held"]
    assert names("--phase", "Paused") == ["held"]
    assert names("--phase", "Paused,Healthy") == ["calm", "held"]
    assert names("--plugin", "step/e2e-test") == ["gated"]
    assert names("--awaiting") == ["held"]
    assert names("-l", "app=calm") == ["calm"]
    everywhere = shell.rolloutctl("list", "-A", "-o", "jsonl")
    rows = [json.loads(line) for line in everywhere.stdout.splitlines()]
    assert {"calm", "gated", "held"} <= {
        row["name"] for row in rows if row["namespace"] == shell.namespace
    }


def test_status_says_it_in_the_exit_code(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    assert shell.rolloutctl("status", "web").code == 0
    shell.ship("web", "v2")
    shell.until("web", "paused")
    waiting = shell.rolloutctl("status", "web", "--wait", "--timeout", "20s")
    assert "Paused" in waiting.stdout
    assert shell.rolloutctl("abort", "web", "--wait").code == 0
    aborted = shell.rolloutctl("status", "web")
    assert aborted.code == 1
    assert "Degraded" in aborted.stdout


def test_watching_prints_a_line_per_change_and_ends_when_it_is_there(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, plugin())
    shell.ship("web", "v2")
    done = shell.until("web", "healthy")
    assert "Healthy" in done.stdout
    assert "\x1b" not in done.stdout


def test_watching_times_out_with_4(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    shell.ship("web", "v2")
    done = shell.rolloutctl("watch", "web", "--until", "healthy", "--timeout", "500ms")
    assert done.code == 4


def test_watching_ends_when_the_rollout_is_aborted(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    shell.ship("web", "v2")
    shell.until("web", "paused")
    process = shell.start(
        ROLLOUTCTL, "-n", shell.namespace, "watch", "web", "--until", "healthy", "--timeout", "30s"
    )
    assert process.stdout is not None
    process.stdout.readline()
    shell.rolloutctl("abort", "web")
    assert process.wait(timeout=30) == 1


def test_watching_ends_when_the_rollout_is_deleted(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    process = shell.start(
        ROLLOUTCTL, "-n", shell.namespace, "watch", "web", "--until", "step=2", "--timeout", "30s"
    )
    assert process.stdout is not None
    process.stdout.readline()
    shell.kubectl("delete", "ro", "web")
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 5
    assert "deleted" in out + errors


def test_ctrl_c_ends_a_watch_with_130(shell: Shell) -> None:
    shell.rollout("web", *PAUSED)
    process = shell.start(ROLLOUTCTL, "-n", shell.namespace, "watch", "web", "--until", "step=2")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_an_empty_namespace_says_so(shell: Shell) -> None:
    done = shell.rolloutctl("list")
    assert done.code == 0
    assert done.stdout == ""
    assert shell.namespace in done.stderr


def test_an_invalid_spec_is_shown_as_the_controller_says_it(shell: Shell) -> None:
    shell.load(manifest(shell.namespace, "bad", {"setWeight": 101}))
    done = shell.rolloutctl("watch", "bad", "--until", "phase=Degraded", "--timeout", "20s")
    assert "SetWeight needs to be between 0 and 100" in done.stdout
    assert shell.rolloutctl("status", "bad").code == 1
