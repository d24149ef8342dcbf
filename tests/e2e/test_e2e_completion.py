"""Completion as the shells ask for it, with the scripts that are shipped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from support.shell import ROLLOUTCTL, Shell, plugin

pytestmark = pytest.mark.e2e
SCRIPTS = Path(__file__).parent.parent.parent / "completions"
BASH = f"""
source {SCRIPTS}/rolloutctl.bash
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_rolloutctl_completion rolloutctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(shell: Shell, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    path = f"{Path(ROLLOUTCTL).parent}:{shell.env['PATH']}"
    done = shell.run("bash", "-c", BASH, "bash", "rolloutctl", *words, PATH=path)
    assert (done.code, done.stderr) == (0, "")
    return done.stdout.split()


def test_bash_completes_commands_options_and_what_the_cluster_holds(shell: Shell) -> None:
    shell.rollout("checkout", plugin())
    shell.rollout("cart", plugin())
    assert completed(shell, "prom") == ["promote"]
    assert completed(shell, "plugins", "dis") == ["disable"]
    assert completed(shell, "promote", "--sk") == ["--skip-step"]
    assert completed(shell, "completion", "z") == ["zsh"]
    assert completed(shell, "get", "-o", "jsonl") == ["jsonl"]
    assert completed(shell, "get", "-n", shell.namespace, "ch") == ["checkout"]
    assert completed(shell, "-n", shell.namespace, "abort", "ro/c") == ["ro/cart", "ro/checkout"]
    assert completed(shell, "plugins", "disable", "step/e2e-test-") == ["step/e2e-test-disabled"]


def test_completion_is_silent_where_there_is_no_cluster(shell: Shell) -> None:
    shell.env = {**shell.env, "KUBECONFIG": str(shell.folder / "none")}
    assert completed(shell, "get", "ch") == []
    assert completed(shell, "plugins", "disable", "st") == []
    assert completed(shell, "no-such-command", "ch") == []


@pytest.mark.parametrize(
    ("name", "suffix", "variables"),
    [
        ("zsh", "zsh", {"_TYPER_COMPLETE_ARGS": "rolloutctl get ch"}),
        (
            "fish",
            "fish",
            {
                "_TYPER_COMPLETE_ARGS": "rolloutctl get ch",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
        ),
        (
            "powershell",
            "ps1",
            {
                "_TYPER_COMPLETE_ARGS": "rolloutctl get ch",
                "_TYPER_COMPLETE_WORD_TO_COMPLETE": "ch",
            },
        ),
    ],
)
def test_the_other_shells_are_answered_too(
    shell: Shell, name: str, suffix: str, variables: dict[str, str]
) -> None:
    shell.namespace = "default"
    shell.rollout("chocolate", plugin())
    settings: dict[str, Any] = {"_ROLLOUTCTL_COMPLETE": f"complete_{name}", **variables}
    done = shell.run(ROLLOUTCTL, **settings)
    assert "chocolate" in done.stdout
    assert (done.code, done.stderr) == (0, "")
    script = (SCRIPTS / f"rolloutctl.{suffix}").read_text()
    assert all(variable in script for variable in variables)


def test_kubectl_runs_the_plugin_and_completes_it(shell: Shell) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    shell.rollout("checkout", plugin())
    path = f"{Path(ROLLOUTCTL).parent}:{shell.env['PATH']}"
    done = shell.run("kubectl", "rolloutctl", "get", "-n", shell.namespace, "-o", "name", PATH=path)
    assert done.stdout == "rollout.argoproj.io/checkout\n", done.stderr
    help_ = shell.run("kubectl", "__complete", "--help", PATH=path)
    if help_.code:
        pytest.skip("this kubectl does not complete plugins")
    asked = ("__complete", "rolloutctl", "get", "-n", shell.namespace)
    done = shell.run("kubectl", *asked, "che", PATH=path)
    assert done.stdout.splitlines() == ["checkout", ":4"]
    done = shell.run("kubectl", *asked, "", PATH=path)
    assert done.stdout.splitlines() == ["checkout", ":4"]
    done = shell.run("kubectl", "__complete", "rolloutctl", "plu", PATH=path)
    assert done.stdout.splitlines()[0].startswith("plugins\t")
    done = shell.run("kubectl", "__complete", "rolloutctl", "plugins", "", PATH=path)
    *offered, last = done.stdout.splitlines()
    assert [line.partition("\t")[0] for line in offered] == [
        *("list", "show", "status", "disable", "enable")
    ]
    assert last == ":4"
