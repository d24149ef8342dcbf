"""plan: the installed program, of a file without any cluster and of a rollout of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from support.shell import Shell, manifest, plugin

pytestmark = pytest.mark.e2e


def test_a_file_and_the_rollout_made_of_it_have_the_same_plan(shell: Shell, tmp_path: Path) -> None:
    steps: tuple[dict[str, Any], ...] = (
        {"setWeight": 50},
        plugin(),
        {"pause": {}},
        {"pause": {"duration": "1h"}},
    )
    file, picture = tmp_path / "web.json", tmp_path / "web.svg"
    file.write_text(json.dumps(manifest(shell.namespace, "web", *steps)))
    of_file = shell.rolloutctl("plan", str(file), "--svg", str(picture), "-o", "json")
    assert of_file.code == 0, of_file.stderr
    assert of_file.json["result"] == "promoted"
    assert [person["number"] for person in of_file.json["persons"]] == [3]
    assert "Plan of web" in "".join(ElementTree.parse(picture).getroot().itertext())

    shell.rollout("web", *steps)
    shell.until("web", "healthy")
    of_cluster = shell.rolloutctl("plan", "web", "-o", "json")
    assert of_cluster.code == 0, of_cluster.stderr
    for key in ("steps", "totalSeconds", "persons", "timeline"):
        assert of_cluster.json[key] == of_file.json[key]
