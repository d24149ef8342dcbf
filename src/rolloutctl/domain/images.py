"""Setting images of a rollout's containers: which ones, from what to what, and what follows.

Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd/set (what `set image` means); rollout/sync.go
(what a new template does to an update under way).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from rolloutctl.domain.cluster import Change
from rolloutctl.domain.decision import (
    Action,
    Decision,
    Note,
    NothingToDo,
    Seen,
    add,
    position,
)
from rolloutctl.domain.gitops import Keeper, keepers
from rolloutctl.domain.guards import moved, must_be_alive
from rolloutctl.domain.runs import runs_under_way
from rolloutctl.domain.services import workload
from rolloutctl.domain.status import is_fully_promoted, is_observed
from rolloutctl.domain.undoing import Holder, running_plugins
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import NotFound, UsageError

EVERY = "*"
"""In place of a container's name: all of them that are no init or ephemeral ones."""

_LISTS = ("containers", "initContainers", "ephemeralContainers")
_LONGEST = 1000
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>[A-Za-z0-9.-]+(?::\d{{1,5}})?|\[[0-9a-fA-F:.]+\](?::\d{{1,5}})?)/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)
"""What an image reference may look like, as the OCI distribution specification has it."""

Wanted = tuple[str, str]
"""A container's name, or EVERY, and the image it is to have."""


class ImageChange(msgspec.Struct, frozen=True):
    """One container's image. `part` is the list it is in ("containers", "initContainers", ...),
    `index` its place there; `before` is "" where it has none."""

    part: str
    index: int
    container: str
    before: str
    after: str


class Setting(msgspec.Struct, frozen=True):
    """What a `set image` changes. `workload`: what holds the template ("Deployment/checkout"), ""
    for the rollout itself; `keepers`: what manages the object that is changed."""

    changes: tuple[ImageChange, ...]
    wanted: tuple[Wanted, ...]
    workload: str
    keepers: tuple[Keeper, ...]


def parse(text: str) -> Wanted:
    """The meaning of "CONTAINER=IMAGE"; an image may hold "=" in its digest's algorithm or tag.

    Raises UsageError for what cannot be an image.
    """
    container, equals, image = text.partition("=")
    if not equals or not container:
        raise UsageError(f'"{text}" is not CONTAINER=IMAGE')
    if not image:
        raise UsageError(f'container "{container}" is given no image')
    if len(image) > _LONGEST or _REFERENCE.fullmatch(image) is None:
        lower = _REFERENCE.fullmatch(image.lower()) is not None
        why = "a repository's name is in lower case" if lower else "write [HOST/]NAME[:TAG|@DIGEST]"
        raise UsageError(f'"{image[:200]}" cannot be an image', hint=why)
    return container, image


def set_images(seen: Seen, holder: Holder, wanted: Sequence[Wanted]) -> Decision:
    """The change that gives containers their images; all else of the template stays as it is.

    A container named stays itself wherever it stands in its list: the patch applies only while it
    is still there, with the image that was seen. Raises NothingToDo, Refused, UsageError, and
    NotFound that names the containers there are.
    """
    rollout = seen.rollout
    must_be_alive(seen)
    changes = tuple(_changes(seen, holder, wanted))
    if not changes:
        raise NothingToDo(
            "nothing to do: its containers have these images already", subject=str(seen.ref)
        )
    found = Setting(changes, tuple(wanted), workload(rollout), keepers(holder.raw))
    before = position(rollout)
    running = running_plugins(rollout)
    index = 0 if before.count else None
    return Decision(
        action=Action.SET_IMAGE,
        seen=seen,
        changes=(_patch(holder, changes),),
        before=before,
        expected=msgspec.structs.replace(
            moved(before, rollout, index), aborted=False, full=False, promoted=False, run=None
        ),
        leaves=running,
        ends=runs_under_way(rollout),
        notes=tuple(_notes(seen, found)),
        images=found,
    )


