"""Looking into manifests that may hold anything: what is mistyped is as good as not there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from rolloutctl.domain.lint.finding import Manifest, Path
from rolloutctl.domain.wire import Json

GROUP = "argoproj.io"
PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.S)
"""What arguments are put in for: "{{args.service}}"."""


def is_of_rollouts(manifest: Manifest, *kinds: str) -> bool:
    """Whether it is of one of these kinds of Argo Rollouts."""
    return manifest.kind in kinds and manifest.api_version.partition("/")[0] == GROUP


def mapping(value: Any, *path: str) -> Json:
    found = inside(value, *path)
    return found if isinstance(found, dict) else {}


def items(value: Any, *path: str) -> list[Any]:
    found = inside(value, *path)
    return found if isinstance(found, list) else []


def objects(value: Any, *path: str) -> list[tuple[int, Json]]:
    """The items of a list that are mappings, each with its index."""
    return [
        (index, each) for index, each in enumerate(items(value, *path)) if isinstance(each, dict)
    ]


def text(value: Any, *path: str) -> str:
    found = inside(value, *path)
    return found if isinstance(found, str) else ""


def number(value: Any, *path: str, default: int = 0) -> int:
    found = inside(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def inside(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in a value, keys too, with the way to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from texts(each, (*path, index))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield (*path, str(key)), str(key)
            yield from texts(each, (*path, str(key)))


def substituted(value: Any, known: dict[str, str]) -> str | None:
    """A text with its arguments put in, None where one of them has no known value."""
    if not isinstance(value, str):
        return None
    unknown = False

    def put(found: re.Match[str]) -> str:
        nonlocal unknown
        scope, _, name = found[1].strip().partition(".")
        if scope != "args" or name not in known:
            unknown = True
            return ""
        return known[name]

    done = PLACEHOLDER.sub(put, value)
    return None if unknown or "{{" in done else done


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most like `name`, "" if none is."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")
