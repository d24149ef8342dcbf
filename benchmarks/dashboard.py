"""The dashboard over a fleet that changes all the time: opening, keys, CPU and memory."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from textual import events
from textual.screen import Screen
from textual.widgets import Input

from benchmarks.following import RATE
from benchmarks.processes import ROLLOUTCTL, do, resident, used
from benchmarks.table import Row
from rolloutctl import kube
from rolloutctl.actions.fleet import Member
from rolloutctl.tui.app import Dashboard
from rolloutctl.tui.setup import Setup

COLUMNS, LINES = 160, 50
_KEYS = (
    *("down", "down", "pagedown", "down", "pageup", "end", "up", "home"),
    *("slash", "t", "e", "a", "m", "minus", "1", "2"),
    *("backspace", "backspace", "backspace", "enter", "down", "s", "pagedown", "S", "s", "home"),
    *("escape", "slash", "p", "h", "a", "s", "e", "colon", "p", "escape"),
)
"""What a person does: move, find, find again, sort. Each is one measurement."""
_EVERY = 0.13
"""Seconds between two keys: faster than most people, and no multiple of a frame."""


def measure(env: Mapping[str, str], rollouts: int, seconds: int) -> Iterator[Row]:
    """Raises RuntimeError when the fleet did not change as fast as it should have."""
    do(env, "list", "-A")  # the list that a warm start goes on from
    cold, warm = _opened(env, rollouts, "--fresh"), _opened(env, rollouts)
    yield Row(f"dashboard of {rollouts} opens, cold", cold, "s", "one second", cold)
    yield Row(f"dashboard of {rollouts} opens, warm", warm, "s", "one second", warm, 1.0)
    found = _under_churn(env, seconds)
    what = f"dashboard of {rollouts} at {RATE} changes/s"
    keys = sorted(found["keys"])
    middle, late = keys[len(keys) // 2] * 1000, keys[int(len(keys) * 0.95)] * 1000
    yield Row(
        f"{what}, key to picture, median of {len(keys)}", middle, "ms", "100 ms", middle / 100
    )
    yield Row(f"{what}, key to picture, 95th percentile", late, "ms", "100 ms", late / 100, 1.0)
    pictures = found["pictures"] / found["seconds"]
    yield Row(f"{what}, pictures a second", pictures, "", "")
    yield Row(f"{what}, CPU", found["cpu"], "cores", "one core", found["cpu"])
    grown = found["after"] / found["before"]
    yield Row(f"{what}, memory at the end", found["after"], "MB", "at the beginning", grown, 1.1)


def _opened(env: Mapping[str, str], rollouts: int, *more: str) -> float:
    """Seconds from the command to a picture with all rows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        [ROLLOUTCTL, "dashboard", *more],
        env={**env, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        while time.monotonic() - began < 60:
            shown += os.read(ours, 65536)
            told = re.search(rb"([\d,]+) rollouts:", shown)
            counts = re.findall(rb"([\d,]+) rollouts:", shown)
            if told and any(int(count.replace(b",", b"")) >= rollouts for count in counts):
                return time.monotonic() - began
        raise RuntimeError("the dashboard did not show all rollouts within a minute")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _under_churn(env: Mapping[str, str], seconds: int) -> dict[str, Any]:
    """What the probe (below, a process of its own) saw while the fleet changed."""
    probe = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.dashboard", str(seconds)],
        env={**env, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert probe.stdin is not None and probe.stdout is not None
    try:
        if probe.stdout.readline().strip() != "ready":
            raise RuntimeError("the dashboard did not read the fleet")
        churn = subprocess.Popen(
            [ROLLOUTCTL, "sandbox", "load", f"churn:{RATE}:{seconds + 3}"],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(1)
        probe.stdin.write("go\n")
        probe.stdin.flush()
        found: dict[str, Any] = json.loads(probe.stdout.readline())
        said = churn.communicate()[1]
    finally:
        probe.kill()
        probe.wait()
    told = re.search(r"([\d,]+) changes in ([\d.]+) s", said)
    if told is None or int(told[1].replace(",", "")) / float(told[2]) < 0.9 * RATE:
        raise RuntimeError(f"the fleet did not change at {RATE}/s: {said}")
    return found


# --- the probe: the dashboard without a terminal, and keys that are timed ---------------------


def _probe(seconds: int) -> None:
    cluster = kube.connect(
        kubeconfig=os.environ["KUBECONFIG"],
        context=None,
        namespace=None,
        impersonate=None,
        request_timeout=None,
        env=os.environ,
    )
    timed = Timed(Setup(members=[Member("", cluster, None)]))
    asyncio.run(timed.run(seconds))


class _Watched(Dashboard):
    painted: Callable[[], None]

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        self.painted()


class Timed:
    """Presses keys and waits for the picture in which each has had its effect."""

    def __init__(self, setup: Setup) -> None:
        self.app = _Watched(setup)
        self.app.painted = self.painted
        self.pictures = 0
        self._wanted: Any = None
        self._seen = asyncio.Event()

    def state(self) -> Any:
        """What a key changes: where the cursor is, what is typed, what order rows have."""
        screen = self.app.screen
        table: Any = screen.query_one("FleetTable")
        board = self.app.fleet.board
        typed = screen.query_one(Input).value
        return (
            table._at,
            typed,
            board._query.text,
            str(board._sort),
            board._reverse,
            screen.focused,
        )

    def painted(self) -> None:
        self.pictures += 1
        if self._wanted is not None and self.state() != self._wanted and self._settled():
            self._wanted = None
            self._seen.set()

    def _settled(self) -> bool:
        """Whether the rows are those of what is typed."""
        _, typed, query, *_ = self.state()
        return bool(typed == query or typed.endswith(":"))

    async def run(self, seconds: int) -> None:
        async with self.app.run_test(size=(COLUMNS, LINES)) as pilot:
            while self.app.fleet.connections[""].link != "live":
                await asyncio.sleep(0.05)
            await asyncio.sleep(2)
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            pid = os.getpid()
            before, cpu, began = resident(pid), used(pid), time.monotonic()
            self.pictures = 0
            keys: list[float] = []
            while time.monotonic() - began < seconds:
                for key in _KEYS:
                    took = await self._press(pilot, key)
                    if took is not None:
                        keys.append(took)
                    await asyncio.sleep(_EVERY)
            took = time.monotonic() - began
            found = {
                "keys": keys,
                "pictures": self.pictures,
                "seconds": took,
                "cpu": (used(pid) - cpu) / took,
                "before": before,
                "after": resident(pid),
            }
            print(json.dumps(found), flush=True)

    async def _press(self, pilot: Any, key: str) -> float | None:
        """Seconds from a key to its picture; None for one that changes nothing here."""
        before = self.state()
        self._seen.clear()
        self._wanted = before
        character = {"minus": "-", "colon": ":", "slash": "/"}.get(
            key, key if len(key) == 1 else None
        )
        start = time.perf_counter()
        event = events.Key(key, character)
        event.set_sender(self.app)
        assert self.app._driver is not None
        self.app._driver.send_message(event)
        try:
            await asyncio.wait_for(self._seen.wait(), 1.0)
        except TimeoutError:
            self._wanted = None
            return None if self.state() == before else 1.0
        return time.perf_counter() - start


if __name__ == "__main__":
    _probe(int(sys.argv[1]))
