"""Triggers and templates of notifications as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from rolloutctl.domain.notifications import Condition, Outcome, Preview, Template, Trigger
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap

_PREVIEW = 100


def triggers(items: Iterable[Trigger], surface: Surface) -> Iterator[Line]:
    """A row for each condition; the name on the first of a trigger."""
    rows: list[Sequence[Piece]] = []
    for item in items:
        if item.problem:
            rows.append((safe(item.name), Span("not readable", "bad"), safe(item.problem)))
        for number, each in enumerate(item.conditions):
            sends = ", ".join(
                safe(name) + (" (missing)" if name in item.lacks else "") for name in each.send
            )
            rows.append(("" if number else safe(item.name), sends, when(each)))
    return table(["TRIGGER", "SENDS", "WHEN"], rows, surface)


def templates(items: Iterable[Template], surface: Surface) -> Iterator[Line]:
    """A row for each template: what it is for, and how its message begins."""
    rows: list[Sequence[Piece]] = []
    for item in items:
        if item.problem:
            rows.append((safe(item.name), Span("not readable", "bad"), safe(item.problem)))
            continue
        parts = ", ".join(safe(key) for key in item.content)
        message = item.content.get("message")
        first = str(message).strip().partition("\n")[0] if message else ""
        rows.append((safe(item.name), parts, safe(first, _PREVIEW)))
    return table(["TEMPLATE", "HAS", "MESSAGE"], rows, surface)


def trigger(item: Trigger, surface: Surface) -> list[Line]:
    """One trigger in full."""
    lines = [line("Trigger ", Span(safe(item.name), "strong"))]
    if item.problem:
        return [*lines, line("  ", Span(f"not readable: {safe(item.problem)}", "bad"))]
    for each in item.conditions:
        lines += _field("when", when(each), surface)
        lines += _field("sends", ", ".join(map(safe, each.send)), surface)
        lines += _field("once per", safe(each.once_per, words.MESSAGE), surface)
        lines += _field("about", safe(each.description, words.MESSAGE), surface)
    if item.lacks:
        lines += _field("missing", f"templates {', '.join(map(safe, item.lacks))}", surface)
    return lines


def template(item: Template, surface: Surface) -> list[Line]:
    """One template in full, as the ConfigMap has it."""
    lines = [line("Template ", Span(safe(item.name), "strong"))]
    if item.problem:
        return [*lines, line("  ", Span(f"not readable: {safe(item.problem)}", "bad"))]
    for key, value in item.content.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2, default=str)
        lines += _block(key, text)
    return lines


def outcomes(found: Iterable[Outcome], surface: Surface) -> Iterator[Line]:
    """What each condition comes to."""
    rows = []
    for each in found:
        result = Span("unknown", "warn")
        if each.holds is not None:
            result = Span("true", "good") if each.holds else Span("false", "dim")
        rows.append((result, ", ".join(map(safe, each.condition.send)), when(each.condition)))
    return table(["RESULT", "SENDS", "WHEN"], rows, surface)


def preview(item: Preview) -> list[Line]:
    """The texts of a template, filled in as far as that goes."""
    return [told for each in item.texts for told in _block(each.path, each.text)]


def when(item: Condition) -> str:
    """A condition in one line."""
    return safe(item.when.strip(), words.MESSAGE) or "at each such event"


def _field(name: str, text: str, surface: Surface) -> list[Line]:
    if not text:
        return []
    return wrap(line(f"  {name:<10}", text), surface.room, indent=12)


def _block(name: str, text: str) -> list[Line]:
    """A text of several lines below its name, each as it is."""
    head = line("  ", Span(f"{safe(name)}:", "dim"))
    lead = [len(each) - len(each.lstrip(" ")) for each in text.splitlines()]
    return [
        head,
        *(
            line(" " * (4 + spaces) + safe(each.strip(), 0))
            for spaces, each in zip(lead, text.splitlines(), strict=True)
        ),
    ]
