"""Reading the logs of a sandbox: the end of one, and what is added to it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log; none when there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400 * lines))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:] if lines else []


def follow(
    path: Path, *, pause: Callable[[float], None] = time.sleep
) -> Generator[str, None, None]:
    """Lines added to a log from now on, through its rotations, for ever."""
    file = None
    try:
        with contextlib.suppress(OSError):
            file = path.open(encoding="utf-8", errors="replace")
            file.seek(0, os.SEEK_END)
        rest = ""
        while True:
            text = file.read() if file is not None else ""
            if text:
                *whole, rest = (rest + text).split("\n")
                yield from whole
                continue
            with contextlib.suppress(OSError):
                present = path.stat().st_ino
                if file is None or os.fstat(file.fileno()).st_ino != present:
                    if file is not None:
                        file.close()
                    file = path.open(encoding="utf-8", errors="replace")
                    continue
            pause(0.2)
    finally:
        if file is not None:
            file.close()
