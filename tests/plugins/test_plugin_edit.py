"""Editing one `disabled` in the YAML text: only that value changes, however it is written."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutctl.domain.plugin_config import UnknownPlugin
from rolloutctl.domain.plugin_edit import NotEditable, set_disabled

CASES = {
    "value replaced": (
        "- name: a/b # gate\n  disabled: false   # for now\n  location: file:///x\n",
        "- name: a/b # gate\n  disabled: true   # for now\n  location: file:///x\n",
    ),
    "line added below location, its comment stays": (
        "# top\n- name: 'a/b'\n  location: file:///x # here\n  # end\n- name: c/d\n",
        "# top\n- name: 'a/b'\n  location: file:///x # here\n  disabled: true\n  # end\n"
        "- name: c/d\n",
    ),
    "no newline at the end": ("- name: a/b", "- name: a/b\n  disabled: true"),
    "CRLF": (
        "- name: a/b\r\n  location: file:///x\r\n",
        "- name: a/b\r\n  location: file:///x\r\n  disabled: true\r\n",
    ),
    "CRLF without an end": ("# x\r\n- name: a/b", "# x\r\n- name: a/b\r\n  disabled: true"),
    "odd indentation": (
        "  -   name: a/b\n      args: [x]\n",
        "  -   name: a/b\n      disabled: true\n      args: [x]\n",
    ),
    "flow": ("[{name: a/b, location: x}]", "[{name: a/b, location: x, disabled: true}]"),
    "flow with a trailing comma": (
        "[\n  {name: a/b, location: x,},\n]\n",
        "[\n  {name: a/b, location: x, disabled: true,},\n]\n",
    ),
    "JSON": ('[{"name": "a/b"}]', '[{"name": "a/b", "disabled": true}]'),
    "flow value": ("[{disabled: no, name: a/b}]", "[{disabled: true, name: a/b}]"),
    "value left out": ("- disabled:\n  name: a/b\n", "- disabled: true\n  name: a/b\n"),
    "null": ("- disabled: ~ # ?\n  name: a/b\n", "- disabled: true # ?\n  name: a/b\n"),
    "name in a block scalar": (
        "- name: >-\n    a/b\n  args:\n  - x\n",
        "- disabled: true\n  name: >-\n    a/b\n  args:\n  - x\n",
    ),
    "name twice": (
        "- name: a/b\n- name: a/b\n  disabled: false\n",
        "- name: a/b\n  disabled: true\n- name: a/b\n  disabled: true\n",
    ),
    "document start, byte order mark": (
        "\ufeff---\n- name: a/b\n...\n",
        "\ufeff---\n- name: a/b\n  disabled: true\n...\n",
    ),
    "a dash on its own line": (
        "-\n  name: a/b\n  location: x\n",
        "-\n  name: a/b\n  location: x\n  disabled: true\n",
    ),
    "beyond the BMP": (
        "# 🚦🚦\n- name: a/b # 🚦\n  disabled: off\n",
        "# 🚦🚦\n- name: a/b # 🚦\n  disabled: true\n",
    ),
    "a key in another case, as Go reads it": (
        "- name: a/b\n  Disabled: false\n",
        "- name: a/b\n  Disabled: true\n",
    ),
    "an anchor that others use, elsewhere in the item": (
        "- name: a/b\n  args: &x [1]\n- name: c/d\n  args: *x\n",
        "- name: a/b\n  disabled: true\n  args: &x [1]\n- name: c/d\n  args: *x\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert set_disabled(before, "a/b", True) == after
    assert set_disabled(after, "a/b", True) == after


def test_enabling_keeps_the_comment() -> None:
    text = "- name: a/b\n  disabled: True # INC-1\n"
    assert set_disabled(text, "a/b", False) == "- name: a/b\n  disabled: false # INC-1\n"


def test_enabling_what_is_enabled_changes_nothing() -> None:
    text = "- name: a/b\n- name: c/d\n  disabled: no\n"
    assert set_disabled(text, "a/b", False) == text
    assert set_disabled(text, "c/d", False) == text


@pytest.mark.parametrize(
    ("text", "why"),
    {
        "merge": ("- &x {name: c/d}\n- <<: *x\n  name: a/b\n", "merge key"),
        "alias as item": ("- &x\n  name: a/b\n- *x\n", "alias"),
        "alias as value": ("- {name: c/d, disabled: &x false}\n- {name: a/b, disabled: *x}\n", ""),
        "anchored value": ("- {name: a/b, disabled: &x false}\n", "anchor"),
        "base of a merge": ("- &x\n  name: a/b\n- <<: *x\n  name: c/d\n", "alias"),
        "text": ('- name: a/b\n  disabled: "no"\n', "neither true nor false"),
        "number": ("- name: a/b\n  disabled: 0\n", "neither true nor false"),
        "list": ("- name: a/b\n  disabled: [no]\n", "neither true nor false"),
        "twice": ("- name: a/b\n  disabled: no\n  disabled: no\n", "2 times"),
        "pair in a list": ("[name: a/b]", "the way it is written"),
        "cycle": ("- &x\n  name: a/b\n  args: *x\n", "contains itself"),
        "broken": ("- name: a/b\n  location: [\n", "line 3, column 1"),
        "tab": ("- name: a/b\n\tlocation: x\n", "line 2, column 1"),
        "two documents": ("- name: a/b\n---\n- name: c/d\n", "line 2"),
        "deep": ("[" * 3000, "nested too deeply"),
    }.values(),
)
def test_what_cannot_be_edited_safely_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotEditable) as refused:
        set_disabled(text, "a/b", True)
    assert why in refused.value.message
    assert "nothing was changed" in str(refused.value.hint)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "- name: c/d\n", "- 1\n- ~\n"])
def test_unknown_name(text: str) -> None:
    with pytest.raises(UnknownPlugin):
        set_disabled(text, "a/b", True)


def test_aliases_that_multiply_are_not_followed_for_ever() -> None:
    text = "- name: a/b\n- &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in range(1, 12):
        text += f"- &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n"
    with pytest.raises(NotEditable, match="too many values"):
        set_disabled(text, "a/b", True)


# --- any text ------------------------------------------------------------------------------------

_names = st.from_regex(r"[a-z]{1,4}/[a-z0-9]{1,4}", fullmatch=True)
_comment = st.sampled_from(["", " # a: b", " # 'x", " #\t{[", " # é🚦"])
_quoting = st.sampled_from(["{}", "'{}'", '"{}"'])
_bools = st.sampled_from(["true", "false", "yes", "no", "True", "FALSE", "off", "~", ""])


@st.composite
def _field(draw: st.DrawFn, key: str, value: str) -> str:
    return f"{draw(_quoting).format(key)}:{' ' * draw(st.integers(1, 3))}{value}"


@st.composite
def _texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    names = draw(st.lists(_names, min_size=1, max_size=5, unique=True))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lead = " " * draw(st.integers(0, 3))
    lines: list[str] = []
    for name in names:
        for _ in range(draw(st.integers(0, 2))):
            lines.append(draw(st.sampled_from(["", "# - name: a/b", "      # disabled: true"])))
        fields = [
            draw(_field("name", draw(_quoting).format(name))),
            draw(_field("location", draw(_quoting).format("https://x.example/y"))),
        ]
        if draw(st.booleans()):
            fields.append(draw(_field("args", draw(st.sampled_from(["[a, 'b']", '"x\\n"'])))))
        if draw(st.booleans()):
            value = draw(_bools)
            fields.append(draw(_field("disabled", value)))
        fields = draw(st.permutations(fields))
        if draw(st.booleans()):
            comma = draw(st.sampled_from([", ", " ,  "]))
            last = draw(st.sampled_from(["", ",", " "]))
            lines.append(f"{lead}- {{{comma.join(fields)}{last}}}{draw(_comment)}")
            continue
        gap = " " * draw(st.integers(1, 4))
        for index, field in enumerate(fields):
            if index and draw(st.booleans()):
                lines.append(draw(st.sampled_from(["", "# between", "        # disabled: no"])))
            start = f"{lead}-{gap}" if not index else lead + " " + " " * len(gap)
            lines.append(start + field + draw(_comment))
    text = end.join(lines) + draw(st.sampled_from(["", end, end + end]))
    return text, names


@settings(max_examples=250, deadline=None)
@given(_texts(), st.data(), st.booleans())
def test_any_text_changes_in_the_one_value_only(
    written: tuple[str, list[str]], data: st.DataObject, disabled: bool
) -> None:
    text, names = written
    name = data.draw(st.sampled_from(names))
    before = yaml.safe_load(text)
    result = set_disabled(text, name, disabled)
    after = yaml.safe_load(result)
    for old, new in zip(before, after, strict=True):
        if new["name"] == name:
            assert bool(new.pop("disabled", False)) is disabled
            old.pop("disabled", None)
        assert new == old
    # Every other character is still there, in its order.
    rest = iter(result)
    kept = "".join(char for char in text if char in "#[]{}'\"\r\n")
    assert all(char in rest for char in kept)
    assert result.count("#") == text.count("#")
    assert result.endswith("\n") == text.endswith("\n")
    assert ("\r" in result) == ("\r" in text) or "\n" not in text
    assert set_disabled(result, name, disabled) == result


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="-:{}[]&*!|>'\"#%@ \n\tab/disabled~<", max_size=60))
def test_nonsense_is_refused_or_left_with_one_change(text: str) -> None:
    try:
        result = set_disabled(text, "a/b", True)
    except (NotEditable, UnknownPlugin):
        return
    assert any(item.get("disabled") is True for item in yaml.safe_load(result))
