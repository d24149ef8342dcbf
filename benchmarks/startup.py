"""How long a command takes before and around its own work, against `import kubernetes`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.table import Row

ROUNDS = 9
ROLLOUTCTL = str(Path(sys.executable).with_name("rolloutctl"))
BASELINE = [sys.executable, "-c", "import kubernetes"]


def milliseconds(argv: Sequence[str], env: Mapping[str, str]) -> float:
    """Wall time of one process, in ms. Raises CalledProcessError when it fails."""
    start = time.perf_counter()
    subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return (time.perf_counter() - start) * 1000


def measure(env: Mapping[str, str], namespace: str, name: str) -> Iterator[Row]:
    """Medians of ROUNDS, the commands taking turns so that a slow moment hits all alike."""
    commands = {
        "--version": ([ROLLOUTCTL, "--version"], 0.35),
        "completion bash": ([ROLLOUTCTL, "completion", "bash"], 0.35),
        "get NAME": ([ROLLOUTCTL, "get", name, "-n", namespace], 0.8),
        "status NAME": ([ROLLOUTCTL, "status", name, "-n", namespace], 0.8),
        "list": ([ROLLOUTCTL, "list", "-n", namespace], 0.8),
    }
    taken: dict[str, list[float]] = {what: [] for what in commands}
    baseline: list[float] = []
    for _ in range(ROUNDS):
        baseline.append(milliseconds(BASELINE, env))
        for what, (argv, _bar) in commands.items():
            taken[what].append(milliseconds(argv, env))
    base = statistics.median(baseline)
    yield Row("import kubernetes", base, "ms", "itself", 1.0)
    for what, (_argv, bar) in commands.items():
        median = statistics.median(taken[what])
        yield Row(f"rolloutctl {what}", median, "ms", "import kubernetes", median / base, bar)
