"""JSON and YAML: whole, and harmless on a screen."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.render.serialize import to_json, to_jsonl, to_yaml

_DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(_DATA)
def test_json_comes_back_as_it_was(data: object) -> None:
    assert json.loads(to_json(data)) == data
    assert json.loads(to_jsonl(data)) == data
    assert to_jsonl(data).count("\n") == 1
    assert to_json(data, ascii=True).isascii()


def test_what_a_terminal_would_obey_is_escaped() -> None:
    text = to_json({"a": "\x9b31m\u202e\x1b[0m\x7f"})
    assert text.isascii()
    assert json.loads(text) == {"a": "\x9b31m\u202e\x1b[0m\x7f"}
    assert yaml.safe_load(to_yaml({"a": "\x9b31m\x1b[0m\x7f"})) == {"a": "\x9b31m\x1b[0m\x7f"}
    assert to_yaml({"a": "x\u202ey\u200b"}).isascii()


def test_times_and_order() -> None:
    moment = datetime(2026, 11, 22, 14, 15, tzinfo=UTC)
    data = {"b": moment, "a": [1]}
    assert to_jsonl(data) == '{"b":"2026-11-22T14:15:00Z","a":[1]}\n'
    assert to_yaml(data) == "b: '2026-11-22T14:15:00Z'\na:\n- 1\n"


def test_a_lone_surrogate_does_not_break_it() -> None:
    assert json.loads(to_json({"a": "\ud800"})) == {"a": "\ud800"}
    assert "a:" in to_yaml({"a": "\ud800"})
