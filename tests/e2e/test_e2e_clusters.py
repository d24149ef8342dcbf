"""Several clusters: two sandboxes and one that is not there, merged as KUBECONFIG merges files."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.shell import Ended, Shell

from .conftest import namespace

pytestmark = pytest.mark.e2e


@pytest.fixture
def other(hasty_env: dict[str, str], shell: Shell, tmp_path: Path) -> Iterator[Shell]:
    """A shell on another sandbox, in a namespace that is called the same."""
    (tmp_path / "other").mkdir()
    with namespace(hasty_env, tmp_path / "other") as found:
        found.namespace = shell.namespace
        found.load({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found.namespace}})
        yield found


def renamed(shell: Shell, name: str, **cluster: object) -> str:
    """The sandbox's kubeconfig with everything in it called `name`."""
    config = yaml.safe_load(Path(shell.env["KUBECONFIG"]).read_text())
    for kind in ("clusters", "users", "contexts"):
        config[kind][0]["name"] = name
    config["contexts"][0]["context"].update(cluster=name, user=name)
    config["clusters"][0]["cluster"].update(cluster)
    path = shell.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**config, "current-context": name}))
    return str(path)


def test_three_clusters_one_of_which_is_dead(shell: Shell, other: Shell) -> None:
    shell.rollout("web")
    shell.rollout("shop")
    other.rollout("web")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        files = [
            renamed(shell, "dead", server=address),
            renamed(shell, "one"),
            renamed(other, "two"),
        ]

        def rolloutctl(*argv: str) -> Ended:
            return shell.rolloutctl(*argv, KUBECONFIG=os.pathsep.join(files))

        listed = rolloutctl("list", "--all-contexts", "-o", "json")
        assert [(row["cluster"], row["name"]) for row in listed.json["items"]] == [
            ("one", "shop"),
            ("one", "web"),
            ("two", "web"),
        ]
        assert listed.code == 1
        assert "dead: " in listed.stderr
        assert address in listed.stderr

        table = rolloutctl("list", "--context", "two,one")
        rows = [line.split()[:3] for line in table.stdout.splitlines()]
        assert rows == [
            ["CLUSTER", "NAME", "STATUS"],
            ["two", "web", "Healthy"],
            ["one", "shop", "Healthy"],
            ["one", "web", "Healthy"],
        ]
        assert table.code == 0

        status = rolloutctl("status", "shop", "--context", "one,two")
        assert status.stdout.startswith("one  Healthy")
        assert "shop is not in two" in status.stderr
        assert status.code == 0

        paused = rolloutctl("pause", "web", "--context", "one,two")
        assert paused.code == 2
        assert rolloutctl("pause", "web", "--context", "two").code == 0
        rows = rolloutctl("list", "--context", "one,two", "-o", "json").json["items"]
        assert [row["rollout"]["phase"] for row in rows] == ["Healthy", "Healthy", "Paused"]
