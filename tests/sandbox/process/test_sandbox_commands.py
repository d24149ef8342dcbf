"""`rolloutctl sandbox …` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rolloutctl.errors import ExitCode
from rolloutctl.sandbox import process
from rolloutctl.sandbox.state import place
from support.program import Program
from support.sandboxes import HttpClient, SandboxProcess, home_env
from support.shapes import problems

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {k: v}
"""


@pytest.fixture
def alone(tmp_path: Path, rolloutctl: Program) -> Iterator[Program]:
    """The program of a user without a sandbox; one it starts is ended."""
    rolloutctl.env = {**home_env(tmp_path), "SHELL": "/bin/bash"}
    yield rolloutctl
    process.down(place(rolloutctl.env))


@pytest.fixture
def at(sandbox_process: SandboxProcess, rolloutctl: Program) -> Program:
    """The program of the user whose sandbox runs."""
    rolloutctl.env = {**sandbox_process.env, "SHELL": "/bin/bash"}
    return rolloutctl


def test_up_says_what_it_started_and_how_to_use_it(alone: Program, tmp_path: Path) -> None:
    done = alone("sandbox", "up", "--speed", "20", "--load", "invalid", "-n", "mine")
    assert done.exit_code == ExitCode.OK, done.stderr
    record = place(home_env(tmp_path)).read()
    assert record is not None
    assert f"process {record.pid}" in done.stdout
    assert f"API server  {record.url}" in done.stdout
    assert "clock       20 times as fast as time" in done.stdout
    assert 'eval "$(rolloutctl sandbox env)"' in done.stdout
    assert record.token not in done.stdout + done.stderr
    assert "mine/checkout is Degraded" in done.stderr
    again = alone("sandbox", "up", "--speed", "7", "--load", "healthy")
    assert again.exit_code == ExitCode.OK
    assert f"runs already: process {record.pid}" in again.stdout
    assert "not applied to it: --speed, --load" in again.stderr
    ended = alone("sandbox", "down")
    assert (ended.exit_code, ended.stdout) == (0, f"sandbox ended (process {record.pid})\n")
    assert (alone("sandbox", "down").stdout) == "no sandbox is running\n"


def test_a_program_that_started_it_ends_without_a_word(tmp_path: Path) -> None:
    env = {**os.environ, **home_env(tmp_path), "PYTHONWARNINGS": "error"}
    program = str(Path(sys.executable).with_name("rolloutctl"))
    up = subprocess.run([program, "sandbox", "up"], env=env, capture_output=True, text=True)
    down = subprocess.run([program, "sandbox", "down"], env=env, capture_output=True, text=True)
    assert (up.returncode, up.stderr) == (0, "")
    assert (down.returncode, down.stderr) == (0, "")
    assert "sandbox ended" in down.stdout


