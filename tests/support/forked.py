"""Runs of the program as processes that are forks of one which has imported it already.

A run of the installed `rolloutctl` spends most of its time on starting an interpreter and on
imports, and the tests run it hundreds of times. What is run here is the same entry point with
streams, arguments, variables and a folder of its own, in a process of its own that ends as any
other. What it does not prove is that the installed script starts, imports what it needs when it
needs it, and what Ctrl-C and SIGTERM do to it from outside: the demo, the completions, the
examples with a pipe in them, what `Shell.start` starts and tests/test_imports.py run the real one.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from support import fork_server

PIPE = 65_536
"""Bytes a pipe holds before somebody reads."""


class Forked:
    """A run of the program; the names of its members are those of subprocess.Popen."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = ""
    ) -> None:
        self.argv = list(argv)
        self.returncode: int | None = None
        data = stdin.encode()
        assert len(data) <= PIPE, "nobody reads this yet"
        (read_in, write_in), (out, write_out), (err, write_err) = (os.pipe() for _ in range(3))
        answers, write_answers = os.pipe()
        given = [read_in, write_out, write_err, write_answers]
        with os.fdopen(write_in, "wb") as pipe:
            pipe.write(data)
        try:
            request = {"argv": self.argv, "env": dict(env), "folder": str(cwd)}
            _server().ask(json.dumps(request).encode(), given)
        finally:
            for descriptor in given:
                os.close(descriptor)
        self._answers = os.fdopen(answers, "rb")
        self._streams = {out: bytearray(), err: bytearray()}
        self.pid = int(self._answers.readline())

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to stdout and to stderr, when it has ended.

        Raises subprocess.TimeoutExpired.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            for descriptor in self._streams:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                left = None if end is None else max(0.0, end - time.monotonic())
                ready = selector.select(left)
                if not ready and left is not None:
                    raise subprocess.TimeoutExpired(self.argv, timeout or 0.0)
                for key, _ in ready:
                    if part := os.read(key.fd, PIPE):
                        self._streams[key.fd] += part
                    else:
                        selector.unregister(key.fd)
        if self.returncode is None:
            self.returncode = int(self._answers.readline())
            self._answers.close()
            for descriptor in self._streams:
                os.close(descriptor)
        out, err = (text.decode() for text in self._streams.values())
        return out, err

    def kill(self) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def start(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = ""
) -> Forked | subprocess.Popen[str]:
    """Starts the program; whoever starts it must wait for it to its end."""
    if sys.platform == "linux":
        return Forked(argv, env=env, cwd=cwd, stdin=stdin)
    # The server stands on what Linux offers; elsewhere it only takes longer.
    piped = subprocess.PIPE
    process = subprocess.Popen(
        argv, env=env, cwd=cwd, stdin=piped, stdout=piped, stderr=piped, text=True
    )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.flush()
    return process


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end."""
    process = start(argv, env=env, cwd=cwd, stdin=stdin)
    try:
        out, err = process.communicate(timeout=timeout)
    except BaseException:
        process.kill()
        raise
    assert process.returncode is not None
    return subprocess.CompletedProcess(list(argv), process.returncode, out, err)


class _Server:
    """The process that forks, one per test process; it ends when its socket is closed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", fork_server.__file__],
                stdin=theirs.fileno(),
                # A Ctrl-C for the tests is not one for what they run.
                process_group=0,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "error"},
            )

    def ask(self, message: bytes, descriptors: list[int]) -> None:
        assert len(message) <= fork_server.LARGEST
        with self._one_at_a_time:
            socket.send_fds(self._control, [message], descriptors)

    def close(self) -> None:
        self._control.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.close)
    return server
