"""plugins list, show, status, disable, enable: an outage from one end to the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from support.shell import Shell, eventually, plugin

pytestmark = pytest.mark.e2e

NAME = "step/e2e-test"


def config_text(shell: Shell) -> str:
    done = shell.run(
        *("kubectl", "-n", "argo-rollouts", "get", "cm", "argo-rollouts-config"),
        *("-o", "jsonpath={.data.stepPlugins}"),
    )
    assert done.code == 0, done.stderr
    return done.stdout


@pytest.fixture
def outage(own_shell: Shell) -> Iterator[Shell]:
    """A sandbox of this test's own, with a rollout stuck at a failing gate."""
    own_shell.kubectl("version", "--client")
    own_shell.rollout("web", {"setWeight": 50}, plugin("out of order"), {"setWeight": 80})
    own_shell.ship("web", "v2")
    own_shell.until("web", f"plugin={NAME}:Error")
    yield own_shell


def test_an_outage_is_got_over(outage: Shell) -> None:
    stuck = outage.rolloutctl("plugins", "status", NAME, "-o", "json").json
    assert outage.namespace in json.dumps(stuck)
    before = config_text(outage)

    rehearsal = outage.rolloutctl("plugins", "disable", NAME, "--reason", "INC-1", "--dry-run")
    assert rehearsal.code == 0, rehearsal.stderr
    assert "disabled: true" in rehearsal.stdout
    assert config_text(outage) == before

    done = outage.rolloutctl(
        *("plugins", "disable", NAME, "--reason", "INC-1", "--restart", "--yes"),
        *("--timeout", "60s", "--save-in-flight", "in-flight.json"),
    )
    assert done.code == 0, done.stderr
    saved = json.loads((outage.folder / "in-flight.json").read_text())
    assert outage.namespace in json.dumps(saved)
    outage.until("web", "healthy")
    after = config_text(outage)
    removed = [line for line in before.splitlines() if line not in after.splitlines()]
    assert len(after.splitlines()) - len(before.splitlines()) + len(removed) <= 1
    assert before.count("#") == after.count("#")
    assert outage.facts("web")["plugins"][0]["disabled"] is True

    back = outage.rolloutctl("plugins", "enable", NAME, "--restart", "--yes", "--timeout", "60s")
    assert back.code == 0, back.stderr
    outage.ship("web", "v3")
    outage.until("web", f"plugin={NAME}:Error")


def test_without_a_restart_nothing_changes_yet(outage: Shell) -> None:
    # Kubernetes keeps whole seconds: within the controller's first one nobody can tell.
    controller = outage.rolloutctl("plugins", "list", "-o", "json").json["controller"]
    known = datetime.fromisoformat(controller["startedAt"]) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) >= known)
    done = outage.rolloutctl("plugins", "disable", NAME, "--reason", "INC-2", "--yes")
    assert done.code == 0, done.stderr
    assert "restart" in done.stdout + done.stderr
    listed = outage.rolloutctl("plugins", "list")
    assert "NOT LIVE" in listed.stdout
    assert outage.facts("web")["plugins"][0]["phase"] == "Error"


def test_a_configuration_the_controller_would_not_start_with_is_not_written(
    own_shell: Shell,
) -> None:
    own_shell.kubectl("version", "--client")
    broken = "- name: step/e2e-test\n  location: [oops\n"
    patch = json.dumps({"data": {"stepPlugins": broken}})
    own_shell.run(
        *("kubectl", "-n", "argo-rollouts", "patch", "cm", "argo-rollouts-config"),
        *("--type", "merge", "-p", patch),
    )
    done = own_shell.rolloutctl("plugins", "disable", NAME, "--reason", "x", "--yes")
    assert done.code == 1
    assert "line" in done.stderr
    assert config_text(own_shell) == broken


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_an_unknown_plugin_lists_the_known_ones(shell: Shell, verb: str) -> None:
    reason = ["--reason", "x"] if verb == "disable" else []
    done = shell.rolloutctl("plugins", verb, "step/e2e-tset", *reason, "--yes")
    assert done.code == 5
    assert "step/e2e-test" in done.stderr
    assert "demo/jenkins-gate" in done.stderr


def test_the_plugins_there_are(shell: Shell) -> None:
    listed = shell.rolloutctl("plugins", "list").stdout
    for name in (NAME, "step/e2e-test-disabled", "demo/jenkins-gate"):
        assert name in listed
    shown = shell.rolloutctl("plugins", "show", "step/e2e-test-disabled")
    assert shown.code == 0
    assert "disabled" in shown.stdout
