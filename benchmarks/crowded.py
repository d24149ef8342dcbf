"""One rollout of a namespace that is full of others, against the same where it is alone."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator, Mapping

from benchmarks.processes import ROLLOUTCTL, calm, do, run
from benchmarks.table import Row

ROUNDS = 9
NAME = "cart-00000"
"""The first rollout of a crowd."""


def measure(env: Mapping[str, str], rollouts: int) -> Iterator[Row]:
    """Medians of ROUNDS, taking turns; loads what it needs."""
    do(env, "sandbox", "load", "crowd:1", "-n", "lonely")
    do(env, "sandbox", "load", f"crowd:{rollouts}", "-n", "crowd")
    calm(env)
    commands = {
        f"{verb}, {where}": [ROLLOUTCTL, verb, NAME, "-n", where]
        for verb in ("get", "status")
        for where in ("lonely", "crowd")
    }
    if shutil.which("kubectl"):
        commands["kubectl"] = ["kubectl", "get", "rollout,replicasets,pods", "-n", "crowd"]
    taken: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(ROUNDS):
        for what, argv in commands.items():
            taken[what].append(run(argv, env).wall)
    found = {what: statistics.median(times) for what, times in taken.items()}
    full = f"among {rollouts}, {3 * rollouts} ReplicaSets, {3 * rollouts} pods"
    for verb, bar in (("get", 1.3), ("status", 1.3)):
        alone, among = found[f"{verb}, lonely"], found[f"{verb}, crowd"]
        yield Row(f"rolloutctl {verb} NAME, alone", alone * 1000, "ms", "itself", 1.0)
        what = f"rolloutctl {verb} NAME, {full}"
        yield Row(what, among * 1000, "ms", "alone", among / alone, bar)
    if "kubectl" in found:
        among, base = found["get, crowd"], found["kubectl"]
        what = "rolloutctl get NAME, in the full namespace"
        yield Row(what, among * 1000, "ms", "kubectl get of all of it", among / base)
