"""`--timings`: what the time of one invocation went into, on stderr when all else is said."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from rolloutctl.cli.run import Run


def tell(run: Run) -> None:
    """Says it. Nothing goes wrong when nobody reads it any more."""
    from rolloutctl.render.views.timings import timings_lines

    now = time.perf_counter()
    # A program inside another one (tests) did not begin when its process did.
    whole = None if run.environment.captured else process_age()
    total = now - run.began if whole is None else whole
    start = None if whole is None else whole - (now - (run.commanded or now))
    # By name: they were opened side by side.
    opened = sorted(run.opened, key=lambda cluster: cluster.name)
    clusters = {cluster.name: cluster.timings() for cluster in opened}
    with contextlib.suppress(OSError, ValueError):
        run.note(timings_lines(clusters, start=start, total=total))


def process_age() -> float | None:
    """Seconds since this process began, to a hundredth; None where the system does not say."""
    try:
        stat = Path("/proc/self/stat").read_text()
        # The name of the program stands in parentheses, and may hold anything.
        ticks = int(stat.rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
