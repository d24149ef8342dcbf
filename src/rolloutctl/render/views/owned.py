"""The objects below a rollout as a tree, with how each of them is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutctl.domain.owned import Needed, Node
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap

_STYLES = {
    **words.PLUGIN_STYLE,
    **words.PHASE_STYLE,
    "Running": "",
    "Complete": "good",
    "ScaledDown": "dim",
    "ReplicaFailure": "bad",
}
_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


def lines(
    root: Node,
    needed: Sequence[Needed],
    surface: Surface,
    *,
    missing: Sequence[tuple[str, str]] = (),
    wide: bool = False,
) -> list[Line]:
    """The tree, then what the spec names, then what could not be read."""
    names = ["OBJECT", "STATE", "READY", "AGE", *(["MESSAGE"] if wide else [])]
    rows = (_cells(branch, node, surface, wide=wide) for branch, node in _branches(root, surface))
    result = list(table(names, rows, surface, drop=("AGE",), flex="STATE"))
    if needed:
        result += [(), line(Span("Named by its spec", "strong"))]
        for each in needed:
            result += wrap(_needed(each, root.namespace), surface.room, indent=6)
    if missing:
        result.append(())
        for what, why in missing:
            text = Span(f"not shown: {safe(what)}: {safe(why, 300)}", "warn")
            result += wrap(line(text), surface.room, indent=2)
    return result


def _branches(root: Node, surface: Surface) -> Iterator[tuple[str, Node]]:
    yield "", root
    yield from _below(root, "", _UNICODE if surface.unicode else _ASCII)


def _below(node: Node, before: str, signs: tuple[str, str, str, str]) -> Iterator[tuple[str, Node]]:
    fork, corner, through, nothing = signs
    for number, child in enumerate(node.children, 1):
        last = number == len(node.children)
        yield before + (corner if last else fork), child
        yield from _below(child, before + (nothing if last else through), signs)


def _cells(branch: str, node: Node, surface: Surface, *, wide: bool) -> list[Piece]:
    ready = "" if node.ready is None else f"{node.ready}/{node.desired}"
    style = _STYLES.get(node.state, "")
    if node.ready is not None and node.state not in ("ScaledDown",):
        style = style or ("warn" if node.ready < (node.desired or 0) else "")
    parts = [safe(node.state, 60), *node.roles]
    if node.kind in ("ReplicaSet", "AnalysisRun", "Experiment") and node.revision:
        parts.append(f"revision {node.revision}")
    cells: list[Piece] = [
        f"{branch}{safe(node.kind, 60)}/{safe(node.name)}",
        Span("  ".join(part for part in parts if part) or "-", style),
        ready or "-",
        words.age(node.created, surface.now) or "-",
    ]
    return [*cells, safe(node.message, words.MESSAGE) or "-"] if wide else cells


def _needed(each: Needed, namespace: str) -> Line:
    place = f"{safe(each.namespace)}/" if each.namespace not in ("", namespace) else ""
    found = "there" if each.found else "not looked up"
    if each.found is False:
        found = "missing"
    elif each.why:
        found = f"not readable: {safe(each.why, 300)}"
    style = "bad" if each.found is False else "dim" if each.found else "warn"
    return line(
        f"  {safe(each.kind, 60)}/{place}{safe(each.name)}  ",
        Span(f"{safe(each.what, 60)}  " if each.what else "", "dim"),
        Span(found, style),
    )
