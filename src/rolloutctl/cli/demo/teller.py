"""Tells the story: starts a sandbox of its own, runs each command in this process, cleans up."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any

from rolloutctl.cli.demo.story import CHECKOUT, STORY, Beat
from rolloutctl.cli.environment import Environment
from rolloutctl.cli.run import ReaderGone, Run
from rolloutctl.errors import ExitCode, Failed
from rolloutctl.render.text import Line, Span

_PACKAGE = "rolloutctl.cli.demo"
_MEASURE = 88
"""Cells of a line of narration: no more than the eye likes."""


def tell(environment: Environment, *, speed: float, pace: float) -> ExitCode:
    """Plays STORY, resting `pace` seconds before each part of it. Returns OK.

    Raises Failed when a command ended otherwise than it should, and KeyboardInterrupt; whatever
    happens, the sandbox is ended and the folder removed first.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rolloutctl-demo-") as folder, _terminable():
        home = Path(folder)
        teller = _Teller(_own(environment, home), folder, pace)
        last = "It ends here, and nothing is left behind."
        try:
            manifest = home / "checkout.yaml"
            manifest.write_bytes((resources.files(_PACKAGE) / "checkout.yaml").read_bytes())
            teller.play(Beat("A cluster of its own, in memory, with Jenkins.", _up(speed)))
            teller.play(Beat("", ("sandbox", "load", str(manifest))))
            teller.play(Beat("", ("status", *CHECKOUT, "--wait", "--timeout", "60s")))
            for beat in STORY:
                teller.rest(beat)
                teller.play(beat)
            last = "That was the story. Its cluster goes as it came."
        finally:
            with _undisturbed():
                teller.end(last)
    teller.narrate(
        f"It took {time.monotonic() - start:.0f} s. A sandbox of your own: rolloutctl sandbox up"
    )
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


_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)


def _terminable() -> contextlib.AbstractContextManager[None]:
    """Lets SIGTERM and a closed terminal end the story as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    return _handling(stop, _SIGNALS[:-1])


def _undisturbed() -> contextlib.AbstractContextManager[None]:
    """Lets the cleanup come to its end, however often somebody presses Ctrl-C."""
    return _handling(signal.SIG_IGN, _SIGNALS)


@contextlib.contextmanager
def _handling(handler: Any, signals: Sequence[int]) -> Iterator[None]:
    before = {}
    # In another thread than the first one, whoever runs us looks after signals.
    with contextlib.suppress(ValueError):
        for number in signals:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


class _Teller:
    def __init__(self, environment: Environment, folder: str, pace: float) -> None:
        self.environment = environment
        self.folder = folder
        self.pace = pace

    def rest(self, beat: Beat) -> None:
        """Time to read what stands there, before a new part of the story."""
        if beat.say and self.pace and not beat.at_once:
            time.sleep(self.pace)

    def narrate(self, text: str) -> None:
        width = min(self.environment.width, _MEASURE)
        lines: list[Line] = [()]
        lines += [(Span(line, "accent"),) for line in textwrap.wrap(text, width)]
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

    def end(self, last: str) -> None:
        """Ends the sandbox, also when there is nobody left to tell it to."""
        from rolloutctl.sandbox import process
        from rolloutctl.sandbox.state import place

        try:
            self.play(Beat(last, ("sandbox", "down")))
        except (ReaderGone, OSError):
            pass
        finally:
            process.down(place(self.environment.env))

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
