"""The pictures in the README are of the screens as they are: `make docs` makes them anew."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.screens.acting import ActingScreen
from rolloutctl.tui.screens.causes import Causes, CausesScreen
from rolloutctl.tui.screens.fleet import FleetScreen
from rolloutctl.tui.screens.plugins import Plugins, PluginsScreen
from rolloutctl.tui.screens.rollout import RolloutScreen

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
SCREENS: dict[str, tuple[Any, ...]] = {
    "fleet": (FleetScreen, ActingScreen),
    "question": (FleetScreen, ActingScreen),
    "rollout": (RolloutScreen, ActingScreen),
    "analysis": (RolloutScreen, ActingScreen),
    "causes": (CausesScreen, ActingScreen, Causes),
    "plugins": (PluginsScreen, Plugins),
}


def words(name: str) -> str:
    text = (PICTURES / f"{name}.svg").read_text("utf-8")
    return unescape(re.sub(r"<[^>]*>", "", text)).replace("\xa0", " ")


def test_there_is_a_picture_of_each_screen_and_the_readme_shows_them() -> None:
    assert {path.stem for path in PICTURES.glob("*.svg")} == set(SCREENS)
    shown = re.findall(r"\]\(docs/pictures/(\w+)\.svg\)", (ROOT / "README.md").read_text("utf-8"))
    assert set(shown) <= set(SCREENS) and len(shown) >= 3


@pytest.mark.parametrize("name", SCREENS)
def test_its_keys_are_those_of_today(name: str) -> None:
    said = words(name)
    for owner in (*SCREENS[name], Dashboard):
        for binding in owner.BINDINGS:
            if getattr(binding, "show", False):
                assert getattr(binding, "description", "") in said
