"""The installed program against a sandbox process over HTTP, as a user has them."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.shell import ROLLOUTCTL, SPEED, Shell


@pytest.fixture(scope="session")
def sandbox_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables of a shell in which a sandbox runs, one per test process."""
    home = tmp_path_factory.mktemp("home")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
    }
    run = [ROLLOUTCTL, "sandbox", "up", "--speed", str(SPEED)]
    up = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert up.returncode == 0, up.stderr
    path = subprocess.run(
        [ROLLOUTCTL, "sandbox", "kubeconfig"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()
    yield {**env, "KUBECONFIG": path}
    down = subprocess.run(
        [ROLLOUTCTL, "sandbox", "down"], env=env, capture_output=True, timeout=60, check=False
    )
    assert down.returncode == 0, down.stderr


@pytest.fixture
def shell(sandbox_env: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    """A shell with a namespace of its own on the running sandbox."""
    shell = Shell(sandbox_env, tmp_path, f"e2e-{uuid.uuid4().hex[:8]}")
    shell.load({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shell.namespace}})
    yield shell
    for process in shell.started:
        process.kill()
        process.communicate()
