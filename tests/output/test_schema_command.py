"""`schema output`: the schema of one kind, of all, and their names."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from syrupy.assertion import SnapshotAssertion

from rolloutctl.errors import ExitCode
from rolloutctl.render import schemas
from support.program import Program
from support.screens import program, screen


def test_the_schema_of_a_kind(rolloutctl: Program, snapshot: SnapshotAssertion) -> None:
    result = rolloutctl("schema", "output", "WaitResultList")
    assert (result.stderr, result.exit_code) == ("", ExitCode.OK)
    assert result.stdout == snapshot


def test_all_of_them_tell_kinds_apart(rolloutctl: Program) -> None:
    whole = Draft202012Validator(json.loads(rolloutctl("schema", "output").stdout))
    document = json.loads(program(screen("plugin running"))("get", "demo", "-o", "json").stdout)
    assert [*whole.iter_errors(document)] == []
    assert [*whole.iter_errors({**document, "kind": "RolloutRow"})] != []
    assert [*whole.iter_errors({**document, "apiVersion": "rolloutctl/v2"})] != []


def test_the_kinds_are_listed(rolloutctl: Program) -> None:
    listed = rolloutctl("schema", "output", "--list").stdout.split()
    assert listed == schemas.kinds()
    assert {"Rollout", "RolloutList", "Changes", "ChangeResult"} <= set(listed)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Chnages", "did you mean Changes?"),
        ("xyzzy", "rolloutctl schema output --list"),
        ("StepPlace", "no command prints a StepPlace"),
    ],
)
def test_an_unknown_kind(rolloutctl: Program, kind: str, said: str) -> None:
    result = rolloutctl("schema", "output", kind)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert said in result.stderr


def test_a_kind_in_lower_case_is_found(rolloutctl: Program) -> None:
    assert json.loads(rolloutctl("schema", "output", "rollout").stdout)["title"] == "Rollout"
