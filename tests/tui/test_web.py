"""The dashboard in a browser, without one: who is let in, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from rolloutctl.errors import Failed
from rolloutctl.tui import web
from support.shell import eventually
from support.web import ENV, alive, tiny, until

TOKEN = "s3cret-t0ken"


@dataclass
class Served:
    """A server, a browser without rules of its own, and what the server has told."""

    address: str
    client: aiohttp.ClientSession
    told: list[str]

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.client.get(self.origin + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def refused(self, path: str, **headers: str) -> int:
        """The status of a websocket that is not opened."""
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with self.client.ws_connect(self.origin + path, headers=headers):
                pass
        return refused.value.status

    def socket(self, **query: str) -> contextlib.AbstractAsyncContextManager[Socket]:
        url = f"{self.address}ws?" + "&".join(f"{k}={v}" for k, v in query.items())
        return self.client.ws_connect(url, origin=self.origin)


Socket = aiohttp.ClientWebSocketResponse


@contextlib.asynccontextmanager
async def served(command: Sequence[str]) -> AsyncIterator[Served]:
    told: list[str] = []
    async with (
        web.serving(command, port=0, token=TOKEN, env=ENV, tell=told.append) as address,
        aiohttp.ClientSession() as client,
    ):
        yield Served(address, client, told)


async def shown(page: Socket, wanted: str) -> None:
    """Reads what is drawn until it has `wanted` in it, then asks for more as a browser would."""
    seen = ""
    async with asyncio.timeout(30):
        while wanted not in seen:
            message = await page.receive()
            assert message.type == aiohttp.WSMsgType.BINARY, (message, seen)
            seen += message.data.decode()


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def test_the_address_has_the_token_and_only_this_machine_reaches_it(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            assert here.address == f"{here.origin}/{TOKEN}/"
            assert urlsplit(here.address).hostname == "127.0.0.1"
            status, page = await here.get(f"/{TOKEN}/")
            assert status == 200
            assert f'src="/{TOKEN}/static/js/textual.js"' in page
            assert f'url="ws{here.address.removeprefix("http")}ws"' in page
            assert "<title>rolloutctl dashboard</title>" in page
            assert "https://" not in page, "the page asks another site for something"

    asyncio.run(story())


@pytest.mark.parametrize(
    "path",
    ["/", "/wrong/", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", "//", "/%00/", "/%ff/", f"/x/../x{TOKEN}/"],
)
@pytest.mark.parametrize("below", ["", "ws", "static/js/textual.js", "nothing"])
def test_without_the_token_nothing_is_served(path: str, below: str, pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            status, text = await here.get(path + below)
            assert status == 403
            assert "token" in text and TOKEN not in text
            assert await here.refused(path + "ws", Origin=here.origin) == 403
        assert not pids.exists()

    asyncio.run(story())


def test_the_token_in_a_query_or_a_cookie_is_none(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            status, _ = await here.get(f"/?token={TOKEN}", Cookie=f"token={TOKEN}")
            assert status == 403

    asyncio.run(story())


def test_static_files_are_served_and_nothing_beside_them(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            status, script = await here.get(f"/{TOKEN}/static/js/textual.js")
            assert status == 200 and "WebSocket" in script
            for path in ("js", "nothing.js", "..%2fserver.py", "%2fetc%2fpasswd", ""):
                status, _ = await here.get(f"/{TOKEN}/static/{path}")
                assert status == 404, path

    asyncio.run(story())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_every_name_of_this_machine_is_served(host: str, pids: Path) -> None:
    """With any port: it may be another one at the near end of a tunnel."""

    async def story() -> None:
        async with served(tiny(pids)) as here:
            for port in ("", ":9000"):
                status, page = await here.get(f"/{TOKEN}/", Host=host + port)
                assert status == 200
                assert f"ws://{host}{port}/{TOKEN}/ws" in page

    asyncio.run(story())


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "::1", "0", ":"]
)
def test_another_name_that_leads_here_is_refused(host: str, pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            status, text = await here.get(f"/{TOKEN}/", Host=host)
            assert status == 403 and "token" not in text
            origin = f"http://{host}"
            assert await here.refused(f"/{TOKEN}/ws", Host=host, Origin=origin) == 403

    asyncio.run(story())


def test_another_sites_page_is_refused(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            for origin in ("http://evil.example", "null", f"{here.origin}0", "http://127.0.0.1:1"):
                assert await here.refused(f"/{TOKEN}/ws", Origin=origin) == 403, origin
                assert (await here.get(f"/{TOKEN}/", Origin=origin))[0] == 403, origin
            assert await here.refused(f"/{TOKEN}/ws") == 403
        assert not pids.exists()

    asyncio.run(story())


def test_every_answer_keeps_the_address_to_itself(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            for path in ("/", f"/{TOKEN}/", f"/{TOKEN}/static/js/textual.js", f"/{TOKEN}/nothing"):
                async with here.client.get(here.origin + path) as answer:
                    headers = answer.headers
                assert headers["Referrer-Policy"] == "no-referrer", path
                assert headers["X-Frame-Options"] == "DENY", path
                assert headers["Cache-Control"] == "no-store", path
                assert "default-src 'none'" in headers["Content-Security-Policy"], path
                assert "Set-Cookie" not in headers

    asyncio.run(story())


def test_keys_reach_the_application_and_its_process_ends_with_the_page(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here:
            async with here.socket(width="60", height="10") as page:
                await shown(page, "Hello from the tiny app")
                assert len(alive(pids)) == 1
                await page.send_json(["stdin", "x"])
                await shown(page, "Key 1: x")
            await until(lambda: not alive(pids))
            assert here.told == []

    asyncio.run(story())


def test_leaving_the_application_closes_the_page(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here, here.socket() as page:
            await shown(page, "Hello from the tiny app")
            await page.send_json(["stdin", "q"])
            async with asyncio.timeout(20):
                while (await page.receive()).type == aiohttp.WSMsgType.BINARY:
                    pass
            assert page.closed
            await until(lambda: not alive(pids))

    asyncio.run(story())


def test_a_process_that_dies_closes_its_page(pids: Path) -> None:
    async def story() -> None:
        async with served(tiny(pids)) as here, here.socket() as page:
            await shown(page, "Hello from the tiny app")
            os.kill(alive(pids)[0], signal.SIGKILL)
            async with asyncio.timeout(20):
                while (await page.receive()).type == aiohttp.WSMsgType.BINARY:
                    pass
            assert page.closed

    asyncio.run(story())


def test_two_pages_are_two_processes_and_the_end_of_the_server_ends_both(pids: Path) -> None:
    async def story() -> None:
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(aiohttp.ClientSession())
            async with web.serving(
                tiny(pids), port=0, token=TOKEN, env=ENV, tell=lambda _: None
            ) as address:
                here = Served(address, client, [])
                pages = [await stack.enter_async_context(here.socket()) for _ in range(2)]
                for page in pages:
                    await shown(page, "Hello from the tiny app")
                assert len(alive(pids)) == 2
            assert alive(pids) == []

    asyncio.run(story())


def test_a_process_that_will_not_end_is_ended(
    pids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolloutctl.tui.web_session._PATIENCE", 0.1)
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(pids)!r}, 'w').write(str(os.getpid()))\n"
        "print('__GANGLION__', flush=True)\n"
        "time.sleep(600)\n"
    )

    async def story() -> None:
        async with served([sys.executable, str(stubborn)]) as here:
            async with here.socket():
                await until(lambda: alive(pids))
            await until(lambda: not alive(pids))

    asyncio.run(story())


def test_why_a_process_could_not_begin_is_told_and_shown(tmp_path: Path) -> None:
    broken = tmp_path / "has spaces; and 'quotes'.py"
    broken.write_text("import sys; sys.exit('error: no cluster\\x1b[31m is configured')")

    async def story() -> None:
        async with served([sys.executable, str(broken)]) as here, here.socket() as page:
            await shown(page, "error: no cluster[31m is configured")
            assert here.told == ["error: no cluster[31m is configured"]

    asyncio.run(story())


def test_a_port_in_use_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failed) as failed:
            web.serve(["true"], port=port, token=TOKEN, env={}, announce=print, tell=print)
    assert failed.value.message == f"port {port} of 127.0.0.1 is in use"
    assert "--port" in failed.value.hint


def test_an_empty_token_is_never_served() -> None:
    with pytest.raises(ValueError, match="token"):
        web.serve(["true"], port=0, token="", env={}, announce=print, tell=print)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_server_and_its_pages(number: signal.Signals, pids: Path) -> None:
    program = (
        "import sys; from rolloutctl.tui import web; from support.web import ENV; "
        f"web.serve(sys.argv[1:], port=0, token={TOKEN!r}, env=ENV, "
        "announce=lambda url: print(url, flush=True), tell=print)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *tiny(pids)],
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()

        async def story() -> None:
            async with aiohttp.ClientSession() as client:
                here = Served(address, client, [])
                async with here.socket() as page:
                    await shown(page, "Hello from the tiny app")
                    server.send_signal(number)
                    async with asyncio.timeout(20):
                        while (await page.receive()).type == aiohttp.WSMsgType.BINARY:
                            pass

        asyncio.run(story())
        output, errors = server.communicate(timeout=30)
    assert (server.returncode, output, errors) == (0, "", "")
    eventually(lambda: not alive(pids))
