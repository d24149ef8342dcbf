"""create and convert: from a file to a rollout that has taken over from its Deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.shell import Shell, manifest

pytestmark = pytest.mark.e2e


def test_a_deployment_becomes_a_rollout_of_the_cluster_and_comes_back(
    shell: Shell, tmp_path: Path
) -> None:
    written = manifest(shell.namespace, "web", {"setWeight": 50})
    deployment: dict[str, Any] = {**written, "apiVersion": "apps/v1", "kind": "Deployment"}
    deployment["spec"] = {key: value for key, value in written["spec"].items() if key != "strategy"}
    file = tmp_path / "web.json"
    file.write_text(json.dumps(deployment))
    made = shell.rolloutctl("create", "-f", str(file), "-o", "name")
    assert (made.code, made.stdout) == (0, "deployment.apps/web\n")

    shown = shell.rolloutctl(
        "convert", "deployment", "web", "--workload-ref", "--scale-down", "onsuccess"
    )
    assert shown.code == 0, shown.stderr
    rollout = tmp_path / "rollout.yaml"
    rollout.write_text(shown.stdout)
    done = shell.rolloutctl("create", "-f", str(rollout), "--wait", "--timeout", "60s")
    assert done.code == 0, done.stdout + done.stderr
    assert "rollout web: Healthy after" in done.stdout
    again = shell.rolloutctl("create", "-f", str(rollout))
    assert again.code == 6
    assert "exists already" in again.stdout

    back = shell.rolloutctl("convert", "rollout", "web")
    assert back.code == 0, back.stderr
    found = yaml.safe_load(back.stdout)
    assert (found["kind"], found["spec"]["replicas"]) == (
        "Deployment",
        deployment["spec"]["replicas"],
    )
    assert not {"uid", "resourceVersion", "managedFields"} & set(found["metadata"])


def test_what_the_server_refuses_does_not_keep_the_rest_from_being_made(
    shell: Shell, tmp_path: Path
) -> None:
    good = manifest(shell.namespace, "web", {"pause": {}})
    bad = json.loads(json.dumps(good))
    bad["metadata"]["name"] = "bad"
    bad["spec"]["replicas"] = "two"
    file = tmp_path / "both.yaml"
    file.write_text(yaml.safe_dump_all([bad, good]))
    tried = shell.rolloutctl("create", "-f", str(file), "--validate=ignore", "--dry-run=server")
    assert tried.code == 1
    done = shell.rolloutctl("create", "-f", str(file), "--validate=ignore", "-o", "json")
    assert done.code == 1
    assert [each["result"] for each in done.json["results"]] == ["failed", "created"]
    assert "spec.replicas" in done.stderr
