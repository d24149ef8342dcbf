"""The installed program against a sandbox process over HTTP, as a user has them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forked
from support.shell import ROLLOUTCTL, SPEED, Shell

HASTE = 500
"""A speed at which pauses of minutes take no time."""


@contextlib.contextmanager
def sandbox(home: Path, speed: float = SPEED) -> Iterator[dict[str, str]]:
    """A running sandbox; gives the variables of a shell that uses it."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
    }

    def rolloutctl(*argv: str) -> subprocess.CompletedProcess[str]:
        return forked.run([ROLLOUTCTL, "sandbox", *argv], env=env, cwd=home)

    up = rolloutctl("up", "--speed", str(speed))
    assert up.returncode == 0, up.stderr
    try:
        yield {**env, "KUBECONFIG": rolloutctl("kubeconfig").stdout.strip()}
    finally:
        down = rolloutctl("down")
        assert down.returncode == 0, down.stderr


@contextlib.contextmanager
def namespace(env: dict[str, str], folder: Path) -> Iterator[Shell]:
    """A shell with a namespace of its own."""
    shell = Shell(env, folder, f"e2e-{uuid.uuid4().hex[:8]}")
    shell.load({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shell.namespace}})
    try:
        yield shell
    finally:
        for process in shell.started:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def sandbox_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The sandbox that tests share, one per test process."""
    with sandbox(tmp_path_factory.mktemp("home")) as env:
        yield env


@pytest.fixture(scope="session")
def hasty_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox whose pauses of minutes take no time, for what is not about their length."""
    with sandbox(tmp_path_factory.mktemp("hasty"), HASTE) as env:
        yield env


@pytest.fixture
def shell(sandbox_env: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    """A shell on the shared sandbox."""
    with namespace(sandbox_env, tmp_path) as shell:
        yield shell


@pytest.fixture
def own_shell(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Shell]:
    """A shell on a sandbox that no other test sees, for what concerns all of a cluster."""
    with (
        sandbox(tmp_path_factory.mktemp("own")) as env,
        namespace(env, tmp_path) as shell,
    ):
        yield shell


@pytest.fixture
def own_hasty_shell(tmp_path: Path) -> Iterator[Shell]:
    """The same where pauses of minutes take no time."""
    with sandbox(tmp_path, HASTE) as env, namespace(env, tmp_path) as shell:
        yield shell
