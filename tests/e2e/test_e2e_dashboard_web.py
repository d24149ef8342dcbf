"""The dashboard in a real browser: headless Chromium opens what is served."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rolloutctl.tui import web
from support.browser import chromium
from support.web import ENV, alive, tiny, until

pytestmark = pytest.mark.e2e


def test_an_application_is_drawn_takes_keys_and_comes_again_on_reload(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    async def story() -> None:
        async with (
            web.serving(tiny(pids), port=0, token="t0ken", env=ENV, tell=print) as address,
            chromium(tmp_path) as page,
        ):
            await page.open(address)
            await page.says("Hello from the tiny app")
            await page.click()
            await page.press("x")
            await page.says("Key 1: x")
            await page.press("Enter")
            await page.says("Key 2: enter")
            (first,) = alive(pids)

            await page.reload()
            await page.says("Hello from the tiny app")
            await until(lambda: first not in alive(pids))
            await page.click()
            await page.press("y")
            await page.says("Key 1: y")
            assert page.asked
            assert {urlsplit(asked).netloc for asked in page.asked if asked.startswith("http")} == {
                urlsplit(address).netloc
            }
        assert alive(pids) == []

    asyncio.run(story())
