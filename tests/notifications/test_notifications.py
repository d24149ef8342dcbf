"""`notifications`: what the ConfigMap shows, of a cluster or a file, and what it would come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.errors import ExitCode
from support.fake_cluster import FakeCluster
from support.program import Program

DATA = {
    "trigger.on-rollout-completed": "- send: [rollout-completed]\n",
    "trigger.on-paused": """
- when: rollout.status.phase == 'Paused'
  oncePer: rollout.metadata.annotations['rollout.argoproj.io/revision']
  send: [rollout-completed, lost]
  description: somebody has to look
- when: time.Now().Hour() > 17
  send: [rollout-completed]
- when: rollout.status.phase in ['Healthy']
- when: rollout.metadata.name
- when: true
""",
    "trigger.broken": "{",
    "trigger.odd": "when: x",
    "template.rollout-completed": """
message: |
  Rollout {{.rollout.metadata.name}} is {{ .rollout.status.phase }}:
    {{.rollout.spec.replicas}} pods, held: {{.rollout.spec.paused}}, {{.rollout.status.nothing}}
email: {subject: "{{.rollout.metadata.name | upper}} {{.secrets.x}} {{.rollout.spec}}"}
slack:
  attachments: >-
    {{if .rollout.spec.paused}}{{.rollout.metadata.name}}{{end}}
    {{range .rollout.spec.steps}}{{.rollout.metadata.name}}{{end}}{{- .rollout.metadata.name}}
webhook: {a: {items: ["{{.rollout.status.phase.x}}"], timeout: 3}}
""",
    "template.plain": "message: All is well\n",
    "template.empty": "",
    "template.broken": "- a\n",
    "service.slack": "token: $slack-token\n",
}
CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "argo-rollouts-notification-configmap", "namespace": "argo-rollouts"},
    "data": DATA,
}
ROLLOUT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"replicas": 4, "paused": False},
    "status": {"phase": "Paused"},
}


def program(*more: dict[str, Any]) -> Program:
    return Program(cluster=FakeCluster({"configmaps": [CONFIG, *more], "rollouts": [ROLLOUT]}))


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "yaml", "name"])
@pytest.mark.parametrize(
    "line",
    [
        "trigger list",
        "trigger get on-paused",
        "trigger run on-paused web",
        "template list",
        "template get rollout-completed",
        "template run rollout-completed web",
    ],
)
def test_formats(line: str, output: str, snapshot: SnapshotAssertion) -> None:
    chosen = [] if output == "text" else ["-o", output]
    result = program()("notifications", *line.split(), *chosen)
    assert (int(result.exit_code), result.stdout, result.stderr) == snapshot


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("trigger get on-pausd", ExitCode.NOT_FOUND, "did you mean on-paused?"),
        ("template get x", ExitCode.NOT_FOUND, "there are: broken, empty, plain"),
        ("trigger run on-paused wbe", ExitCode.NOT_FOUND, "wbe"),
        ("trigger run nope web", ExitCode.NOT_FOUND, 'no trigger "nope"'),
        ("trigger run on-rollout-completed web", ExitCode.OK, ""),
        ("trigger run broken web", ExitCode.FAILED, ""),
        ("template run plain web", ExitCode.OK, ""),
        ("trigger list --config-namespace x", ExitCode.NOT_FOUND, "--config-namespace"),
        ("trigger list --config-map a --config-namespace x", ExitCode.USAGE, "not both"),
        ("trigger list --config-map /nowhere", ExitCode.USAGE, "/nowhere cannot be read"),
    ],
)
def test_how_it_ends(line: str, code: ExitCode, said: str) -> None:
    result = program()("notifications", *line.split())
    assert result.exit_code == code, result.stderr
    assert said in result.stderr


def test_a_configuration_of_another_namespace() -> None:
    other = {**CONFIG, "metadata": {**CONFIG["metadata"], "namespace": "x"}, "data": None}
    result = program(other)("notifications", "trigger", "list", "--config-namespace", "x")
    assert (result.exit_code, result.stdout) == (ExitCode.OK, "")
    assert "there are no triggers" in result.stderr


def test_files_need_no_cluster(tmp_path: Path) -> None:
    config, rollout = tmp_path / "config.yaml", tmp_path / "rollout.yaml"
    config.write_text(yaml.safe_dump_all([{"kind": "Secret"}, None, CONFIG]))
    rollout.write_text(yaml.safe_dump(ROLLOUT))
    run = Program(env={})
    line = ("notifications", "trigger", "run", "on-rollout-completed", str(rollout))
    result = run(*line, "--config-map", str(config), "-o", "json")
    assert result.exit_code == ExitCode.OK, result.stderr
    (condition,) = json.loads(result.stdout)["conditions"]
    assert condition["always"] and condition["holds"]
    piped = Program(env={}, stdin=config.read_text())
    listed = piped("notifications", "template", "list", "--config-map", "-", "-o", "name")
    assert listed.stdout.split() == ["broken", "empty", "plain", "rollout-completed"]
    for broken, code in (("kind: Pod", ExitCode.NOT_FOUND), ("{", ExitCode.USAGE)):
        rollout.write_text(broken)
        assert run(*line, "--config-map", str(config)).exit_code == code
        config_is = run("notifications", "trigger", "list", "--config-map", str(rollout))
        assert config_is.exit_code == code


def test_no_secret_is_read() -> None:
    run = program()
    run("notifications", "template", "run", "rollout-completed", "web")
    assert isinstance(run.cluster, FakeCluster)
    assert {request.plural for request in run.cluster.requests} == {"configmaps", "rollouts"}


def test_what_a_configuration_says_cannot_mislead() -> None:
    evil = {
        **CONFIG,
        "data": {
            "trigger.a\x1b[31m": '- when: "x\\e[2J\\nok"\n',
            "template.b": 'message: "\\e[2J{{.rollout.metadata.name}}\\u202e"\n',
        },
    }
    run = Program(cluster=FakeCluster({"configmaps": [evil], "rollouts": [ROLLOUT]}))
    for line in ("trigger list", "template list", "template run b web", "template get b"):
        result = run("notifications", *line.split())
        assert "\x1b" not in result.stdout + result.stderr
        assert "\u202e" not in result.stdout + result.stderr
