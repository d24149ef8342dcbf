"""The picture of a plan: an SVG that any viewer takes, on light and on dark ground."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.domain.plan import (
    Ending,
    Person,
    Plan,
    PlannedPause,
    PlannedPlugin,
    PlannedRun,
    PlannedStep,
    Pods,
    Rehearsed,
    Sample,
    StepResult,
)
from rolloutctl.domain.steps import Pause, Plugin, SetWeight
from rolloutctl.render.pictures.drawing import element, label
from rolloutctl.render.pictures.plan import STYLE, WIDTH, svg

ONE, NINE = Pods(1, 1), Pods(9, 9)
SVG = "{http://www.w3.org/2000/svg}"


def a_plan(name: str = "checkout", plugin: str = "acme/gate", **changes: object) -> Plan:
    steps = (
        PlannedStep(
            0, "setWeight", "setWeight: 10", StepResult.DONE, 0, 0, 10, canary=ONE, stable=NINE
        ),
        PlannedStep(
            1,
            "plugin",
            "plugin",
            StepResult.DONE,
            0,
            65,
            10,
            canary=ONE,
            stable=NINE,
            plugin=PlannedPlugin(plugin, "Successful", True, 60, True, "Successful", name, 2),
        ),
        PlannedStep(
            2,
            "pause",
            "pause",
            StepResult.DONE,
            65,
            65,
            10,
            canary=ONE,
            stable=NINE,
            person="CanaryPauseStep",
            pause=PlannedPause(),
        ),
        PlannedStep(
            3, "pause", "pause: 1d", StepResult.DONE, 65, 86465, 10, canary=ONE, stable=NINE
        ),
    )
    facts = Rehearsed(
        strategy="canary",
        namespace="shop",
        name=name,
        replicas=10,
        images_from=("shop/checkout:v1",),
        images_to=(),
        result=Ending.PROMOTED,
        phase="Healthy",
        message="",
        seconds=86465,
        settled_seconds=86465,
        routed=False,
        peak_pods=12,
        pod_ready_seconds=0,
        steps=steps,
        samples=(Sample(86465, 4, "Healthy", 100, None, Pods(10, 10), Pods(0, 0)),),
        runs=(),
        aborts=(),
        terminates=(),
        persons=(Person(65, 2, "CanaryPauseStep"),),
        events=(),
        notes=(),
    )
    spec = (SetWeight(10), Plugin(plugin), Pause(), Pause(text="1d"))
    return Plan(msgspec.structs.replace(facts, **changes), spec)


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_it_is_an_svg_with_a_title_and_a_description() -> None:
    root = ElementTree.fromstring(svg(a_plan()))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Plan of checkout"
    assert "step 2 plugin acme/gate" in (root.findtext(f"{SVG}desc") or "")


def test_it_says_when_what_and_who() -> None:
    said = texts(svg(a_plan()))
    for each in ("0s", "1m5s", "1d1m5s", "10", "100", "promoted", "time is not to scale"):
        assert each in said
    assert "pause, until a person promotes" in said
    assert "plugin acme/gate, 1m5s, Successful (assumed), 2 calls," in said


def test_every_step_has_its_block_inside_the_picture_and_no_two_overlap() -> None:
    root = ElementTree.fromstring(svg(a_plan()))
    blocks = [
        (float(each.get("x", "")), float(each.get("width", ""))) for each in root.iter(f"{SVG}rect")
    ]
    assert len(blocks) == 4
    edges = [edge for x, width in blocks for edge in (x, x + width)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= WIDTH
    assert blocks[3][1] == max(width for _, width in blocks)


@given(st.text(), st.text())
def test_whatever_a_cluster_says_is_text_and_never_markup(name: str, plugin: str) -> None:
    picture = svg(a_plan("<script>&\"'" + name, plugin + '</text><b x="1">'))
    root = ElementTree.fromstring(picture.encode("utf-8"))
    known = {"svg", "title", "desc", "style", "text", "path", "rect", "circle", "g"}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= known
    assert any("<script>&\"'" in said for said in texts(picture))


def test_attributes_are_escaped() -> None:
    made = element("g", label(1, 2, "a<b"), class_='x"y<z', data_name=None)
    assert made == '<g class=\'x"y&lt;z\'><text x="1" y="2">a&lt;b</text></g>'


@pytest.mark.parametrize("ground", [(255, 255, 255), (13, 17, 23)], ids=["light", "dark"])
def test_without_schemes_every_colour_is_seen_on_both_grounds(ground: tuple[int, ...]) -> None:
    basic = STYLE.partition("@media")[0]
    colours = re.findall(r"(?:fill|stroke):#([0-9a-f]{6})", basic)
    assert len(colours) > 10
    for colour in colours:
        shown = tuple(int(colour[at : at + 2], 16) for at in (0, 2, 4))
        light, dark = sorted((_luminance(shown), _luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


def _luminance(colour: tuple[int, ...]) -> float:
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("count", [1, 5, 60])
def test_any_number_of_steps_fits(count: int) -> None:
    step = a_plan().rehearsed.steps[0]
    steps = tuple(msgspec.structs.replace(step, index=index) for index in range(count))
    root = ElementTree.fromstring(svg(a_plan(steps=steps)))
    blocks = [
        (float(each.get("x", "")), float(each.get("width", ""))) for each in root.iter(f"{SVG}rect")
    ]
    assert len(blocks) == count
    assert all(width >= 1 for _, width in blocks)
    assert max(x + width for x, width in blocks) <= WIDTH
    height = float(root.get("height", ""))
    assert all(float(each.get("y", "")) <= height for each in root.iter(f"{SVG}text"))


def test_an_analysis_beside_the_steps_has_a_bar_of_its_own() -> None:
    run = PlannedRun("AnalysisRun", "x", "Background", None, 65, 86465, "Successful")
    root = ElementTree.fromstring(svg(a_plan(runs=(run,))))
    *blocks, bar = root.iter(f"{SVG}rect")
    assert len(blocks) == 4
    assert float(bar.get("x", "")) == float(blocks[2].get("x", "")) - 1
    assert float(bar.get("width", "")) > float(blocks[3].get("width", ""))
    assert "background analysis, Successful" in [each.text for each in root.iter(f"{SVG}text")]


def test_an_update_without_steps_and_one_that_is_stuck_have_pictures_too() -> None:
    assert "promoted" in texts(svg(a_plan(steps=(), samples=())))
    stuck = a_plan(result=Ending.STUCK, seconds=None, settled_seconds=None)
    assert "stuck" in texts(svg(stuck))