def test_two_at_once_start_one_sandbox(alone: Program, tmp_path: Path) -> None:
    env = {**os.environ, **home_env(tmp_path)}
    program = str(Path(sys.executable).with_name("rolloutctl"))
    both = [
        subprocess.Popen([program, "sandbox", "up"], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(child.communicate(timeout=60)[0].splitlines()[0] for child in both)
    record = place(env).read()
    assert record is not None
    assert said == [
        f"sandbox started: process {record.pid}",
        f"the sandbox runs already: process {record.pid}, {record.url}",
    ]


def test_two_sandboxes_do_not_know_each_other(alone: Program, tmp_path: Path) -> None:
    try:
        for name in ("one", "two"):
            assert alone("sandbox", "up", "--speed", "20", "--name", name).exit_code == 0
        paths = {alone("sandbox", "kubeconfig", "--name", name).stdout for name in ("one", "two")}
        assert len(paths) == 2
        assert "sandbox ended" in alone("sandbox", "down", "--name", "one").stdout
        assert "running" in alone("sandbox", "status", "--name", "two").stdout
    finally:
        for name in ("one", "two"):
            process.down(place(home_env(tmp_path), name))


def test_without_a_sandbox_each_command_says_how_to_start_one(alone: Program) -> None:
    for argv in (["env"], ["kubeconfig"], ["load", "paused"], ["jenkins", "up"], ["logs"]):
        done = alone("sandbox", *argv)
        assert done.exit_code == ExitCode.FAILED
        assert "rolloutctl sandbox up" in done.stderr
        assert done.stdout == ""
    assert "no sandbox is running" in alone("sandbox", "status").stdout
    facts = json.loads(alone("sandbox", "status", "-o", "json").stdout)
    assert facts == {"apiVersion": "rolloutctl/v1", "kind": "Sandbox", "running": False}
    assert alone("sandbox", "env", "--unset").stdout == "unset KUBECONFIG\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["up", "--plugin", "nowhere.py:X"], "no such plugin file"),
        (["up", "--speed", "0"], "--speed is from"),
        (["up", "--load", "pausd"], "did you mean paused"),
        (["up", "--load", "nowhere.yaml"], "cannot be read"),
        (["up", "--port", "70000"], "65535"),
        (["load", "fleet:many"], "fleet:500"),
        (["jenkins", "sideways"], "known: up, slow, failing, down"),
        (["status", "-o", "xml"], "known: json, yaml"),
        (["env", "--shell", "tcsh"], "tcsh"),
        (["status", "--name", "../x"], "cannot name a sandbox"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_starts_nothing(
    alone: Program, tmp_path: Path, argv: list[str], message: str
) -> None:
    done = alone("sandbox", *argv)
    assert done.exit_code == ExitCode.USAGE
    assert message in done.stderr
    assert not place(home_env(tmp_path)).record_file.exists()


def test_env_is_what_a_shell_evaluates(at: Program, sandbox_process: SandboxProcess) -> None:
    path = sandbox_process.kubeconfig
    assert at("sandbox", "env").stdout == f"export KUBECONFIG={path}\n"
    assert at("sandbox", "env", "--shell", "fish").stdout == f"set -gx KUBECONFIG '{path}'\n"
    assert at("sandbox", "env", "--shell", "powershell").stdout == f"$Env:KUBECONFIG = '{path}'\n"
    assert at("sandbox", "env", "--shell", "fish", "--unset").stdout == "set -e KUBECONFIG\n"
    assert at("sandbox", "kubeconfig").stdout == f"{path}\n"
    raw = yaml.safe_load(at("sandbox", "kubeconfig", "--raw").stdout)
    assert raw["users"][0]["user"]["token"] == sandbox_process.record.token


def test_status_shows_the_sandbox(at: Program, sandbox_process: SandboxProcess) -> None:
    shown = at("sandbox", "status").stdout
    assert f"process {sandbox_process.record.pid}" in shown
    assert "clock       20 times as fast as time" in shown
    assert f"API server  {sandbox_process.record.url}" in shown
    facts = json.loads(at("sandbox", "status", "-o", "json").stdout)
    assert facts["running"] is True
    assert facts["pid"] == sandbox_process.record.pid
    assert "token" not in json.dumps(facts)
    assert problems(facts, "Sandbox") == []


def test_jenkins_has_a_switch(at: Program) -> None:
    assert at("sandbox", "jenkins", "down").stdout == "Jenkins is down\n"
    assert "Jenkins     down" in at("sandbox", "status").stdout
    assert at("sandbox", "jenkins", "up").exit_code == ExitCode.OK


def test_files_and_stdin_are_loaded_into_the_namespace(
    at: Program, sandbox_process: SandboxProcess, tmp_path: Path
) -> None:
    namespace = sandbox_process.namespace()
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    done = at("sandbox", "load", str(path), "-n", namespace)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert f"created ConfigMap {namespace}/a" in done.stderr
    at.stdin = CONFIG.replace("k: v", "k: w")
    again = at("sandbox", "load", "-", "-n", namespace)
    assert f"updated ConfigMap {namespace}/a" in again.stderr
    assert sandbox_process.client.get("configmaps", "a", namespace)["data"] == {"k": "w"}


def test_a_file_that_is_no_yaml_is_a_usage_error_with_its_line(at: Program, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("a: 1\nb: [\n")
    done = at("sandbox", "load", str(path))
    assert done.exit_code == ExitCode.USAGE
    assert "broken.yaml is no YAML: line 3" in done.stderr


def test_a_file_too_large_is_said(at: Program, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("# " + "x" * 9_000_000)
    done = at("sandbox", "load", str(path))
    assert done.exit_code == ExitCode.USAGE
    assert "more than the sandbox takes" in done.stderr


def test_a_load_that_is_interrupted_stops(alone: Program, tmp_path: Path) -> None:
    assert alone("sandbox", "up").exit_code == ExitCode.OK
    env = {**os.environ, **home_env(tmp_path)}
    argv = [str(Path(sys.executable).with_name("rolloutctl")), "sandbox", "load", "fleet:60000"]
    with subprocess.Popen(argv, env=env, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        try:
            while "1,000 of" not in child.stderr.readline():
                pass
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode == ExitCode.INTERRUPTED
    record = place(env).read()
    assert record is not None

    def count() -> int:
        facts = process.status(record)
        assert facts is not None
        return int(facts["objects"]["rollouts"])

    end = time.monotonic() + 20
    before = -1
    while (now := count()) != before:
        assert time.monotonic() < end
        before = now
        time.sleep(0.3)
    assert now < 30_000


def test_scenarios_are_listed_with_what_they_are(rolloutctl: Program) -> None:
    lines = rolloutctl("sandbox", "scenarios").stdout.splitlines()
    assert any(line.startswith("paused ") and "waiting for a person" in line for line in lines)
    assert lines[-1].startswith("fleet:N")


def test_logs(at: Program, sandbox_process: SandboxProcess) -> None:
    assert f"serving {sandbox_process.record.url}" in at("sandbox", "logs", "--tail", "1000").stdout
    assert at("sandbox", "logs", "--controller").exit_code == ExitCode.OK
    assert at("sandbox", "logs", "--tail", "0").stdout == ""


def test_the_foreground_does_not_start_a_second_one(at: Program) -> None:
    done = at("sandbox", "up", "--foreground")
    assert done.exit_code == ExitCode.FAILED
    assert "runs already" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_ends_with_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    env = {**os.environ, **home_env(tmp_path), "PYTHONUNBUFFERED": "1"}
    program = str(Path(sys.executable).with_name("rolloutctl"))
    argv = [program, "sandbox", "up", "--foreground", "--speed", "20", "--load", "invalid"]
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        try:
            assert "process" in child.stdout.readline()
            here = place(env)
            record = process.find(here)
            assert record is not None and record.pid == child.pid
            for line in child.stderr:
                assert "not loaded" not in line
                if "checkout is Degraded" in line:
                    break
            client = HttpClient(record.url, record.token)
            assert client.get("rollouts", "checkout", "shop")["status"]["phase"] == "Degraded"
            client.close()
            child.send_signal(number)
            _, errors = child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode == 0
    assert "Traceback" not in errors
    assert not here.record_file.exists() and not here.kubeconfig.exists()
