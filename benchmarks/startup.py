"""How long a command takes before and around its own work, against `import kubernetes`."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping

from benchmarks.processes import ROLLOUTCTL, run
from benchmarks.table import Row

ROUNDS = 9
BASELINE = [sys.executable, "-c", "import kubernetes"]


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
        baseline.append(run(BASELINE, env).wall)
        for what, (argv, _bar) in commands.items():
            taken[what].append(run(argv, env).wall)
    base = statistics.median(baseline)
    yield Row("import kubernetes", base * 1000, "ms", "itself", 1.0)
    for what, (_argv, bar) in commands.items():
        median = statistics.median(taken[what])
        ratio = median / base
        yield Row(f"rolloutctl {what}", median * 1000, "ms", "import kubernetes", ratio, bar)
