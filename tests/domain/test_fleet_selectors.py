"""Label selectors: what parses, what is refused and how, and what they select."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.domain.fleet.selectors import Operator, Requirement, Selector, parse
from rolloutctl.errors import UsageError

LABELS = {"app": "shop", "tier": "web", "empty": "", "ring": "3", "example.com/team": "red"}

# --- what the rules say, stated once more, without a parser ------------------------------------

KEYS = st.sampled_from(["app", "tier", "a", "in1", "x.y/z", "ring"])
VALUES = st.sampled_from(["", "shop", "web", "in", "notin", "3", "12"])
SPACES = st.text(" \t\n", max_size=2)


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, str, str, tuple[str, ...]]:
    """A requirement as (text, key, operator, values), written with whatever spaces are allowed."""
    key, pad = draw(KEYS), (draw(SPACES), draw(SPACES), draw(SPACES))
    operator = draw(st.sampled_from(["=", "==", "!=", "in", "notin", "", "!", ">", "<"]))
    if operator == "":
        return f"{pad[0]}{key}{pad[1]}", key, operator, ()
    if operator == "!":
        return f"{pad[0]}!{pad[1]}{key}{pad[2]}", key, operator, ()
    if operator in ("in", "notin"):
        values = tuple(draw(st.lists(VALUES, min_size=1, max_size=3)))
        listed = f"{pad[0]},{pad[1]}".join(values)
        # Two commas before the bracket are one of the few things the API cannot read.
        if len(values) > 1 and values[-2:] == ("", ""):
            values = (*values, "web")
            listed += ",web"
        return f"{key} {operator}{pad[2]}({listed})", key, operator, values
    value = draw(st.sampled_from(["0", "3", "12"]) if operator in "<>" else VALUES)
    return f"{key}{pad[0]}{operator}{pad[1]}{value}{pad[2]}", key, operator, (value,)


def holds(key: str, operator: str, values: tuple[str, ...], labels: dict[str, str]) -> bool:
    there, value = key in labels, values[-1] if values else ""
    if operator in (">", "<"):
        if not there or not labels[key].isdigit():
            return False
        left, right = int(labels[key]), int(value)
        return left > right if operator == ">" else left < right
    return {
        "": there,
        "!": not there,
        "=": there and labels[key] == value,
        "==": there and labels[key] == value,
        "in": there and labels[key] in values,
        "!=": not there or labels[key] != value,
        "notin": not there or labels[key] not in values,
    }[operator]


@given(st.lists(parts(), max_size=4), st.dictionaries(KEYS, VALUES))
def test_a_selector_matches_what_the_rules_say(
    requirements: list[tuple[str, str, str, tuple[str, ...]]], labels: dict[str, str]
) -> None:
    selector = parse(",".join(text for text, *_ in requirements))

    expected = all(
        holds(key, operator, values, labels) for _, key, operator, values in requirements
    )
    assert selector.matches(labels) is expected


@given(st.lists(parts(), max_size=4))
def test_a_selector_written_out_is_the_same_selector(
    requirements: list[tuple[str, str, str, tuple[str, ...]]],
) -> None:
    selector = parse(",".join(text for text, *_ in requirements))

    assert parse(str(selector)) == selector


@given(st.text("ab=!(),<> in-_./\t", max_size=24))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        selector = parse(text)
    except UsageError as error:
        assert "character" in error.message or "at its end" in error.message
    else:
        assert isinstance(selector.matches(LABELS), bool)


# --- examples ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "app",
        "app=shop",
        "app == shop",
        "app in (shop,till)",
        "app in(shop)",
        "missing notin (a, b)",
        "missing!=a",
        "!missing",
        "! missing",
        "empty=",
        "empty in ()",
        "empty in (a,)",
        "empty,app=shop",
        "ring>2,ring<4",
        "example.com/team=red",
        "tier=web , app!=till",
    ],
)
def test_selects(text: str) -> None:
    assert parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text",
    ["missing", "app=", "app=till", "!app", "app notin (shop)", "tier>2", "missing<3", "ring>3"],
)
def test_does_not_select(text: str) -> None:
    assert not parse(text).matches(LABELS)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("app=shop,", "at its end", "a label's name"),
        (",app", 'at "," (character 1)', "a label's name"),
        ("app=shop tier=web", 'at "tier" (character 10)', '"," or the end'),
        ("app shop", 'at "shop" (character 5)', "expected one of"),
        ("app in shop", 'at "shop" (character 8)', 'expected "("'),
        ("app in (shop", "at its end", '"," or ")"'),
        ("app in (a b)", 'at "b" (character 11)', '"," or ")"'),
        ("!app=shop", 'at "=" (character 5)', '"," or the end'),
        ("app=a=b", 'at "=" (character 6)', '"," or the end'),
        ("in (a)", 'at "in" (character 1)', "a label's name"),
        ("app=-x", 'at "-x" (character 5)', "a letter or a digit at both ends"),
        ("-app=x", 'at "-app" (character 1)', "a letter or a digit at both ends"),
        ("Team.Example/app", 'at "Team.Example/app" (character 1)', "a domain in lower case"),
        ("/app", 'at "/app" (character 1)', "a domain in lower case"),
        (f"app={'x' * 64}", f'at "{"x" * 64}" (character 5)', "at most 63"),
        ("ring>three", 'at "three" (character 6)', "a whole number"),
        ("ring>", "at its end", "a whole number"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, where: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert caught.value.message.startswith(f'the selector "{text}" is not understood {where}: ')
    assert why in caught.value.message
    assert caught.value.hint


def test_written_out_in_the_shortest_usual_form() -> None:
    assert str(parse(" app == shop ,tier in ( web,api, web ), ! old , x")) == (
        "app=shop,tier in (api,web),!old,x"
    )
    assert parse("!old") == Selector((Requirement("old", Operator.ABSENT),))
