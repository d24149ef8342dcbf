"""Loads that are made by number instead of told as a story: `fleet:N` and its kin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rolloutctl.errors import UsageError

LARGEST = 100_000
_LONGEST = 86_400


class Form(NamedTuple):
    """How a load is written, what it is, and what to say to somebody who wrote it otherwise."""

    form: str
    line: str
    example: str
    most: tuple[int, ...]
    """The largest of each number; those after the first may be left out."""


FORMS: dict[str, Form] = {
    "live": Form(
        "live:N",
        "N small rollouts of this controller, updated and waiting for a promotion",
        "live:500 makes 500, at most 5000",
        (5000,),
    ),
    "crowd": Form(
        "crowd:N",
        "one namespace of N rollouts, 3N ReplicaSets and 3N pods, of another controller",
        "crowd:2000 makes 2000, at most 20000",
        (20_000,),
    ),
    "churn": Form(
        "churn:RATE[:SECONDS]",
        "RATE changes a second of a loaded fleet, as deployments make them",
        "churn:200:60 makes 200 a second for a minute; without the second number until Ctrl-C",
        (10_000, _LONGEST),
    ),
    "deployments": Form(
        "deployments:N[:RATE]",
        "N whole deployments over a loaded fleet, RATE changes a second (1000)",
        "deployments:4000 is a day's",
        (LARGEST, 10_000),
    ),
    "fleet": Form(
        "fleet:N",
        "N rollouts in N/60 namespaces, in every phase, of another controller",
        f"fleet:500 makes 500, at most {LARGEST}",
        (LARGEST,),
    ),
}


class Wanted(NamedTuple):
    """What was asked for: its kind (a key of FORMS) and its numbers."""

    kind: str
    numbers: tuple[int, ...]


def read(name: str) -> Wanted | None:
    """What "fleet:500" asks for, None for a story's name. Raises UsageError for a bad number."""
    kind, *texts = name.split(":")
    form = FORMS.get(kind)
    if form is None:
        return None
    numbers = tuple(_number(text) for text in texts)
    fits = 1 <= len(numbers) <= len(form.most) and all(
        1 <= number <= most for number, most in zip(numbers, form.most, strict=False)
    )
    if not fits:
        raise UsageError(f"{name!r} does not say how many", hint=form.example)
    return Wanted(kind, numbers)


def descriptions() -> Iterator[tuple[str, str]]:
    """(form, one line) of each; the fleet last."""
    for form in FORMS.values():
        yield form.form, form.line


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
