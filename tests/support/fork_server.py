"""Runs the program in forks of itself, which need not import it again. Started by forked.py.

Each request (one message on the socket that is stdin here, with four descriptors) becomes a child
that has the descriptors as its streams, and the arguments, variables and folder of the message. The
child leaves `serve` and goes on to the program's own entry point. To the fourth descriptor its pid
is written, and when it has ended its exit code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any, TextIO, cast

LARGEST = 150_000
"""Bytes of one request."""


@dataclass
class Child:
    """A program that runs: who wants to know when it ends."""

    pid: int
    answers: int


def load() -> None:
    """Imports everything the program may come to need, and starts nothing."""
    import rolloutctl

    for module in pkgutil.walk_packages(rolloutctl.__path__, "rolloutctl."):
        if not module.name.endswith((".serve", ".__main__")):
            importlib.import_module(module.name)
    # From here on nobody looks for garbage among what is shared with the children.
    gc.collect()
    gc.freeze()


def serve(control: socket.socket) -> None:
    """Forks until the other side closes; returns in each child, ready to be the program."""
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if isinstance(key.data, Child):
                selector.unregister(key.fd)
                os.close(key.fd)
                _report(key.data)
                continue
            message, received, _, _ = socket.recv_fds(control, LARGEST, 4)
            if not message:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                for held in selector.get_map().values():
                    if isinstance(held.data, Child):
                        os.close(held.fd)
                        os.close(held.data.answers)
                selector.close()
                control.close()
                _become(json.loads(message), received)
                return
            *streams, answers = received
            for stream in streams:
                os.close(stream)
            os.write(answers, f"{pid}\n".encode())
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, Child(pid, answers))


def _report(child: Child) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    try:
        os.write(child.answers, f"{code}\n".encode())
    except BrokenPipeError:
        pass  # nobody waits for it
    finally:
        os.close(child.answers)


def _become(request: dict[str, Any], received: list[int]) -> None:
    """Takes on the streams, arguments, variables and folder of a process of its own."""
    for number, descriptor in enumerate(received[:3]):
        os.dup2(descriptor, number)
    for descriptor in received:
        os.close(descriptor)
    # As an interpreter makes them where the locale is C.UTF-8.
    sys.stdin = _stream(0, "r", "surrogateescape")
    sys.stdout = _stream(1, "w", "surrogateescape")
    sys.stderr = _stream(2, "w", "backslashreplace", buffering=1)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["folder"])
    sys.argv = request["argv"]


def _stream(descriptor: int, mode: str, errors: str, buffering: int = -1) -> TextIO:
    opened = os.fdopen(descriptor, mode, buffering, encoding="utf-8", errors=errors, closefd=False)
    return cast(TextIO, opened)


def become_program() -> int:
    """The exit code of the program, in whichever way it ends."""
    from rolloutctl.cli.main import run

    try:
        run()
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return ending.code or 0
        print(ending.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(code: int) -> None:
    """What an interpreter does at its end, but for clearing each module it holds.

    Those are shared with the server: every page of them would be copied to be thrown away.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 120
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    load()
    # What came as stdin is a socket; the streams of the children come with each request.
    serve(socket.socket(fileno=os.dup(0)))
    end(become_program())
