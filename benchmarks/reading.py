"""Lists of a whole fleet: cold and warm, and what others take for the same."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.processes import ROLLOUTCTL, Taken, median, run
from benchmarks.table import Row, say

ROUNDS = 3
_OBVIOUS = """
from kubernetes import client, config
config.load_kube_config()
found = client.CustomObjectsApi().list_cluster_custom_object("argoproj.io", "v1alpha1", "rollouts")
for item in found["items"]:
    metadata, status = item["metadata"], item.get("status", {})
    print(metadata["namespace"], metadata["name"], status.get("phase"), status.get("readyReplicas"))
"""
PACKAGE = "kubernetes package"


def measure(env: Mapping[str, str], rollouts: int) -> Iterator[Row]:
    """Medians of ROUNDS, taking turns."""
    commands: dict[str, Sequence[str]] = {
        PACKAGE: [sys.executable, "-c", _OBVIOUS],
        **_others(),
        "cold": [ROLLOUTCTL, "list", "-A", "--fresh"],
        "warm": [ROLLOUTCTL, "list", "-A"],
        "fleet, cold": [ROLLOUTCTL, "fleet", "--fresh"],
        "fleet, warm": [ROLLOUTCTL, "fleet"],
    }
    taken: dict[str, list[Taken]] = {what: [] for what in commands}
    for _ in range(ROUNDS):
        for what, argv in commands.items():
            taken[what].append(run(argv, env))
    found = {what: median(each) for what, each in taken.items()}
    # A small fleet is dwarfed by the interpreter and the libraries both have to load.
    large = rollouts >= 24_000
    base, cold, warm = found[PACKAGE], found["cold"], found["warm"]
    of = f"list -A of {rollouts}"
    yield from _rows(f"{PACKAGE}: {of}", base, base, "itself")
    for what in _others():
        yield from _rows(f"{what} {of}", found[what], base, PACKAGE)
    yield from _rows(
        f"rolloutctl {of}, cold",
        cold,
        base,
        PACKAGE,
        wall=0.35 if large else None,
        memory=0.15 if large else None,
    )
    yield from _rows(f"rolloutctl {of}, warm", warm, cold, "cold", wall=0.3 if large else None)
    summary = f"rolloutctl fleet of {rollouts}"
    yield from _rows(f"{summary}, cold", found["fleet, cold"], cold, "list, cold")
    yield from _rows(
        f"{summary}, warm",
        found["fleet, warm"],
        found["fleet, cold"],
        "fleet, cold",
        wall=0.3 if large else None,
    )


def _others() -> dict[str, list[str]]:
    """What else lists rollouts on this machine."""
    found: dict[str, list[str]] = {}
    if shutil.which("kubectl") is None:
        say("kubectl is not installed: left out")
        return found
    found["kubectl"] = ["kubectl", "get", "rollouts", "-A"]
    if shutil.which("kubectl-argo-rollouts") is None:
        say("kubectl-argo-rollouts is not installed: left out")
        return found
    found["kubectl argo rollouts"] = [
        "kubectl-argo-rollouts",
        "list",
        "rollouts",
        "--all-namespaces",
    ]
    return found


def _rows(
    what: str,
    own: Taken,
    base: Taken,
    baseline: str,
    *,
    wall: float | None = None,
    memory: float | None = None,
) -> Iterator[Row]:
    yield Row(what, own.wall, "s", baseline, own.wall / base.wall, wall)
    yield Row(f"{what}, CPU", own.cpu, "s", baseline, own.cpu / base.cpu)
    ratio = own.memory / base.memory
    yield Row(f"{what}, peak memory", own.memory, "MB", baseline, ratio, memory)
