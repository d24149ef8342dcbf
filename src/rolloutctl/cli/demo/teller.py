"""Tells the story: starts a sandbox of its own, runs each command in this process, cleans up."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import FrameType

from rolloutctl.cli.demo.story import CHECKOUT, STORY, Beat
from rolloutctl.cli.environment import Environment
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, Failed
from rolloutctl.render.text import Line, Span

_PACKAGE = "rolloutctl.cli.demo"


def tell(environment: Environment, *, speed: float) -> ExitCode:
    """Plays STORY. Returns OK, or FAILED when a command ended otherwise than it should.

    Raises Interrupted (through KeyboardInterrupt) after cleaning up.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rolloutctl-demo-") as folder, _terminable():
        home = Path(folder)
        teller = _Teller(_own(environment, home), folder)
        try:
            teller.play(Beat("A cluster of its own, in memory, with Jenkins.", _up(speed)))
            with resources.as_file(resources.files(_PACKAGE) / "checkout.yaml") as manifest:
                teller.play(Beat("", ("sandbox", "load", str(manifest))))
            teller.play(Beat("", ("status", *CHECKOUT, "--wait", "--timeout", "60s")))
            for beat in STORY:
                teller.play(beat)
        finally:
            teller.play(Beat("And it is gone again.", ("sandbox", "down")))
    teller.narrate(f"That was the story, in {time.monotonic() - start:.0f} s.")
    return ExitCode.OK


def _up(speed: float) -> tuple[str, ...]:
    return ("sandbox", "up", "--speed", f"{speed:g}")


def _own(environment: Environment, home: Path) -> Environment:
    """The same streams, but state, cache and kubeconfig of the story's own."""
    from rolloutctl.sandbox.state import place

    variables: dict[str, str] = {
        **environment.env,
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    variables["KUBECONFIG"] = str(place(variables).kubeconfig)
    return dataclasses.replace(environment, env=variables, captured=False)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end the story as Ctrl-C does, so that nothing is left behind."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever runs us looks after signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Teller:
    def __init__(self, environment: Environment, folder: str) -> None:
        self.environment = environment
        self.folder = folder

    def narrate(self, text: str) -> None:
        lines: list[Line] = [(), (Span(text, "accent"),)]
        Run(self.environment).emit(lines)

    def play(self, beat: Beat) -> None:
        """Runs one beat. Raises Failed when it did not end as the story says."""
        from rolloutctl.cli.main import main

        if beat.say:
            self.narrate(beat.say)
        if beat.deploy:
            self._deploy(beat.deploy)
        argv = [word.replace("{folder}", self.folder) for word in beat.argv]
        Run(self.environment).emit([(Span("$ rolloutctl " + " ".join(argv), "strong"),)])
        code = main(argv, self.environment)
        if code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code != beat.expect:
            raise Failed(
                f"the story broke: rolloutctl {' '.join(argv)} ended with exit code {code},"
                f" not {int(beat.expect)}",
                hint="rolloutctl demo --speed 1 gives a slow machine more time",
            )

    def _deploy(self, image: str) -> None:
        """What somebody's pipeline would do: a new image in the pod template."""
        from rolloutctl.domain.cluster import ROLLOUTS, Change

        Run(self.environment).emit([(Span(f"  (somebody ships {image})", "dim"),)])
        operation = {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/image",
            "value": image,
        }
        cluster = Run(self.environment).cluster()
        cluster.apply(Change(ROLLOUTS, "shop", "checkout", "", (operation,)))
