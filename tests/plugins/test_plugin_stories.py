"""What `plugins ...` does on a cluster with a controller, as plugins-observed stories tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.actions import plugin_restart
from rolloutctl.domain.cluster import Change
from rolloutctl.errors import ExitCode, Forbidden
from support.plugin_site import RUNNING, Site, plugin

E2E = "step/e2e-test"
DISABLE = ("disable", E2E, "--reason", "INC-4711", "--yes")
WEIGHT: dict[str, Any] = {"setWeight": 50}


# --- looking ------------------------------------------------------------------------------------


def test_list_says_who_uses_what(site: Site) -> None:
    site.deploy([RUNNING, plugin("no/body")])
    done = site("list")
    assert done.exit_code is ExitCode.OK, done.stderr
    rows = {row.split()[0]: " ".join(row.split()) for row in done.stdout.splitlines() if row}
    assert rows[E2E].startswith(f"{E2E} enabled 1 rollout 1 0 http")
    assert rows["step/e2e-test-disabled"].startswith("step/e2e-test-disabled disabled 0 rollouts")
    assert rows["no/body"].startswith("no/body NOT CONFIGURED 1 rollout 0 0")


def test_list_as_data(site: Site) -> None:
    site.deploy([RUNNING])
    document = json.loads(site("list", "-o", "json").stdout)
    assert document["kind"] == "PluginList"
    assert document["countedIn"] is None
    first = document["items"][0]
    assert (first["name"], first["usedBy"]["steps"], first["inFlight"]) == (E2E, 1, 1)
    assert site("list", "-o", "name").stdout.splitlines() == [
        E2E,
        "step/e2e-test-disabled",
        "demo/jenkins-gate",
    ]
    lines = site("list", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(each)["kind"] for each in lines] == ["Plugin"] * 3


def test_uses_are_counted_where_it_is_allowed_and_that_is_said(site: Site) -> None:
    site.deploy([RUNNING])
    site.cluster.forbidden = {("rollouts", None)}
    done = site("list")
    assert "uses are counted in namespace default only" in done.stderr
    assert json.loads(site("list", "-o", "json").stdout)["countedIn"] == "default"
    site.cluster.forbidden.add(("rollouts", "default"))
    done = site("list")
    assert done.exit_code is ExitCode.OK
    assert "uses are not known" in done.stderr


def test_show_and_status(site: Site) -> None:
    site.deploy([RUNNING])
    shown = site("show", E2E).stdout
    assert f"{E2E}  step plugin  enabled" in shown
    assert "1 rollout (1 step)" in shown
    status = site("status", E2E).stdout.splitlines()
    assert status[1].split()[:5] == ["default/web", "1", E2E, "Running", "1"]
    run = json.loads(site("status", "-o", "json").stdout)["items"][0]
    assert run["status"]["Count"] == 1
    assert site("status", "demo/jenkins-gate").stderr.startswith("no run of demo/jenkins-gate")


def test_an_unknown_name_lists_the_known_ones(site: Site) -> None:
    for argv in (["show", "step/e2e-tset"], ["status", "step/e2e-tset"], ["enable", "e2e-test"]):
        done = site(*argv)
        assert done.exit_code is ExitCode.NOT_FOUND
        assert f"did you mean {E2E}" in done.stderr
        assert "demo/jenkins-gate" in done.stderr


def test_a_router_cannot_be_disabled(site: Site) -> None:
    site.write("- name: route/r\n  location: file:///r\n", "trafficRouterPlugins")
    before = site.config_map
    done = site("disable", "route/r", "--reason", "x", "--yes")
    assert done.exit_code is ExitCode.CONFLICT
    assert "only step plugins can be disabled" in done.stderr
    assert site.config_map == before


# --- writing ------------------------------------------------------------------------------------


def test_disable_changes_one_value_and_says_that_it_is_not_live(site: Site) -> None:
    before = site.text
    site.deploy([RUNNING])
    done = site(*DISABLE, "--save-in-flight", "kept.json")
    assert done.exit_code is ExitCode.OK, done.stderr
    line = next(each for each in before.splitlines() if "location" in each)
    assert site.text == before.replace(line, f"{line}\n  disabled: true", 1)
    assert "neither Terminate nor Abort" in done.stderr
    assert "Not live" in done.stdout
    kept = json.loads(Path("kept.json").read_text())
    assert kept["items"][0]["status"] == self_status(site)
    note = site.config_map["metadata"]["annotations"]["rolloutctl.dev/disabled.step.e2e-test"]
    assert json.loads(note) | {"at": ""} == {
        "plugin": E2E,
        "reason": "INC-4711",
        "by": "ann",
        "at": "",
    }
    # The controller was left alone: it goes on calling the plugin.
    assert site.status()["canary"]["stepPluginStatuses"][0]["phase"] == "Running"
    listed = site("list").stdout
    assert "disabled, NOT LIVE" in listed and "pending restart" in listed
    assert "INC-4711" in site("show", E2E).stdout
    again = site(*DISABLE)
    assert again.exit_code is ExitCode.OK
    assert "disabled already, nothing to do" in again.stdout and "Not live" in again.stdout
    done = site("enable", E2E)
    assert done.exit_code is ExitCode.OK
    assert "rolloutctl.dev/disabled.step.e2e-test" not in site.config_map["metadata"]["annotations"]
    assert site.text == before.replace(line, f"{line}\n  disabled: false", 1)


def self_status(site: Site) -> Any:
    return site.status()["canary"]["stepPluginStatuses"][0]["status"]


def test_in_flight_runs_get_a_file_of_their_own(site: Site) -> None:
    site.deploy([RUNNING])
    done = site(*DISABLE, "-o", "json")
    saved = json.loads(done.stdout)["inFlightSavedTo"]
    assert saved.startswith("step-e2e-test-in-flight-") and Path(saved).exists()


def test_nothing_is_written_when_the_file_cannot_be(site: Site) -> None:
    site.deploy([RUNNING])
    before = site.config_map
    done = site(*DISABLE, "--save-in-flight", "no/such/folder.json")
    assert done.exit_code is ExitCode.USAGE
    assert site.config_map == before


def test_dry_run_sends_nothing(site: Site) -> None:
    before = site.config_map
    done = site("disable", E2E, "--reason", "x", "--dry-run")
    assert done.exit_code is ExitCode.OK
    assert "+  disabled: true" in done.stdout.splitlines()
    assert '"path": "/metadata/resourceVersion"' in done.stdout
    assert not site.cluster.applied
    done = site("disable", E2E, "--reason", "x", "--dry-run=server")
    assert [dry for _, dry in site.cluster.applied] == [True]
    assert site.config_map == before


def test_without_a_terminal_it_needs_yes(site: Site) -> None:
    before = site.config_map
    assert site("disable", E2E, "--reason", "x").exit_code is ExitCode.USAGE
    assert site("disable", E2E, "--reason", " ").exit_code is ExitCode.USAGE
    assert site("disable", E2E, "--yes").exit_code is ExitCode.USAGE
    assert site.config_map == before


def test_on_a_terminal_the_restart_is_confirmed_with_the_name(site: Site) -> None:
    before = site.config_map
    site.program.terminal = True
    site.program.stdin = "y\n"
    done = site("disable", E2E, "--reason", "x", "--restart")
    assert f'Type "{E2E}"' in done.stderr
    assert done.exit_code is ExitCode.FAILED
    assert site.config_map == before
    site.program.stdin = f"{E2E}\n"
    assert site("disable", E2E, "--reason", "x", "--restart").exit_code is ExitCode.OK


def test_someone_else_editing_meanwhile_loses_nothing(site: Site) -> None:
    others = iter(["# one\n", "# two\n", "# three\n"])

    def meanwhile(change: Change) -> None:
        if (add := next(others, None)) is not None:
            site.write(site.text + add)

    site.cluster.before = meanwhile
    done = site(*DISABLE, "-o", "json")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert json.loads(done.stdout)["attempts"] == 4
    assert site.text.endswith("# one\n# two\n# three\n")
    assert site.text.count("disabled: true") == 2


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        (
            "stepPlugins",
            "- name: step/e2e-test\n  location: [\n",
            "stepPlugins, line 3, column 1",
        ),
        (
            "stepPlugins",
            '- name: step/e2e-test\n  disabled: "yes"\n  location: file:///x\n',
            "cannot unmarshal string into Go struct field PluginItem.disabled of type bool",
        ),
        (
            "stepPlugins",
            "- {name: step/e2e-test, location: 'file:///x'}\n- {name: noslash, location: x}\n",
            "Failed to init config: validation of config due to (plugin repository (noslash) must"
            " be in the format of <namespace>/<name>)",
        ),
        (
            "metricProviderPlugins",
            "- {name: a b/c, location: 'file:///x'}\n",
            "plugin repository (a b/c)",
        ),
        (
            "trafficRouterPlugins",
            "- {name: a/c, location: 'ftp://x'}\n",
            "Failed to download plugins: plugin location must be of http(s) or file scheme",
        ),
        ("trafficRouterPlugins", "a: b\n", "cannot unmarshal object into Go value of type []"),
    ],
)
def test_a_broken_config_map_is_not_touched(site: Site, key: str, text: str, said: str) -> None:
    site.write(text, key)
    before = site.config_map
    done = site(*DISABLE)
    assert done.exit_code is ExitCode.FAILED
    assert said in " ".join(done.stderr.split())
    assert "nothing was changed" in done.stderr
    assert site.config_map == before
    listed = site("list")
    assert listed.exit_code is ExitCode.OK
    assert "would not start again" in listed.stdout


# --- the restart --------------------------------------------------------------------------------


def test_an_outage_is_got_over(site: Site) -> None:
    site.deploy([plugin(**{"return": "nonsense"}), WEIGHT])
    assert site.status()["canary"]["stepPluginStatuses"][0]["phase"] == "Error"
    old = {pod["metadata"]["uid"] for pod in site.pods()}
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.OK, done.stderr + done.stdout
    assert "controller restarted" in done.stdout
    assert "1 of 1 step passed over, 1 rollout unblocked" in done.stdout
    assert not old & {pod["metadata"]["uid"] for pod in site.pods()}
    assert site.status()["canary"]["stepPluginStatuses"][0] == {
        "index": 0,
        "name": E2E,
        "operation": "Run",
        "disabled": True,
    }
    listed = site("list").stdout
    assert "pending" not in listed and "not known" not in listed
    # And back: the next revision calls it again.
    done = site("enable", E2E, "--restart", "--force", "--yes")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "pending" not in site("list").stdout


def test_a_running_plugin_is_abandoned_and_its_state_is_kept(site: Site) -> None:
    site.deploy([plugin(), RUNNING, WEIGHT])
    kept = site.status()["canary"]["stepPluginStatuses"][1]["status"]
    done = site(*DISABLE, "--restart", "--force", "-o", "json")
    assert done.exit_code is ExitCode.OK, done.stderr
    document = json.loads(done.stdout)
    assert document["restart"]["outcome"] == "ready"
    assert document["pendingRestart"] is False
    assert [each["number"] for each in document["passedOver"]] == [2]
    saved = json.loads(Path(document["inFlightSavedTo"]).read_text())
    assert [each["status"] for each in saved["items"]] == [kept]
    site.sandbox.advance(30)
    operations = {record["operation"] for record in site.status()["canary"]["stepPluginStatuses"]}
    assert operations == {"Run"}


def test_already_disabled_but_pending_is_restarted(site: Site) -> None:
    assert site(*DISABLE).exit_code is ExitCode.OK
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "controller restarted" in done.stdout
    old = {pod["metadata"]["uid"] for pod in site.pods()}
    done = site(*DISABLE, "--restart", "--force")
    assert "nothing to do" in done.stdout
    assert {pod["metadata"]["uid"] for pod in site.pods()} == old


def test_a_location_that_does_not_answer_needs_force(site: Site) -> None:
    before = site.config_map
    done = site(*DISABLE, "--restart")
    assert done.exit_code is ExitCode.FAILED
    assert "--force" in done.stderr
    assert site.config_map == before


def test_a_controller_that_does_not_come_up_gets_the_old_config_back(site: Site) -> None:
    """The other plugin's location works for the old controller only as long as ours is not in."""
    before = site.text
    fetch = site.sandbox._fetch

    def down(location: str) -> None:
        if "disabled: true\n- name: step/e2e-test-disabled" in site.text:
            raise ConnectionRefusedError("connection refused")
        fetch(location)

    site.sandbox.controllers._kubelet._fetch = down
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.FAILED
    assert "the controller did not start again: CrashLoopBackOff" in done.stdout
    assert "Failed to download plugins" in done.stdout
    assert "is as it was before, and the controller runs again" in done.stdout
    assert site.text == before
    assert "rolloutctl.dev/disabled.step.e2e-test" not in site.config_map["metadata"]["annotations"]
    assert "pending" not in site("list").stdout


