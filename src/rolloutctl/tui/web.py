"""The dashboard in a browser: textual-serve's script and protocol, for whoever holds the token.

Each open page is a process of its own, `command`, that lives as long as the page's websocket. The
token is the first part of every path and never a cookie: cookies know no ports, so a browser would
hand one to whatever else listens on this machine. A page reloads by its own address.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hmac
import signal
import socket
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import textual_serve
from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler
from textual_serve.server import Server, to_int

from rolloutctl.errors import Failed
from rolloutctl.tui.web_page import TITLE, page
from rolloutctl.tui.web_session import Session

HOST = "127.0.0.1"
_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FILES = Path(textual_serve.__file__).parent
_ENDING = 10.0
"""Seconds for all pages' processes to end in; a session needs less."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from another site, which would learn that the page was opened."""


def serve(
    command: Sequence[str],
    *,
    port: int,
    token: str,
    env: Mapping[str, str],
    announce: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    """Serves `command`, a Textual application, until SIGINT, SIGTERM or SIGHUP.

    `port` 0 takes a free one. `announce` is called once with the address, when it answers; `tell`
    with what a process says that could not go on. Raises RolloutctlError when the port cannot be
    had.
    """
    asyncio.run(_until_asked(command, port, token, env, announce, tell))


async def _until_asked(
    command: Sequence[str],
    port: int,
    token: str,
    env: Mapping[str, str],
    announce: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What nohup or a shell's background job ignores stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, asked.set)
    async with serving(command, port=port, token=token, env=env, tell=tell) as address:
        announce(address)
        await asked.wait()


@contextlib.asynccontextmanager
async def serving(
    command: Sequence[str],
    *,
    port: int,
    token: str,
    env: Mapping[str, str],
    tell: Callable[[str], None],
) -> AsyncIterator[str]:
    """Serves inside the block; gives the address. Raises RolloutctlError."""
    if not token:
        raise ValueError("without a token everybody on this machine would be let in")
    listener = _listen(port)
    pages = Pages(command, token, env, tell)
    runner = web.AppRunner(pages.application(), access_log=None, shutdown_timeout=_ENDING)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
        yield f"http://{HOST}:{listener.getsockname()[1]}/{token}/"
    finally:
        await runner.cleanup()
        listener.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=128)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        why = "is in use" if in_use else f"cannot be used: {error.strerror or error}"
        raise Failed(
            f"port {port} of {HOST} {why}",
            hint="give another one with --port; without it a free one is chosen",
        ) from error


class Pages(Server):
    """textual-serve's server with a guard before everything it serves."""

    def __init__(
        self,
        command: Sequence[str],
        token: str,
        env: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(TITLE, host=HOST)
        self._argv = tuple(command)
        self._token = token.encode()
        self._env = env
        self._tell = tell
        self._open: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    def application(self) -> web.Application:
        """What aiohttp serves."""

        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/{token}/", self.page),
                web.get("/{token}/ws", self.handle_websocket),
                web.get("/{token}/static/{path:.+}", self.file),
            ]
        )
        app.on_response_prepare.append(_protect)
        app.on_shutdown.append(self.on_shutdown)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Before everything, also before a path turns out not to exist."""
        # A name that another site's owner points at this machine is not one of ours.
        if _name(request.host) not in _NAMES:
            raise web.HTTPForbidden(text="this host is not served here\n")
        given = request.path.split("/", 2)[1].encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._token):
            raise web.HTTPForbidden(
                text="the access token is missing or wrong: open the address that "
                "rolloutctl dashboard --web has printed\n"
            )
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="another site's page is not let in\n")
        return await handler(request)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page, by the name of this machine that it is asked by: its origin has that name."""
        base = f"/{request.match_info['token']}/"
        size = to_int(request.query.get("fontsize", "16"), 16)
        text = page(base, f"ws://{request.host}{base}ws", size)
        return web.Response(text=text, content_type="text/html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """One of the files that the page needs."""
        folder = _FILES / "static"
        path = (folder / request.match_info["path"]).resolve()
        if not (path.is_relative_to(folder.resolve()) and path.is_file()):
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A page's connection: its process lives as long as that."""
        if "Origin" not in request.headers:
            raise web.HTTPForbidden(text="only the page itself is let in\n")
        websocket = web.WebSocketResponse(heartbeat=15)
        await websocket.prepare(request)
        self._open.add(websocket)
        session = Session(
            self._argv,
            self._env,
            tell=self._tell,
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=_closing(websocket),
            download_manager=self.download_manager,
        )
        try:
            await session.start(
                to_int(request.query.get("width", "80"), 80),
                to_int(request.query.get("height", "24"), 24),
            )
            await self._process_messages(websocket, session)
        finally:
            await session.stop()
        return websocket

    async def on_shutdown(self, app: web.Application) -> None:
        """Every page is told; the end of its connection ends its process."""
        pages = list(self._open)
        closing = (page.close(code=WSCloseCode.GOING_AWAY, message=b"ended") for page in pages)
        await asyncio.gather(*closing)


def _name(host: str) -> str:
    """The name in a Host header, without its port: "[::1]" of "[::1]:8000"."""
    name, colon, port = host.rpartition(":")
    return (name if colon and (port.isdigit() or not port) else host).lower()


def _closing(websocket: web.WebSocketResponse) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await websocket.close()

    return close


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    host = request.host if _name(request.host) in _NAMES else HOST
    response.headers["Content-Security-Policy"] = _POLICY.format(host=host)
