"""A served Textual application in a test, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TESTS = Path(__file__).parents[1]
ENV = {**os.environ, "PYTHONPATH": str(TESTS)}
"""The variables of an application that lives among the tests."""


def tiny(pids: Path) -> Sequence[str]:
    """The command of the tiny application, which writes its process id into a file."""
    return [sys.executable, "-m", "support.tiny_app", str(pids)]


def alive(pids: Path) -> list[int]:
    """Those of the processes in the file that live; a zombie counts too."""
    written = pids.read_text().split() if pids.exists() else []
    return [pid for pid in map(int, written) if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(holds: Callable[[], object], within: float = 20.0) -> None:
    """Waits for something that other processes bring about."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.02)
