"""One row a measurement, as Markdown and JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime


@dataclasses.dataclass(frozen=True)
class Row:
    """What was measured, against what, and the bar it should stay under (None: no bar)."""

    what: str
    value: float
    unit: str
    baseline: str = ""
    ratio: float | None = None
    bar: float | None = None


def markdown(rows: Sequence[Row]) -> str:
    """The table, with the day and the machine's size above it."""
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "",
        "| What | Measured | Baseline | Ratio | Bar |",
        "|---|---:|---|---:|---:|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        bar = "" if row.bar is None else f"{row.bar:g}"
        digits = {"s": 2, "cores": 2, "": 0}.get(row.unit, 1)
        lines.append(
            f"| {row.what} | {row.value:.{digits}f} {row.unit} | {row.baseline} | {ratio} | {bar} |"
        )
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> str:
    """The same as a JSON list."""
    return json.dumps([dataclasses.asdict(row) for row in rows], indent=2)


def say(text: str) -> None:
    """What is going on, on stderr."""
    print(f"… {text}", file=sys.stderr, flush=True)
