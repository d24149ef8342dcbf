"""explain: on a cluster that moves, as a person on call uses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from support.program import Program
from support.shell import ROLLOUTCTL, Shell, eventually, plugin

pytestmark = pytest.mark.e2e

CAUSES = {
    "plugin-failed": ("plugin-failed", 5, "Step 5 of 6 (plugin step/e2e-test) failed"),
    "bad-image": ("pods-not-starting", 1, "does not become ready: ImagePullBackOff"),
    "plugin-gate-running": ("plugin-running", 2, "is at work"),
    "analysis-failed": ("analysis-failed", 3, "success-rate"),
    "bluegreen": ("preview-for-person", None, "waits until a person promotes it"),
    "aborted": ("aborted-by-person", 3, "A person aborted the update to revision 2 at step 3"),
    "invalid": ("invalid-spec", None, "SetWeight needs to be between 0 and 100"),
    "healthy": ("nothing", None, "Nothing is wrong"),
}


def test_each_scenario_is_explained_by_its_true_cause(own_hasty_shell: Shell) -> None:
    explain = Program(env=own_hasty_shell.env)
    for scenario, (kind, step, words) in CAUSES.items():
        loaded = own_hasty_shell.run(ROLLOUTCTL, "sandbox", "load", scenario)
        assert loaded.code == 0, loaded.stderr
        page = explain("explain", "checkout", "-n", "shop")
        assert (page.exit_code, page.stderr) == (0, "")
        assert words in " ".join(page.stdout.split())
        facts = json.loads(explain("explain", "checkout", "-n", "shop", "-o", "json").stdout)
        found = facts["causes"][0]
        assert found["kind"] == kind
        assert (found["step"] or {}).get("number") == step
        assert facts["unavailable"] == []


def outcomes(shell: Shell, name: str) -> dict[str, Any]:
    facts = shell.rolloutctl("explain", name, "-o", "json").json
    return {item["command"]: item for item in facts["commands"]}


def test_a_command_does_what_explain_said_it_would(shell: Shell) -> None:
    shell.rollout(
        "web", plugin(), {"setWeight": 50}, {"pause": {}}, {"setWeight": 80}, {"pause": {}}
    )
    shell.ship("web", "v2")
    shell.until("web", "step=3")
    shell.until("web", "paused")
    said = outcomes(shell, "web")
    assert (said["promote"]["verdict"], said["promote"]["toStep"]) == ("works", 4)
    assert said["abort"]["aborts"] == [1]
    assert shell.rolloutctl("promote", "web").code == 0
    shell.until("web", "step=5")
    assert shell.rolloutctl("abort", "web", "--wait").code == 0
    said = outcomes(shell, "web")
    assert said["retry"]["toStep"] == 1
    assert said["promote"]["verdict"] == "refused"
    assert (said["promote --full"]["option"], said["undo"]["traps"]) == (
        "--force",
        ["to-stable-skips-steps"],
    )
    assert shell.rolloutctl("promote", "web").code == 6
    assert shell.rolloutctl("promote", "web", "--full", "--yes").code == 6
    assert shell.rolloutctl("promote", "web", "--full", "--force", "--yes", "--wait").code == 0
    assert shell.rolloutctl("explain", "web").stdout.splitlines()[1].startswith("Nothing is wrong")


def test_a_hold_names_the_client_that_set_it(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    shell.ship("web", "v2")
    shell.until("web", "paused")
    assert shell.rolloutctl("pause", "web").code == 0
    eventually(lambda: "rolloutctl" in shell.rolloutctl("explain", "web").stdout)
    facts = shell.rolloutctl("explain", "web", "-o", "json").json
    assert facts["causes"][0]["kind"] == "paused-by-person"
    assert facts["causes"][0]["writer"]["client"] == "rolloutctl"


@pytest.fixture
def falling() -> Iterator[str]:
    """The address of a page whose value is good three times and bad ever after."""
    values = iter([0.99, 0.985, 0.97])

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'{{"value": {next(values, 0.4)}}}'.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_metric_that_fell_is_shown_with_its_query_and_its_values(
    shell: Shell, falling: str
) -> None:
    metric = {
        "name": "success-rate",
        "interval": "5s",
        "count": 8,
        "failureLimit": 1,
        "successCondition": "result >= 0.95",
        "provider": {"web": {"url": f"{falling}/{{{{args.path}}}}", "jsonPath": "{$.value}"}},
    }
    shell.load(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisTemplate",
            "metadata": {"name": "rate", "namespace": shell.namespace},
            "spec": {"args": [{"name": "path"}], "metrics": [metric]},
        }
    )
    arguments = [{"name": "path", "value": "checkout"}]
    analysis = {"templates": [{"templateName": "rate"}], "args": arguments}
    shell.rollout("web", {"setWeight": 50}, {"analysis": analysis}, {"setWeight": 80})
    shell.ship("web", "v2")
    done = shell.rolloutctl("watch", "web", "--until", "phase=Degraded", "--timeout", "40s")
    assert done.code == 0, done.stdout + done.stderr
    found = shell.rolloutctl("explain", "web", "-o", "json").json["causes"][0]
    assert (found["kind"], found["step"]["number"]) == ("analysis-failed", 2)
    (measured,) = found["analysis"]["metrics"]
    assert measured["query"] == f"{falling}/checkout {{$.value}}"
    assert [item["number"] for item in measured["measurements"]] == [0.99, 0.985, 0.97, 0.4, 0.4]
    assert (measured["passed"], measured["threshold"]) == ("failureLimit", 0.95)
    page = shell.rolloutctl("explain", "web").stdout
    assert "metric success-rate is 0.4, wanted is result >= 0.95" in " ".join(page.split())