def same_setting(decided: Decision, fresh: Decision) -> bool:
    """Whether both change the same containers, from and to the same images."""
    old, new = decided.images, fresh.images
    if old is None or new is None or decided.notes != fresh.notes:
        return False
    return _plain(old.changes) == _plain(new.changes)


def has_images(rollout: Rollout, wanted: Sequence[Wanted]) -> bool:
    """Whether the rollout's own template has these images; True where a workload holds it."""
    if rollout.spec.workload_ref is not None:
        return True
    template = rollout.spec.template
    spec = template.spec if template is not None else None
    if spec is None:
        return False
    main, init = spec.containers or [], spec.init_containers or []
    named = dict(wanted)
    every = named.pop(EVERY, None)
    # An ephemeral container of a template is not read here.
    if any(one.image != named.get(one.name, one.image) for one in (*main, *init)):
        return False
    return every is None or all(one.image == every for one in main if one.name not in named)


# ------------------------------------------------------------------------------------------------


def _changes(seen: Seen, holder: Holder, wanted: Sequence[Wanted]) -> Iterator[ImageChange]:
    there = list(_containers(holder.template))
    names = dict(wanted)
    if len(names) < len(wanted):
        raise UsageError("a container is named twice, with two images")
    missing = [name for name in names if name != EVERY and name not in {one[2] for one in there}]
    if missing:
        known = ", ".join(dict.fromkeys(name for _, _, name, _ in there)) or "none"
        raise NotFound(
            f'it has no container "{missing[0]}"', subject=str(seen.ref), hint=f"it has {known}"
        )
    for part, index, name, image in there:
        after = names.get(name, names.get(EVERY) if part == "containers" else None)
        if after is not None and after != image:
            yield ImageChange(part, index, name, image, after)


def _containers(template: Mapping[str, Any]) -> Iterator[tuple[str, int, str, str]]:
    """(list, index, name, image) of each container; what is mistyped is left out."""
    spec = template.get("spec")
    for part in _LISTS:
        entries = spec.get(part) if isinstance(spec, Mapping) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get("name") if isinstance(entry, Mapping) else None
            image = entry.get("image", "") if isinstance(entry, Mapping) else None
            if isinstance(name, str) and isinstance(image, str):
                yield part, index, name, image


def _patch(holder: Holder, changes: Sequence[ImageChange]) -> Change:
    """One patch: it applies while each container stands where it was seen, with its image."""
    tests: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": holder.uid}]
    edits: list[dict[str, Any]] = []
    for one in changes:
        place = f"{holder.pointer}/spec/{one.part}/{one.index}"
        tests.append({"op": "test", "path": f"{place}/name", "value": one.container})
        tests.append({"op": "test", "path": f"{place}/image", "value": one.before or None})
        edits.append(add(f"{place}/image", one.after))
    return Change(
        kind=holder.kind,
        namespace=holder.namespace,
        name=holder.name,
        subresource="",
        operations=(*tests, *edits),
    )


def _notes(seen: Seen, found: Setting) -> Iterator[Note]:
    rollout = seen.rollout
    if position(rollout).count:
        yield Note.RUNS_ALL_STEPS
    if is_observed(rollout) and rollout.status.stable_rs and not is_fully_promoted(rollout):
        yield Note.REPLACES_UPDATE
    if rollout.status.promote_full:
        yield Note.CLEARS_FULL
    if running_plugins(rollout):
        yield Note.PLUGIN_NOT_TOLD
    if rollout.spec.paused:
        yield Note.STAYS_HELD
    if found.workload:
        yield Note.CHANGES_WORKLOAD
    if found.keepers:
        yield Note.KEPT_ELSEWHERE


def _plain(changes: Sequence[ImageChange]) -> list[tuple[str, str, str, str]]:
    return sorted((one.part, one.container, one.before, one.after) for one in changes)
