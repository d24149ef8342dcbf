"""Fixtures of the dashboard's tests."""

from __future__ import annotations

import pytest

from rolloutctl.tui import app


@pytest.fixture(autouse=True)
def quick_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches: what comes is shown sooner than ten times a second."""
    monkeypatch.setattr(app, "_FRAME", 0.02)
