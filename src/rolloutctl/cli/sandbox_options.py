"""The options of `rolloutctl sandbox`, above all those of `up`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.options import duration

NAME = Annotated[
    str,
    typer.Option("--name", metavar="NAME", help="Which sandbox, when there are several."),
]
OUTPUT = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="[json|yaml|jsonl]", help="As data.", show_default=False
    ),
]
PORT = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=1,
        max=65535,
        help="Port of the API server; else any free one.",
    ),
]
SPEED = Annotated[
    float | None,
    typer.Option(
        "--speed",
        metavar="N",
        help="Pauses, backoffs, delays and deadlines run N times as fast.",
    ),
]
PLUGIN = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="[NAME=]PATH.py:CLASS",
        help="A step plugin of your own; may be repeated.",
    ),
]
LOAD = Annotated[
    list[str] | None,
    typer.Option(
        "--load", metavar="SCENARIO|FILE", help="Load this once it runs; may be repeated."
    ),
]
POD_READY_DELAY = Annotated[
    float | None,
    typer.Option(
        "--pod-ready-delay",
        metavar="DURATION",
        parser=duration,
        help="How long a pod takes to be ready, as 2s.",
        show_default=False,
    ),
]
MAX_REQUESTS = Annotated[
    float | None,
    typer.Option(
        "--max-requests-per-second",
        metavar="N",
        min=0.1,
        max=100_000,
        help="Answer more than this with 429 and Retry-After; /readyz is always answered.",
    ),
]
