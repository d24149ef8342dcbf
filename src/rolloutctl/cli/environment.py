"""Everything a command takes from the world around the process: streams, variables, clock, cluster.

Tests hand in their own; nothing below `cli` reaches for a global.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.fleet.snapshot import Snapshots
    from rolloutctl.kube.config import Context


class Connect(Protocol):
    """Opens the cluster the user means. Raises ClusterError and its kin."""

    def __call__(
        self,
        *,
        kubeconfig: str | None,
        context: str | None,
        namespace: str | None,
        impersonate: str | None,
        as_groups: Sequence[str] = (),
        as_uid: str | None = None,
        request_timeout: float | None,
        env: Mapping[str, str],
        warn: Callable[[str], None] | None = None,
    ) -> Cluster: ...


class Contexts(Protocol):
    """The contexts of the kubeconfig, in its order. Raises ClusterError and its kin."""

    def __call__(self, *, kubeconfig: str | None, env: Mapping[str, str]) -> list[Context]: ...


class SnapshotsOf(Protocol):
    """Where lists of a cluster are kept between two runs, None for nowhere. Raises nothing."""

    def __call__(self, cluster: Cluster, *, env: Mapping[str, str]) -> Snapshots | None: ...


def contexts_of_kubeconfig(*, kubeconfig: str | None, env: Mapping[str, str]) -> list[Context]:
    """The real thing, imported only when several contexts may be meant."""
    from rolloutctl.kube import config

    return config.contexts(kubeconfig=kubeconfig, env=env)


def connect_to_cluster(
    *,
    kubeconfig: str | None,
    context: str | None,
    namespace: str | None,
    impersonate: str | None,
    as_groups: Sequence[str] = (),
    as_uid: str | None = None,
    request_timeout: float | None,
    env: Mapping[str, str],
    warn: Callable[[str], None] | None = None,
) -> Cluster:
    """The real thing, imported only when a command needs a cluster."""
    from rolloutctl import kube

    return kube.connect(
        kubeconfig=kubeconfig,
        context=context,
        namespace=namespace,
        impersonate=impersonate,
        as_groups=as_groups,
        as_uid=as_uid,
        request_timeout=request_timeout,
        env=env,
        warn=warn,
    )


def snapshots_on_disk(cluster: Cluster, *, env: Mapping[str, str]) -> Snapshots | None:
    """The real thing: lists kept in the user's cache, None where there is none."""
    from rolloutctl import kube

    return kube.snapshots(cluster, env)


def utc_now() -> datetime:
    return datetime.now(UTC)


def program_name(called: str) -> str:
    """What was typed to call a file: "kubectl rolloutctl" where kubectl has called its plugin."""
    file = called.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return "kubectl rolloutctl" if file == "kubectl-rolloutctl" else "rolloutctl"


@dataclass
class Environment:
    """The surroundings of one run of the program."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    env: Mapping[str, str]
    now: Callable[[], datetime] = utc_now
    connect: Connect = connect_to_cluster
    contexts: Contexts = contexts_of_kubeconfig
    snapshots: SnapshotsOf = snapshots_on_disk
    columns: int | None = None
    """Width of the terminal in cells; None: ask it (80 without one)."""
    captured: bool = field(default=False)
    """Whether text written by libraries to sys.stdout must be led into `stdout` (tests)."""
    program: str = "rolloutctl"
    """What a person types to call it."""

    @classmethod
    def real(cls) -> Environment:
        called = program_name(sys.argv[0])
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ, program=called)

    @classmethod
    def in_memory(
        cls,
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = utc_now,
        connect: Connect = connect_to_cluster,
        contexts: Contexts = contexts_of_kubeconfig,
        snapshots: SnapshotsOf = snapshots_on_disk,
        columns: int = 100,
        terminal: bool = False,
    ) -> Environment:
        """For tests: streams that keep what is written; `terminal` makes them claim to be one."""
        kind = _Terminal if terminal else io.StringIO
        return cls(
            kind(stdin),
            kind(),
            kind(),
            env or {},
            now=now,
            connect=connect,
            contexts=contexts,
            snapshots=snapshots,
            columns=columns,
            captured=True,
        )

    @property
    def width(self) -> int:
        """Cells of a line on stdout."""
        if self.columns is not None:
            return self.columns
        text = self.env.get("COLUMNS", "")
        if text.isdigit() and int(text) > 0:
            return int(text)
        if not self.stdout.isatty():
            return 80
        return shutil.get_terminal_size((80, 24)).columns

    @property
    def unicode(self) -> bool:
        """Whether stdout can print more than ASCII."""
        if self.captured:
            return True
        return "utf" in (getattr(self.stdout, "encoding", None) or "ascii").lower()

    def colour(self, stream: TextIO, *, wanted: bool = True) -> bool:
        """Whether `stream` may be coloured: a terminal, and nobody asked to leave it."""
        if not wanted or self.env.get("NO_COLOR") or self.env.get("TERM") == "dumb":
            return False
        return stream.isatty()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