def test_a_controller_that_is_down_for_another_reason_is_said_loudly(site: Site) -> None:
    before = site.text

    def down(location: str) -> None:
        raise ConnectionRefusedError("connection refused")

    site.sandbox.controllers._kubelet._fetch = down
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.FAILED
    assert "is down: no rollout moves" in done.stdout
    assert "also with the ConfigMap of before, which is back" in done.stdout
    assert site.text == before


def test_anothers_edit_during_the_crash_is_left_alone(site: Site) -> None:
    def down(location: str) -> None:
        raise ConnectionRefusedError("connection refused")

    def meanwhile(change: Change) -> None:
        if change.kind.plural == "deployments":
            site.cluster.before = None
            site.write(site.text + "# somebody else\n")

    site.sandbox.controllers._kubelet._fetch = down
    site.cluster.before = meanwhile
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.FAILED
    assert "somebody else has changed stepPlugins meanwhile" in done.stdout
    assert site.text.endswith("# somebody else\n")


def test_a_pod_that_never_gets_ready_is_taken_back_too(site: Site) -> None:
    before = site.text
    kubelet = site.sandbox.controllers._kubelet
    kubelet._delay = 60.0
    done = site(*DISABLE, "--restart", "--force", "--timeout", "5s")
    assert done.exit_code is ExitCode.FAILED
    assert "not ready after 5 s" in done.stdout
    assert site.text == before


