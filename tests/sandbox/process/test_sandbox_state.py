"""Where the sandbox keeps its files, who may read them, and what a damaged record is."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import yaml

from rolloutctl.errors import Failed, UsageError
from rolloutctl.sandbox import kubeconfig
from rolloutctl.sandbox.state import Options, Place, Record, place

RECORD = Record(
    name="default",
    instance="abc",
    pid=4711,
    url="http://127.0.0.1:1",
    side_url="http://127.0.0.1:2",
    token="secret",
    started="2026-01-01T00:00:00Z",
    options=Options(speed=3.0, plugins=("a/b=/x.py:Y",)),
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_state_directory_is_the_one_of_xdg(tmp_path: Path) -> None:
    found = place({"XDG_STATE_HOME": str(tmp_path), "HOME": "/elsewhere"})
    assert found.folder == tmp_path / "rolloutctl" / "sandbox" / "default"


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_without_a_usable_xdg_variable_it_is_below_home(tmp_path: Path, value: str) -> None:
    found = place({"XDG_STATE_HOME": value, "HOME": str(tmp_path)}, "two")
    assert found.folder == tmp_path / ".local" / "state" / "rolloutctl" / "sandbox" / "two"


def test_without_a_home_it_says_what_to_set() -> None:
    with pytest.raises(Failed) as raised:
        place({})
    assert "XDG_STATE_HOME" in raised.value.hint


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a" * 40])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(UsageError):
        place({"HOME": "/h"}, name)


def test_only_the_owner_reads_the_token(tmp_path: Path) -> None:
    here = place({"XDG_STATE_HOME": str(tmp_path)})
    here.make()
    here.write(RECORD, "x")
    assert mode(here.folder) == mode(here.folder.parent) == 0o700
    assert mode(here.record_file) == mode(here.kubeconfig) == 0o600
    assert here.read() == RECORD
    assert sorted(path.name for path in here.folder.iterdir()) == ["kubeconfig", "state.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"options": {}}', '{"options": {"port": 1}, "pid": 3}']
)
def test_a_record_that_cannot_be_read_is_no_record(tmp_path: Path, text: str) -> None:
    here = Place("default", tmp_path)
    here.record_file.write_text(text)
    assert here.read() is None


@pytest.mark.parametrize("field", ["pid", "url", "options"])
def test_a_record_with_a_field_of_another_type_is_no_record(tmp_path: Path, field: str) -> None:
    here = Place("default", tmp_path)
    here.record_file.write_text(json.dumps({**json.loads(RECORD.to_json()), field: [1]}))
    assert here.read() is None


def test_a_process_removes_its_own_files_and_not_a_newer_ones(tmp_path: Path) -> None:
    here = Place("default", tmp_path)
    here.write(RECORD, "x")
    here.clear("another")
    assert here.read() == RECORD
    here.clear("abc")
    assert not here.record_file.exists() and not here.kubeconfig.exists()
    here.clear()


def test_a_state_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "rolloutctl").write_text("a file is in the way")
    with pytest.raises(Failed, match="cannot be made"):
        place({"XDG_STATE_HOME": str(tmp_path)}).make()


def test_the_kubeconfig_is_one_kubectl_reads() -> None:
    config = yaml.safe_load(
        kubeconfig.text(name="two", url="http://127.0.0.1:5", token='a"b: c', authority=b"PEM")
    )
    context = config["current-context"]
    assert context == "rolloutctl-sandbox-two"
    assert config["contexts"][0]["context"]["namespace"] == "default"
    assert config["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:5",
        "certificate-authority-data": "UEVN",
    }
    assert config["users"][0] == {"name": context, "user": {"token": 'a"b: c'}}
