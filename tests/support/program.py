"""Runs the program in this process, as a user would type it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rolloutctl.cli.environment import Environment, utc_now
from rolloutctl.cli.main import main
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.fleet.snapshot import Snapshots
from rolloutctl.errors import ExitCode


@dataclass(frozen=True)
class Result:
    """What one run of the program left behind."""

    exit_code: ExitCode
    stdout: str
    stderr: str


@dataclass
class Program:
    """`program("get", "checkout")` runs it; the attributes say in which surroundings."""

    cluster: Cluster | None = None
    env: Mapping[str, str] | None = None
    now: Callable[[], datetime] = utc_now
    columns: int = 100
    terminal: bool = False
    stdin: str = ""
    snapshots: Snapshots | None = None

    def __call__(self, *argv: str) -> Result:
        settings: dict[str, Any] = {"snapshots": lambda cluster, env: self.snapshots}
        if self.cluster is not None:
            settings["connect"] = lambda **_: self.cluster
        environment = Environment.in_memory(
            stdin=self.stdin,
            env=self.env,
            now=self.now,
            columns=self.columns,
            terminal=self.terminal,
            **settings,
        )
        code = main(argv, environment)
        return Result(
            ExitCode(code),
            environment.stdout.getvalue(),  # type: ignore[attr-defined]
            environment.stderr.getvalue(),  # type: ignore[attr-defined]
        )
