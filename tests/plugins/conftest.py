"""The program on a sandbox whose clock runs while a command waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rolloutctl.actions import plugin_restart, plugin_switch
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.plugin_site import Site
from support.program import Program


@pytest.fixture
def site(
    embedded: EmbeddedCluster,
    rolloutctl: Program,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Site]:
    embedded.advance(5)
    pace = plugin_switch.Pace(embedded.advance, embedded.clock.monotonic, lambda: 0.5)
    monkeypatch.setattr(plugin_switch, "Pace", lambda: pace)
    monkeypatch.setattr(plugin_restart, "Pace", lambda: pace)
    with contextlib.chdir(tmp_path):
        yield Site(embedded, rolloutctl)
