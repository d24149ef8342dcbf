"""Rollouts as rows of a table."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rolloutctl.domain.facts import Place, Stage
from rolloutctl.domain.status import Awaiting
from rolloutctl.domain.tree import RolloutRow
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, join, line, pad, safe, width

_RIGHT = frozenset({"WEIGHT", "READY", "REVISION"})
_LABEL = 300
_LABEL_SHARE = 4
"""The part of a line, as its divisor, that a cluster's name may take."""
_WORST_FIRST = ("Degraded", "Paused", "Progressing", "Healthy")
_NOWHERE = Span("-", "dim")
_STAGES = {
    Stage.PREVIEW: "preview",
    Stage.PRE_PROMOTION: "pre-promotion analysis",
    Stage.PAUSED: "preview",
    Stage.SWITCHED: "switched",
    Stage.POST_PROMOTION: "post-promotion analysis",
}
_AWAITED = {
    Awaiting.PROMOTION: "awaiting promotion",
    Awaiting.RESUME: "awaiting resume",
    Awaiting.INCONCLUSIVE: "inconclusive",
}


class Labels(NamedTuple):
    """Labels as columns, as kubectl has them: some by their keys, and all of them in one."""

    keys: tuple[str, ...] = ()
    every: bool = False

    def headers(self) -> list[str]:
        """What stands above them: a key without its prefix."""
        names = [safe(key.rpartition("/")[2]).upper() for key in self.keys]
        return [*names, "LABELS"] if self.every else names

    def cells(self, labels: Mapping[str, str]) -> list[Piece]:
        cells: list[Piece] = [safe(labels.get(key), _LABEL) or "-" for key in self.keys]
        if self.every:
            parts = (f"{safe(key, _LABEL)}={safe(labels[key], _LABEL)}" for key in sorted(labels))
            cells.append(",".join(parts) or "-")
        return cells


def header(*, namespaces: bool, wide: bool, clusters: bool = False) -> list[str]:
    first = [*(["CLUSTER"] if clusters else []), *(["NAMESPACE"] if namespaces else []), "NAME"]
    names = [*first, "STATUS", "SINCE", "STEP", "WEIGHT", "READY", "IMAGE"]
    return [*names, "STRATEGY", "REVISION", "MESSAGE"] if wide else names


def lines(
    rows: Iterable[RolloutRow],
    surface: Surface,
    *,
    namespaces: bool,
    wide: bool = False,
    fresh: Collection[Place] = (),
    clusters: Sequence[str] = (),
    labels: Labels | None = None,
) -> Iterator[Line]:
    """The table, line by line as the rows come in; nothing at all without rows.

    On a narrow terminal READY and WEIGHT give way first, since NAME, STATUS and STEP say what to
    do; the image is wrapped, not cut. The rows in `fresh` stand out. `clusters`: the clusters
    that rows may be of, where there are several; they make a column. `labels` are columns at the
    end.
    """
    names = header(namespaces=namespaces, wide=wide, clusters=bool(clusters))
    # The rows of the first cluster come first: its column has to fit the names of the others.
    shown = cluster_names(clusters, surface)
    widest = max((width(name) for name in shown.values()), default=0)
    called = {label: (Span(pad(name, widest)),) for label, name in shown.items()}
    cells = (
        [
            *called.get(row.cluster, ()),
            *row_cells(
                row,
                surface,
                namespaces=namespaces,
                wide=wide,
                style="wait" if fresh and row.place in fresh else "",
            ),
            *(labels.cells(row.labels) if labels is not None else ()),
        ]
        for row in rows
    )
    flex = "MESSAGE" if wide else "IMAGE"
    if labels is not None:
        names += labels.headers()
        flex = "LABELS" if labels.every else flex
    yield from table(
        names,
        cells,
        surface,
        right=_RIGHT,
        drop=() if wide else ("READY", "WEIGHT", "SINCE"),
        flex=flex,
    )


