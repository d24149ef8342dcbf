"""What `get` and `list` print at moments of the recorded stories, pinned."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.errors import ExitCode
from rolloutctl.render.text import width
from support.fake_cluster import FakeCluster
from support.screens import SCREENS, program, screen

NAMES = list(SCREENS)
_SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_without_a_terminal(name: str, snapshot: SnapshotAssertion) -> None:
    result = program(screen(name))("get", "demo")
    assert result.exit_code == ExitCode.OK
    assert result.stderr == ""
    assert result.stdout == snapshot


@pytest.mark.parametrize("name", ["paused canary", "plugin failed and aborted", "bad image"])
def test_the_picture_on_a_terminal_of_80_columns(name: str, snapshot: SnapshotAssertion) -> None:
    result = program(screen(name), terminal=True, columns=80)("get", "demo")
    assert result.stdout == snapshot


@pytest.mark.parametrize("output", ["json", "yaml", "jsonl", "name", "wide"])
def test_the_picture_in_each_format(output: str, snapshot: SnapshotAssertion) -> None:
    result = program(screen("plugin failed and aborted"))("get", "demo", "-o", output)
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


@pytest.mark.parametrize("output", [None, "json", "yaml", "jsonl", "name", "wide"])
def test_the_table_in_each_format(output: str | None, snapshot: SnapshotAssertion) -> None:
    options = [] if output is None else ["-o", output]
    result = program(screen("plugin running"))("list", "-A", *options)
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


@pytest.mark.parametrize("name", NAMES)
def test_status_in_one_line(name: str, snapshot: SnapshotAssertion) -> None:
    result = program(screen(name))("status", "demo")
    assert result.stdout.count("\n") == 1
    assert (int(result.exit_code), result.stdout) == snapshot


@pytest.mark.parametrize("name", NAMES)
def test_json_and_yaml_say_the_same(name: str) -> None:
    run = program(screen(name))
    as_json = json.loads(run("get", "demo", "-o", "json").stdout)
    as_yaml = yaml.load(run("get", "demo", "-o", "yaml").stdout, Loader=yaml.BaseLoader)
    as_line = json.loads(run("get", "demo", "-o", "jsonl").stdout)
    assert as_line == as_json
    assert as_yaml["rollout"]["phase"] == as_json["rollout"]["phase"]
    assert [step["state"] for step in as_yaml["steps"]] == [
        step["state"] for step in as_json["steps"]
    ]


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_and_no_line_is_too_wide(name: str, columns: int) -> None:
    found = screen(name)
    plain = program(found)("get", "demo").stdout
    shown = _SGR.sub("", program(found, terminal=True, columns=columns)("get", "demo").stdout)
    assert max(width(line) for line in shown.splitlines()) <= columns
    drawn = re.sub("[█░]", "", shown)
    assert "".join(drawn.split()) == "".join(plain.split())


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_narrow_table_keeps_name_status_step_and_image(columns: int) -> None:
    shown = program(screen("istio"), terminal=True, columns=columns)("list", "-A", "--no-color")
    assert max(width(line) for line in shown.stdout.splitlines()) <= columns
    for word in ("shop", "demo", "Paused", "3/5 pause", "v2"):
        assert word in shown.stdout


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    found = screen("plugin failed and aborted")
    assert "\x1b" not in program(found)("get", "demo").stdout
    assert "\x1b[" in program(found, terminal=True)("get", "demo").stdout
    assert "\x1b" not in program(found, terminal=True)("--no-color", "get", "demo").stdout
    plain = program(found, terminal=True, env={"NO_COLOR": "1"})("get", "demo").stdout
    assert "\x1b" not in plain


def test_a_pause_with_an_end_counts_down() -> None:
    found = screen("paused canary")
    (rollout,) = found.objects["rollouts"]
    rollout["spec"]["strategy"]["canary"]["steps"][1]["pause"] = {"duration": "5m"}
    shown = program(found)("get", "demo").stdout
    assert re.search(r"2  now +pause 5m +4m50s left, until \d\d:\d\d:\d\d", shown)


def test_a_disabled_step_ahead_says_that_it_will_be_passed_over() -> None:
    found = screen("paused canary")
    (rollout,) = found.objects["rollouts"]
    rollout["spec"]["strategy"]["canary"]["steps"].insert(
        2, {"plugin": {"name": "step/e2e-test-disabled"}}
    )
    shown = program(found)("get", "demo").stdout
    assert re.search(r"3 +plugin step/e2e-test-disabled +disabled in .*, will be passed", shown)
    assert "goes on at step 4 of 5, set weight 80; passes over the disabled step 3" in shown


def test_many_healthy_pods_are_a_count_and_broken_ones_are_named() -> None:
    found = screen("bad image")
    stable = next(rs for rs in found.objects["replicasets"] if rs["spec"]["replicas"] == 2)
    (pod,) = [p for p in found.objects["pods"] if p["metadata"]["name"].endswith("-b0000")][:1]
    healthy = next(p for p in found.objects["pods"] if p["status"]["phase"] == "Running")
    for index in range(40):
        copied = json.loads(json.dumps(healthy))
        copied["metadata"]["name"] = f"{stable['metadata']['name']}-x{index}"
        found.objects["pods"].append(copied)
    run = program(found)
    shown = run("get", "demo").stdout
    assert "42 pods ready" in shown
    assert "ImagePullBackOff" in shown and pod["metadata"]["name"] in shown
    assert "42 pods ready" not in run("get", "demo", "-o", "wide").stdout


def test_spans_of_time_are_counted_by_the_servers_clock() -> None:
    found = screen("paused canary")
    run = program(found)
    run.now = lambda: found.now + timedelta(minutes=10)
    assert "10s so far" not in run("get", "demo").stdout
    assert isinstance(run.cluster, FakeCluster)
    run.cluster.skew = 600.0
    assert "10s so far" in run("get", "demo").stdout
