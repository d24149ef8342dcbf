"""Several clusters, each a context of a kubeconfig that is not there, and the program on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rolloutctl.cli.environment import Environment, utc_now
from rolloutctl.cli.main import main
from rolloutctl.domain.cluster import Cluster, Kind, Page
from rolloutctl.errors import ClusterError, ExitCode, RolloutctlError
from rolloutctl.kube.config import Context
from support.fake_cluster import FakeCluster
from support.program import Result


def rollout(name: str, namespace: str = "shop", *, phase: str = "Healthy") -> dict[str, Any]:
    """A canary as the API has it."""
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name, "generation": 1},
        "spec": {"replicas": 1, "strategy": {"canary": {"steps": []}}},
        "status": {"observedGeneration": "1", "phase": phase, "message": ""},
    }


def cluster(*names: str, namespace: str = "shop", **more: Any) -> FakeCluster:
    """One with these rollouts in its context's namespace."""
    found = {"rollouts": [rollout(name, namespace) for name in names]}
    return FakeCluster(found, namespace=namespace, **more)


class Slow(FakeCluster):
    """Answers a list when `go` is set; `asked` says that it was asked."""

    def __init__(self, *names: str) -> None:
        super().__init__({"rollouts": [rollout(name) for name in names]})
        self.go = threading.Event()
        self.asked = threading.Event()

    def pages(
        self, kind: Kind, namespace: str | None, as_type: type[Any], **more: Any
    ) -> Iterator[Page]:
        self.asked.set()
        assert self.go.wait(30)
        yield from super().pages(kind, namespace, as_type, **more)


class Dead(FakeCluster):
    """Fails at every request as `error` says."""

    def __init__(self, error: RolloutctlError) -> None:
        super().__init__({})
        self.error = error

    def _allowed(self, plural: str) -> None:
        raise self.error


class Clusters:
    """`clusters("list", "--all-contexts")` runs the program among them.

    A value that is an error is raised when the context is opened.
    """

    def __init__(
        self,
        by_context: Mapping[str, Cluster | RolloutctlError],
        *,
        contexts: list[Context] | None = None,
        columns: int = 100,
        terminal: bool = False,
        now: datetime | None = None,
    ) -> None:
        self.now = now
        self.by_context = dict(by_context)
        self.known = contexts or [Context(name) for name in by_context]
        self.columns = columns
        self.terminal = terminal
        self.opened: list[str | None] = []

    def connect(self, *, context: str | None, **_: Any) -> Cluster:
        self.opened.append(context)
        found = self.by_context.get(context or next(iter(self.by_context)))
        if found is None:
            raise ClusterError(f'no context "{context}"', hint="did you mean prod?")
        if isinstance(found, RolloutctlError):
            raise found
        return found

    def environment(self) -> Environment:
        now = self.now
        return Environment.in_memory(
            now=utc_now if now is None else lambda: now,
            connect=self.connect,
            contexts=lambda **_: list(self.known),
            columns=self.columns,
            terminal=self.terminal,
        )

    def __call__(self, *argv: str) -> Result:
        environment = self.environment()
        code = ExitCode(main(argv, environment))
        stdout, stderr = environment.stdout, environment.stderr
        return Result(code, stdout.getvalue(), stderr.getvalue())  # type: ignore[attr-defined]
