"""Names of objects as people type them and as messages show them."""

from __future__ import annotations

import re

import msgspec

from rolloutctl.errors import UsageError

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
_KINDS = frozenset({"ro", "rollout", "rollouts", "rollout.argoproj.io", "rollouts.argoproj.io"})


class Ref(msgspec.Struct, frozen=True, order=True, array_like=True):
    """One namespaced rollout."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def parse_rollout(text: str, namespace: str) -> Ref:
    """The rollout meant by `NAME`, `ro/NAME` or `rollout/NAME` in `namespace`.

    Raises UsageError for another kind or for what cannot be the name of an object.
    """
    kind, slash, name = text.rpartition("/")
    if slash and kind.lower() not in _KINDS:
        raise UsageError(
            f'"{text}" does not name a rollout',
            hint="write NAME, ro/NAME or rollout/NAME",
        )
    if not _NAME.match(name) or len(name) > 253:
        raise UsageError(
            f'"{text}" cannot be the name of a rollout',
            hint="names hold lower-case letters, digits, '-' and '.'",
        )
    return Ref(namespace, name)
