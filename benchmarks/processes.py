"""What one process takes: wall time, CPU time and peak memory, of itself and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
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
