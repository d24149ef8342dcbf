"""The dashboard in a real browser: headless Chromium opens what is served."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from rolloutctl.tui import web
from support.browser import chromium
from support.shell import ROLLOUTCTL, Shell
from support.web import ENV, alive, tiny, until

pytestmark = pytest.mark.e2e


def test_leaving_it_in_the_browser_offers_to_start_it_again(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def story() -> None:
        async with (
            web.serving(tiny(pids), port=0, token="t0ken", env=ENV, tell=print) as address,
            chromium(tmp_path) as page,
        ):
            await page.open(address)
            await page.says("Hello from the tiny app")
            await page.press("q")
            link = "document.querySelector('.said a')"
            await page.holds(f"{link}.checkVisibility()")
            await until(lambda: not alive(pids))
            await page.evaluate(f"{link}.click()")
            await page.says("Hello from the tiny app")

    asyncio.run(story())


def paused(shell: Shell) -> None:
    """A rollout that waits for a person at its second of four steps."""
    shell.rollout("checkout", {"setWeight": 50}, {"pause": {}}, {"setWeight": 80}, {"pause": {}})
    shell.ship("checkout", "v2")
    shell.until("checkout", "paused")


def step(shell: Shell) -> int:
    return int(shell.facts("checkout")["rollout"]["step"]["number"])


def dashboard(shell: Shell, *options: str) -> tuple[subprocess.Popen[str], str]:
    """The program that serves, and the address it prints."""
    server = shell.start(ROLLOUTCTL, "-n", shell.namespace, "dashboard", "--web", *options)
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def interrupted(server: subprocess.Popen[str]) -> tuple[str, str]:
    """Ctrl-C: what else it had to say."""
    server.send_signal(signal.SIGINT)
    output, errors = server.communicate(timeout=60)
    assert server.returncode == 0, errors
    return output, errors


def children(pid: int) -> list[str]:
    """The processes that a process has started and that live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(stat.parent.name)
    return found


def test_a_person_promotes_a_rollout_in_the_browser_and_reloads(
    shell: Shell, tmp_path: Path
) -> None:
    paused(shell)
    server, address = dashboard(shell, "--allow-changes")

    async def story() -> None:
        async with chromium(tmp_path) as page:
            await page.open(address)
            await page.says("checkout", "2/4")
            await page.press("p")
            await page.says("Promote? [y/N]")
            await page.press("y")
            await page.says("4/4")
            await until(lambda: step(shell) == 4)
            before = children(server.pid)
            assert len(before) == 1

            await page.reload()
            await page.says("checkout", "4/4")
            elsewhere = {urlsplit(asked).netloc for asked in page.asked if "://" in asked}
            assert elsewhere == {urlsplit(address).netloc}
            await until(lambda: not set(before) & set(children(server.pid)))
            left = children(server.pid)
            assert interrupted(server)[0] == ""
            await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))

    asyncio.run(story())


def test_a_page_changes_nothing_unless_that_was_allowed(shell: Shell, tmp_path: Path) -> None:
    paused(shell)
    server, address = dashboard(shell)

    async def story() -> None:
        async with chromium(tmp_path) as page:
            await page.open(address)
            await page.says("checkout", "2/4")
            await page.press("p")
            await page.says("read-only")

    asyncio.run(story())
    _, errors = interrupted(server)
    assert "--allow-changes" in errors
    assert step(shell) == 2


def test_the_address_is_the_output_and_without_its_token_nothing_answers(shell: Shell) -> None:
    server, address = dashboard(shell)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{43}/", address)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address[: address.index("/", 7) + 1])
    with refused.value:
        assert refused.value.code == 403
    output, errors = interrupted(server)
    assert output == ""
    assert "Ctrl-C" in errors


def test_a_server_that_is_killed_leaves_no_page_behind(shell: Shell) -> None:
    server, address = dashboard(shell)

    async def story() -> None:
        origin = address[: address.index("/", 7)]
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{address}ws", origin=origin) as page,
        ):
            await page.receive_bytes()
            left = children(server.pid)
            assert len(left) == 1
            server.kill()
            await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))

    asyncio.run(story())


def test_a_port_in_use_is_an_error_that_says_what_to_do(shell: Shell) -> None:
    server, address = dashboard(shell)
    port = str(urlsplit(address).port)
    failed = shell.rolloutctl("dashboard", "--web", "--port", port)
    assert (failed.code, failed.stdout) == (1, "")
    assert f"port {port} of 127.0.0.1 is in use" in failed.stderr
    assert "--port" in failed.stderr
    interrupted(server)


def test_what_is_wrong_is_said_at_once_and_not_on_a_page(shell: Shell) -> None:
    gone = shell.rolloutctl("--context", "nowhere", "dashboard", "--web")
    assert gone.code == 3 and "nowhere" in gone.stderr
    for option in ("--port=80", "--allow-changes", "--open"):
        alone = shell.rolloutctl("dashboard", option)
        assert alone.code == 2 and "--web" in alone.stderr
