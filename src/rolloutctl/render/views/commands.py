"""The command that does the same, for a person who wants to keep or send it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from rolloutctl.domain.decision import Action
from rolloutctl.domain.refs import Ref


def equivalent(
    action: Action,
    refs: Iterable[Ref],
    *,
    context: str = "",
    images: Iterable[tuple[str, str]] = (),
    to_revision: int | None = None,
) -> list[str]:
    """A line for each namespace."""
    by_namespace: dict[str, list[str]] = {}
    for ref in refs:
        by_namespace.setdefault(ref.namespace, []).append(ref.name)
    options = [f"{container}={image}" for container, image in images]
    options += ["--full"] if action is Action.PROMOTE_FULL else []
    options += ["--to-revision", str(to_revision)] if to_revision is not None else []
    where = ["--context", context] if context else []
    return [
        f"rolloutctl {action.command} {shlex.join([*names, *options, '-n', namespace, *where])}"
        for namespace, names in by_namespace.items()
    ]


def shown(ref: Ref, context: str = "") -> str:
    """The command that shows a rollout."""
    where = ["--context", context] if context else []
    return f"rolloutctl get {shlex.join([ref.name, '-n', ref.namespace, *where])}"
