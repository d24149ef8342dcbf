"""A real terminal: a living picture leaves it as it found it, however it is ended."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import rolloutctl
from rolloutctl.cli.environment import Environment
from rolloutctl.cli.living import live
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

PROGRAM = """
import sys
sys.path[:0] = {path!r}
from rolloutctl.cli.environment import Environment
from rolloutctl.cli.main import main
from support.fake_cluster import HANG, FakeCluster
from support.screens import screen

found = screen("paused canary")
cluster = FakeCluster(found.objects, later={{"rollouts": [HANG]}})
environment = Environment.real()
environment.connect = lambda **_: cluster
sys.exit(main(["watch", "demo"], environment))
"""


class Screen:
    """The program in a terminal of its own, and all it has written."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process, self.terminal = process, terminal
        self.written = b""

    def until(self, text: str) -> None:
        """Reads until `text` is there; AssertionError when it does not come."""
        end = time.monotonic() + 30
        while text.encode() not in self.written:
            assert time.monotonic() < end, self.written
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    self.written += os.read(self.terminal, 65536)
                except OSError:
                    assert text.encode() in self.written, self.written
                    return

    def ended(self) -> int:
        return self.process.wait(30)


@pytest.fixture
def watching() -> Iterator[Screen]:
    paths = [str(Path(rolloutctl.__file__).parents[1]), str(Path(__file__).parents[1])]
    terminal, inner = pty.openpty()
    # A process group of its own in this session: one without a parent there cannot be suspended.
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(path=paths)],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "LINES": "24", "COLUMNS": "80"},
        process_group=0,
    )
    os.close(inner)
    try:
        yield Screen(process, terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_cursor_is_back_when_it_is_ended(watching: Screen, number: signal.Signals) -> None:
    watching.until("until promoted")
    assert b"\x1b[?25l" in watching.written
    watching.process.send_signal(number)
    watching.until("stopped watching shop/demo")
    hidden, shown = watching.written.rfind(b"\x1b[?25l"), watching.written.rfind(b"\x1b[?25h")
    assert hidden < shown
    assert watching.ended() == ExitCode.INTERRUPTED


def test_the_cursor_is_back_while_it_is_suspended(watching: Screen) -> None:
    watching.until("until promoted")
    watching.process.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(watching.process.pid, os.WUNTRACED)[1])
    watching.until("\x1b[?25h")
    watching.written = b""
    watching.process.send_signal(signal.SIGCONT)
    watching.until("until promoted")
    # What the shell wrote meanwhile stands: the cursor does not go up into it.
    assert b"\x1b[?25l" in watching.written
    assert b"A" not in watching.written.partition(b"\x1b[?25l")[0]
    watching.process.send_signal(signal.SIGTERM)
    watching.until("stopped watching")
    assert watching.ended() == ExitCode.INTERRUPTED


def test_a_picture_is_written_whole_before_it_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment.in_memory(terminal=True)
    stopped: list[str] = []
    monkeypatch.setattr(signal, "raise_signal", lambda number: stopped.append("stopped"))
    written: list[str] = []

    def write(text: str) -> int:
        if not written:
            os.kill(os.getpid(), signal.SIGTSTP)  # Ctrl-Z in the middle of a write
        assert stopped == []
        written.append(text)
        return len(text)

    with live(Run(environment)) as draw:
        monkeypatch.setattr(environment.stdout, "write", write)
        draw(lambda rows: [])
        monkeypatch.undo()
    assert stopped == ["stopped"]
    assert len(written) == 2


@pytest.mark.parametrize("output", ["json", "yaml", "jsonl"])
def test_data_is_whole_where_only_ascii_is_expected(output: str) -> None:
    paths = [str(Path(rolloutctl.__file__).parents[1]), str(Path(__file__).parents[1])]
    code = PROGRAM.format(path=paths).replace('"watch", "demo"', f'"get", "demo", "-o", "{output}"')
    code = code.replace(
        "cluster =", 'found.objects["rollouts"][0]["status"]["message"] = "é ✓"\ncluster ='
    )
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    found = yaml.safe_load(done.stdout.decode("utf-8"))
    assert found["rollout"]["message"] == "é ✓"
