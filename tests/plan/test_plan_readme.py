"""The example in the README is what the program prints and draws."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

from support.plans import manifest
from support.program import Program

ROOT = Path(__file__).parent.parent.parent


def test_the_page_and_the_picture_in_the_readme(rolloutctl: Program, tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().partition("## Rehearse an update")[2]
    outcomes, page = re.findall(r"```[a-z]*\n(.*?)```", section, re.S)[:2]
    command, _, said = page.partition("\n")
    scenario = resources.files("rolloutctl.sandbox.scenarios") / "checkout-canary"
    for name, text in (
        ("outcomes.yaml", outcomes),
        ("checkout.yaml", (scenario / "checkout.yaml").read_text()),
    ):
        (tmp_path / name).write_text(text)
    argv = [
        str(tmp_path / word) if word.endswith(".yaml") else word
        for word in command.removeprefix("$ rolloutctl ").split()
    ]
    result = rolloutctl(*argv, "--svg", str(tmp_path / "plan.svg"))
    assert result.stdout == said
    assert (tmp_path / "plan.svg").read_text() == (ROOT / "docs" / "plan.svg").read_text()


def test_every_field_of_a_plan_is_documented(rolloutctl: Program) -> None:
    section = (ROOT / "docs" / "output.md").read_text().partition("## `Plan`")[2]
    section = section.partition("\n## ")[0]
    rolloutctl.stdin = json.dumps(manifest([{"setWeight": 5}, {"plugin": {"name": "a/b"}}]))
    document = json.loads(rolloutctl("plan", "-", "-o", "json").stdout)
    step = document["steps"][1]
    fields = [*document, *step, *step["plugin"], *step["abort"], *document["timeline"][0]]
    fields += [*document["pauses"], *document["assumptions"]]
    known = {"apiVersion", "kind"}
    assert [each for each in fields if each not in known and f"{each}" not in section] == []
