"""The lines a shell evaluates."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from rolloutctl.cli.shells import ShellKind, assign, current, evaluate, remove

NASTY = '/home/o\'brien/$(touch x) `y` "z"\\/config'


@pytest.mark.parametrize(
    ("env", "shell"),
    [
        ({"SHELL": "/bin/bash"}, ShellKind.BASH),
        ({"SHELL": "/usr/bin/fish"}, ShellKind.FISH),
        ({"SHELL": "/opt/zsh"}, ShellKind.ZSH),
        ({"SHELL": "/bin/oddsh"}, ShellKind.SH),
        ({}, ShellKind.SH),
        ({"PSModulePath": "x"}, ShellKind.POWERSHELL),
        ({"SHELL": "/bin/bash", "PSModulePath": "x"}, ShellKind.BASH),
    ],
)
def test_the_shell_is_the_users(env: dict[str, str], shell: ShellKind) -> None:
    assert current(env) is shell


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_gets_exactly_the_path_and_runs_nothing_of_it(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    kind = ShellKind(shell)
    script = "\n".join(
        [
            assign(kind, "KUBECONFIG", NASTY),
            "printenv KUBECONFIG",
            remove(kind, "KUBECONFIG"),
            "printenv KUBECONFIG; true",
        ]
    )
    done = subprocess.run([program, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == NASTY + "\n"


@pytest.mark.parametrize(
    ("shell", "set_line", "unset_line", "use"),
    [
        (ShellKind.SH, "export K='/a b'", "unset K", 'eval "$(x env)"'),
        (ShellKind.FISH, "set -gx K '/a b'", "set -e K", "x env | source"),
        (
            ShellKind.POWERSHELL,
            "$Env:K = '/a b'",
            "Remove-Item Env:K -ErrorAction SilentlyContinue",
            "x env | Out-String | Invoke-Expression",
        ),
    ],
)
def test_each_notation(shell: ShellKind, set_line: str, unset_line: str, use: str) -> None:
    assert assign(shell, "K", "/a b") == set_line
    assert remove(shell, "K") == unset_line
    assert evaluate(shell, "x env") == use


def test_powershell_quotes_are_doubled() -> None:
    assert assign(ShellKind.POWERSHELL, "K", "o'b") == "$Env:K = 'o''b'"
