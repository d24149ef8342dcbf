"""Everything measured in one run, on a sandbox of its own.

    python -m benchmarks [--rollouts N] [--json FILE]

Prints a Markdown table; exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import fleet, startup
from benchmarks.processes import ROLLOUTCTL
from benchmarks.table import as_json, markdown

_SCENARIO, _NAMESPACE, _NAME = "paused", "shop", "checkout"


def main() -> int:
    """Runs it all; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=2000, help="size of the fleet")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    with _sandbox() as env:
        _do(env, "sandbox", "load", _SCENARIO, "-n", _NAMESPACE)
        _say("start-up")
        rows = list(startup.measure(env, _NAMESPACE, _NAME))
        _say(f"loading {options.rollouts} rollouts")
        _do(env, "sandbox", "load", f"fleet:{options.rollouts}")
        _say("listing them")
        rows += fleet.measure(env, options.rollouts)
    print(markdown(rows))
    if options.json is not None:
        options.json.write_text(as_json(rows) + "\n")
    missed = [row for row in rows if row.bar is not None and (row.ratio or 0.0) > row.bar]
    for row in missed:
        _say(f"over its bar: {row.what}")
    return 1 if missed else 0


@contextlib.contextmanager
def _sandbox() -> Iterator[Mapping[str, str]]:
    """The variables of a shell that uses a new sandbox, which ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_STATE_HOME": folder, "HOME": folder}
        _do(env, "sandbox", "up")
        try:
            config = _do(env, "sandbox", "kubeconfig").strip()
            yield {**env, "KUBECONFIG": config}
        finally:
            _do(env, "sandbox", "down")


def _do(env: Mapping[str, str], *argv: str) -> str:
    done = subprocess.run(
        [ROLLOUTCTL, *argv], env=env, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
