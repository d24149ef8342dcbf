"""Two versions of a rollout side by side: which ones, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rolloutctl.domain.history import Version
from rolloutctl.domain.revisions import Revision
from rolloutctl.domain.templates import Edit, edits, plain
from rolloutctl.domain.wire import Json
from rolloutctl.errors import NotFound, UsageError

_MOST_NAMED = 12


class Side(msgspec.Struct, frozen=True):
    """One of two templates. `revision` is None for what no revision holds; `called` says what it
    is: "stable", "present", "revision", "file"."""

    called: str
    template: Json
    revision: int | None = None
    source: str = ""
    """A file's name."""


class Comparison(msgspec.Struct, frozen=True):
    """`edits` lead from `before` to `after`; `texts` are both in the form that is compared."""

    before: Side
    after: Side
    edits: tuple[Edit, ...]
    texts: tuple[Any, Any]


def compare(before: Side, after: Side) -> Comparison:
    """How two pod templates differ, defaults and hashes left out."""
    found = edits(before.template, after.template)
    return Comparison(before, after, found, (plain(before.template), plain(after.template)))


def compare_specs(before: Side, after: Side) -> Comparison:
    """How two specs of a Rollout differ: their templates as templates, all else field by field."""
    olds, news = before.template, after.template
    own = edits(_rest(olds), _rest(news))
    template = tuple(
        msgspec.structs.replace(edit, path=f"template.{edit.path}" if edit.path else "template")
        for edit in edits(_template(olds), _template(news))
    )
    texts = tuple(
        {"spec": {**_rest(spec), "template": plain(_template(spec))}} for spec in (olds, news)
    )
    return Comparison(before, after, (*own, *template), (texts[0], texts[1]))


def _template(spec: Mapping[str, Any]) -> Any:
    return spec.get("template") or {}


_SET_BY_HAND = ("restartAt", "paused")
"""What commands write, and no manifest holds."""


def _rest(spec: Mapping[str, Any]) -> Json:
    rest = {key: value for key, value in spec.items() if key != "template"}
    for key in _SET_BY_HAND:
        rest.pop(key, None)
    return rest


def of_revisions(
    versions: Sequence[Version], present: Json | None, wanted: str
) -> tuple[Side, Side]:
    """The two templates that `wanted` means: "A..B", "A" (to the present one), "A..", "..B".

    "": from the stable version to the present one; where that is the stable one, from the revision
    before it. Raises UsageError, and NotFound that names the revisions there are.
    """
    if not wanted:
        return _usual(versions, present)
    first, dots, last = wanted.partition("..")
    before = _side(versions, first) if first else _stable(versions)
    after = _side(versions, last) if dots and last else _present(versions, present)
    return before, after


def _usual(versions: Sequence[Version], present: Json | None) -> tuple[Side, Side]:
    now = _present(versions, present)
    stable = next((one.revision for one in versions if "stable" in one.revision.roles), None)
    if stable is not None and stable.number != now.revision:
        return _of(stable, "stable"), now
    older = [one.revision for one in versions if one.revision.number != now.revision]
    if not older:
        raise NotFound(
            "there is nothing to compare it with: it has one revision",
            hint="-f FILE compares it with a manifest",
        )
    return _of(older[0], "revision"), now


def _present(versions: Sequence[Version], present: Json | None) -> Side:
    newest = versions[0].revision if versions else None
    if present is None:
        if newest is None:
            raise NotFound("it has no revision, and its template cannot be read")
        return _of(newest, "revision")
    same = newest is not None and not edits(newest.template, present)
    return Side("present", present, newest.number if newest is not None and same else None)


def _stable(versions: Sequence[Version]) -> Side:
    found = next((one.revision for one in versions if "stable" in one.revision.roles), None)
    if found is None:
        raise NotFound("it has no stable version yet", hint=_known(versions))
    return _of(found, "stable")


def _side(versions: Sequence[Version], text: str) -> Side:
    if text == "stable":
        return _stable(versions)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError(
            f'"{text}" is no revision', hint="write --revision 3..5, 3 (to the present one), stable"
        )
    for one in versions:
        if one.revision.number == int(text):
            return _of(one.revision, "revision")
    raise NotFound(f"it has no revision {int(text)}", hint=_known(versions))


def _of(revision: Revision, called: str) -> Side:
    return Side(called, revision.template, revision.number)


def _known(versions: Sequence[Version]) -> str:
    named = ", ".join(str(one.revision.number) for one in versions[:_MOST_NAMED])
    more = len(versions) - _MOST_NAMED
    if not named:
        return "it has none at all: no ReplicaSet of it has a revision number"
    return f"it has {named}" + (f" and {more} older ones" if more > 0 else "")
