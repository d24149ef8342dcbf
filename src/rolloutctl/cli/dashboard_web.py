"""`rolloutctl dashboard --web`: the same dashboard, each open page a run of this program."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rolloutctl.cli.dashboard import Asked, setup
from rolloutctl.cli.run import Common, Run
from rolloutctl.errors import ExitCode

_PROGRAM = (sys.executable, "-P", "-c", "from rolloutctl.cli.main import run; run()")

_LOOK = 1.0
"""Seconds between two looks at whether the server lives."""


@dataclass(frozen=True)
class Web:
    """How it is served."""

    port: int
    allow_changes: bool
    open: bool


def serve(run: Run, asked: Asked, how: Web) -> ExitCode:
    """Serves the dashboard until Ctrl-C; its address is what is printed.

    Raises UsageError, what opening the only cluster raises, and Failed for a port in use.
    """
    import secrets

    common = arguments(run.common)
    # What is wrong with the command line or the kubeconfig is said here, not on each page.
    setup(run, asked)
    from rolloutctl.tui import web

    read_only = run.common.read_only or not how.allow_changes

    def announce(address: str) -> None:
        run.note("Serving the dashboard to whoever has this address; Ctrl-C ends it.")
        if not how.allow_changes:
            run.note("It is read-only; --allow-changes lets its pages change rollouts.")
        run.out(address)
        if how.open:
            _open(run, address)

    web.serve(
        [*_PROGRAM, *common, *(["--read-only"] if read_only else []), *_asked(asked)],
        port=how.port,
        token=secrets.token_urlsafe(32),
        env=run.environment.env,
        announce=announce,
        tell=run.note,
    )
    return ExitCode.OK


def served(env: Mapping[str, str]) -> bool:
    """Whether this process is behind a page: then Textual speaks to that, not to a terminal."""
    return env.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver:")


def end_with_the_server() -> None:
    """Ends this process when the one that serves it is gone without a word, killed for instance.

    Textual does not mind that its input has ended, and would keep watching for nobody.
    """
    import os
    import threading
    import time

    server = os.getppid()

    def look() -> None:
        while os.getppid() == server:
            time.sleep(_LOOK)
        os._exit(ExitCode.INTERRUPTED)

    threading.Thread(target=look, name="server", daemon=True).start()


def arguments(common: Common) -> list[str]:
    """The common options once more, for another run; without what only concerns the output."""
    found = [f"--context={name}" for name in common.context]
    for option, value in (
        ("--namespace", common.namespace),
        ("--kubeconfig", common.kubeconfig),
        ("--as", common.impersonate),
    ):
        if value is not None:
            found.append(f"{option}={value}")
    if common.request_timeout is not None:
        found.append(f"--request-timeout={common.request_timeout}")
    for option, on in (
        ("--all-namespaces", common.all_namespaces),
        ("--all-contexts", common.all_contexts),
        ("--no-color", common.no_color),
    ):
        if on:
            found.append(option)
    return found


def _asked(asked: Asked) -> list[str]:
    selector = [f"--selector={asked.selector}"] if asked.selector else []
    fresh = ["--fresh"] if asked.fresh else []
    return ["dashboard", *selector, *fresh, "--", *([asked.query] if asked.query else [])]


def _open(run: Run, address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        run.note("No browser could be opened.")
