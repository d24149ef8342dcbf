"""Sets of fields: the laws of sets, and that what two objects differ in is all they differ in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.sandbox.api import fieldsets, shapes
from rolloutctl.sandbox.api.fieldsets import Tree
from rolloutctl.sandbox.api.shapes import Atomic, Keyed, Unique

SCHEMA: shapes.Schema = {
    "free": shapes.ANY,
    "whole": Atomic({"*": shapes.STR}),
    "steps": [shapes.ANY],
    "items": Keyed({"name!": shapes.STR, "port": shapes.INT, "inner": shapes.ANY}, "name"),
    "tags": Unique([shapes.STR]),
}

scalars = st.one_of(st.integers(0, 3), st.sampled_from(["a", "b"]), st.booleans())
maps = st.dictionaries(st.sampled_from("abc"), scalars, max_size=3)
nested = st.dictionaries(st.sampled_from("abc"), st.one_of(scalars, maps), max_size=3)


def items(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Items of different names."""
    named = st.fixed_dictionaries(
        {"name": st.sampled_from("xyz")}, optional={"port": st.integers(1, 3), "inner": inner}
    )
    return st.lists(named, max_size=3, unique_by=lambda item: str(item["name"]))


objects = st.fixed_dictionaries(
    {},
    optional={
        "free": nested,
        "whole": maps,
        "steps": st.lists(scalars, max_size=3),
        "items": items(nested),
        "tags": st.lists(st.sampled_from("pqr"), max_size=3, unique=True),
    },
)


def fields(obj: dict[str, Any], *, containers: bool = False) -> Tree:
    found = fieldsets.of(SCHEMA, obj, containers=containers)
    return {step: node for step, node in found.items() if step != "."}


def members(tree: Tree) -> set[fieldsets.Steps]:
    return set(fieldsets.common(tree, tree))


@given(objects, objects)
def test_union_and_difference_are_those_of_sets(one: Any, other: Any) -> None:
    left, right = fields(one), fields(other, containers=True)
    assert members(fieldsets.union(left, right)) == members(left) | members(right)
    assert members(fieldsets.minus(left, right)) == members(left) - members(right)
    assert set(fieldsets.common(left, right)) == members(left) & members(right)


@given(objects, objects)
def test_what_goes_takes_along_what_is_below_it(one: Any, other: Any) -> None:
    left, gone = fields(one), fields(other, containers=True)
    starts = members(gone)
    expected = {
        path
        for path in members(left)
        if not any(path[:length] in starts for length in range(1, len(path) + 1))
    }
    assert members(fieldsets.without(left, gone)) == expected


@given(objects)
def test_an_object_differs_from_itself_in_nothing(obj: Any) -> None:
    assert fieldsets.compare(SCHEMA, obj, obj) == (None, None)


@given(objects, objects)
def test_what_comes_and_what_goes_is_a_difference(one: Any, other: Any) -> None:
    more, less = fieldsets.compare(SCHEMA, one, other)
    before, after = members(fields(one, containers=True)), members(fields(other, containers=True))
    changed, removed = members(more or {}), members(less or {})
    assert after - before <= changed <= after
    assert {path for path in before - after if path[:-1] not in changed} <= removed
    assert not removed & after


@given(objects, objects)
def test_an_apply_has_its_way_and_touches_nothing_else(live: Any, wanted: Any) -> None:
    merged = fieldsets.merge(SCHEMA, live, wanted)
    assert members(fields(wanted)) <= members(fields(merged)) | {
        # An empty object or list wants nothing of what is there already.
        path
        for path in members(fields(wanted))
        if any(each[: len(path)] == path for each in members(fields(merged)))
    }
    more, _ = fieldsets.compare(SCHEMA, live, merged)
    named = members(fields(wanted, containers=True))
    for path in members(more or {}):
        assert any(path[: len(each)] == each or each[: len(path)] == path for each in named)
    assert fieldsets.merge(SCHEMA, merged, wanted) == merged


@given(objects, objects)
def test_an_owner_who_goes_leaves_what_others_own(mine: Any, theirs: Any) -> None:
    both = fieldsets.merge(SCHEMA, mine, theirs)
    left = fieldsets.removed(SCHEMA, both, fields(mine), fields(theirs))
    kept = members(fields(left))
    for path in members(fields(theirs)):
        assert path in kept or any(each[: len(path)] == path for each in kept)
    gone = members(fields(mine)) - members(fields(theirs))
    for path in gone:
        alone = not any(each[: len(path)] == path for each in members(fields(theirs)))
        inside = any(path[: len(each)] == each for each in members(fields(theirs)))
        assert path not in kept or not alone or inside
