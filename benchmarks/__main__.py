"""Everything measured in one run, on a sandbox of its own.

    python -m benchmarks [--rollouts N] [--only PART ...] [--json FILE]

Prints a Markdown table; exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import crowded, dashboard, following, many, reading, startup
from benchmarks.processes import calm, do
from benchmarks.table import Row, as_json, markdown, say

_SCENARIO, _NAMESPACE, _NAME = "paused", "shop", "checkout"
Env = Mapping[str, str]


class _Parts:
    """The parts in their order: the small cluster is measured before it is a large one."""

    def __init__(self, rollouts: int, seconds: int) -> None:
        self.rollouts = rollouts
        self.seconds = seconds
        self.loaded = False

    @property
    def all(self) -> dict[str, Callable[[Env], Iterator[Row]]]:
        return {
            "startup": self._startup,
            "crowded": lambda env: crowded.measure(env, max(1, self.rollouts // 12)),
            "many": lambda env: many.measure(env, max(20, min(500, self.rollouts // 48))),
            "reading": self._reading,
            "following": self._following,
            "dashboard": self._dashboard,
        }

    def _startup(self, env: Env) -> Iterator[Row]:
        do(env, "sandbox", "load", _SCENARIO, "-n", _NAMESPACE)
        return startup.measure(env, _NAMESPACE, _NAME)

    def _reading(self, env: Env) -> Iterator[Row]:
        self._load(env)
        return reading.measure(env, self.rollouts)

    def _following(self, env: Env) -> Iterator[Row]:
        self._load(env)
        return following.measure(env, self.rollouts, self.seconds)

    def _dashboard(self, env: Env) -> Iterator[Row]:
        self._load(env)
        return dashboard.measure(env, self.rollouts, self.seconds)

    def _load(self, env: Env) -> None:
        if not self.loaded:
            say(f"loading {self.rollouts} rollouts")
            do(env, "sandbox", "load", f"fleet:{self.rollouts}")
            calm(env)
            self.loaded = True


def main() -> int:
    """Runs it all; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=24_000, help="size of the fleet")
    parser.add_argument("--seconds", type=int, default=30, help="how long changes are followed")
    parser.add_argument("--only", nargs="*", metavar="PART", help="just these parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    parts = _Parts(options.rollouts, options.seconds).all
    chosen = options.only or list(parts)
    unknown = sorted(set(chosen) - set(parts))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; known: {', '.join(parts)}")
    rows: list[Row] = []
    failed = False
    with _sandbox() as env:
        for part, measure in parts.items():
            if part in chosen:
                say(part)
                try:
                    rows += measure(env)
                except RuntimeError as error:
                    # What was measured before is not lost.
                    say(f"{part} failed: {error}")
                    failed = True
    print(markdown(rows))
    if options.json is not None:
        options.json.write_text(as_json(rows) + "\n")
    missed = [row for row in rows if row.bar is not None and (row.ratio or 0.0) > row.bar]
    for row in missed:
        say(f"over its bar: {row.what}")
    return 1 if missed or failed else 0


@contextlib.contextmanager
def _sandbox() -> Iterator[Env]:
    """The variables of a shell that uses a new sandbox, which ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"XDG_STATE_HOME": folder, "XDG_CACHE_HOME": f"{folder}/cache", "HOME": folder}
        env = {**os.environ, **places}
        do(env, "sandbox", "up")
        try:
            yield {**env, "KUBECONFIG": do(env, "sandbox", "kubeconfig").strip()}
        finally:
            do(env, "sandbox", "down")


if __name__ == "__main__":
    sys.exit(main())
