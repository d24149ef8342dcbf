"""Completion of `kubectl rolloutctl ...`, in the words kubectl wants it in.

kubectl 1.26 and later runs `kubectl_complete-rolloutctl` from the PATH with the words typed so far,
the last one being the word under the cursor; it wants one candidate a line, with a tab before what
describes it, and at the end a colon with a number that says what the shell may add.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys

_NO_FILES = ":4"


def run() -> None:
    """What the installed `kubectl_complete-rolloutctl` calls."""
    words = sys.argv[1:]
    begun = bool(words) and bool(words[-1])
    line = shlex.join(["rolloutctl", *(words if begun else words[:-1])])
    # The one of Typer's protocols that gives descriptions, a tab before each.
    os.environ["_ROLLOUTCTL_COMPLETE"] = "complete_fish"
    os.environ["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    os.environ["_TYPER_COMPLETE_ARGS"] = line if begun else line + " "
    from rolloutctl.cli.main import main

    with contextlib.suppress(SystemExit):
        main([])
    sys.stdout.write(_NO_FILES + "\n")
