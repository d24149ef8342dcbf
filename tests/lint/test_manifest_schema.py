"""`rolloutctl schema manifest`: editors say the same as lint does."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.lint.known_shapes import SHAPES
from rolloutctl.domain.lint.manifests import read
from rolloutctl.domain.lint.shapes import faults
from rolloutctl.errors import ExitCode
from support.linted import manifests
from support.program import Program

HERE = Path(__file__).parent
SCENARIOS = resources.files("rolloutctl.sandbox") / "scenarios"


def printed(*argv: str) -> Any:
    done = Program()("schema", "manifest", *argv)
    assert done.exit_code == ExitCode.OK, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def editor() -> Any:
    schema = printed()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_kind_has_a_schema_of_its_own() -> None:
    names = Program()("schema", "manifest", "--list").stdout.split()
    assert names == list(SHAPES)
    for name in names:
        schema = printed(name.lower())
        assert schema["title"] == name
        assert schema["properties"]["kind"] == {"type": "string", "enum": [name]}


def test_a_schema_says_what_fields_are_for(snapshot: SnapshotAssertion) -> None:
    assert printed("Rollout")["properties"]["spec"]["properties"]["strategy"] == snapshot


def test_a_kind_that_is_not_known_is_refused() -> None:
    done = Program()("schema", "manifest", "Rolout")
    assert done.exit_code == ExitCode.USAGE
    assert "did you mean Rollout?" in done.stderr
    done = Program()("schema", "manifest", "Ingress")
    assert "rolloutctl schema manifest --list" in done.stderr


def texts() -> list[Any]:
    files: list[Any] = [*sorted((HERE / "good").glob("*.yaml"))]
    folders = sorted(SCENARIOS.iterdir(), key=lambda each: each.name)
    found = [each for folder in folders if folder.is_dir() for each in folder.iterdir()]
    return files + [each for each in found if each.name == "checkout.yaml"]


@pytest.mark.parametrize("file", texts(), ids=str)
def test_what_is_right_is_right_for_an_editor(editor: Any, file: Any) -> None:
    for each in read(file.read_text(), file.name)[0]:
        if each.kind in SHAPES:
            assert list(editor.iter_errors(each.data)) == []
            assert list(faults(each.data, SHAPES[each.kind])) == []


BASE = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  replicas: 2
  strategy:
    canary:
      steps:
      - setWeight: 20
      - pause: {duration: 5m}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("replicas:", "replica:"),
        ("replicas: 2", 'replicas: "2"'),
        ("replicas: 2", "replicas: 3000000000"),
        ("canary:", "canry:"),
        ("setWeight: 20", "setWeight: 20%"),
        ("duration: 5m", "duration: [5]"),
        ("duration: 5m", "seconds: 5"),
        ("steps:", "blueGreen: {}\n      steps:"),
        ("metadata: {name: web}", "metadata: web"),
        ("metadata: {name: web}\n", ""),
    ],
)
def test_what_has_not_its_shape_is_wrong_for_both(editor: Any, before: str, after: str) -> None:
    (good,) = manifests(BASE)
    (bad,) = manifests(BASE.replace(before, after))
    assert list(editor.iter_errors(good.data)) == []
    assert list(editor.iter_errors(bad.data)) != []
    assert list(faults(bad.data, SHAPES["Rollout"])) != []


def test_other_kinds_are_none_of_its_business(editor: Any) -> None:
    assert list(editor.iter_errors({"apiVersion": "v1", "kind": "Service", "x": 1})) == []


def references(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["$ref"]} if "$ref" in schema else set()
        return own.union(*map(references, schema.values()))
    return set().union(*map(references, schema)) if isinstance(schema, list) else set()


@pytest.mark.parametrize("argv", [(), *((kind,) for kind in SHAPES)])
def test_what_is_referred_to_is_there(argv: tuple[str, ...]) -> None:
    schema = printed(*argv)
    assert references(schema) <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert len(json.dumps(schema)) < 100_000
