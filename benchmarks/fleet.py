"""A list of many rollouts, against the `kubernetes` package's own list of the same."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping

from benchmarks.processes import ROLLOUTCTL, Taken, run
from benchmarks.table import Row

ROUNDS = 3
_OBVIOUS = """
from kubernetes import client, config
config.load_kube_config()
found = client.CustomObjectsApi().list_cluster_custom_object("argoproj.io", "v1alpha1", "rollouts")
for item in found["items"]:
    metadata, status = item["metadata"], item.get("status", {})
    print(metadata["namespace"], metadata["name"], status.get("phase"), status.get("readyReplicas"))
"""


def measure(env: Mapping[str, str], rollouts: int) -> Iterator[Row]:
    """Medians of ROUNDS, taking turns."""
    obvious, ours = [], []
    for _ in range(ROUNDS):
        obvious.append(run([sys.executable, "-c", _OBVIOUS], env))
        ours.append(run([ROLLOUTCTL, "list", "-A"], env))
    base, own = _median(obvious), _median(ours)
    what, package = f"list -A of {rollouts}", "kubernetes package"
    # A small fleet is dwarfed by the interpreter and the libraries both have to load.
    large = rollouts >= 24_000
    yield Row(f"{package}: {what}", base.wall, "s", "itself", 1.0)
    ratio = own.wall / base.wall
    yield Row(f"rolloutctl {what}", own.wall, "s", package, ratio, 0.35 if large else None)
    yield Row(f"{package}: {what}, CPU", base.cpu, "s", "itself", 1.0)
    yield Row(f"rolloutctl {what}, CPU", own.cpu, "s", package, own.cpu / base.cpu)
    yield Row(f"{package}: {what}, peak memory", base.memory, "MB", "itself", 1.0)
    ratio = own.memory / base.memory
    bar = 0.15 if large else None
    yield Row(f"rolloutctl {what}, peak memory", own.memory, "MB", package, ratio, bar)


def _median(taken: list[Taken]) -> Taken:
    return Taken(
        statistics.median(each.wall for each in taken),
        statistics.median(each.cpu for each in taken),
        statistics.median(each.memory for each in taken),
    )
