"""The sandbox as a process: starting, finding, ending it, and what can be in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.errors import Failed, Unreachable, UsageError
from rolloutctl.sandbox import log_files, process
from rolloutctl.sandbox.state import Options, Place, place
from support.sandboxes import HttpClient, Refused, SandboxProcess, home_env, running
from support.shell import eventually

ANY = Options(speed=20)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(home_env(tmp_path))


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_ready_when_up_returns_and_gone_when_down_does(here: Place, tmp_path: Path) -> None:
    up = process.up(here, ANY)
    try:
        assert up.started
        config = yaml.safe_load(here.kubeconfig.read_text())
        assert config["clusters"][0]["cluster"]["server"] == up.record.url.replace(
            "http:", "https:"
        )
        client = HttpClient(up.record.url, config["users"][0]["user"]["token"])
        names = {item["metadata"]["name"] for item in client.list("namespaces")}
        assert {"default", "argo-rollouts"} <= names
        client.close()
        assert stat.S_IMODE(here.kubeconfig.stat().st_mode) == 0o600
        assert not (tmp_path / ".kube").exists()
    finally:
        down = process.down(here)
    assert (down.pid, down.killed) == (up.record.pid, False)
    assert not lives(up.record.pid)
    assert not here.kubeconfig.exists() and not here.record_file.exists()
    assert process.down(here) == process.Down(None)


def test_a_second_up_finds_the_first_and_says_what_differs(
    sandbox_process: SandboxProcess,
) -> None:
    again = process.up(sandbox_process.place, Options(port=4), {"port": 4, "speed": 20.0})
    assert not again.started
    assert again.record == sandbox_process.record
    assert again.differing == ("port",)


@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_without_the_token_there_is_nothing_to_see(
    sandbox_process: SandboxProcess, token: str | None
) -> None:
    client = HttpClient(sandbox_process.record.url, token)
    with pytest.raises(Refused) as raised:
        client.list("namespaces")
    assert raised.value.status == 401
    client.close()
    control = HttpClient(sandbox_process.record.side_url, token)
    for method, path in (
        ("GET", "/sandbox/status"),
        ("PUT", "/sandbox/jenkins"),
        ("POST", "/sandbox/load"),
    ):
        with pytest.raises(Refused) as raised:
            control.ask(method, path, {})
        assert raised.value.status == 401
    control.close()


def test_status_says_what_runs(sandbox_process: SandboxProcess) -> None:
    def status() -> dict[str, Any]:
        found = process.status(sandbox_process.record)
        assert found is not None
        return found

    # `up` answers when the API does; the controller's pod starts meanwhile.
    eventually(lambda: status()["controller"] == {"state": "running", "message": ""})
    found = status()
    assert found["pid"] == sandbox_process.record.pid
    assert found["url"] == sandbox_process.record.url
    assert found["speed"] == 20
    assert found["jenkins"]["mode"] == "up"
    assert found["objects"]["namespaces"] >= 3
    assert "demo/jenkins-gate" in found["plugins"]


def test_the_state_of_a_killed_process_is_in_nobodys_way(here: Place) -> None:
    first = process.up(here, ANY).record
    os.kill(first.pid, signal.SIGKILL)
    process._gone(first, here, 10)
    assert here.record_file.exists()
    assert process.find(here) is None
    second = process.up(here, ANY)
    try:
        assert second.started and second.record.instance != first.instance
    finally:
        process.down(here)


def test_a_stranger_with_the_old_pid_is_left_alone(here: Place, tmp_path: Path) -> None:
    with running(tmp_path) as sandbox:
        record = sandbox.record
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        here.write(replace(record, pid=stranger.pid), "x")
        assert process.down(here) == process.Down(None, stale=True)
        assert not here.record_file.exists()
        here.write(replace(record, pid=stranger.pid), "x")
        up = process.up(here, ANY)
        assert up.started and up.record.pid != stranger.pid
        process.down(here)
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_another_sandbox_at_the_old_address_is_not_taken_for_it(
    here: Place, sandbox_process: SandboxProcess
) -> None:
    here.make()
    other = sandbox_process.record
    here.write(replace(other, instance="0" * 16), "x")
    assert process.find(here) is None
    here.write(replace(other, token="guess"), "x")
    assert process.find(here) is None


def test_a_damaged_record_is_stale(here: Place) -> None:
    here.make()
    here.record_file.write_text('{"pid": 1')
    assert process.down(here) == process.Down(None, stale=True)
    assert not here.record_file.exists()


def test_a_process_that_does_not_answer_is_ended_all_the_same(here: Place) -> None:
    record = process.up(here, ANY).record
    os.kill(record.pid, signal.SIGSTOP)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "ANSWER_SECONDS", 0.2)
            assert process.find(here) is None
            with pytest.raises(Failed, match="does not answer"):
                process.up(here, ANY)
            down = process.down(here, seconds=0.2)
    finally:
        if lives(record.pid):
            os.kill(record.pid, signal.SIGKILL)
    assert (down.pid, down.killed) == (record.pid, True)
    assert not here.kubeconfig.exists()


def test_a_port_in_use_is_a_clear_error_and_leaves_nothing(here: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            process.up(here, replace(ANY, port=port))
    assert not here.record_file.exists() and not here.kubeconfig.exists()


def test_the_port_can_be_chosen(here: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    up = process.up(here, replace(ANY, port=port))
    try:
        assert up.record.url == f"http://127.0.0.1:{port}"
    finally:
        process.down(here)


def test_a_plugin_that_does_not_import_is_said_before_anything_starts(
    here: Place, tmp_path: Path
) -> None:
    path = tmp_path / "broken.py"
    path.write_text("print('hello')\nraise KeyError('gone')\n")
    with pytest.raises(UsageError, match=r"KeyError: 'gone' \(line 2\)"):
        process.up(here, replace(ANY, plugins=(f"{path}:Gate",)))
    assert not here.record_file.exists()


def test_a_process_that_dies_at_its_start_shows_the_end_of_its_log(
    here: Place, tmp_path: Path
) -> None:
    path = tmp_path / "fatal.py"
    path.write_text(
        "import os, sys\nprint('the last words', file=sys.__stderr__, flush=True)\nos._exit(7)\n"
    )
    with pytest.raises(Failed, match="ended with 7") as raised:
        process.up(here, replace(ANY, plugins=(f"{path}:Gate",)))
    assert "the last words" in raised.value.hint


def test_a_module_of_the_users_folder_does_not_stand_in_for_one_of_ours(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('shadowed')\n")
    monkeypatch.chdir(tmp_path)
    process.up(here, ANY)
    process.down(here)


def test_what_a_plugin_prints_goes_to_the_log(here: Place, tmp_path: Path) -> None:
    path = tmp_path / "chatty.py"
    path.write_text(
        "class Chatty:\n    name = 'a/chatty'\n    def __init__(self):\n"
        "        print('good morning')\n    def run(self, rollout, context): ...\n"
    )
    process.up(here, replace(ANY, plugins=(f"{path}:Chatty",)))
    process.down(here)
    assert any("printed: good morning" in line for line in log_files.tail(here.log, 20))


def test_logs_are_followed_through_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("old\n")

    def add(text: str) -> None:
        with log.open("a") as file:
            file.write(text)

    def rotate() -> None:
        log.rename(tmp_path / "x.log.1")
        add("new\n")

    steps = iter([lambda: add("one\nhal"), lambda: add("f\n"), rotate])
    lines = log_files.follow(log, pause=lambda _: next(steps)())
    assert [next(lines) for _ in range(3)] == ["one", "half", "new"]
    lines.close()
    assert log_files.tail(log, 5) == ["new"]
    assert log_files.tail(tmp_path / "none", 5) == []


def test_loading_into_a_sandbox_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    with running(tmp_path) as sandbox:
        record = sandbox.record
    with pytest.raises(Unreachable):
        list(process.load(record, {"scenario": "healthy"}))


def test_the_jenkins_switch_is_turned_over_http(sandbox_process: SandboxProcess) -> None:
    record = sandbox_process.record
    jenkins = HttpClient(record.side_url, None)
    try:
        process.switch_jenkins(record, "down")
        with pytest.raises(Refused) as raised:
            jenkins.ask("GET", "/jenkins/api/json")
        assert raised.value.status == 503
        facts = process.status(record)
        assert facts is not None and facts["jenkins"]["mode"] == "down"
        with pytest.raises(Failed, match="400"):
            process.switch_jenkins(record, "sideways")
    finally:
        process.switch_jenkins(record, "up")
    assert jenkins.ask("GET", "/jenkins/api/json")["mode"] == "up"
    jenkins.close()


def test_plugins_are_there_for_the_controller_to_fetch(sandbox_process: SandboxProcess) -> None:
    client = sandbox_process.client
    config = client.get("configmaps", "argo-rollouts-config", "argo-rollouts")
    items = yaml.safe_load(config["data"]["stepPlugins"])
    assert [item["name"] for item in items] == [
        "step/e2e-test",
        "step/e2e-test-disabled",
        "demo/jenkins-gate",
    ]
    assert [item.get("disabled") for item in items] == [None, True, False]
    for item in items:
        name = item["location"].removeprefix(sandbox_process.record.side_url)
        assert name == f"/plugins/{item['name']}"
    side = HttpClient(sandbox_process.record.side_url, None)
    with pytest.raises(json.JSONDecodeError):
        side.ask("GET", "/plugins/step/e2e-test")
    with pytest.raises(Refused) as raised:
        side.ask("GET", "/plugins/no/such")
    assert raised.value.status == 404
    side.close()
