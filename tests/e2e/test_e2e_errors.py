"""Bad input and bad clusters: a clear message, the right exit code, nothing changed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from support.shell import Shell

pytestmark = pytest.mark.e2e


def kubeconfig(shell: Shell, **changes: dict[str, object]) -> str:
    """A copy of the sandbox's kubeconfig with another cluster or user in it."""
    config = yaml.safe_load(Path(shell.env["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"].update(changes.get("cluster", {}))
    config["users"][0]["user"].update(changes.get("user", {}))
    path = shell.folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


COMMANDS = [
    ["get"],
    ["get", "web"],
    ["list", "-A"],
    ["watch", "web"],
    ["status", "web"],
    ["promote", "web"],
    ["abort", "web"],
    ["retry", "web"],
    ["pause", "web"],
    ["resume", "web"],
    ["plugins", "list"],
    ["plugins", "disable", "a/b", "--reason", "x", "--yes"],
]


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_without_any_cluster_every_command_says_so(shell: Shell, argv: list[str]) -> None:
    done = shell.rolloutctl(*argv, KUBECONFIG="")
    assert done.code == 3
    assert "rolloutctl demo" in done.stderr
    assert "rolloutctl sandbox up" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("argv", COMMANDS[:2] + COMMANDS[5:6], ids=" ".join)
def test_a_wrong_token(shell: Shell, argv: list[str]) -> None:
    done = shell.rolloutctl(*argv, "--kubeconfig", kubeconfig(shell, user={"token": "wrong"}))
    assert done.code == 3
    assert "401" in done.stderr or "credentials" in done.stderr or "nauthori" in done.stderr


@pytest.mark.parametrize("argv", COMMANDS[:2] + COMMANDS[5:6], ids=" ".join)
def test_a_refused_connection(shell: Shell, argv: list[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        path = kubeconfig(shell, cluster={"server": address})
        done = shell.rolloutctl(*argv, "--kubeconfig", path)
    assert done.code == 3
    assert address in done.stderr


def test_a_broken_kubeconfig(shell: Shell) -> None:
    path = shell.folder / "broken"
    path.write_text("clusters: [")
    done = shell.rolloutctl("get", "--kubeconfig", str(path))
    assert done.code == 3
    assert str(path) in done.stderr
    missing = shell.rolloutctl("get", "--kubeconfig", str(shell.folder / "absent"))
    assert missing.code == 3
    assert "absent" in missing.stderr
    context = shell.rolloutctl("get", "--context", "nowhere")
    assert context.code == 3
    assert "nowhere" in context.stderr


def test_an_unknown_name_suggests_a_near_one(shell: Shell) -> None:
    shell.rollout("checkout", {"setWeight": 50})
    for argv in (["get"], ["status"], ["promote"], ["abort"], ["watch"]):
        done = shell.rolloutctl(*argv, "chekout")
        assert done.code == 5, done.stderr
        assert "checkout" in done.stderr + done.stdout.replace("chekout", "")


def test_an_unknown_output_format_lists_the_known_ones(shell: Shell) -> None:
    for argv in (["get"], ["list"], ["plugins", "list"]):
        done = shell.rolloutctl(*argv, "-o", "xml")
        assert done.code == 2
        assert "json" in done.stderr and "yaml" in done.stderr


def test_a_forbidden_verb_names_the_right_to_ask_for(shell: Shell) -> None:
    shell.rollout("web", {"setWeight": 50}, {"pause": {}})
    done = shell.rolloutctl("promote", "web", "--as", "nobody")
    assert done.code == 3
    assert "rollouts" in done.stderr
    assert shell.namespace in done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["get", "UPPER"],
        ["get", "svc/web"],
        ["get", "web", "-A"],
        ["list", "--phase", "Happy"],
        ["watch", "web", "--until", "nirvana"],
        ["watch", "web", "--timeout", "soon"],
        ["promote"],
        ["promote", "web", "--dry-run=maybe"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2(shell: Shell, argv: list[str]) -> None:
    done = shell.rolloutctl(*argv)
    assert done.code == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
