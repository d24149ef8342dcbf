"""A restart and an undo in words: when and how many pods, which version and how it differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rolloutctl.domain.gitops import Keeper, Tool
from rolloutctl.domain.restarting import Restart, stamp
from rolloutctl.domain.revisions import images_of
from rolloutctl.domain.templates import ABSENT, Edit
from rolloutctl.domain.undoing import Undo
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe

MOST_EDITS = 12
"""More differences than that are counted, where not all are asked for."""

_SHORT = 160
_TOOLS = {Tool.ARGO_CD: "Argo CD", Tool.FLUX: "Flux", Tool.HELM: "Helm"}
_CALLED = {
    Tool.ARGO_CD: "application",
    Tool.FLUX: "of",
    Tool.HELM: "release",
}


# --- restart ------------------------------------------------------------------------------------


def restart_effect(found: Restart) -> str:
    """ "restart of 3 pods, 1 at a time"."""
    if found.at is None:
        return "its restart is called off"
    pods = words.counted(found.pods, "pod")
    pace = "" if found.pods < 2 else f", {min(found.at_once, found.pods)} at a time"
    if found.scheduled:
        when = words.elapsed(found.at - found.asked)
        return f"restart of {pods}{pace}, set for {stamp(found.at)} (in {when})"
    if found.at < found.asked:
        return f"restart of the pods older than {stamp(found.at)}{pace}"
    return f"restart of {pods}{pace}"


def replaced(found: Restart) -> str:
    """What a restart takes the place of; "" for nothing."""
    if found.was is None or found.at is None:
        return ""
    if found.was <= found.asked:
        return (
            f"the restart under way, of the pods older than {stamp(found.was)}, begins anew:"
            " pods restarted since then are restarted again"
        )
    return f"the restart set for {stamp(found.was)} is moved"


# --- undo ---------------------------------------------------------------------------------------


def undo_effect(found: Undo, surface: Surface) -> str:
    """ "revision 3 → back to revision 2 (app: web:v2)"."""
    now = f"revision {found.revision}" if found.revision else "its template"
    back = f"{now} {surface.symbols.arrow} back to revision {found.target.number}"
    changed = ", ".join(_images(found, surface))
    return f"{back} ({changed})" if changed else back


def _images(found: Undo, surface: Surface) -> Iterator[str]:
    was, comes = dict(images_of(found.before)), dict(found.target.images)
    several = len(comes) > 1
    for name, image in comes.items():
        if was.get(name) != image:
            head = f"{safe(name)}: " if several else ""
            old = f"{safe(was[name], 200)} {surface.symbols.arrow} " if name in was else ""
            yield f"{head}{old}{safe(image, 200)}"


def edits(found: Sequence[Edit], surface: Surface, *, most: int | None = MOST_EDITS) -> list[Line]:
    """The differences of two templates, a line each way: "- path: before", "+ path: after"."""
    lines: list[Line] = []
    shown = found if most is None or len(found) <= most else found[:most]
    for edit in shown:
        path = safe(edit.path, 400)
        if edit.reordered:
            lines.append(line(Span(f"~ {path}: order {_short(edit.after)}", "warn")))
            continue
        if edit.before is not ABSENT:
            lines.append(line(Span(f"- {path}: {_short(edit.before, most)}", "bad")))
        if edit.after is not ABSENT:
            lines.append(line(Span(f"+ {path}: {_short(edit.after, most)}", "good")))
    if len(shown) < len(found):
        left = words.counted(len(found) - len(shown), "difference")
        lines.append(line(Span(f"and {left} more: --dry-run shows all", "dim")))
    return lines


def keeper(found: Keeper) -> str:
    """What manages the object, and what that means for a change by hand."""
    tool = _TOOLS[found.tool]
    named = f" ({_CALLED[found.tool]} {safe(found.application)})" if found.application else ""
    if found.tool is Tool.HELM:
        return f"Helm manages it{named}: its next upgrade brings its own template back"
    return (
        f"{tool} manages it{named}: where it syncs by itself it takes this back, so undo it in its"
        " source as well"
    )


def _short(value: Any, most: int | None = MOST_EDITS) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    limit = _SHORT if most is not None else 2000
    return safe(text, limit)
