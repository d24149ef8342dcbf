"""Types of objects before their names, as kubectl has them: `get exp NAME`, `retry ar/NAME`."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.errors import UsageError

_TYPES = {
    "rollout": ("ro", "rollout", "rollouts", "rollout.argoproj.io", "rollouts.argoproj.io"),
    "experiment": (
        *("exp", "experiment", "experiments"),
        *("experiment.argoproj.io", "experiments.argoproj.io"),
    ),
    "analysisrun": (
        *("ar", "analysisrun", "analysisruns"),
        *("analysisrun.argoproj.io", "analysisruns.argoproj.io"),
    ),
}
_BY_WORD = {word: kind for kind, words in _TYPES.items() for word in words}


def typed(words: Sequence[str]) -> tuple[str, list[str]]:
    """("rollout", "experiment" or "analysisrun", names) of TYPE NAME..., TYPE/NAME... or NAME...

    A rollout that is called like a type is reached as ro/NAME. Raises UsageError for names of
    several types.
    """
    first = _BY_WORD.get(words[0].lower(), "") if words else ""
    if first:
        return first, list(words[1:])
    kinds = {_kind(word) for word in words} or {"rollout"}
    if len(kinds) > 1:
        raise UsageError(
            f"names of several types: {', '.join(sorted(kinds))}", hint="ask for one type at a time"
        )
    return kinds.pop(), list(words)


def _kind(word: str) -> str:
    before, slash, _ = word.partition("/")
    return _BY_WORD.get(before.lower(), "rollout") if slash else "rollout"
