"""`rolloutctl completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.completion import SHELLS, script
from rolloutctl.cli.run import Run
from rolloutctl.errors import UsageError

app = new_app()


@command(app)
def completion(
    ctx: typer.Context,
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL",
            help=f"One of {', '.join(SHELLS)}.",
            autocompletion=lambda incomplete: [s for s in SHELLS if s.startswith(incomplete)],
        ),
    ],
) -> None:
    """Print the completion script of a shell.

    The first line below belongs into ~/.bashrc, the last one into $PROFILE; zsh and fish find their
    files by themselves.

    \b
    Examples:
      source <(rolloutctl completion bash)
      rolloutctl completion zsh > "${fpath[1]}/_rolloutctl"
      rolloutctl completion fish > ~/.config/fish/completions/rolloutctl.fish
      rolloutctl completion powershell | Out-String | Invoke-Expression
    """
    if shell not in SHELLS:
        raise UsageError(f'no completion for "{shell}"', hint=f"known: {', '.join(SHELLS)}")
    Run.of(ctx).out(script(shell))