def test_no_wait_leaves_the_restart_to_itself(site: Site) -> None:
    done = site(*DISABLE, "--restart", "--force", "--no-wait")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert "not waited for" in done.stdout


def test_a_controller_elsewhere(site: Site) -> None:
    done = site("list", "--controller-namespace", "default")
    assert done.exit_code is ExitCode.OK
    assert "default/argo-rollouts-config does not exist" in done.stdout
    done = site("disable", E2E, "--reason", "x", "-y", "--controller-namespace", "default")
    assert done.exit_code is ExitCode.NOT_FOUND


def test_what_the_cluster_sends_colours_nothing(site: Site) -> None:
    site.write('- name: "x/\\e[31mred\\nline"\n  location: "http://[bad\\tplace/\\e]0;t\\a"\n')
    done = site("list")
    assert done.exit_code is ExitCode.OK
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout
    assert sum(1 for line in done.stdout.splitlines() if line.startswith("x/")) == 1


def test_nobody_may_read_the_config_map(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any) -> Any:
        raise Forbidden("not allowed to get configmaps", hint="ask for: {verbs: [get]}")

    monkeypatch.setattr(site.cluster, "get_raw", forbidden)
    for argv in (["list"], list(DISABLE)):
        done = site(*argv)
        assert done.exit_code is ExitCode.CLUSTER
        assert "ask for" in done.stderr


def test_a_config_map_on_which_ctrl_c_falls_is_said_to_be_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(plugin_restart, "_await", interrupted)
    done = site(*DISABLE, "--restart", "--force")
    assert done.exit_code is ExitCode.INTERRUPTED
    assert "the ConfigMap is changed" in done.stderr


def test_where_the_configmap_comes_from_is_said_before_it_is_changed(site: Site) -> None:
    site.deploy([plugin(run="60s")])
    site.sandbox.client.patch(
        "configmaps",
        "argo-rollouts-config",
        {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "argo-rollouts:x"}}},
        "argo-rollouts",
    )
    done = site("disable", E2E, "--reason", "INC-1", "--yes")
    told = " ".join(done.stderr.split())
    assert "argo-rollouts-config: Argo CD manages it (application argo-rollouts)" in told
    document = json.loads(site("enable", E2E, "--dry-run", "-o", "json").stdout)
    assert document["managedBy"] == [{"tool": "argo-cd", "application": "argo-rollouts"}]
