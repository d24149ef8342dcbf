"""A user's shell: the installed program and kubectl, as processes of their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import forked

ROLLOUTCTL = str(Path(sys.executable).with_name("rolloutctl"))
SPEED = 10


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Shell:
    """A user's shell: variables, a folder to stand in, a namespace of this test's own."""

    env: dict[str, str]
    folder: Path
    namespace: str = "default"
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *argv: str, stdin: str = "", timeout: float = 60, **env: str) -> Ended:
        """Runs a program to its end; the tool itself without starting it anew (see forked)."""
        surroundings = {**self.env, **env}
        if argv[0] == ROLLOUTCTL:
            done = forked.run(argv, env=surroundings, cwd=self.folder, stdin=stdin, timeout=timeout)
            return Ended(done.returncode, done.stdout, done.stderr)
        done = subprocess.run(
            argv,
            env=surroundings,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def rolloutctl(self, *argv: str, **settings: Any) -> Ended:
        """Runs the tool in this test's namespace."""
        return self.run(ROLLOUTCTL, "-n", self.namespace, *argv, **settings)

    def kubectl(self, *argv: str, **settings: Any) -> Ended:
        """Runs kubectl in this test's namespace; the test is skipped where there is none."""
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not installed")
        return self.run("kubectl", "-n", self.namespace, *argv, **settings)

    def kubectl_until(self, last: str, *argv: str) -> str:
        """What kubectl prints until a line, and is then ended."""
        command = ["kubectl", "-n", self.namespace, *argv]
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            found = ""
            for line in process.stdout:
                found += line
                if line.rstrip("\n") == last:
                    break
            process.kill()
        return found

    def needs_kubectl(self, minor: int) -> None:
        """Skips the test where kubectl is missing or older than 1.`minor`."""
        version = self.kubectl("version", "--client", "-o", "json").json["clientVersion"]
        if int(re.sub(r"\D", "", version["minor"])) < minor:
            pytest.skip(f"kubectl is {version['gitVersion']}, this needs 1.{minor}")

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Starts a program, the tool too, that goes on; it is ended with the test."""
        process = subprocess.Popen(
            argv,
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def load(self, *documents: dict[str, Any]) -> None:
        """Creates objects in the sandbox."""
        path = self.folder / f"{uuid.uuid4().hex}.yaml"
        path.write_text(yaml.safe_dump_all(documents))
        done = self.run(ROLLOUTCTL, "sandbox", "load", str(path))
        assert done.code == 0, done.stderr

    def rollout(self, name: str, *steps: dict[str, Any], replicas: int = 2, **spec: Any) -> None:
        """A healthy rollout at v1 with these canary steps."""
        self.load(manifest(self.namespace, name, *steps, replicas=replicas, **spec))
        done = self.rolloutctl("status", name, "--wait", "--timeout", "30s")
        assert done.code == 0, done.stdout + done.stderr

    def ship(self, name: str, tag: str) -> None:
        """Somebody's pipeline sets a new image."""
        from rolloutctl import kube
        from rolloutctl.domain.cluster import ROLLOUTS, Change

        cluster = kube.connect(
            kubeconfig=None,
            context=None,
            namespace=None,
            impersonate=None,
            request_timeout=None,
            env=self.env,
        )
        path = "/spec/template/spec/containers/0/image"
        operation = {"op": "replace", "path": path, "value": f"demo:{tag}"}
        cluster.apply(Change(ROLLOUTS, self.namespace, name, "", (operation,)))

    def until(self, name: str, state: str, timeout: str = "30s") -> Ended:
        """Follows a rollout with the tool itself."""
        done = self.rolloutctl("watch", name, "--until", state, "--timeout", timeout)
        assert done.code == 0, done.stdout + done.stderr
        return done

    def facts(self, name: str) -> Any:
        """What `get -o json` says."""
        done = self.rolloutctl("get", name, "-o", "json")
        assert done.code == 0, done.stderr
        return done.json


def manifest(
    namespace: str, name: str, *steps: dict[str, Any], replicas: int = 2, **spec: Any
) -> dict[str, Any]:
    """A canary rollout of `demo:v1`."""
    labels = {"app": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
            },
            "strategy": {"canary": {"steps": list(steps)}},
            **spec,
        },
    }


def plugin(returns: str = "Successful", **config: Any) -> dict[str, Any]:
    """A step that calls the plugin the recordings were made with."""
    return {"plugin": {"name": "step/e2e-test", "config": {"return": returns, **config}}}


def eventually(holds: Callable[[], bool], within: float = 20.0) -> None:
    """Waits for a condition of a process that offers nothing to wait on."""
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
