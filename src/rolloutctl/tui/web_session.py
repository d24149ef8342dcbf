"""The process behind one open page: started with it, ended with it, whatever happens to either."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

_PATIENCE = 3.0
"""Seconds for a process to end when asked to, and again when told to."""

_BEGUN = b"__GANGLION__\n"
"""What Textual's driver for the web says first."""

_OF_TEXTUAL = (
    *("TEXTUAL_DRIVER", "TEXTUAL_FPS", "TEXTUAL_COLOR_SYSTEM"),
    *("TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLUMNS", "ROWS"),
)
_KEPT = 16 * 1024
"""Bytes of what a process complains of; the last ones say why it ended."""


class Session(AppService):
    """textual-serve's, with a process that is really gone at the end.

    It runs without a shell, in a group of its own: a Ctrl-C in the terminal of the server is the
    server's, which then ends its pages one after the other. Only the user's own variables and
    Textual's reach it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        tell: Callable[[str], None],
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
        download_manager: DownloadManager,
    ) -> None:
        super().__init__(
            "",
            write_bytes=write_bytes,
            write_str=write_str,
            close=close,
            download_manager=download_manager,
        )
        self._argv = argv
        self._surroundings = env
        self._tell = tell

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        added = super()._build_environment(width, height)
        return {**self._surroundings, **{name: added[name] for name in _OF_TEXTUAL}}

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = self._process.stdin
        return self._process

    async def run(self) -> None:
        """Brings the page what the process draws, until the process has ended."""
        process = self._process
        assert process is not None and process.stdout is not None and process.stderr is not None
        errors = asyncio.create_task(_last(process.stderr))
        try:
            began = await self._begins(process.stdout)
            if began:
                await self._bring(process.stdout)
            await process.wait()
            said = (await errors).decode("utf-8", "replace").strip()
        finally:
            errors.cancel()
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
        if said:
            await self._report(said)
        if began:
            # One that has not begun has said why: the page would lay "Session ended" over that.
            await self.remote_close()

    async def _begins(self, stdout: asyncio.StreamReader) -> bool:
        while line := await stdout.readline():
            if line == _BEGUN:
                return True
        return False

    async def _bring(self, stdout: asyncio.StreamReader) -> None:
        to = {b"D": self.on_data, b"M": self.on_meta, b"P": self.on_packed}
        listening = True
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                kind = await stdout.readexactly(1)
                payload = await stdout.readexactly(
                    int.from_bytes(await stdout.readexactly(4), "big")
                )
                # What nobody looks at is still read: a process that cannot write cannot end.
                if listening:
                    try:
                        await to[kind](payload)
                    except ConnectionError:
                        listening = False

    async def _report(self, said: str) -> None:
        """Why the process ended, to the terminal of the server and to the page."""
        lines = ["".join(c for c in line if c.isprintable()) for line in said.splitlines()]
        self._tell("\n".join(lines))
        with contextlib.suppress(ConnectionError):
            await self.on_data("\r\n".join(["", *lines, ""]).encode())

    async def stop(self) -> None:
        """Ends the process, the sooner the less it resists, and waits until it is gone."""
        process, task = self._process, self._task
        if process is None or task is None:
            return
        self._task = None
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        try:
            # One that reads nothing does not take this either.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.send_meta({"type": "quit"}), _PATIENCE)
            await asyncio.wait([task], timeout=_PATIENCE)
            if not task.done():
                _signal(process, signal.SIGTERM)
                await asyncio.wait([task], timeout=_PATIENCE)
        finally:
            if not task.done():
                _signal(process, signal.SIGKILL)
        await task


async def _last(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while data := await stream.read(_KEPT):
        kept = (kept + data)[-_KEPT:]
    return kept


def _signal(process: Process, number: signal.Signals) -> None:
    """To the process and what it has started; they are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
