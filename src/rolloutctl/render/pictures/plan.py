"""A plan as a picture: weight and pods over time, and a block per step that says what it is.

The time axis is not to scale, or a pause of a day would leave nothing of the steps beside it:
each step has a column, the wider the longer it lasts.
"""

from __future__ import annotations

import textwrap
from math import sqrt
from typing import NamedTuple

from rolloutctl.domain.plan import Ending, Plan, PlannedStep, StepResult
from rolloutctl.render.pictures.drawing import document, element, label, path
from rolloutctl.render.surface import Surface
from rolloutctl.render.views.plan import ENDINGS, how, images, run_words, span, step_words

WIDTH = 880.0
_LEFT, _RIGHT = 64.0, 24.0
_WEIGHT = (82.0, 202.0)
_PODS = (236.0, 306.0)
_BAND = (320.0, 362.0)
_LEGEND = 416.0
_LEAST, _END = 30.0, 78.0
_LINE = 17.0
_LANE = 22.0
_LETTERS = 58
"""Of a legend's line, in half the picture."""

STYLE = (
    # Read on both grounds by whoever knows no schemes, better by whoever does.
    "text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#6e7781}"
    ".strong{font-weight:600}.head{font-size:15px;font-weight:600}"
    ".grid{stroke:#8c959f;stroke-opacity:.35;fill:none}"
    ".canary{stroke:#2da44e;fill:none;stroke-width:2}.area{fill:#2da44e;fill-opacity:.16}"
    ".stable{stroke:#3b82f6;fill:none;stroke-width:2;stroke-dasharray:6 3}"
    ".canary-text,.good-text{fill:#2a9147}.stable-text{fill:#3b82f6}.bad-text{fill:#e5484d}"
    ".step{fill:#8c959f;fill-opacity:.18}.pause{fill:#bf8700;fill-opacity:.2}"
    ".person{fill:#bf8700;fill-opacity:.42}.plugin{fill:#8957e5;fill-opacity:.22}"
    ".run{fill:#3b82f6;fill-opacity:.2}.bad{fill:#e5484d;fill-opacity:.26}"
    ".mark{stroke:#6e7781;fill:none;stroke-width:1.6}.solid{fill:#6e7781}"
    "@media(prefers-color-scheme:light){text{fill:#57606a}.head,.strong{fill:#1f2328}"
    ".canary-text,.good-text{fill:#1a7f37}.stable-text{fill:#0969da}.bad-text{fill:#cf222e}}"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.head,.strong{fill:#f0f6fc}"
    ".canary-text,.good-text{fill:#3fb950}.stable-text{fill:#4493f8}.bad-text{fill:#f85149}"
    ".mark{stroke:#9198a1}.solid{fill:#9198a1}}"
)


class _Column(NamedTuple):
    """A step's place on the time axis; `step` is None for what comes after the last one."""

    step: PlannedStep | None
    x: float
    width: float
    value: int
    """Of the weight, or of the traffic where something routes it."""
    canary: int
    stable: int
    at: float | None

    @property
    def end(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def svg(plan: Plan) -> str:
    """The picture as an SVG document."""
    columns = _columns(plan)
    lanes = _lanes(plan, columns)
    legend, height = _legend(plan, _LEGEND + _LANE * len(lanes))
    facts = plan.rehearsed
    arrow = images(plan, Surface())
    body = [
        label(_LEFT, 26.0, f"Plan of {facts.name}", class_="head"),
        label(_LEFT, 46.0, f"{arrow}, {_total(plan)}"),
        *_weights(columns, routed=facts.routed or facts.strategy == "blueGreen"),
        *_pods(plan, columns),
        *_band(plan, columns),
        *_times(columns),
        *lanes,
        *legend,
    ]
    return document(
        WIDTH, height, f"Plan of {facts.name}", _description(plan), STYLE, [b for b in body if b]
    )


def _total(plan: Plan) -> str:
    facts = plan.rehearsed
    if facts.seconds is None:
        return "never ends by itself"
    said = f"{ENDINGS[facts.result]} after {span(facts.seconds)}"
    if facts.persons:
        numbers = ", ".join(dict.fromkeys(str(person.index + 1) for person in facts.persons))
        said += f", and what people take at step {numbers}"
    return said


def _description(plan: Plan) -> str:
    steps = "; ".join(
        f"step {step.index + 1} {step_words(plan, step)}" for step in plan.rehearsed.steps
    )
    return f"{_total(plan)}. {steps}"


# --- the time axis ------------------------------------------------------------------------------


def _columns(plan: Plan) -> list[_Column]:
    facts = plan.rehearsed
    reached = [step for step in facts.steps if step.at is not None]
    parts = [_part(step) for step in reached]
    room = WIDTH - _LEFT - _RIGHT - _END
    least = min(_LEAST, room / max(1, len(reached)))
    rest = room - least * len(reached)
    total = sum(parts)
    found: list[_Column] = []
    x = _LEFT
    routed = facts.routed or facts.strategy == "blueGreen"
    for step, part in zip(reached, parts, strict=True):
        width = least + (rest * part / total if total else rest / len(reached))
        value = step.traffic if routed else step.weight
        canary = step.canary.desired if step.canary else 0
        stable = step.stable.desired if step.stable else 0
        found.append(_Column(step, x, width, value or 0, canary, stable, step.at))
        x += width
    last = facts.samples[-1] if facts.samples else None
    value = 0
    if last is not None:
        value = (last.traffic if routed else last.weight) or 0
    if facts.result is Ending.PROMOTED:
        value = 100
    canary = last.canary.desired if last else 0
    stable = last.stable.desired if last else 0
    width = WIDTH - _RIGHT - x
    at = facts.seconds if facts.seconds is not None or last is None else last.at
    return [*found, _Column(None, x, width, value, canary, stable, at)]


def _part(step: PlannedStep) -> float:
    """How much of the room a step takes beside others, by the root of its length."""
    if step.person or step.ends is None or step.at is None:
        return 12.0
    return sqrt(step.ends - step.at)


def _times(columns: list[_Column]) -> list[str]:
    found: list[str] = []
    said, free = "", 0.0
    for column in columns:
        text = "" if column.at is None else span(column.at)
        width = 7.0 * len(text)
        if not text or text == said or column.x < free:
            continue
        found.append(path([(column.x, _BAND[1]), (column.x, _BAND[1] + 6)], class_="grid"))
        found.append(label(column.x, _BAND[1] + 20, text))
        said, free = text, column.x + width + 8
    return found


def _lanes(plan: Plan, columns: list[_Column]) -> list[str]:
    """A bar for each analysis that runs beside the steps; of those begun again, the last."""
    found: list[str] = []
    beside = {run.role: run for run in plan.rehearsed.runs if run.index is None}
    for number, run in enumerate(beside.values()):
        start, end = _x(columns, run.at), WIDTH - _RIGHT
        if run.ends is not None:
            end = _x(columns, run.ends, late=True)
        top = _BAND[1] + 30 + _LANE * number
        bar = element(
            "rect",
            x=start,
            y=top,
            width=max(2.0, end - start),
            height=_LANE - 6,
            rx=3,
            class_="run" if run.phase == "Successful" else "bad",
        )
        found.append(element("g", bar, label(start + 6, top + 12, run_words(run))))
    return found


def _x(columns: list[_Column], at: float, *, late: bool = False) -> float:
    """Where a moment is; of several columns that begin with it the last one when `late`."""
    place = columns[0].x
    for column, after in zip(columns, [*columns[1:], None], strict=True):
        if column.at is None or column.at > at:
            break
        until = after.at if after is not None else None
        share = 0.0
        if until is not None and until > column.at:
            share = min(1.0, (at - column.at) / (until - column.at))
        place = column.x + column.width * share
        if not late and (until is None or at < until or until == at == column.at):
            break
    return place


# --- weight and pods ----------------------------------------------------------------------------


def _stairs(
    columns: list[_Column], values: list[int], area: tuple[float, float], most: int, first: int
) -> list[tuple[float, float]]:
    top, bottom = area

    def y(value: int) -> float:
        return bottom - (bottom - top) * value / max(1, most)

    points = [(_LEFT, y(first))]
    for column, value in zip(columns, values, strict=True):
        points += [(column.x, y(value)), (column.end, y(value))]
    return points


def _weights(columns: list[_Column], *, routed: bool) -> list[str]:
    top, bottom = _WEIGHT
    found = [label(_LEFT, top - 8, "traffic, %" if routed else "weight, %", class_="strong")]
    for value in (0, 50, 100):
        y = bottom - (bottom - top) * value / 100
        found.append(path([(_LEFT, y), (WIDTH - _RIGHT, y)], class_="grid"))
        found.append(label(_LEFT - 8, y + 4, str(value), text_anchor="end"))
    points = _stairs(columns, [column.value for column in columns], _WEIGHT, 100, 0)
    area = [*points, (points[-1][0], bottom), (_LEFT, bottom)]
    found.append(path(area, class_="area"))
    found.append(path(points, class_="canary"))
    before = 0
    for column in columns:
        if column.value != before:
            y = bottom - (bottom - top) * column.value / 100
            at = y - 5 if column.value < 90 else y + 15
            found.append(label(column.x + 4, at, str(column.value), class_="canary-text"))
        before = column.value
    return found


def _pods(plan: Plan, columns: list[_Column]) -> list[str]:
    top, bottom = _PODS
    facts = plan.rehearsed
    blue_green = facts.strategy == "blueGreen"
    most = max([facts.replicas, 1, *(max(column.canary, column.stable) for column in columns)])
    new, old = ("new", "old") if blue_green else ("canary", "stable")
    found = [
        label(_LEFT, top - 8, "pods", class_="strong"),
        label(_LEFT + 40, top - 8, new, class_="canary-text"),
        label(_LEFT + 90, top - 8, old, class_="stable-text"),
        path([(_LEFT, bottom), (WIDTH - _RIGHT, bottom)], class_="grid"),
        path([(_LEFT, top), (WIDTH - _RIGHT, top)], class_="grid"),
        label(_LEFT - 8, bottom + 4, "0", text_anchor="end"),
        label(_LEFT - 8, top + 4, str(most), text_anchor="end"),
    ]
    canary = [column.canary for column in columns]
    stable = [column.stable for column in columns]
    # The dashed line comes last: where both are the same, both are seen.
    found.append(path(_stairs(columns, canary, _PODS, most, 0), class_="canary"))
    found.append(path(_stairs(columns, stable, _PODS, most, facts.replicas), class_="stable"))
    return found


# --- the steps ----------------------------------------------------------------------------------


def _band(plan: Plan, columns: list[_Column]) -> list[str]:
    top, bottom = _BAND
    found: list[str] = []
    for column in columns:
        step = column.step
        if step is None:
            continue
        block = element(
            "rect",
            x=column.x + 1,
            y=top,
            width=max(1.0, column.width - 2),
            height=bottom - top,
            rx=3,
            class_=_class(step),
        )
        number = label(
            column.middle, top + 15, str(step.index + 1), class_="strong", text_anchor="middle"
        )
        mark = _mark(step, column.middle, top + 30)
        found.append(element("g", block, number, mark))
    result = plan.rehearsed.result
    style = "good-text" if result is Ending.PROMOTED else "bad-text"
    found.append(label(columns[-1].x + 6, top + 26, ENDINGS[result], class_=style))
    return found


def _class(step: PlannedStep) -> str:
    if step.result in (StepResult.FAILED, StepResult.WAITING):
        return "bad"
    if step.person:
        return "person"
    kinds = {"pause": "pause", "plugin": "plugin", "analysis": "run", "experiment": "run"}
    if step.kind.endswith("Analysis"):
        return "run"
    return kinds.get(step.kind, "step")


def _mark(step: PlannedStep, x: float, y: float) -> str:
    """A sign for what the step is; the legend says it in words."""
    if step.person:
        head = element("circle", cx=x, cy=y - 5, r=3.2, class_="solid")
        body = element("path", d=f"M{x - 6:.1f} {y + 6:.1f} a6 6 0 0 1 12 0 z", class_="solid")
        return head + body
    if step.kind == "pause":
        return "".join(
            path([(x + side, y - 5), (x + side, y + 5)], class_="mark") for side in (-2.5, 2.5)
        )
    if step.kind == "plugin":
        points = [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y), (x, y - 6)]
        return path(points, class_="mark")
    if step.kind in ("analysis", "experiment") or step.kind.endswith("Analysis"):
        lens = element("circle", cx=x - 1, cy=y - 1, r=4.2, class_="mark")
        return lens + path([(x + 2.2, y + 2.2), (x + 6, y + 6)], class_="mark")
    return path([(x - 6, y + 4), (x, y + 4), (x, y - 4), (x + 6, y - 4)], class_="mark")


def _legend(plan: Plan, top: float) -> tuple[list[str], float]:
    """The steps in words, in two columns, and how high the picture is with them."""
    steps = plan.rehearsed.steps
    half = (len(steps) + 1) // 2 if len(steps) > 3 else len(steps)
    letters = _LETTERS if half < len(steps) else 2 * _LETTERS
    found: list[str] = []
    lowest = top
    for start, chosen in ((_LEFT, steps[:half]), (_LEFT + (WIDTH - _LEFT) / 2, steps[half:])):
        y = top
        for step in chosen:
            style = "bad-text" if _class(step) == "bad" else None
            found.append(label(start - 8, y, str(step.index + 1), text_anchor="end"))
            for part in textwrap.wrap(_entry(plan, step), letters) or [""]:
                found.append(label(start, y, part, class_=style))
                y += _LINE
        lowest = max(lowest, y)
    found.append(label(WIDTH - _RIGHT, 26.0, "time is not to scale", text_anchor="end"))
    return found, lowest + 4


def _entry(plan: Plan, step: PlannedStep) -> str:
    said = step_words(plan, step)
    if step.at is None:
        return f"{said}, not reached"
    lasts = ""
    if step.kind != "pause" and step.ends is not None and step.ends > step.at:
        lasts = span(step.ends - step.at)
    return ", ".join(part for part in (said, lasts, how(plan, step)) if part)
