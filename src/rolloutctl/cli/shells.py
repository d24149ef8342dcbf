"""Lines a user's shell evaluates: setting and removing a variable."""

from __future__ import annotations

import enum
import shlex
from collections.abc import Mapping


class ShellKind(enum.StrEnum):
    """The notations there are; bash and zsh take the one of sh."""

    SH = "sh"
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def current(env: Mapping[str, str]) -> ShellKind:
    """The shell of the user whose environment it is, sh when nothing says so."""
    name = env.get("SHELL", "").replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    if name in set(ShellKind):
        return ShellKind(name)
    return ShellKind.POWERSHELL if not name and "PSModulePath" in env else ShellKind.SH


def assign(shell: ShellKind, name: str, value: str) -> str:
    """The line that exports the variable, its value safely quoted."""
    if shell is ShellKind.FISH:
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{quoted}'"
    if shell is ShellKind.POWERSHELL:
        quoted = value.replace("'", "''")
        return f"$Env:{name} = '{quoted}'"
    return f"export {name}={shlex.quote(value)}"


def remove(shell: ShellKind, name: str) -> str:
    """The line that removes the variable."""
    if shell is ShellKind.FISH:
        return f"set -e {name}"
    if shell is ShellKind.POWERSHELL:
        return f"Remove-Item Env:{name} -ErrorAction SilentlyContinue"
    return f"unset {name}"


def evaluate(shell: ShellKind, command: str) -> str:
    """How a user has the output of `command` evaluated."""
    if shell is ShellKind.FISH:
        return f"{command} | source"
    if shell is ShellKind.POWERSHELL:
        return f"{command} | Out-String | Invoke-Expression"
    return f'eval "$({command})"'