def counts(phases: Mapping[str, int], awaiting: int, *, short: bool = False) -> Line:
    """How many there are: "24,000 rollouts: 40 Degraded, 300 Paused, 23,660 Healthy; 12 ...".

    `short`: "24,000: 40 Degraded, 12 wait, 300 Paused, ...", with what matters least last.
    """
    known = [name for name in _WORST_FIRST if name in phases]
    others = sorted(name for name in phases if name not in _WORST_FIRST)
    total = sum(phases.values())
    found: list[Span] = []
    for name in [*known, *others]:
        shown, style = words.phase(name)
        found.append(Span(f"{phases[name]:,} {shown}", style))
    waits = "waits" if awaiting == 1 else "wait"
    if short and awaiting:
        found.insert("Degraded" in phases, Span(f"{awaiting:,} {waits}", "wait"))
    head = f"{total:,}: " if short else f"{words.counted(total, 'rollout')}: "
    pieces: list[Piece] = [head, *join(found, ", ")]
    if awaiting and not short:
        pieces += ["; ", Span(f"{awaiting:,} {waits} for a person", "wait")]
    return line(*pieces)


def cluster_names(labels: Sequence[str], surface: Surface) -> dict[str, str]:
    """What a table calls each cluster: the context's name.

    Where a terminal has no room for long ones, what all of them begin with is left out up to a
    separator: "arn:aws:eks:eu-west-1:1234:cluster/prod" becomes "…prod".
    """
    names = {label: safe(label, _LABEL) for label in labels}
    longest = max(map(width, names.values()), default=0)
    if not surface.room or longest <= surface.room // _LABEL_SHARE or len(names) < 2:
        return names
    common = os.path.commonprefix(list(names.values()))  # noqa: RUF071
    end = max(common.rfind(mark) for mark in "/:_@") + 1
    short = {label: name[end:] for label, name in names.items()}
    if not end or not all(short.values()):
        return names
    return {label: surface.symbols.ellipsis + name for label, name in short.items()}


def row_cells(
    row: RolloutRow, surface: Surface, *, namespaces: bool, wide: bool, style: str = ""
) -> list[Piece]:
    """The cells of one row; `style` is for its name."""
    ref = row.ref
    cells: list[Piece] = [safe(ref.namespace)] if namespaces else []
    cells += (
        Span(safe(ref.name), style or "strong"),
        words.phase(row.phase),
        words.age(row.since, surface.now) or "-",
        step_cell(row),
        "-" if row.weight is None else str(row.weight),
        _pods(row.ready, row.desired),
        _images(row, surface, wide=wide) or "-",
    )
    if wide:
        cells += (
            row.strategy or "-",
            str(row.revision or "-"),
            safe(row.message, words.MESSAGE) or "-",
        )
    return cells


@lru_cache(maxsize=512)
def _pods(ready: int, desired: int) -> Span:
    return Span(f"{ready}/{desired}", "" if ready >= desired else "warn")


def _images(row: RolloutRow, surface: Surface, *, wide: bool) -> str:
    if wide:
        return ", ".join(safe(item, 300) for item in row.images_to) or safe(row.workload, 300)
    if not row.images_to and row.workload:
        return safe(row.workload, 300)
    return words.tags(row.images_from, row.images_to, surface)


def step_cell(row: RolloutRow) -> Span:
    """Where the rollout stands: "4/7 pause", "2/5 plugin a/b Running", "aborted at 5/7", "-"."""
    if row.aborted:
        if row.failed_step is None:
            return Span("aborted", "bad")
        return Span(f"aborted at {row.failed_step + 1}/{row.step_count}", "bad")
    if row.stage is not None:
        return _stage_cell(row, row.stage)
    if row.step is None or not row.step_count or row.step_index is None:
        return _NOWHERE if row.awaiting is None else Span("waits for a person", "wait")
    if row.step_index >= row.step_count:
        return _NOWHERE
    text = f"{row.step_index + 1}/{row.step_count} {words.step(row.step)}"
    if row.plugin_phase:
        text += f" {safe(row.plugin_phase, 40)}"
    style = "wait" if row.awaiting is not None else ""
    if row.plugin_phase in ("Failed", "Error"):
        style = "bad"
    return Span(text, style)


def _stage_cell(row: RolloutRow, stage: Stage) -> Span:
    """How far a blue-green update has come, and who or what goes on."""
    text = _STAGES[stage]
    if row.awaiting is not None:
        return Span(f"{text}, {_AWAITED[row.awaiting]}", "wait")
    return Span(f"{text}, counts down" if stage is Stage.PAUSED and row.ends is not None else text)
