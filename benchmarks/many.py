"""Promoting many: interrupted and gone on with, and how long one takes of many and alone."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.processes import ROLLOUTCTL, calm, do
from benchmarks.table import Row, say

ALONE = 10
"""Promotions that are made one process each, for comparison."""
_BULK = [ROLLOUTCTL, "promote", "--max-concurrent", "20", "--yes", "-o", "jsonl"]
_ALL = ["-A", "-l", "load=live"]


def measure(env: Mapping[str, str], rollouts: int) -> Iterator[Row]:
    """Loads `live:N`, promotes all past their first pause with an interruption, then past the
    second. Raises RuntimeError when one fails."""
    do(env, "sandbox", "load", f"live:{rollouts}")
    calm(env)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        left = _interrupted(env, report, rollouts)
        done = do(env, *_BULK[1:], "-f", str(report))
    say(f"interrupted with {left} to go, and gone on with: {len(done.splitlines())} results")
    # A second promotion of one would have taken it past the next pause, step 4 of 4.
    steps = _steps(env)
    wrong = rollouts - steps[4]
    if wrong:
        say(f"where they stand: {dict(steps)}")
    what = f"{rollouts} promotions, interrupted and gone on with: lost or doubled"
    yield Row(what, wrong, "", "", float(wrong), 0.0)
    names = _places(env)
    began = time.perf_counter()
    for namespace, name in names[:ALONE]:
        do(env, "promote", name, "-n", namespace)
    alone = (time.perf_counter() - began) / ALONE
    began = time.perf_counter()
    told = do(env, *_BULK[1:], *_ALL, "--awaiting")
    took = time.perf_counter() - began
    results = Counter(json.loads(line)["result"] for line in told.splitlines())
    if results != Counter({"changed": rollouts - ALONE}):
        raise RuntimeError(f"not all were promoted: {results}")
    each = took / (rollouts - ALONE)
    yield Row("one promotion, a process each", alone * 1000, "ms", "itself", 1.0)
    what = f"one promotion of {rollouts - ALONE}, --max-concurrent 20"
    yield Row(what, each * 1000, "ms", "a process each", each / alone)


def _interrupted(env: Mapping[str, str], report: Path, rollouts: int) -> int:
    """Promotes, is interrupted half-way; how many were left."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [*_BULK, *_ALL], env=env, stdout=subprocess.PIPE, stderr=said, text=True
        )
        assert process.stdout is not None
        with process.stdout as told:
            lines = [told.readline() for _ in range(rollouts // 2)]
            process.send_signal(signal.SIGINT)
            report.write_text("".join(lines) + told.read())
        if process.wait(60) != 130:
            said.seek(0)
            raise RuntimeError(f"ended with {process.returncode}: {said.read()}")
    results = Counter(json.loads(line)["result"] for line in report.read_text().splitlines())
    if sum(results.values()) != rollouts:
        raise RuntimeError(f"not every rollout is in the report: {results}")
    return rollouts - results["changed"]


def _steps(env: Mapping[str, str]) -> Counter[int]:
    """How many wait at which step, once all have come to rest."""
    end = time.monotonic() + 60
    while True:
        text = do(env, "list", *_ALL, "-o", "jsonl", "--fresh")
        rows = [json.loads(line)["rollout"] for line in text.splitlines()]
        if all(row["awaiting"] for row in rows) or time.monotonic() > end:
            return Counter(row["step"]["number"] for row in rows)
        time.sleep(0.5)


def _places(env: Mapping[str, str]) -> list[tuple[str, str]]:
    rows = map(json.loads, do(env, "list", *_ALL, "-o", "jsonl").splitlines())
    return [(row["namespace"], row["name"]) for row in rows]
