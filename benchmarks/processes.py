"""What one process takes: wall time, CPU time and peak memory, of itself and nothing else."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROLLOUTCTL = str(Path(sys.executable).with_name("rolloutctl"))
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Of ru_maxrss, in bytes."""


@dataclass(frozen=True)
class Taken:
    """Wall and CPU time in s, peak memory in MB (at least that of whoever measures)."""

    wall: float
    cpu: float
    memory: float


def run(argv: Sequence[str], env: Mapping[str, str]) -> Taken:
    """Runs it to its end, its output thrown away. Raises RuntimeError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} failed: {said.decode(errors='replace')}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT / 1e6)


def median(taken: Sequence[Taken]) -> Taken:
    return Taken(
        statistics.median(each.wall for each in taken),
        statistics.median(each.cpu for each in taken),
        statistics.median(each.memory for each in taken),
    )


def do(env: Mapping[str, str], *argv: str) -> str:
    """Runs the tool; what it printed. Raises RuntimeError when it fails."""
    done = subprocess.run([ROLLOUTCTL, *argv], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"rolloutctl {' '.join(argv)} failed: {done.stderr}")
    return done.stdout


def resident(pid: int) -> float:
    """The memory a running process holds, in MB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def used(pid: int) -> float:
    """The CPU time a running process has taken, in s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def calm(env: Mapping[str, str]) -> None:
    """Waits until the sandbox has done what follows from a load."""
    pid = int(json.loads(do(env, "sandbox", "status", "-o", "json"))["pid"])
    before = used(pid)

    def idle() -> bool:
        nonlocal before
        time.sleep(1.0)
        last, before = before, used(pid)
        return before - last < 0.1

    until(idle, 300, "the sandbox is idle")


def until(holds: Callable[[], bool], seconds: float, what: str, *, every: float = 0.05) -> None:
    """Waits for what a running process offers no way to wait for. Raises RuntimeError."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds:g} s: {what}")
        time.sleep(every)
