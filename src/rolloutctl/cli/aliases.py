"""Commands of the user's own making: the first word of a command line stands for several."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

_WITH_VALUE = frozenset(
    {
        *("-n", "--namespace", "--context", "--kubeconfig", "--request-timeout"),
        *("--as", "--as-group", "--as-uid"),
    }
)
"""Common options that take the next word."""


def first_word(argv: Sequence[str]) -> int | None:
    """Where the command stands in a command line; None where there is none."""
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--" or not word:
            return None
        if not word.startswith("-"):
            return index
        index += 2 if word in _WITH_VALUE else 1
    return None


def expanded(argv: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    """`argv` with an alias in place of a command written out; what follows it stays behind it."""
    index = first_word(argv) if aliases else None
    if index is None or argv[index] not in aliases:
        return list(argv)
    return [*argv[:index], *shlex.split(aliases[argv[index]]), *argv[index + 1 :]]
